"""The arguments of one API call, as Slack accepts them: a JSON body or a form, with JSON inside strings."""

from __future__ import annotations

import json
import re
from typing import Any

from flask import Request

from relay.sandbox.slack.schema import is_unicode
from relay.sandbox.slack.values import SlackError

FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
TS = re.compile(r"\d{1,12}(\.\d{1,6})?")


def read_args(request: Request) -> dict[str, Any]:
    """The arguments of a request, or Slack's refusal of its body."""
    if request.mimetype in FORMS or not request.get_data(cache=True):
        # werkzeug decodes with replacement characters if the bytes were not UTF-8
        if any("\ufffd" in value for value in request.values.values()):
            raise SlackError("invalid_charset")
        return request.values.to_dict()
    if request.mimetype == "application/json":
        return _json_args(request.get_data())
    raise SlackError("invalid_post_type" if request.mimetype else "missing_post_type")


def _json_args(body: bytes) -> dict[str, Any]:
    try:
        args = json.loads(body.decode("utf-8"))
    except UnicodeDecodeError:
        raise SlackError("invalid_charset") from None
    except (ValueError, RecursionError):
        raise SlackError("invalid_json") from None
    if not isinstance(args, dict):
        raise SlackError("json_not_object")
    return args


class Args:
    """Typed access to the arguments; a value of the wrong type is refused as `invalid_arguments`."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values

    def given(self, name: str) -> bool:
        """True if the argument was given and is not null."""
        return self.values.get(name) is not None

    def text(self, name: str, default: str = "") -> str:
        """A string argument; numbers are converted to digits."""
        value = self.values.get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise invalid(f"must provide a string [json-pointer:/{name}]")
        if not is_unicode(str(value)):
            raise invalid(f"must be valid unicode [json-pointer:/{name}]")
        return str(value)

    def flag(self, name: str) -> bool:
        """A boolean argument: true, "true" or 1."""
        return str(self.values.get(name, "")).lower() in ("true", "1")

    def number(self, name: str, default: int, most: int) -> int:
        """A whole number from 1 to `most`."""
        text = self.text(name, str(default))
        if not text.isdecimal() or not text.isascii() or not 1 <= int(text[:9]) <= most:
            raise SlackError(f"invalid_{name}" if name == "limit" else "invalid_arguments")
        return int(text)

    def ts(self, name: str, error: str) -> str:
        """A timestamp argument, or `error`; empty if it was not given."""
        text = self.text(name)
        if text and not TS.fullmatch(text):
            raise SlackError(error)
        return text

    def parsed(self, name: str, error: str) -> Any:
        """A structured argument, directly or as JSON in a string; `error` if it is not JSON."""
        value = self.values.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value) if value else None
        except (ValueError, RecursionError):
            raise SlackError(error) from None


def invalid(*messages: str) -> SlackError:
    """`invalid_arguments` with its explanation."""
    return SlackError("invalid_arguments", response_metadata={"messages": [f"[ERROR] {words}" for words in messages]})
