"""The endpoints for Slack's events and clicks: check the signature, store, 200. Slack waits three seconds."""

from __future__ import annotations

import structlog
from flask import Blueprint, Response, current_app, jsonify, request

from relay.failpoints import failpoint
from relay.inbound.slack import take_event, take_interaction
from relay.slack.events import Challenge
from relay.web.whose import signed_body
from relay.wiring import Relay

bp = Blueprint("slack", __name__)
log = structlog.get_logger()


@bp.post("/slack/events")
def receive() -> Response:
    """Store what an agent wrote in one of our threads; everything else is ignored with 200."""
    relay: Relay = current_app.extensions["relay"]
    body, workspace = signed_body(relay)
    found = take_event(relay, body, workspace=workspace, host=request.host)
    if isinstance(found, Challenge):
        return jsonify({"challenge": found.value})
    return _answered(jsonify({"status": found}))


@bp.post("/slack/interactions")
def click() -> Response:
    """Store a click's action, or a form's text; anything not about our messages is ignored with 200."""
    relay: Relay = current_app.extensions["relay"]
    body, workspace = signed_body(relay)
    said = take_interaction(relay, body, workspace=workspace)
    return _answered(Response(status=200) if said is None else jsonify(said))


def _answered(response: Response) -> Response:
    response.call_on_close(lambda: failpoint("http.answered"))
    return response
