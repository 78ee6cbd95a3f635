"""Which of the agents' messages stay internal, and why.

`>>` in front sends a message anyway. How that arrives depends on the composer, and Slack documents none of it. As
typed, in a paragraph: a `>` becomes a quote only if a space follows. As a quote, if markup is read on sending: Slack
takes the first `>` for its quote and leaves the second in it, or takes both, which then only `text` shows. A quote
without any of this is a quote: `> ` is how agents show each other what a customer wrote, and `>>>` is Slack's own mark
for a long one. When in doubt, a message stays internal: the agent sees that and can add `>>`, but nobody can take back
what a customer has read.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from relay.slack.reply_text import QUOTE, SECTION, lay_out, leaves, mentioned, opening, parts_of, said
from relay.slack.reply_words import Names, Node, string

PREFIX = "begins with a note prefix"
USER = "mentions a Slack user"
GROUP = "mentions a Slack group"
CHANNEL = "mentions a Slack channel"
BROADCAST = "mentions @here, @channel or @everyone"

# Invisible characters that may come first: spaces, direction marks, joiners, a byte order mark.
_BLANK = r"[\s\u200b-\u200f\u2060\ufeff]*"
_LEADING_BLANK = re.compile(_BLANK)
# `*note:*` in plain `text`, and `> note:`: marks that are not part of the word.
_LEADING_MARKS = re.compile(r"[*_~`>•\s\u200b-\u200f\u2060\ufeff]*")

_OPENING = 2000  # characters in which a prefix must occur; spaces and marks may come before it
_MARK = rf"{_BLANK}(?:>|&gt;)"
_IN_PARAGRAPH = re.compile(rf"{_MARK}(?:>|&gt;){_BLANK}")
_IN_QUOTE = re.compile(rf"{_MARK}{_BLANK}")
_TWO_IN_TEXT = re.compile(rf"{_MARK}(?:>|&gt;)(?!>|&gt;)")


def note_reason(blocks: Sequence[Node], text: str, prefixes: Sequence[str]) -> str | None:
    """Returns why a message stays internal, None if it goes to the customer."""
    if _without_mark(blocks, text) is not None:
        return None
    if _begins_with(prefixes, blocks, text):
        return PREFIX
    found = mentioned(blocks, text)
    reasons = ((found.users, USER), (found.groups, GROUP), (found.channels, CHANNEL), (found.broadcasts, BROADCAST))
    return next((reason for ids, reason in reasons if ids), None)


def customer_text(blocks: Sequence[Node], text: str, names: Names) -> str:
    """Returns what the customer reads: the message as plain text, without a leading `>>`."""
    unmarked = _without_mark(blocks, text)
    return lay_out(parts_of(blocks, text) if unmarked is None else unmarked, names)


def first_words(blocks: Sequence[Node], text: str, most: int) -> list[str]:
    """Returns the beginning of a message, in lower case, in each of its forms: with the leading marks, and without."""
    # Both forms, because a prefix may be an emoji: `text` has its name, rich text its picture.
    openings = [opening(parts, most) for parts in (parts_of(blocks, text), parts_of((), text))]
    openings += [each[_end(_LEADING_MARKS, each) :] for each in openings]
    return [_fold(each) for each in openings]


def is_marked(blocks: Sequence[Node], text: str) -> bool:
    """True if a leading `>>` sends a message whatever it looks like."""
    return _without_mark(blocks, text) is not None


def _begins_with(prefixes: Sequence[str], blocks: Sequence[Node], text: str) -> bool:
    wanted = tuple(folded for prefix in prefixes if (folded := _fold(prefix).strip()))
    return any(each.startswith(wanted) for each in first_words(blocks, text, _OPENING))


def _fold(text: str) -> str:
    """Folds case, and the full-width characters of some keyboards."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return folded[_end(_LEADING_BLANK, folded) :]


def _end(pattern: re.Pattern[str], text: str) -> int:
    found = pattern.match(text)
    return found.end() if found else 0


def _without_mark(blocks: Sequence[Node], text: str) -> list[Node] | None:
    """Returns the message's parts without their leading `>>`, None if there is none."""
    parts = parts_of(blocks, text)
    for index, part in enumerate(parts):
        if not all(_is_blank(said(element)) for element in leaves([part])):
            unmarked = _unmark(part, text)
            return None if unmarked is None else [unmarked, *parts[index + 1 :]]
    return None


def _unmark(part: Node, text: str) -> Node | None:
    """Returns a paragraph without its mark; a quote that Slack made from the mark becomes a paragraph again."""
    kind = string(part, "type")
    if kind not in (SECTION, QUOTE):
        return None
    elements = list(leaves([part]))
    ink = next(index for index, element in enumerate(elements) if not _is_blank(said(element)))
    found = (_IN_QUOTE if kind == QUOTE else _IN_PARAGRAPH).match(_plain(elements[ink]))
    if found:
        rest = {"type": "text", "text": found.string[found.end() :]}
        return {**part, "type": SECTION, "elements": [rest, *elements[ink + 1 :]]}
    return {**part, "type": SECTION, "elements": elements} if kind == QUOTE and _TWO_IN_TEXT.match(text) else None


def _plain(element: Node) -> str:
    """Returns what was typed as text; code that begins with `>>` is code."""
    style = element.get("style")
    is_code = isinstance(style, dict) and style.get("code")
    return "" if is_code or string(element, "type") != "text" else string(element, "text")


def _is_blank(text: str) -> bool:
    return _end(_LEADING_BLANK, text) == len(text)
