"""`GET /metrics` for Prometheus, behind a bearer token; without a configured token, the route does not exist."""

from __future__ import annotations

import hmac
from contextlib import suppress

from flask import Blueprint, Response, current_app, request
from prometheus_client import CONTENT_TYPE_LATEST

from relay.errors import Rejected, StoreUnavailable
from relay.metrics import render_metrics
from relay.wiring import Relay

bp = Blueprint("metrics", __name__)


@bp.get("/metrics")
def metrics() -> Response:
    """All totals, read from the store."""
    relay: Relay = current_app.extensions["relay"]
    expected = f"Bearer {relay.settings.metrics_token}".encode()
    sent = request.headers.get("Authorization", "").encode("latin-1", "replace")
    if not hmac.compare_digest(sent, expected):
        raise Rejected(401, "unauthorized", "Send Authorization: Bearer with RELAY_METRICS_TOKEN.")
    with suppress(StoreUnavailable):  # report what can be read
        relay.keep_call_times()  # a process without a worker has no chores
    return Response(render_metrics(relay.store, config_valid=not relay.config_errors), content_type=CONTENT_TYPE_LATEST)
