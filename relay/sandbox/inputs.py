"""What comes to the controls, checked."""

from __future__ import annotations

from typing import Any

from flask import request

from relay.sandbox.slack.schema import is_unicode


class BadInput(ValueError):
    """The request makes no sense; the text says why."""


def json_object() -> dict[str, Any]:
    """The body; insisting on the JSON type also keeps other web pages from writing here."""
    body = request.get_json(silent=True) if request.is_json else None
    if not isinstance(body, dict):
        raise BadInput("the body must be a JSON object, sent as application/json")
    return body


def string(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or not is_unicode(value):
        raise BadInput(f"{name} must be a string")
    return value
