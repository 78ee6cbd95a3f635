"""The Slack stand-in over HTTP: token, arguments, faults, then one method out of a table."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, request

from relay.sandbox.faults import Fault
from relay.sandbox.misbehave import answer
from relay.sandbox.sandbox import Sandbox
from relay.sandbox.slack import chat, conversations, people, uploads
from relay.sandbox.slack.access import named_channel
from relay.sandbox.slack.args import Args, read_args
from relay.sandbox.slack.values import SlackError
from relay.sandbox.slack.workspace import SlackWorkspace

Method = Callable[[SlackWorkspace, Args], dict[str, Any]]

METHODS: dict[str, Method] = {
    "auth.test": people.auth_test,
    "chat.delete": chat.delete,
    "chat.getPermalink": chat.get_permalink,
    "chat.postEphemeral": chat.post_ephemeral,
    "chat.postMessage": chat.post_message,
    "chat.update": chat.update,
    "conversations.history": conversations.history,
    "conversations.info": conversations.info,
    "conversations.join": conversations.join,
    "conversations.list": conversations.listing,
    "conversations.replies": conversations.replies,
    "files.completeUploadExternal": uploads.complete_upload,
    "files.getUploadURLExternal": uploads.get_upload_url,
    "files.info": uploads.file_info,
    "reactions.add": chat.add_reaction,
    "reactions.remove": chat.remove_reaction,
    "users.info": people.user_info,
    "users.lookupByEmail": people.user_by_email,
    "views.open": people.open_view,
    "views.publish": people.publish_home,
    "views.update": people.update_view,
}


def slack_routes(sandbox: Sandbox) -> Blueprint:
    """`POST /slack/api/<method>` and the upload address."""
    routes = Blueprint("slack", __name__, url_prefix="/slack")

    @routes.post("/api/<method>")
    def call(method: str) -> Response:
        args, problem = _arguments()
        channel = named_channel(sandbox.slack, _channel_of(args))
        fault = sandbox.faults.take(method, channel)
        outcome = {"text": "not done"}
        if fault is not None and fault.kind == "unthreaded":
            args.values.pop("thread_ts", None)

        def act() -> Response:
            response, outcome["text"] = _run(sandbox, method, args, problem)
            return response

        response = answer(fault, act, lambda fault: _refuse(sandbox, fault), sandbox.core.closing)
        sandbox.record(method, channel, outcome["text"], response.status_code, fault)
        return response

    @routes.post("/hooks/<token>")
    def respond(token: str) -> Response:
        body = request.get_json(silent=True)
        try:
            sandbox.slack.respond(token, body if isinstance(body, dict) else {})
        except SlackError as error:
            return Response(error.code, error.status)
        return Response("ok")

    @routes.post("/upload/<file_id>")
    def upload(file_id: str) -> Response:
        parts = request.files.values() if request.mimetype == "multipart/form-data" else ()
        content = next((part.read() for part in parts), b"") or request.get_data()
        taken = sandbox.slack.cabinet.receive(file_id, content)
        return Response(f"OK - {len(content)}" if taken else "ERROR", 200 if taken else 400)

    return routes


def _arguments() -> tuple[Args, SlackError | None]:
    try:
        return Args(read_args(request)), None
    except SlackError as problem:
        return Args({}), problem


def _channel_of(args: Args) -> str:
    channel = args.values.get("channel") or args.values.get("channel_id")
    return channel if isinstance(channel, str) else ""


def _run(sandbox: Sandbox, method: str, args: Args, problem: SlackError | None) -> tuple[Response, str]:
    slack = sandbox.slack
    try:
        _check_token(slack, args)
        if problem is not None:
            raise problem
        with sandbox.core.lock:
            response = _json({"ok": True, **_method(method)(slack, args)})
    except SlackError as error:
        return _error(error), error.code
    response.headers["x-oauth-scopes"] = ",".join(sorted(slack.scopes))
    return response, "ok"


def _method(name: str) -> Method:
    if name not in METHODS:
        raise SlackError("unknown_method", req_method=name)
    return METHODS[name]


def _check_token(slack: SlackWorkspace, args: Args) -> None:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer":
        given = args.values.get("token")
        token = given if isinstance(given, str) else ""
    if not token:
        raise SlackError("not_authed")
    if token.strip() != slack.bot_token:
        raise SlackError("invalid_auth")


def _refuse(sandbox: Sandbox, fault: Fault) -> Response:
    if fault.kind == "missing_scope":
        needed = "chat:write" if fault.code == "internal_error" else fault.code
        provided = ",".join(sorted(sandbox.slack.scopes - {needed}))
        return _error(SlackError("missing_scope", needed=needed, provided=provided))
    return _error(SlackError(fault.code, status=fault.status or 200))


def _error(error: SlackError) -> Response:
    response = _json({"ok": False, "error": error.code, **error.extra}, error.status)
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _json(body: dict[str, Any], status: int = 200) -> Response:
    return Response(json.dumps(body), status, content_type="application/json; charset=utf-8")
