"""Every error as `{"error", "message", "details"?}`, which repeats nothing of the request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from relay.errors import Rejected, StoreUnavailable
from relay.net.call import USER_AGENT
from relay.web.refusals import Refusals, as_field

log = structlog.get_logger()

RETRY_AFTER = "5"  # seconds
REFUSED = 401
DOCTOR = "relay doctor"
UNFORESEEN = "Something unforeseen happened; it has been logged."


def register(app: Flask) -> None:
    """Turn everything a view can raise into a JSON response."""
    strangers, doctors = Refusals(), Refusals()  # apart: anybody can call himself the doctor

    def rejected(error: Rejected) -> Response:
        refusals = doctors if is_the_doctors() else strangers
        left_out = refusals.note(request.remote_addr or "") if error.status == REFUSED else 0
        if left_out is not None:
            _tell_rejected(error, as_field(left_out))
        return error_response(error.status, error.code, str(error), error.details)

    app.register_error_handler(Rejected, rejected)
    app.register_error_handler(StoreUnavailable, _unavailable)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unforeseen)


def _tell_rejected(error: Rejected, more: Mapping[str, int]) -> None:
    """One line, which must not look like an attack where `relay doctor` has asked.

    Anybody can call himself so: what has another secret stays in the log.
    """
    if not is_the_doctors():
        log.warning("request.rejected", status=error.status, code=error.code, **more)
        return
    tell = log.info if error.status == REFUSED else log.debug
    tell("request.rejected", status=error.status, code=error.code, by=DOCTOR, **more)


def is_the_doctors() -> bool:
    """True where it says that `relay doctor` asks: nothing but the doctor calls the relay under the relay's name."""
    return request.headers.get("User-Agent") == USER_AGENT


def error_response(status: int, code: str, message: str, details: list[dict[str, Any]] | None = None) -> Response:
    """The JSON response for an error."""
    body: dict[str, Any] = {"error": code, "message": message}
    if details:
        body["details"] = details
    response = jsonify(body)
    response.status_code = status
    return response


def _unavailable(error: StoreUnavailable) -> Response:
    log.error("store.unavailable", code=error.code, cause=str(error), hint=error.hint)
    response = error_response(
        503, "unavailable", "The database cannot be reached or cannot commit; nothing was stored. Try again."
    )
    response.headers["Retry-After"] = RETRY_AFTER
    return response


def _http(error: HTTPException) -> Response:
    name = (error.name or "error").lower().replace(" ", "_")
    response = error_response(error.code or 500, name, error.description or error.name)
    allowed = getattr(error, "valid_methods", None)
    if allowed:
        response.headers["Allow"] = ", ".join(sorted(allowed))
    return response


def _unforeseen(error: Exception) -> Response:
    log_unforeseen(error)
    return error_response(500, "internal", UNFORESEEN)


def log_unforeseen(error: Exception) -> None:
    """Log an unexpected error, and where it occurred."""
    # Only the type: the message or the traceback may quote a customer.
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    at = f"{frame.tb_frame.f_code.co_filename}:{frame.tb_lineno}" if frame else ""
    log.error("web.failed", error=type(error).__name__, at=at)
