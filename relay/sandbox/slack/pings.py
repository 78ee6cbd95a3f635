"""Who a message would notify: how the real Slack interprets mentions in text and blocks."""

from __future__ import annotations

import re
from typing import Any

from relay.sandbox.slack.blocks import walk

CONTROL = re.compile(
    r"<(?:@[UW][A-Z0-9]+|!(?:channel|here|everyone)|!subteam\^S[A-Z0-9]+)(?:\|[^<>]*)?>", re.IGNORECASE
)
BARE_NAME = re.compile(r"(?<![\w<])@(?:here|channel|everyone|[a-z0-9][a-z0-9._-]*)", re.IGNORECASE)
MENTIONS = {"user": "user_id", "usergroup": "usergroup_id", "broadcast": "range"}


def pings_of(text: str, blocks: list[Any], *, linked_names: bool) -> list[str]:
    """Each mention that would notify a reader; `linked_names` is link_names or parse=full."""
    sources = [text]
    found: list[str] = []
    for _, each in walk(blocks):
        if each.get("type") in ("mrkdwn", "markdown") and isinstance(each.get("text"), str):
            sources.append(each["text"])
        elif each.get("type") in MENTIONS:
            found.append(f"{each['type']}:{each.get(MENTIONS[each['type']])}")
    for source in sources:
        found += CONTROL.findall(source)
        found += BARE_NAME.findall(source) if linked_names else []
    return found
