"""Liveness and readiness, for hosts and load balancers."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, jsonify

from relay.store.db.schema import SchemaState, prove_writable, schema_state
from relay.web.errors import error_response
from relay.wiring import Relay, codes_for_strangers

bp = Blueprint("health", __name__)


@bp.get("/healthz")
def healthz() -> Response:
    """The process responds."""
    return jsonify({"status": "ok"})


@bp.get("/readyz")
def readyz() -> Response:
    """The database also accepts writes, and its schema is not older than the code.

    An invalid edit of the configuration, or a setup problem, is reported but does not make the relay unready: the
    previous version stays in effect, and incoming messages are stored until the problem is fixed.
    """
    relay: Relay = current_app.extensions["relay"]
    state = schema_state(relay.store)
    if state in (SchemaState.MISSING, SchemaState.OLDER):
        return error_response(503, "schema_older", "The database's schema is older than the code: run `relay migrate`.")
    prove_writable(relay.store)
    # Anybody may ask: what the file says, which the sentences quote, stays in the log and in the alerts channel.
    config = [{"code": finding.code, "where": finding.where} for finding in relay.config_errors]
    told = {"config": config, "findings": codes_for_strangers(relay)}
    wrong = {name: value for name, value in told.items() if value}
    return jsonify({"status": "ok", "schema": state.value, **wrong})
