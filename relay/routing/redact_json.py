"""JSON without what is hidden: each text in it is searched as people read it, however it is written there."""

from __future__ import annotations

import json
from typing import Any

from relay.routing.redact import Redactor

MOST_DEPTH = 30  # of objects and lists in one another, those that are written as text among them
TOO_DEEP = "[nested too deeply to be searched for details]"
_BEGINS_JSON = ("{", "[", '"')


def hide_in_json(text: str, hides: Redactor) -> str:
    """A text that may be JSON: unchanged to the byte where there is nothing to hide in it."""
    return _text(text, hides, MOST_DEPTH)


def hide_in_value(value: Any, hides: Redactor, depth: int = MOST_DEPTH) -> Any:
    """The same of what JSON has been read into; a number that is hidden becomes a text."""
    if isinstance(value, dict | list) and not depth:
        return TOO_DEEP
    if isinstance(value, dict):
        return {hides.clean(name): _named(name, each, hides, depth - 1) for name, each in value.items()}
    if isinstance(value, list):
        return [hide_in_value(each, hides, depth - 1) for each in value]
    if isinstance(value, str):
        return _text(value, hides, depth)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return hides.clean(str(value)) if is_number and hides.finds_in(str(value)) else value


def _named(name: str, value: Any, hides: Redactor, depth: int) -> Any:
    """A value under its name, which may say that it is a password."""
    shown = hide_in_value(value, hides, depth)
    if isinstance(shown, dict | list | bool) or shown is None:
        return shown
    said, before = hides.clean(f"{name}: {shown}"), f"{hides.clean(name)}: "
    return shown if said == f"{before}{shown}" else said.removeprefix(before)


def _text(text: str, hides: Redactor, depth: int) -> str:
    if not text.lstrip().startswith(_BEGINS_JSON):
        return hides.clean(text)
    try:
        value, is_whole = _read(text)
    except (ValueError, RecursionError):
        return hides.clean(text)
    if not depth:
        return TOO_DEEP
    shown = hide_in_value(value, hides, depth - 1)
    return text if is_whole and shown == value else json.dumps(shown, ensure_ascii=False)


def _read(text: str) -> tuple[Any, bool]:
    """What it says, and whether that is all: of a name that is given twice only the last value is read."""
    is_whole = True

    def object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal is_whole
        found = dict(pairs)
        is_whole = is_whole and len(found) == len(pairs)
        return found

    return json.loads(text, object_pairs_hook=object_of), is_whole
