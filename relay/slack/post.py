"""What one call to chat.postMessage or chat.update says, and the little that may change once it is frozen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from relay.slack.blocks import context, plain
from relay.slack.text import escape, shorten

MAX_FALLBACK = 3000
REPEATED = "(may be repeated)"

_SLACKS_MAX_BLOCKS = 50
_SLACKS_MAX_TEXT = 40_000  # of `text`: Slack silently cuts what is longer
_ESCAPED = 5  # characters that escaping makes of one, at worst


@dataclass(frozen=True, slots=True)
class SlackPost:
    """One post. `parts` are the (delivery id, part number) it carries; `text` is already escaped."""

    text: str
    blocks: tuple[dict[str, Any], ...]
    parts: tuple[tuple[int, int], ...]

    def payload(self) -> dict[str, Any]:
        """Returns the arguments that say what to show, ready for JSON; nothing in them is looked up or unfurled.

        `mrkdwn` turns formatting off for `text`, which cannot be escaped; `parse` keeps Slack from adding links and
        mentions: https://docs.slack.dev/reference/methods/chat.postMessage
        """
        blocks = {"blocks": list(self.blocks)} if self.blocks else {}
        calm = {"parse": "none", "mrkdwn": False, "unfurl_links": False, "unfurl_media": False}
        return {"text": self.text, **blocks, **calm}


def fallback(*lines: str) -> str:
    """Returns what a phone shows: clean lines, each in one line, shortened so that everything fits when escaped."""
    text = "\n".join(" ".join(line.split()) for line in lines)
    return escape(shorten(text, MAX_FALLBACK // _ESCAPED - len(REPEATED)))


def mark_repeated(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the payload with a small mark that it may be in Slack twice; a full one is unchanged."""
    marked = dict(payload)
    blocks = list(payload.get("blocks") or ())
    limit = MAX_FALLBACK if blocks else _SLACKS_MAX_TEXT
    if len(payload["text"]) + len(REPEATED) < limit:
        marked["text"] = f"{payload['text']} {REPEATED}"
    if blocks and len(blocks) < _SLACKS_MAX_BLOCKS:
        marked["blocks"] = [*blocks, context(plain(REPEATED))]
    return marked


def fingerprint(payload: Mapping[str, Any]) -> str:
    """Returns a fingerprint that differs for posts that look different."""
    looks = json.dumps([payload.get("text"), payload.get("blocks")], sort_keys=True)
    return hashlib.sha256(looks.encode()).hexdigest()[:16]
