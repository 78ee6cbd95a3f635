"""What somebody wrote, as readable text; its format is detected from the text itself.

The documented body has no `contentType`, and a given one may be wrong: it only decides whether entities count without a
tag (docs.kommunicate.io/docs/webhooks-configuration).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from relay.jsontext import loads_leniently
from relay.kommunicate import html, rich
from relay.kommunicate.body import WebhookBody
from relay.kommunicate.text import one_line

HTML = 3  # WEB SDK km-utils.js MESSAGE_CONTENT_TYPE
UNSEEN = "(the customer does not see this in the chat)"
MOST = 100  # answers of a form, or suggestions

_VCARD_LINE = re.compile(r"^(?:[\w-]+\.)?(FN|TEL|EMAIL|ORG)(?:;[^:\r\n]*)?:([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
# A form's answers have the names of its fields, but not their types.
_SECRET = re.compile(
    r"pass(?:word|wort|code|phrase)?\b|contrase|mot de passe|passw|\bpin\b|\bcv[vc]\b|secret|hidden", re.IGNORECASE
)


def message_words(body: WebhookBody) -> str:
    """Return the message's text: exactly as written, unless it is a location, a contact, HTML or a rich message."""
    written = readable(body.message, declared=body.content_type == HTML)
    parts = [written, *_places(body.metadata)]
    if rich.is_rich(body.metadata):
        parts.append(rich.words(body.metadata, has_text=bool(written.strip())))
    return "\n".join(part for part in parts if part) if len(parts) > 1 else written


def unseen_words(body: WebhookBody) -> str:
    """Return other text of a message for agents only: a form's answers, suggested answers.

    Not what the message text also says, and nothing that may be a secret.
    """
    answers = [
        f"{name}: {answer}" for name, answer in _answers(body.metadata) if f"{name} : {answer}" not in body.message
    ]
    if answers:
        return "\n".join([UNSEEN, *answers])
    return "" if body.message.strip() else _suggestions(body.metadata)


def is_hidden(metadata: Mapping[str, Any]) -> bool:
    """Return True for what is not shown to the customer."""
    return one_line(metadata.get("category")).upper() == "HIDDEN"


def is_form_answer(metadata: Mapping[str, Any]) -> bool:
    """Return True for what a customer submitted in a form."""
    return bool(_context(metadata).get("formData"))


def readable(written: str, *, declared: bool = False) -> str:
    """Return written text as a person reads it; `declared`: its sender says it is HTML."""
    found = location_words(written) or contact_words(written)
    return found or (html.read(written, declared=declared) if declared or "<" in written else written)


def location_words(message: str) -> str:
    """Return "Location: name, lat, lon" with a map link for JSON with a location; otherwise ""."""
    place = loads_leniently(message) if message.lstrip().startswith("{") else None
    return _place(place) if isinstance(place, dict) else ""


def _place(place: Mapping[str, Any]) -> str:
    lat, lon = _degrees(place, "lat", 90), _degrees(place, "lon", 180)
    if lat is None or lon is None:
        return ""
    names = (one_line(place.get(name), 200) for name in ("name", "title", "address"))
    where = ", ".join([*dict.fromkeys(name for name in names if name), lat, lon])
    return f"Location: {where}\nhttps://www.openstreetmap.org/?mlat={lat}&mlon={lon}"


def _places(metadata: Mapping[str, Any]) -> Iterator[str]:
    attached = loads_leniently(_context(metadata).get("attachments"))
    for one in (attached if isinstance(attached, list) else [])[:MOST]:
        place = loads_leniently(one.get("payload")) if isinstance(one, dict) and one.get("type") == "location" else None
        if isinstance(place, dict):
            yield _place(place)


def _context(metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    context = loads_leniently(metadata.get("KM_CHAT_CONTEXT"))
    return context if isinstance(context, dict) else {}


def without_secrets(words: str) -> str:
    """Return a form's answers, "name : value" per line, without lines that may be secrets."""
    return "\n".join(line for line in words.splitlines() if not _SECRET.search(line.partition(":")[0]))


def _answers(metadata: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    answers = loads_leniently(_context(metadata).get("formData"))
    for name, value in list(answers.items() if isinstance(answers, dict) else ())[:MOST]:
        given = value if isinstance(value, list) else [value]
        answer = ", ".join(filter(None, (one_line(each, rich.MAX_FIELD) for each in given)))
        if answer and not _SECRET.search(name):
            yield one_line(name, 200), answer


def _suggestions(metadata: Mapping[str, Any]) -> str:
    offered = loads_leniently(metadata.get("KM_AUTO_SUGGESTION"))
    if not isinstance(offered, dict):
        return ""
    source = offered.get("source")
    choices = [one_line(one, 200) for one in source[:MOST]] if isinstance(source, list) else [one_line(source, 200)]
    asked = one_line(offered.get("placeholder"), 200)
    choice = ", ".join(filter(None, choices))
    return ": ".join(part for part in (f"Suggestions ({asked})" if asked else "Suggestions", choice) if part)


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
    """Return "Contact: name, number, address" for a vCard; otherwise ""."""
    if not message.lstrip()[:11].upper().startswith("BEGIN:VCARD"):
        return ""
    found = [value.strip() for _, value in _VCARD_LINE.findall(message) if value.strip()]
    return f"Contact: {', '.join(found)}" if found else ""
