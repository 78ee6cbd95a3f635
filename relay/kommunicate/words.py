"""What somebody wrote, as words a person can read, by Kommunicate's `contentType`."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from relay.jsontext import loads_leniently
from relay.kommunicate import html, rich
from relay.kommunicate.body import WebhookBody

LOCATION, HTML, CONTACT = 2, 3, 7

_VCARD_LINE = re.compile(r"^(?:[\w-]+\.)?(FN|TEL|EMAIL|ORG)(?:;[^:\r\n]*)?:([^\r\n]*)", re.IGNORECASE | re.MULTILINE)


def message_words(body: WebhookBody) -> str:
    """Return the message's words: exactly as written, unless they are a place, a contact, HTML or a rich message."""
    written = _READERS.get(body.content_type or 0, str)(body.message)
    if not rich.is_rich(body.metadata):
        return written
    return "\n".join(part for part in (written, rich.words(body.metadata, has_text=bool(written.strip()))) if part)


def location_words(message: str) -> str:
    """Return "Location: lat, lon" with a map's address for JSON that holds both; else the message as it is."""
    place = loads_leniently(message)
    if not isinstance(place, dict):
        return message
    lat, lon = _degrees(place, "lat", 90), _degrees(place, "lon", 180)
    if lat is None or lon is None:
        return message
    return f"Location: {lat}, {lon}\nhttps://www.openstreetmap.org/?mlat={lat}&mlon={lon}"


def _degrees(place: Mapping[str, Any], name: str, limit: int) -> str | None:
    value = place.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    if not math.isfinite(number) or abs(number) > limit:
        return None
    return f"{number:.6f}".rstrip("0").rstrip(".")


def contact_words(message: str) -> str:
    """Return "Contact: name, number, address" for a vCard; else the message as it is."""
    if not message.lstrip().upper().startswith("BEGIN:VCARD"):
        return message
    found = [value.strip() for _, value in _VCARD_LINE.findall(message) if value.strip()]
    return f"Contact: {', '.join(found)}" if found else message


# WEB SDK km-utils.js MESSAGE_CONTENT_TYPE; every other code is plain text.
_READERS: Mapping[int, Callable[[str], str]] = {
    LOCATION: location_words,
    HTML: html.to_text,
    CONTACT: contact_words,
}
