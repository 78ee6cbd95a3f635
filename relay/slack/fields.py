"""The fields of what Slack sends, one at a time: of the right type, or `Rejected`, which repeats no value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar

from relay.errors import Rejected
from relay.keys import MAX_KEY, key_of

Fields = Mapping[str, Any]
T = TypeVar("T")

# Slack's ids are far shorter. No slash: keys are made of these, separated by slashes.
_IDENTIFIER = re.compile(r"[!-.0-~]{1,64}")
_MOMENT = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?", re.ASCII)
MAX_VALUE = 2000  # characters of a control's value


def identifier(fields: Fields, name: str) -> str:
    """Returns an id: short, visible, without spaces and slashes."""
    return _matching(fields, name, _IDENTIFIER, "must be an id of Slack's")


def identifier_or_none(fields: Fields, name: str) -> str | None:
    """Returns the same, or None if it is absent or null."""
    return None if fields.get(name) is None else identifier(fields, name)


def moment(fields: Fields, name: str) -> str:
    """Returns a time as Slack writes it, seconds since 1970; its digits are also the message's id."""
    return _matching(fields, name, _MOMENT, "must be a time of Slack's")


def moment_or_none(fields: Fields, name: str) -> str | None:
    """Returns the same, or None if it is absent or null."""
    return None if fields.get(name) is None else moment(fields, name)


def label(fields: Fields, name: str, limit: int = MAX_KEY) -> str:
    """Returns text of at most `limit` characters that a database can store; "" if it is absent or null."""
    value = text(fields, name)
    if value and key_of(value, most=limit) is None:
        raise _wrong(name, f"must be at most {limit} whole characters without control characters")
    return value


def text(fields: Fields, name: str) -> str:
    """Returns any text; "" if it is absent or null."""
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise _wrong(name, "must be text, null or absent")
    return value or ""


def needed(value: T, name: str) -> T:
    """Returns the value that was read from the field `name`; it must not be empty."""
    if not value:
        raise _wrong(name, "is missing")
    return value


def inner(fields: Fields, name: str) -> Fields:
    """Returns an object; an empty one if it is absent or null."""
    value = fields.get(name)
    if value is not None and not isinstance(value, dict):
        raise _wrong(name, "must be an object, null or absent")
    return value or {}


def several(fields: Fields, name: str) -> tuple[Fields, ...]:
    """Returns a list of objects; an empty one if it is absent or null."""
    value = fields.get(name)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise _wrong(name, "must be a list of objects, null or absent")
    return tuple(value)


def _matching(fields: Fields, name: str, form: re.Pattern[str], sentence: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not form.fullmatch(value):
        raise _wrong(name, sentence)
    return value


def _wrong(name: str, sentence: str) -> Rejected:
    return Rejected(400, "invalid_body", f"{name} {sentence}.", [{"field": name, "message": sentence}])
