"""What Slack makes of text that a person types: entities in `text`, rich_text in `blocks`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

URL = re.compile(r"https?://[^\s<>|]+")
TOKEN = re.compile(r"<([^<>]+)>")
SHORTCODE = re.compile(r":([a-z0-9_+'-]{1,64}):(?::skin-tone-([2-6]):)?")
BROADCASTS = ("here", "channel", "everyone")
LIGHTEST = 0x1F3FB  # Slack's tone 2


def escape(text: str) -> str:
    """Slack's three entities."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def unescape(text: str) -> str:
    """The inverse of `escape`."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def as_stored(typed: str, mentions: Mapping[str, str] | None = None) -> str:
    """Plain typed text as Slack's `text`: entities, and addresses in angle brackets.

    `mentions` were chosen from the composer's list, such as "@Sam Okafor", with the id of each.
    """
    stored = URL.sub(lambda found: f"<{found.group()}>", escape(typed))
    if not mentions:
        return stored
    tokens = {escape(label): _mention(identity) for label, identity in mentions.items()}
    chosen = re.compile("|".join(re.escape(label) for label in sorted(tokens, key=len, reverse=True)))
    parts = re.split("(<[^<>]+>)", stored)  # nothing in an address was chosen
    parts[::2] = [chosen.sub(lambda found: tokens[found.group()], part) for part in parts[::2]]
    return "".join(parts)


def as_blocks(stored: str) -> list[dict[str, Any]]:
    """The rich_text block that Slack sends along with a person's `text`."""
    pieces: list[dict[str, Any]] = []
    for index, part in enumerate(TOKEN.split(stored)):
        if index % 2:
            pieces.append(_token(part))
        elif part:
            pieces.extend(_with_emoji(unescape(part)))
    section = {"type": "rich_text_section", "elements": pieces}
    return [{"type": "rich_text", "block_id": "typed", "elements": [section]}] if pieces else []


def _mention(identity: str) -> str:
    if identity in BROADCASTS:
        return f"<!{identity}>"
    return f"<#{identity}>" if identity.startswith("C") else f"<@{identity}>"


def _with_emoji(text: str) -> Iterator[dict[str, Any]]:
    """Names between colons as Slack's composer sends them: with the emoji's code points, in hexadecimal."""
    end = 0
    for found in SHORTCODE.finditer(text):
        drawn = _drawn(found[1])
        if not drawn:
            continue
        if found.start() > end:
            yield {"type": "text", "text": text[end : found.start()]}
        tone = int(found[2] or 0)
        points = [*map(ord, drawn[0]), *([LIGHTEST + tone - 2] if tone else []), *map(ord, drawn[1:])]
        element = {"type": "emoji", "name": found[1], "unicode": "-".join(f"{point:x}" for point in points)}
        yield {**element, "skin_tone": tone} if tone else element
        end = found.end()
    if text[end:]:
        yield {"type": "text", "text": text[end:]}


def _drawn(name: str) -> str:
    """The emoji with this name, "" if there is none."""
    from emoji import emojize  # here: it takes 6 MB, and few messages need it

    sign = emojize(f":{name}:", language="alias")
    return "" if sign == f":{name}:" else sign


def _token(token: str) -> dict[str, Any]:
    name, _, label = token.partition("|")
    if name.startswith("@"):
        return {"type": "user", "user_id": name[1:]}
    if name.startswith("#"):
        return {"type": "channel", "channel_id": name[1:]}
    if name.startswith("!subteam^"):
        return {"type": "usergroup", "usergroup_id": name.removeprefix("!subteam^")}
    if name.startswith("!"):
        return {"type": "broadcast", "range": name[1:]}
    link = {"type": "link", "url": unescape(name)}
    return {**link, "text": unescape(label)} if label else link
