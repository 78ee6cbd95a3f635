"""The sandbox's controls: what customers and agents do, the fault script, and what happened so far."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request

from relay.sandbox.faults import BadFault, read_rule
from relay.sandbox.gestures import add_gestures, add_trouble, mentions_of
from relay.sandbox.inputs import BadInput, data_url, json_object, string
from relay.sandbox.pictures import is_picture
from relay.sandbox.sandbox import Sandbox
from relay.sandbox.slack.files import SlackFile
from relay.sandbox.slack.interactions import click
from relay.sandbox.slack.sharing import settle
from relay.sandbox.slack.values import SlackError
from relay.sandbox.state import page_state, timeline


def control_routes(sandbox: Sandbox) -> Blueprint:
    """Everything under `/sandbox/`."""
    routes = Blueprint("control", __name__, url_prefix="/sandbox")
    _reading(routes, sandbox)
    _faults(routes, sandbox)
    _customers(routes, sandbox)
    _agents(routes, sandbox)
    add_gestures(routes, sandbox)
    add_trouble(routes, sandbox)
    return routes


def _reading(routes: Blueprint, sandbox: Sandbox) -> None:
    @routes.get("/state")
    def state() -> Response:
        with sandbox.core.lock:
            settle(sandbox.slack)
        if request.args.get("since") == sandbox.core.version:
            return Response(status=204)
        return jsonify(page_state(sandbox))

    @routes.get("/timeline")
    def everything_posted() -> Response:
        return jsonify(timeline(sandbox))

    @routes.get("/calls")
    def calls() -> Response:
        return jsonify(sandbox.calls)


def _faults(routes: Blueprint, sandbox: Sandbox) -> None:
    @routes.get("/faults")
    def listing() -> Response:
        return jsonify(sandbox.faults.listing())

    @routes.post("/faults")
    def add() -> Response:
        body = request.get_json(silent=True)
        rules = [read_rule(rule) for rule in (body if isinstance(body, list) else [body])]
        for rule in rules:
            sandbox.faults.add(**rule)
        return jsonify(sandbox.faults.listing())

    @routes.delete("/faults")
    def clear() -> Response:
        sandbox.faults.clear()
        return jsonify([])


def _customers(routes: Blueprint, sandbox: Sandbox) -> None:
    @routes.post("/customers/<group_id>/messages")
    def customer_writes(group_id: str) -> Response:
        body = json_object()
        text, attachment = string(body, "text"), string(body, "attachment")
        if not text and not attachment:
            raise BadInput("text or attachment is required")
        given: dict[str, Any] = {"attachment": attachment or None}
        if attachment.startswith("data:"):
            given = _uploaded(sandbox, attachment, string(body, "attachment_name"))
        name = string(body, "name") or f"Customer {group_id}"
        return jsonify({"key": sandbox.kommunicate.customer_writes(group_id, text, name=name, **given)})


def _agents(routes: Blueprint, sandbox: Sandbox) -> None:
    @routes.post("/slack/messages")
    def agent_writes() -> Response:
        body = json_object()
        channel, user = string(body, "channel"), string(body, "user") or "U0ALEX"
        text, files = string(body, "text"), _attached(sandbox, body.get("files") or [], user)
        if channel not in sandbox.slack.channels or user not in sandbox.slack.users or not (text or files):
            raise BadInput("channel, user and text or files must be given and known")
        message = sandbox.slack.human_writes(
            channel,
            text,
            user=user,
            thread_ts=string(body, "thread_ts") or None,
            raw=body.get("raw") is True,
            mentions=mentions_of(sandbox, body),
            files=files,
        )
        return jsonify({"ts": message.ts, "thread_ts": message.thread_ts})

    @routes.post("/slack/clicks")
    def agent_clicks() -> Response:
        body = json_object()
        trigger = click(
            sandbox.slack,
            string(body, "channel"),
            string(body, "ts"),
            string(body, "action_id"),
            user=string(body, "user") or "U0ALEX",
            value=string(body, "value") if "value" in body else None,
        )
        return jsonify({"trigger_id": trigger})


def _uploaded(sandbox: Sandbox, address: str, name: str) -> dict[str, Any]:
    """A picture goes where Slack's own servers can fetch it, anything else where Kommunicate stores files."""
    kind, content = data_url(address)
    ending = kind.rpartition("/")[2].replace("jpeg", "jpg")
    name = name or f"upload.{ending or 'bin'}"
    if is_picture(name, content):
        return {"attachment": sandbox.pictures.add(name, content).rpartition("/")[2]}
    return {"file": sandbox.kommunicate.files.public(name, content, content_type=kind or None)}


def _attached(sandbox: Sandbox, files: object, user: str) -> list[SlackFile]:
    """The files that an agent attaches: a list of `{name, data}`, `data` being a base64 data URL."""
    if not isinstance(files, list) or not all(isinstance(each, dict) for each in files):
        raise BadInput("files must be a list of objects")
    read = [(string(each, "name") or "file", *data_url(string(each, "data"))) for each in files]
    return [sandbox.slack.cabinet.put(name, content, mimetype=kind or None, user=user) for name, kind, content in read]


ERRORS = (BadInput, BadFault, SlackError)
