"""The Slack stand-in over HTTP: token, arguments, faults, then one method from a table."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from flask import Blueprint, Response, request

from relay.sandbox.calls import Outcome, answered
from relay.sandbox.core import APP_LOGIN
from relay.sandbox.faults import Fault
from relay.sandbox.sandbox import Sandbox
from relay.sandbox.slack import chat, conversations, people, uploads
from relay.sandbox.slack.access import named_channel
from relay.sandbox.slack.args import Args, read_args
from relay.sandbox.slack.sharing import settle
from relay.sandbox.slack.sockets import add_link, connections_open
from relay.sandbox.slack.transfer import add_transfer
from relay.sandbox.slack.values import TEAM_ID, SlackError
from relay.sandbox.slack.workspace import SlackWorkspace

# These faults leave out one argument: the call then has no visible effect there, but the same answer.
LEFT_OUT = {"unthreaded": "thread_ts", "unshared": "channel_id"}
Method = Callable[[SlackWorkspace, Args], dict[str, Any]]

METHODS: dict[str, Method] = {
    "apps.connections.open": connections_open,
    "auth.test": people.auth_test,
    "bots.info": people.bot_info,
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
    "files.delete": uploads.file_delete,
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
    """`POST /slack/api/<method>`, and where files are uploaded and downloaded."""
    routes = Blueprint("slack", __name__, url_prefix="/slack")

    @routes.post("/api/<method>")
    def call(method: str) -> Response:
        args, problem = _arguments()
        channel = named_channel(sandbox.slack, _place_of(args))

        def act(fault: Fault | None) -> Outcome:
            if fault is not None and fault.kind in LEFT_OUT:
                args.values.pop(LEFT_OUT[fault.kind], None)
            return _run(sandbox, method, args, problem)

        return answered(sandbox, method, channel, act, partial(_refuse, sandbox))

    @routes.post("/hooks/<token>")
    def respond(token: str) -> Response:
        body = request.get_json(silent=True)
        try:
            sandbox.slack.respond(token, body if isinstance(body, dict) else {})
        except SlackError as error:
            return Response(error.code, error.status)
        return Response("ok")

    add_transfer(routes, sandbox)
    add_link(routes, sandbox)
    return routes


def _arguments() -> tuple[Args, SlackError | None]:
    try:
        return Args(read_args(request)), None
    except SlackError as problem:
        return Args({}), problem


def _place_of(args: Args) -> str:
    """The channel that a call is about, or the file."""
    found = (args.values[name] for name in ("channel", "channel_id", "file") if args.values.get(name))
    place = next(found, "")
    return place if isinstance(place, str) else ""


def _run(sandbox: Sandbox, method: str, args: Args, problem: SlackError | None) -> Outcome:
    slack = sandbox.slack
    try:
        _check_token(sandbox, method, args)
        if problem is not None:
            raise problem
        with sandbox.core.lock:
            settle(slack)
            response = _json({"ok": True, **_method(method)(slack, args)})
            response.set_data(response.get_data(as_text=True).replace(TEAM_ID, slack.team))
    except SlackError as error:
        return _error(error), error.code
    response.headers["x-oauth-scopes"] = ",".join(sorted(slack.scopes))
    return response, "ok"


def _method(name: str) -> Method:
    if name not in METHODS:
        raise SlackError("unknown_method", req_method=name)
    return METHODS[name]


def _check_token(sandbox: Sandbox, method: str, args: Args) -> None:
    """The app-level token only opens connections, and only from the header."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    is_for_app = method == "apps.connections.open"
    if kind.lower() != "bearer":
        given = None if is_for_app else args.values.get("token")
        token = given if isinstance(given, str) else ""
    if not token:
        raise SlackError("not_authed")
    sandbox.shown.add(token.strip())
    bot = sandbox.slack.bot_token
    wanted, other = (APP_LOGIN, bot) if is_for_app else (bot, APP_LOGIN)
    if token.strip() == other:
        raise SlackError("not_allowed_token_type")
    if token.strip() != wanted:
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
