"""Input from the page, checked."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from flask import request

from relay.sandbox.slack.schema import is_unicode

MAX_BYTES = 8_000_000  # per file
DATA_URL = re.compile(r"data:(?P<type>[\w.+/-]*)(?:;[\w.+=-]+)*?;base64,(?P<data>.*)", re.DOTALL)


class BadInput(ValueError):
    """The request is invalid; the text says why."""


def json_object() -> dict[str, Any]:
    """The body; requiring the JSON type also keeps other web pages from writing here."""
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


def data_url(value: str) -> tuple[str, bytes]:
    """The MIME type, which may be empty, and the bytes of a base64 data URL."""
    found = DATA_URL.fullmatch(value)
    try:
        content = base64.b64decode(found["data"] if found else "", validate=True)
    except (binascii.Error, ValueError):
        raise BadInput("a file is not a base64 data URL") from None
    if not found or not content or len(content) > MAX_BYTES:
        raise BadInput(f"a file must be a base64 data URL of 1 to {MAX_BYTES} bytes")
    return found["type"], content
