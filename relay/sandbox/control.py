"""The hand on the sandbox: what customers and agents do, the fault script, and what happened so far."""

from __future__ import annotations

import base64
import binascii
import re

from flask import Blueprint, Response, jsonify, request

from relay.sandbox.faults import BadFault, read_rule
from relay.sandbox.gestures import add_gestures, add_trouble
from relay.sandbox.inputs import BadInput, json_object, string
from relay.sandbox.pictures import MAX_BYTES
from relay.sandbox.sandbox import Sandbox
from relay.sandbox.slack.interactions import click
from relay.sandbox.slack.values import SlackError
from relay.sandbox.state import page_state, timeline

DATA_URL = re.compile(r"data:(?P<type>[\w.+/-]*);base64,(?P<data>.*)", re.DOTALL)


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
        if attachment.startswith("data:"):
            attachment = _upload(sandbox, attachment, string(body, "attachment_name"))
        name = string(body, "name") or f"Customer {group_id}"
        key = sandbox.kommunicate.customer_writes(group_id, text, name=name, attachment=attachment or None)
        return jsonify({"key": key})


def _agents(routes: Blueprint, sandbox: Sandbox) -> None:
    @routes.post("/slack/messages")
    def agent_writes() -> Response:
        body = json_object()
        channel, user = string(body, "channel"), string(body, "user") or "U0ALEX"
        text = string(body, "text")
        if channel not in sandbox.slack.channels or user not in sandbox.slack.users or not text:
            raise BadInput("channel, user and text must be given and known")
        message = sandbox.slack.human_writes(
            channel,
            text,
            user=user,
            thread_ts=string(body, "thread_ts") or None,
            raw=body.get("raw") is True,
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


def _upload(sandbox: Sandbox, data_url: str, name: str) -> str:
    found = DATA_URL.fullmatch(data_url)
    try:
        content = base64.b64decode(found["data"] if found else "", validate=True)
    except (binascii.Error, ValueError):
        raise BadInput("attachment is not a base64 data URL") from None
    if not found or not content or len(content) > MAX_BYTES:
        raise BadInput(f"attachment must be a base64 data URL of 1 to {MAX_BYTES} bytes")
    ending = found["type"].rpartition("/")[2].replace("jpeg", "jpg")
    return sandbox.pictures.add(name or f"upload.{ending or 'bin'}", content).rpartition("/")[2]


ERRORS = (BadInput, BadFault, SlackError)
