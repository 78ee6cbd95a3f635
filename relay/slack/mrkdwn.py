"""Reads the `text` of a Slack event, for messages without rich text.

People's `text` has `&`, `<` and `>` as entities, so every `<...>` in it is Slack's own. The result has the shape of
rich text elements, so readers need not know which of the two it was.
https://docs.slack.dev/messaging/formatting-message-text
"""

from __future__ import annotations

import re
from typing import Any

Element = dict[str, Any]

# A mention, a special token or an address; any other `<` was typed.
_TOKEN = re.compile(r"<([@#!][^<>]*|[a-zA-Z][a-zA-Z0-9+.-]*:[^<>]*)>")
_ENTITY = re.compile(r"&(amp|lt|gt);")
_ENTITIES = {"amp": "&", "lt": "<", "gt": ">"}
_BROADCASTS = ("here", "channel", "everyone", "group")
_SECONDS = re.compile(r"[0-9]{1,11}")


def to_elements(text: str) -> list[Element]:
    """Turns `text` into rich text elements; marks like `*` stay the typed characters."""
    elements: list[Element] = []
    for index, piece in enumerate(_TOKEN.split(text)):
        if index % 2:
            elements.append(_token(piece))
        elif piece:
            elements.append({"type": "text", "text": unescape(piece)})
    return elements


def unescape(text: str) -> str:
    """Decodes Slack's three entities, each once: `&amp;lt;` is a typed `&lt;`."""
    return _ENTITY.sub(lambda found: _ENTITIES[found[1]], text)


def _token(token: str) -> Element:
    name, _, label = token.partition("|")
    sign, rest, said = name[0], name[1:], unescape(label)
    if sign == "@":
        return {"type": "user", "user_id": rest, "text": said}
    if sign == "#":
        return {"type": "channel", "channel_id": rest, "text": said}
    if sign == "!":
        return _special(rest, said)
    return {"type": "link", "url": unescape(name), "text": said}


def _special(name: str, label: str) -> Element:
    kind, *details = name.split("^")
    if kind == "subteam" and details:
        return {"type": "usergroup", "usergroup_id": details[0], "text": label}
    if kind == "date" and details:
        return _date(details, label)
    if kind in _BROADCASTS:
        return {"type": "broadcast", "range": kind}
    return {"type": "special", "text": label}


def _date(details: list[str], label: str) -> Element:
    second, _format, url = [*details, "", ""][:3]
    timestamp = int(second) if _SECONDS.fullmatch(second) else None
    return {"type": "date", "timestamp": timestamp, "url": unescape(url), "fallback": label}
