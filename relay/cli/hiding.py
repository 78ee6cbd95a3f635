"""What reports leave out of what came: all that any rule of the running relay, or of the settings at hand, hides."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from relay.routing.per_route import every_redaction
from relay.routing.redact import redactor
from relay.routing.redact_json import hide_in_json
from relay.settings import environment
from relay.settings.load import check_settings
from relay.settings.redactions import Redaction, Redactions
from relay.settings.variables import Need
from relay.store.db.engine import Tx
from relay.store.operations.hiding import known_rules

UNKNOWN = "(not shown: which details are to be hidden cannot be read any more; start this version of the relay once)"
WORDS_UNKNOWN = "(hidden)"


def without_hidden(tx: Tx, body: str | None) -> str | None:
    """A body as it came, or as JSON without the details that are hidden in Slack.

    Nobody can tell of a rejected body to which chat it belongs: whatever some chat hides is hidden.
    """
    try:
        rules = _rules(tx)
    except ValidationError:
        return UNKNOWN
    hides = redactor(rules)
    return body if hides is None or body is None else hide_in_json(body, hides)


def hidden_in_words(tx: Tx) -> Callable[[str], str]:
    """What makes of somebody's name, or of a cause that may quote somebody, what a report may show of it."""
    try:
        hides = redactor(_rules(tx))
    except ValidationError:
        return lambda words: WORDS_UNKNOWN if words else ""
    return hides.clean if hides is not None else lambda words: words


def _rules(tx: Tx) -> tuple[Redaction, ...]:
    running = known_rules(tx)
    rules = TypeAdapter(Redactions).validate_json(running) if running else ()
    settings, _ = check_settings(environment(Path.cwd()), need={Need.CONFIG}, cwd=Path.cwd())
    return tuple(dict.fromkeys((*rules, *(every_redaction(settings.config) if settings else ()))))
