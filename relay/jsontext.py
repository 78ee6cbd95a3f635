"""Untrusted JSON: bounded in depth and digits, with the position of an error."""

from __future__ import annotations

import json
import math
import re
from typing import Any

# Far above what either vendor sends, far below what makes Python's parsers or encoders fail.
MAX_DEPTH = 100
MAX_DIGITS = 100

_LONG_NUMBER = re.compile(rf"[0-9]{{{MAX_DIGITS + 1},}}+")
# Possessive, with an optional closing quote: linear time even for unclosed input.
_TOKEN = re.compile(rf'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[{{]|[\]}}]|NaN|-?Infinity|{_LONG_NUMBER.pattern}', re.DOTALL)


class NotJson(ValueError):
    """The text is not usable JSON; the message gives the position and repeats nothing of the text."""


def decode(body: bytes) -> str:
    """Return the body as text, without a byte order mark; raise `NotJson` if it is not UTF-8."""
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode("utf-8", "replace")
        raise NotJson(f"it is not UTF-8 at {_place(before, len(before))}") from None


def loads(text: str) -> Any:
    """Return the value of strict JSON text (no NaN, no comments); raise `NotJson` with line and column.

    A number too large for a float is returned as text, so that no infinity propagates.
    """
    _refuse_hazards(text)
    try:
        return json.loads(text, parse_float=_finite)
    except json.JSONDecodeError as error:
        hint = " (a comment? JSON has none)" if text[error.pos : error.pos + 1] == "/" else ""
        raise NotJson(f"it is not JSON at {_place(text, error.pos)}{hint}") from None


def loads_leniently(value: Any, *, times: int = 1) -> Any:
    """Return the value of JSON inside a string, unwrapped up to `times`; anything else unchanged."""
    for _ in range(times):
        if not isinstance(value, str):
            return value
        try:
            value = loads(value)
        except NotJson:
            return value
    return value


def _finite(literal: str) -> float | str:
    number = float(literal)
    return number if math.isfinite(number) else literal


def _refuse_hazards(text: str) -> None:
    if not _suspicious(text):
        return
    depth = 0
    for token in _TOKEN.finditer(text):
        opening = token.group()[0]
        depth += (opening in "[{") - (opening in "]}")
        if depth > MAX_DEPTH:
            raise NotJson(f"it is nested deeper than {MAX_DEPTH} levels at {_place(text, token.start())}")
        if opening in "NI-":
            raise NotJson(f"NaN and Infinity are not JSON, at {_place(text, token.start())}")
        if opening.isdigit():
            raise NotJson(f"a number has more than {MAX_DIGITS} digits at {_place(text, token.start())}")


def _suspicious(text: str) -> bool:
    many = text.count("[") + text.count("{") > MAX_DEPTH
    return many or "NaN" in text or "Infinity" in text or _LONG_NUMBER.search(text) is not None


def _place(text: str, position: int) -> str:
    line = text.count("\n", 0, position) + 1
    return f"line {line}, column {position - text.rfind(chr(10), 0, position)}"
