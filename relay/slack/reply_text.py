"""What an agent wrote in Slack, as the plain text a customer reads; and whom it mentions.

Slack's composer writes rich text: paragraphs, lists, quotes and code side by side, never nested; deeper lists follow as
separate lists with an `indent`. https://docs.slack.dev/reference/block-kit/blocks/rich-text-block A table has its own
block. No shape is trusted: unknown ones are left out.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from relay.slack.mrkdwn import to_elements
from relay.slack.reply_words import Names, Node, fenced, string, with_emoji, words

__all__ = ["Mentions", "Names", "labels", "mentioned", "reply_text"]

SECTION, LIST, QUOTE, TABLE = "rich_text_section", "rich_text_list", "rich_text_quote", "table"
CODE = "rich_text_preformatted"
NAMED_EMOJI = "named_emoji"  # our own: a part that was read from `text`
_MAX_INDENT = 8  # Slack's own limit
_MAX_NUMBER = 1_000_000

_LINE_ENDS = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
# Nobody sees these, and lone surrogates cannot be sent at all.
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff]")

_MENTIONS = {
    "user": ("users", "user_id"),
    "canvas_user_mention": ("users", "user_id"),
    "usergroup": ("groups", "usergroup_id"),
    "team": ("groups", "team_id"),
    "channel": ("channels", "channel_id"),
    "message_mention": ("channels", "channel_id"),
    "broadcast": ("broadcasts", "range"),
}


@dataclass(frozen=True, slots=True)
class Mentions:
    """Whom a message mentions, each once, in order: Slack's ids, and "here", "channel" or "everyone"."""

    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    broadcasts: tuple[str, ...] = ()


def reply_text(blocks: Sequence[Node], text: str, names: Names) -> str:
    """Returns the message as plain text, "" if it says nothing; `text` is used if there is no rich text.

    `blocks` are the event's, and those of its attachments that are tables: Slack puts a pasted table there.
    """
    return lay_out(parts_of(blocks, text), names)


def mentioned(blocks: Sequence[Node], text: str) -> Mentions:
    """Returns whom the message mentions, in either of its two forms: one may have what the other lacks."""
    found: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for element in leaves([*nodes(blocks), *to_elements(text)]):
        kind, key = _MENTIONS.get(string(element, "type"), ("", ""))
        if identity := string(element, key):
            found[kind][identity] = None
    return Mentions(*(tuple(found[kind]) for kind in ("users", "groups", "channels", "broadcasts")))


def labels(text: str) -> dict[str, str]:
    """Returns the names beside the ids in Slack's `text`; rich text has only the ids."""
    found = {}
    for element in to_elements(text):
        _, key = _MENTIONS.get(string(element, "type"), ("", ""))
        if (identity := string(element, key)) and (label := string(element, "text")):
            found[identity] = label
    return found


def parts_of(blocks: Sequence[Node], text: str) -> list[Node]:
    """Returns the parts, one below the other: paragraphs, lists, quotes, code, tables."""
    rich = [part for block in nodes(blocks) for part in _parts(block)]
    if any(said(part).strip() for part in rich if string(part, "type") != TABLE):
        return rich
    return [{"type": SECTION, "elements": to_elements(text), NAMED_EMOJI: True}, *rich]


def lay_out(parts: Iterable[Node], names: Names) -> str:
    """Returns the parts as lines of plain text."""
    lines = [line.rstrip() for part in parts for line in _lines(part, names)]
    return "\n".join(lines).strip("\n")


def said(part: Node, names: Names | None = None) -> str:
    """Returns the text of a part without its layout."""
    joined = "".join(words(element, names or {}) for element in leaves([part]))
    return _CONTROLS.sub("", _LINE_ENDS.sub("\n", joined))


def opening(parts: Iterable[Node], most: int) -> str:
    """Returns the beginning of the parts, one line each: as many whole elements as it takes to have `most`
    characters.
    """
    found, length = [], 0
    for part in parts:
        for element in leaves([part]):
            found.append(said(element))
            length += len(found[-1])
            if length >= most:
                return "".join(found)
        found.append("\n")
    return "".join(found)


def leaves(tree: list[Any]) -> Iterator[Node]:
    """Yields the innermost elements in reading order, at any depth."""
    waiting: list[Any] = [tree]
    while waiting:
        one = waiting.pop()
        within = one.get("elements", one.get("rows")) if isinstance(one, dict) else one
        if isinstance(within, list):
            waiting.extend(reversed(within))
        elif isinstance(one, dict):
            yield one


def nodes(value: Any) -> list[Node]:
    """Returns the objects in a list; none if it is not a list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list | tuple) else []


def _parts(block: Node) -> list[Node]:
    kind = string(block, "type")
    if kind == "rich_text":
        return nodes(block.get("elements"))
    return [block] if kind == TABLE else []


def _lines(part: Node, names: Names) -> list[str]:
    kind = string(part, "type")
    if kind == LIST:
        lines = list(_items(part, names))
    elif kind == TABLE:
        lines = list(_rows(part, names))
    elif kind == CODE:
        lines = _code(part, names)
    else:
        lines = _paragraph(part, names)
    # A border makes a list or code part of the quote around it.
    return [f"> {line}" for line in lines] if kind == QUOTE or part.get("border") == 1 else lines


def _code(part: Node, names: Names) -> list[str]:
    lines = _paragraph(part, names)
    fence, _ = fenced("\n".join(lines))
    return [fence, *lines, fence] if lines else []


def _paragraph(part: Node, names: Names) -> list[str]:
    written = said(part, names)
    if part.get(NAMED_EMOJI) is True:
        written = with_emoji(written)
    # The end of the last line is the end of the part.
    return written.removesuffix("\n").split("\n") if written else []


def _items(part: Node, names: Names) -> Iterator[str]:
    indent = "  " * _number(part, "indent", _MAX_INDENT)
    for number, item in enumerate(nodes(part.get("elements")), _number(part, "offset", _MAX_NUMBER) + 1):
        mark = f"{number}. " if string(part, "style") == "ordered" else "• "
        first, *rest = _paragraph(item, names) or [""]
        yield indent + mark + first
        yield from (indent + " " * len(mark) + line for line in rest)


def _number(part: Node, key: str, most: int) -> int:
    value = part.get(key)
    return min(max(value, 0), most) if isinstance(value, int) else 0


def _rows(part: Node, names: Names) -> Iterator[str]:
    rows = part.get("rows")
    for row in rows if isinstance(rows, list) else []:
        yield " | ".join(_cell(cell, names) for cell in nodes(row))


def _cell(cell: Node, names: Names) -> str:
    written = " ".join(said(part, names) for part in nodes(cell.get("elements")) or [cell])
    return " ".join(written.split())
