"""The Kommunicate stand-in's REST API: key, acting user, faults, then one call from a table."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from flask import Blueprint, Response, request

from relay.sandbox.calls import Outcome, answered
from relay.sandbox.faults import Fault
from relay.sandbox.kommunicate import rest
from relay.sandbox.kommunicate.account import KommunicateAccount
from relay.sandbox.kommunicate.downloads import add_downloads
from relay.sandbox.kommunicate.values import KommunicateError
from relay.sandbox.sandbox import Sandbox

PREFIX = "/rest/ws"
Call = Callable[[KommunicateAccount, Any], Any]

CALLS: dict[tuple[str, str], Call] = {
    ("POST", "/user/v2/detail"): rest.user_detail,
    ("POST", "/message/v2/send"): rest.send,
    ("PATCH", "/group/assignee/change"): rest.change_assignee,
    ("PATCH", "/group/status/change"): rest.change_status,
    ("GET", "/group/v2/info"): rest.group_info,
    ("GET", "/message/v2/list"): rest.message_list,
    ("GET", "/file/url"): rest.file_url,
}
ON_BEHALF = {"/group/assignee/change", "/group/status/change", "/message/v2/list"}
BARE = {"/message/v2/list"}
TEXT = {"/file/url"}


def kommunicate_routes(sandbox: Sandbox) -> Blueprint:
    """`/kommunicate/rest/ws/...` with the methods that Kommunicate documents, and `/kommunicate/files/...`."""
    routes = Blueprint("kommunicate", __name__, url_prefix="/kommunicate")

    @routes.route("/rest/ws/<path:name>", methods=["GET", "POST", "PATCH"])
    def call(name: str) -> Response:
        path = f"/{name}"
        refuse = partial(_refuse, sandbox)
        return answered(sandbox, PREFIX + path, _group_id(), lambda _: _run(sandbox, path), refuse)

    add_downloads(routes, sandbox)
    return routes


def _group_id() -> str:
    body = request.get_json(silent=True) if request.method == "POST" else None
    given = body.get("groupId") if isinstance(body, dict) else None
    return str(given or request.args.get("groupId", ""))


def _run(sandbox: Sandbox, path: str) -> Outcome:
    account = sandbox.kommunicate
    try:
        sandbox.shown.add(request.headers.get("Api-Key", ""))
        call = _allowed_call(account, path)
        with sandbox.core.lock:
            result = call(account, _input())
    except KommunicateError as error:
        return _error(sandbox, error), error.code
    if account.echo == "before" and path == "/message/v2/send":
        _wait_for_echo(account, result["messageKey"])
    if path in TEXT:
        return Response(result, mimetype="text/plain"), "ok"
    return _json(result if path in BARE else _envelope(sandbox, "success", result)), "ok"


def _allowed_call(account: KommunicateAccount, path: str) -> Call:
    if request.headers.get("Api-Key", "") != account.api_key:
        raise KommunicateError("UNAUTHORIZED", "Api-Key is missing or wrong", 401)
    call = CALLS.get((request.method, path))
    if call is None:
        raise KommunicateError("NOT_FOUND", "no such call", 404)
    if path in ON_BEHALF and not account.is_staff(request.headers.get("Of-User-Id", "")):
        raise KommunicateError("INVALID_PARAMETER", "Of-User-Id must be an agent or bot of the team")
    return call


def _input() -> Any:
    if request.method != "POST":
        return _query()
    body = request.get_json(silent=True)
    if body is None:
        raise KommunicateError("INVALID_PARAMETER", "the body must be JSON")
    return body


def _query() -> dict[str, str]:
    if request.get_data():
        raise KommunicateError("INVALID_PARAMETER", "the body must be empty")
    if any(len(values) > 1 for _, values in request.args.lists()):
        raise KommunicateError("INVALID_PARAMETER", "a parameter comes twice")
    return request.args.to_dict()


def _wait_for_echo(account: KommunicateAccount, message_key: str) -> None:
    tail = message_key.partition("-")[2]
    for item in reversed(account.answers):
        if item.key == f"4-{tail}":
            item.done.wait(10)
            return


def _refuse(sandbox: Sandbox, fault: Fault) -> Response:
    return _error(sandbox, KommunicateError(fault.code, "scripted by the sandbox", fault.status or 200))


def _error(sandbox: Sandbox, error: KommunicateError) -> Response:
    reasons = [{"errorCode": error.code, "description": error.description}]
    return _json(_envelope(sandbox, "error", None) | {"errorResponse": reasons}, error.status)


def _envelope(sandbox: Sandbox, status: str, response: Any) -> dict[str, Any]:
    envelope = {"status": status, "generatedAt": int(sandbox.core.now() * 1000)}
    return envelope | ({"response": response} if response is not None else {})


def _json(body: Any, status: int = 200) -> Response:
    return Response(json.dumps(body), status, mimetype="application/json")
