"""What Slack makes of words a person types: entities in `text`, rich_text in `blocks`."""

from __future__ import annotations

import re
from typing import Any

URL = re.compile(r"https?://[^\s<>|]+")
TOKEN = re.compile(r"<([^<>]+)>")


def escape(text: str) -> str:
    """Slack's three entities."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def unescape(text: str) -> str:
    """The inverse of `escape`."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def as_stored(typed: str) -> str:
    """Plain typed words as Slack's `text`: entities, and addresses in angle brackets."""
    return URL.sub(lambda found: f"<{found.group()}>", escape(typed))


def as_blocks(stored: str) -> list[dict[str, Any]]:
    """The rich_text block Slack sends along with a person's `text`."""
    pieces: list[dict[str, Any]] = []
    for index, part in enumerate(TOKEN.split(stored)):
        if index % 2:
            pieces.append(_token(part))
        elif part:
            pieces.append({"type": "text", "text": unescape(part)})
    section = {"type": "rich_text_section", "elements": pieces}
    return [{"type": "rich_text", "block_id": "typed", "elements": [section]}] if pieces else []


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
