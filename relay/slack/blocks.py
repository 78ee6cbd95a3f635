"""The few Block Kit shapes we use, with Slack's limits beside them: https://docs.slack.dev/reference/block-kit

Untrusted text goes only into `plain` objects and rich text. The one `mrkdwn` object we build contains Slack's own
tokens and our own words, because a context block has no other way to show a date or a link.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from relay.slack.text import escape, is_url, units

Block = dict[str, Any]

MAX_BLOCKS = 45  # Slack: 50; the rest is reserved for a mark or a notice added later
MAX_TEXT = 2900  # of one text element; Slack: 3,000
MAX_TOTAL = 10_000  # of all text in one post; Slack: about 13,200, undocumented
MAX_FILE_NAME = 200  # Slack: 2,000 for alt_text and title
OPEN_LABEL = "Open in Kommunicate"

_LATEST = 253_402_300_799  # the last second of the year 9999
_DATE = "{date_short_pretty} {time}"
WAITING = "{time} ({ago})"  # since when somebody waits


def plain(text: str) -> Block:
    """Text that Slack neither formats nor turns into emoji."""
    return {"type": "plain_text", "text": text, "emoji": False}


def context(*elements: Block) -> Block:
    """One small grey line; at most 10 elements."""
    return {"type": "context", "elements": list(elements)}


def actions(*elements: Block, block_id: str = "") -> Block:
    """A row of buttons and menus, at most 25; `block_id` comes back with a click on one of them."""
    return {"type": "actions", "elements": list(elements), **({"block_id": block_id} if block_id else {})}


def button(action: str, label: str, value: str = "", *, style: str = "") -> Block:
    """A button; `value` comes back with a click and holds an id of ours, nothing else."""
    more = {"value": value} if value else {}
    return {"type": "button", "action_id": action, "text": plain(label), **more, **({"style": style} if style else {})}


def menu(action: str, options: Sequence[Block]) -> Block:
    """Three dots that open a menu of at most five entries."""
    return {"type": "overflow", "action_id": action, "options": list(options)}


def people(action: str, label: str) -> Block:
    """A menu of the workspace's people; the chosen one's id comes back with a click."""
    return {"type": "users_select", "action_id": action, "placeholder": plain(label)}


def channels(action: str, label: str) -> Block:
    """A menu of the channels that its user can see; the chosen one's id comes back with a click."""
    shown = {"include": ["public", "private"], "exclude_bot_users": True}
    return {"type": "conversations_select", "action_id": action, "placeholder": plain(label), "filter": shown}


def option(value: str, label: str, *, url: str = "") -> Block:
    """An entry of a menu; with `url` it opens that, and still sends us its click."""
    return {"text": plain(label), "value": value, **({"url": url} if url else {})}


def line_with_menu(text: str, accessory: Block) -> Block:
    """One line of plain text with a menu at its end."""
    return {"type": "section", "text": plain(text), "accessory": accessory}


def line_with_button(text: Block, accessory: Block, block_id: str) -> Block:
    """One line with a button at its end; `block_id` comes back with a click on it."""
    return {"type": "section", "text": text, "accessory": accessory, "block_id": block_id}


def channel_name(channel: str) -> Block:
    """A channel by the name that it has for whoever reads it; what is no id is shown as it is."""
    named = channel.startswith("#")
    return plain(channel) if named else {"type": "mrkdwn", "text": f"<#{escape(channel)}>", "verbatim": True}


def author_line(author: str, sent_at: float) -> Block:
    """The author of the text below, and the time."""
    return context(plain(author), date_token(sent_at))


def words(elements: Sequence[Block]) -> Block:
    """A message's text in full size."""
    return rich_text([{"type": "rich_text_section", "elements": list(elements)}])


def rich_text(parts: Sequence[Block]) -> Block:
    """Paragraphs, lists, quotes and code, one below the other."""
    return {"type": "rich_text", "elements": list(parts)}


def headline(name: str, state: Sequence[Sequence[Block]], said: str, calls: str = "") -> Block:
    """The card's first lines: name, state and the customer's text; and whom Slack notifies."""
    who: list[Block] = [*called(calls), {"type": "text", "text": name, "style": {"bold": True}}]
    for piece in state:
        who += [{"type": "text", "text": " · "}, *piece]
    sections: list[Block] = [{"type": "rich_text_section", "elements": who}]
    if said:
        quoted = {"type": "text", "text": said}
        sections.append({"type": "rich_text_quote", "elements": [quoted]})
    return {"type": "rich_text", "elements": sections}


def called(whom: str) -> Iterator[Block]:
    """Whom Slack notifies: a user, a user group, or everybody in the channel."""
    if not whom:
        return
    if whom in ("here", "channel"):
        yield {"type": "broadcast", "range": whom}
    elif whom.startswith("S"):
        yield {"type": "usergroup", "usergroup_id": whom}
    else:
        yield {"type": "user", "user_id": whom}
    yield {"type": "text", "text": " "}


def image(url: str, name: str) -> Block:
    """A picture that Slack fetches itself while the post is made."""
    return {"type": "image", "image_url": url, "alt_text": name, "title": plain(name)}


def link_or_words(url: str, label: str = OPEN_LABEL) -> Block:
    """A link for a context block, with our own label; only the label if there is no url."""
    link = f"<{escape(url)}|{label}>"
    if not is_url(url) or len(link) > MAX_TEXT:
        return plain(label)
    return {"type": "mrkdwn", "text": link, "verbatim": True}


def open_in_words(url: str) -> str:
    """Says in plain text where the conversation can be opened."""
    return f"{OPEN_LABEL}: {url}" if is_url(url) else OPEN_LABEL


def date(timestamp: float, shown: str = _DATE) -> Block:
    """A moment in rich text, in the reader's time zone, in one of Slack's formats: a relative time needs no edits."""
    return {
        "type": "date",
        "timestamp": _second(timestamp),
        "format": shown,
        "fallback": utc_minute(timestamp),
    }


def date_token(timestamp: float, shown: str = _DATE) -> Block:
    """A moment in a context block, in the reader's time zone, in one of Slack's formats."""
    token = f"<!date^{_second(timestamp)}^{shown}|{utc_minute(timestamp)}>"
    return {"type": "mrkdwn", "text": token, "verbatim": True}


def utc_minute(timestamp: float) -> str:
    """Returns the moment as "2026-01-31 14:02 UTC"."""
    return datetime.fromtimestamp(_second(timestamp), UTC).strftime("%Y-%m-%d %H:%M UTC")


def text_size(block: Any) -> int:
    """Returns how much a block counts towards Slack's limit for a post: all its strings, an overestimate."""
    if isinstance(block, str):
        return units(block)
    return sum(map(text_size, _values(block)))


def _values(block: Any) -> Iterable[Any]:
    if isinstance(block, dict):
        return [value for key, value in block.items() if key != "type"]
    return block if isinstance(block, list) else ()


def _second(timestamp: float) -> int:
    # A sender's clock may say anything; Slack refuses the whole post for a date it cannot read.
    return int(min(max(timestamp, 0), _LATEST)) if math.isfinite(timestamp) else 0
