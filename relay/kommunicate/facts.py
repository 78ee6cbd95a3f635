"""What a message's metadata say about its customer, by the names used in the settings.

Where: `KM_CHAT_CONTEXT.kmUserLocale`, in old clients `kmUserLanguageCode`, is sent by their clients with each message
(Kommunicate-Web-SDK, kommunicate-client.js; iOS KMChannelMetadataKeys). `GROUP_CREATION_URL`, the page where the chat
began, belongs to the conversation's metadata, which no webhook is documented to contain: it is shown if it arrives.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from relay.jsontext import loads_leniently
from relay.kommunicate.text import one_line

MAX_VALUE = 500  # characters that are read
MOST_VALUES = 20  # in a list
METADATA, LOCALE = "metadata.", "locale"
_PLACES: Mapping[str, Sequence[tuple[str, ...]]] = {
    "page": (("GROUP_CREATION_URL",), ("KM_CHAT_CONTEXT", "GROUP_CREATION_URL")),
    LOCALE: (("KM_CHAT_CONTEXT", "kmUserLocale"), ("KM_CHAT_CONTEXT", "kmUserLanguageCode"), ("kmUserLocale",)),
}


def facts_in(metadata: Mapping[str, Any], names: Collection[str]) -> dict[str, str]:
    """Return the requested facts that are present, each as one line."""
    found = {}
    for name in names:
        paths = _PLACES.get(name, ())
        if name.startswith(METADATA):
            paths = (tuple(name.removeprefix(METADATA).split(".")),)
        value = next((said for path in paths if (said := _said(_look_up(metadata, path)))), "")
        if value:
            found[name] = value
    return found


def _look_up(metadata: Mapping[str, Any], path: Sequence[str]) -> Any:
    """The value at the end of a path, including through objects stored as text."""
    value: Any = metadata
    for part in path:
        value = loads_leniently(value)
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _said(value: Any) -> str:
    """Text, a number, yes or no, or a list of those; an object does not fit one line."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(filter(None, (_said(one) for one in value[:MOST_VALUES] if not isinstance(one, list))))
    return one_line(value, MAX_VALUE)
