"""What reports leave out of what came: all that any rule of the running relay, or of the settings at hand, hides."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from relay.routing.per_route import every_redaction
from relay.routing.redact import Redactor, redactor
from relay.settings import environment
from relay.settings.load import check_settings
from relay.settings.redactions import Redaction, Redactions
from relay.settings.variables import Need
from relay.store.db.engine import Tx
from relay.store.operations.hiding import known_rules

UNKNOWN = "(not shown: the list of details to hide cannot be read; start this version of the relay once)"
NAME_UNKNOWN = "(hidden)"
MOST_DEPTH = 30


def without_hidden(tx: Tx, body: str | None) -> str | None:
    """A body as it came, or as JSON without the details that are hidden in Slack.

    Nobody can tell of a rejected body to which chat it belongs: whatever some chat hides is hidden.
    """
    try:
        rules = _rules(tx)
    except ValidationError:
        return UNKNOWN
    hides = redactor(rules)
    return body if hides is None or body is None else _redacted(body, hides)


def hidden_in_names(tx: Tx) -> Callable[[str], str]:
    """What makes of somebody's name what a report may show of it."""
    try:
        hides = redactor(_rules(tx))
    except ValidationError:
        return lambda name: NAME_UNKNOWN if name else ""
    return hides.clean if hides is not None else lambda name: name


def _rules(tx: Tx) -> tuple[Redaction, ...]:
    running = known_rules(tx)
    rules = TypeAdapter(Redactions).validate_json(running) if running else ()
    settings, _ = check_settings(environment(Path.cwd()), need={Need.CONFIG}, cwd=Path.cwd())
    return tuple(dict.fromkeys((*rules, *(every_redaction(settings.config) if settings else ()))))


def _redacted(body: str, hides: Redactor) -> str:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return hides.clean(body)
    shown = _walk(value, hides, MOST_DEPTH)
    return body if shown == value else json.dumps(shown, ensure_ascii=False)


def _walk(value: Any, hides: Redactor, depth: int) -> Any:
    if isinstance(value, dict) and depth:
        return {hides.clean(name): _walk(each, hides, depth - 1) for name, each in value.items()}
    if isinstance(value, list) and depth:
        return [_walk(each, hides, depth - 1) for each in value]
    if isinstance(value, dict | list):
        return hides.clean(json.dumps(value, ensure_ascii=False))
    if isinstance(value, str):
        return _text(value, hides, depth)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return hides.clean(str(value)) if is_number and hides.finds_in(str(value)) else value


def _text(value: str, hides: Redactor, depth: int) -> str:
    """Text; of what is JSON in a string, its own values, however they are written there."""
    if depth and value.lstrip()[:1] in ("{", "["):
        try:
            inner = json.loads(value)
        except (ValueError, RecursionError):
            return hides.clean(value)
        shown = _walk(inner, hides, depth - 1)
        return value if shown == inner else json.dumps(shown, ensure_ascii=False)
    return hides.clean(value)
