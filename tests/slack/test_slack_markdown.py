"""Markdown of bots and agents: formatted as clients show it, and no word of it lost."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from slack_limits import objects, problems
from slack_samples import DASHBOARD, a_line

from relay.messages import Role
from relay.slack.markdown import to_parts
from relay.slack.render import render_batch

MARKS = "*_`~#>-+[]()!|<&:.1 \n\\"
markdown = st.text(st.sampled_from(MARKS + "abcäé2") | st.characters(codec="utf-8"), max_size=300)


def flat(parts: list[dict[str, Any]]) -> list[str]:
    """Each part as its kind and words; a style in braces."""
    return [f"{part['type'].removeprefix('rich_text_')} {said(part)}" for part in parts]


def said(part: dict[str, Any]) -> str:
    if part["type"] == "text":
        styles = "+".join(part.get("style", ()))
        return f"{{{styles} {part['text']}}}" if styles else str(part["text"])
    if part["type"] == "link":
        return f"<{part['url']}>"
    mark = " / " if part["type"] == "rich_text_list" else ""
    return mark.join(map(said, part["elements"]))


READ = {
    "**Refunds** take *5 days*.": ["section {bold Refunds} take {italic 5 days}."],
    "1. Open [your orders](https://shop.example/orders)\n2. Press `Refund`\n\n### More": [
        "list Open your orders (<https://shop.example/orders>) / Press {code Refund}",
        "section {bold More}",
    ],
    "- a\n  - b\n- c": ["list a", "list b", "list c"],
    "> q\n> *r*": ["quote q\n{italic r}"],
    "```py\nx = 1\n```": ["preformatted x = 1"],
    "``` what it says\nx\n```": ["preformatted what it says\nx"],
    "~~no~~ ***yes***": ["section {strike no} {italic+bold yes}"],
    "a\n\nb `c`": ["section a\n", "section b {code c}"],
    "[bank](http://evil.example)": ["section bank (<http://evil.example>)"],
    "<https://a.example> [https://a.example](https://a.example)": ["section <https://a.example> <https://a.example>"],
    "[x](/path) ![a plan](https://a.example/p.png)": [
        "section x (/path) (picture: a plan) (<https://a.example/p.png>)"],
    "*x* <!channel> @here <b>y</b>": ["section {italic x} <!channel> @here <b>y</b>"],
    "see https://a.example/x *now*": ["section see <https://a.example/x> {italic now}"],
}  # fmt: skip


@pytest.mark.parametrize(("text", "parts"), READ.items())
def test_it_reads_what_clients_show(text: str, parts: list[str]) -> None:
    assert flat(to_parts(text)) == parts


@pytest.mark.parametrize("text", ["", "Hello.\nHow are you?", "2 * 3 < 4", "a_b", ">" * 2000 + "x", "- " * 1000 + "x"])
def test_what_has_no_markup_or_too_much_stays_as_typed(text: str) -> None:
    assert to_parts(text) == []


@settings(max_examples=300, deadline=None)
@given(markdown)
@example("[note]: https://a.example\n*a*")
@example("``` a b\nc\n```")
def test_no_letter_is_lost(text: str) -> None:
    """Marks go, words stay: also those that Markdown takes for something else."""
    parts = to_parts(text)
    if parts:
        shown = "".join(each["text"] for each in objects(parts) if each.get("type") in ("text", "link"))
        letters = [char for char in text if char.isalpha() and char not in "py"]
        left = list(shown)
        missing = [char for char in letters if not (char in left and not left.remove(char))]
        assert missing == [] or "&" in text or "```" in text or "~~~" in text


@settings(max_examples=200, deadline=None)
@given(markdown, st.sampled_from([Role.BOT, Role.AGENT]))
def test_it_stays_within_slacks_limits_and_pings_nobody(text: str, role: Role) -> None:
    for post in render_batch([a_line(text, role=role)], previous=None, dashboard_url=DASHBOARD):
        assert problems(post.payload()) == []


@given(markdown)
def test_a_customers_marks_stay_as_typed(text: str) -> None:
    """Whoever is not of the team formats nothing."""
    for role in (Role.CUSTOMER, Role.UNKNOWN):
        posts = render_batch([a_line(text, role=role)], previous=None, dashboard_url=DASHBOARD)
        kinds = {each["type"] for post in posts for each in objects(post.blocks) if "type" in each}
        assert not kinds & {"rich_text_list", "rich_text_preformatted", "rich_text_quote"}
        assert not any("style" in each for post in posts for each in objects(post.blocks))
