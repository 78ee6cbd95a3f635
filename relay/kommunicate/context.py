"""What Kommunicate's clients tell beside a message: `KM_CHAT_CONTEXT`, as an object or as its text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from relay.jsontext import loads_leniently

MAX_LOCALE = 35  # characters; the longest that the rules for language tags ask anybody to hold
_LOCALE = "kmUserLocale"


def context_of(metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the context, empty where there is none."""
    context = loads_leniently(metadata.get("KM_CHAT_CONTEXT"))
    return context if isinstance(context, dict) else {}


def locale_of(metadata: Mapping[str, Any]) -> str:
    """Return the language of the customer's widget, such as `de` or `pt-BR`; "" where none is told."""
    for place in (metadata, context_of(metadata)):
        value = place.get(_LOCALE)
        if isinstance(value, str) and 0 < len(value.strip()) <= MAX_LOCALE:
            return value.strip()
    return ""
