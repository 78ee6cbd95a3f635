"""Whatever arrives: nothing raises, nothing typed gets lost, nothing of Slack's own gets out."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from slack_typed import NAMES, Node, bullets, code, junk_blocks, link, numbers, quote, rich, section, table, text

from relay.slack.notes import customer_text, note_reason
from relay.slack.reply_text import mentioned, reply_text
from relay.slack.text import escape

any_character = st.characters(exclude_categories=()) | st.sampled_from("<>@#!&|\n\r \x00\u2028")
looks_like_slack = st.sampled_from(["<@U1>", "<!here>", "<https://a.example|x>", "&lt;", "&amp;", ">>", "> "])
any_text = st.lists(any_character | looks_like_slack, max_size=12).map("".join)
emoji = st.fixed_dictionaries({"type": st.just("emoji"), "name": any_text}, optional={"unicode": any_text})
typed_elements = st.builds(text, any_text) | st.builds(text, any_text, code=st.booleans(), bold=st.booleans())
mentions = st.sampled_from([
    {"type": "user", "user_id": "URAWID"},
    {"type": "usergroup", "usergroup_id": "SRAWID"},
    {"type": "channel", "channel_id": "CRAWID"},
    {"type": "team", "team_id": "TRAWID"},
    {"type": "broadcast", "range": "here"},
])  # fmt: skip
elements = st.lists(
    typed_elements | mentions | emoji | st.builds(link, st.just("https://a.example"), any_text), max_size=4
)


@st.composite
def parts(draw: st.DrawFn) -> Node:
    make = draw(st.sampled_from([section, quote, code, bullets, numbers]))
    if make in (bullets, numbers):
        items = [section(*draw(elements)) for _ in range(draw(st.integers(0, 3)))]
        return make(*items, indent=draw(st.integers(0, 8)), offset=draw(st.integers(0, 20)))
    return make(*draw(elements), border=draw(st.integers(0, 1)))


rich_texts = st.lists(parts(), max_size=4).map(lambda many: rich(*many))
cells = st.lists(elements.map(lambda some: rich(section(*some))), max_size=3)
messages = st.lists(rich_texts | st.lists(cells, max_size=3).map(lambda rows: table(*rows)), min_size=1, max_size=3)


def labels(tree: Any) -> Iterable[str]:
    """All that was typed, in order."""
    for one in tree if isinstance(tree, list) else [tree]:
        inner = one if isinstance(one, list) else one.get("elements", one.get("rows"))
        if inner is not None:
            yield from labels(inner)
        elif one["type"] in ("text", "link"):
            yield one["text"]


def ink(words: str) -> str:
    """What leaves a mark: no blanks, no controls, no halves of pairs."""
    return re.sub(r"[\s\x00-\x1f\x7f-\x9f\ud800-\udfff]", "", words)


def holds(whole: str, piece: str) -> bool:
    """Tells whether the characters of `piece` are all in `whole`, in that order."""
    remaining = iter(whole)
    return all(char in remaining for char in piece)


@settings(max_examples=100, deadline=None)
@given(junk_blocks, any_text, st.lists(any_text, max_size=2))
def test_no_junk_raises(blocks: list[Any], words: str, prefixes: list[str]) -> None:
    """What comes out can be sent, too: it has no halves of surrogate pairs."""
    for shown in (reply_text(blocks, words, NAMES), customer_text(blocks, words, NAMES)):
        assert shown == shown.encode().decode()
    mentioned(blocks, words)
    note_reason(blocks, words, prefixes)


@given(st.integers(500, 3000))
@settings(max_examples=5, deadline=None)
def test_no_depth_raises(depth: int) -> None:
    tree: Any = text("deep")
    for _ in range(depth):
        tree = {"type": "rich_text_section", "elements": [tree]}
    assert reply_text([rich(tree)], "", NAMES) == "deep"
    assert reply_text([table([rich(tree)])], "", NAMES) == "deep"


@settings(max_examples=100, deadline=None)
@given(messages)
def test_what_was_typed_is_there_in_order(blocks: list[Node]) -> None:
    assert holds(ink(reply_text(blocks, "", NAMES)), ink("".join(labels(blocks))))


@settings(max_examples=100, deadline=None)
@given(messages)
def test_all_but_the_mark_is_there_in_order(blocks: list[Node]) -> None:
    """At most the two leading signs go, whatever shape they came in."""
    typed, shown = ink("".join(labels(blocks))), ink(customer_text(blocks, "", NAMES))
    unmarked = re.sub(r"^(&gt;|>){1,2}", "", re.sub(r"^[\u200b-\u200f\u2060\ufeff]*", "", typed))
    assert holds(shown, typed) or holds(shown, re.sub(r"^[\u200b-\u200f\u2060\ufeff]*", "", unmarked))


@settings(max_examples=100, deadline=None)
@given(any_text)
def test_text_as_slack_stores_it_reads_as_it_was_typed(typed: str) -> None:
    shown = reply_text([], escape(typed), NAMES)
    assert ink(shown) == ink(typed)


@settings(max_examples=100, deadline=None)
@given(messages)
def test_it_is_tidy(blocks: list[Node]) -> None:
    """No controls but tabs and line ends, no blanks at the end of a line, no blank line at either end."""
    shown = reply_text(blocks, "", NAMES)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]", shown)
    assert all(line == line.rstrip() for line in shown.split("\n"))
    assert shown == shown.strip("\n")


without_brackets = st.text(st.characters(exclude_characters="<", exclude_categories=("Cs",)), max_size=8)
labelled = st.dictionaries(st.sampled_from(["text", "fallback", "label", "name", "url", "range"]), without_brackets)
kinds = st.sampled_from([
    "user", "usergroup", "channel", "team", "broadcast", "date", "color", "emoji", "link", "canvas_user_mention",
    "message_mention", "hologram",
])  # fmt: skip
ids = {"user_id": "URAWID", "usergroup_id": "SRAWID", "channel_id": "CRAWID", "team_id": "TRAWID", "file_id": "FRAWID"}


@settings(max_examples=100, deadline=None)
@given(st.lists(st.builds(lambda kind, more: {**more, **ids, "type": kind}, kinds, labelled), max_size=4))
def test_no_token_and_no_id_of_slacks_gets_out(some: list[Node]) -> None:
    shown = reply_text([rich(section(*some))], "", {})
    assert "<" not in shown
    assert "RAWID" not in shown


@settings(max_examples=100, deadline=None)
@given(st.sampled_from("@#!"), st.sampled_from(["URAWID", "subteam^SRAWID", "date^1^x", "here", "x^y", ""]), any_text)
def test_no_token_in_text_gets_out(sign: str, rest: str, label: str) -> None:
    shown = reply_text([], f"<{sign}{rest}|{escape(label.replace('<', ''))}>", {})
    assert "<" not in shown
    assert "RAWID" not in shown
