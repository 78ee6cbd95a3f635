"""The Slack stand-in refuses what Slack refuses in blocks, in Slack's words."""

from __future__ import annotations

import pytest

from relay.sandbox.slack.blocks import problems_of, total_text


def plain(text: str, **rest: object) -> dict:
    return {"type": "plain_text", "text": text, **rest}


def mrkdwn(text: str) -> dict:
    return {"type": "mrkdwn", "text": text}


def section(text: str) -> dict:
    return {"type": "section", "text": mrkdwn(text)}


def button(text: str = "Go", **rest: object) -> dict:
    return {"type": "button", "text": plain(text), **rest}


def actions(*elements: dict) -> dict:
    return {"type": "actions", "elements": list(elements)}


def rich(*pieces: dict, kind: str = "rich_text_section", **rest: object) -> dict:
    return {"type": "rich_text", "elements": [{"type": kind, "elements": list(pieces), **rest}]}


IMAGE = {"type": "image", "image_url": "https://files.sandbox.test/receipt.png", "alt_text": "x"}
OPTION = {"text": plain("One"), "value": "1"}
WORD = {"type": "text", "text": "hi"}

FINE = {
    "section at its limit": section("x" * 3000),
    "section with fields": {"type": "section", "fields": [mrkdwn("x" * 2000)] * 10},
    "section with a menu": section("x") | {"accessory": {"type": "overflow", "options": [OPTION] * 5}},
    "header at its limit": {"type": "header", "text": plain("x" * 150)},
    "context of ten": {"type": "context", "elements": [mrkdwn("x")] * 9 + [IMAGE]},
    "actions of 25": actions(*[button(action_id=str(number)) for number in range(25)]),
    "button at its limits": actions(button("x" * 75, value="v" * 2000, url="https://x.test/" + "u" * 2985)),
    "divider": {"type": "divider", "block_id": "b" * 255},
    "image": IMAGE | {"title": plain("t"), "alt_text": "a" * 2000},
    "quote": rich(WORD, kind="rich_text_quote"),
    "preformatted": rich(WORD, kind="rich_text_preformatted"),
    "mentions": rich({"type": "user", "user_id": "U1"}, {"type": "broadcast", "range": "here"}),
    "date": rich({"type": "date", "timestamp": 1, "format": "{time}", "fallback": "1970"}),
    "styled link": rich({"type": "link", "url": "https://x.test", "style": {"bold": True}}),
    "list": rich(rich(WORD)["elements"][0], kind="rich_text_list", style="bullet"),
    "markdown": {"type": "markdown", "text": "x" * 12_000},
}

REFUSED = {
    "section too long": (section("x" * 3001), "must be less than 3001 characters", "/text/text"),
    "counted in UTF-16": (section("\U0001f600" * 1501), "must be less than 3001 characters", "/text/text"),
    "empty text": (section(""), "must be more than 0 characters", "/text/text"),
    "lone surrogate": (section("\ud800"), "must be valid unicode", "/text/text"),
    "text of a wrong type": (section("x") | {"text": "x"}, "must provide an object", "/text"),
    "section of nothing": ({"type": "section"}, "must provide one of: text, fields", ""),
    "eleven fields": ({"type": "section", "fields": [mrkdwn("x")] * 11}, "no more than 10 items", "/fields"),
    "field too long": ({"type": "section", "fields": [mrkdwn("x" * 2001)]}, "must be less than 2001", "/fields/0/text"),
    "header too long": ({"type": "header", "text": plain("x" * 151)}, "must be less than 151", "/text/text"),
    "header in mrkdwn": ({"type": "header", "text": mrkdwn("x")}, "unsupported type: mrkdwn", "/text/type"),
    "eleven in context": ({"type": "context", "elements": [mrkdwn("x")] * 11}, "no more than 10", "/elements"),
    "empty context": ({"type": "context", "elements": []}, "no less than 1", "/elements"),
    "26 actions": (actions(*[button()] * 26), "no more than 25", "/elements"),
    "same action twice": (actions(*[button(action_id="a")] * 2), "`action_id` a already exists", ""),
    "button too long": (actions(button("x" * 76)), "must be less than 76", "/elements/0/text/text"),
    "button value too long": (actions(button(value="x" * 2001)), "must be less than 2001", "/elements/0/value"),
    "button url": (actions(button(url="nowhere")), "must be a valid url", "/elements/0/url"),
    "six options": (actions({"type": "overflow", "options": [OPTION] * 6}), "no more than 5", "/elements/0/options"),
    "alt text missing": ({"type": "image", "image_url": "https://x.test"}, "missing required field: alt_text", ""),
    "alt text too long": (IMAGE | {"alt_text": "x" * 2001}, "must be less than 2001", "/alt_text"),
    "image without source": ({"type": "image", "alt_text": "x"}, "must provide exactly one of", ""),
    "rich text empty": (rich({"type": "text", "text": ""}), "must be more than 0", "/elements/0/elements/0/text"),
    "rich text unknown": (rich({"type": "blink"}), "unsupported type: blink", "/elements/0/elements/0/type"),
    "mention in a box": (
        rich({"type": "user", "user_id": "U1"}, kind="rich_text_preformatted"),
        "unsupported type: user",
        "/elements/0/elements/0/type",
    ),
    "markdown too long": ({"type": "markdown", "text": "x" * 12_001}, "must be less than 12001", "/text"),
    "unknown block": ({"type": "carousel3d"}, "unsupported type: carousel3d", "/type"),
    "unknown field": (section("x") | {"colour": "red"}, "invalid additional property: colour", ""),
    "no type": ({"text": mrkdwn("x")}, "missing required field: type", ""),
    "not an object": ("section", "must provide an object", ""),
    "block_id too long": ({"type": "divider", "block_id": "x" * 256}, "must be less than 256", "/block_id"),
    "type not a string": ({"type": []}, "unsupported type: []", "/type"),
}


@pytest.mark.parametrize("block", FINE.values(), ids=FINE.keys())
def test_it_takes_what_is_within_slacks_limits(block: dict) -> None:
    """One block each, at its limits."""
    assert problems_of([block]) == []


@pytest.mark.parametrize(("block", "words", "at"), REFUSED.values(), ids=REFUSED.keys())
def test_it_refuses_with_slacks_words_and_pointer(block: dict, words: str, at: str) -> None:
    """One block each, one step beyond; the pointer names the place."""
    problems = problems_of([{"type": "divider"}, block])
    assert any(problem.startswith(words) and problem.endswith(f"[json-pointer:/blocks/1{at}]") for problem in problems)


def test_it_refuses_the_51st_block_and_a_repeated_block_id() -> None:
    """Both are about the message as a whole."""
    many = problems_of([{"type": "divider"}] * 51)
    twice = problems_of([{"type": "divider", "block_id": "a"}] * 2)
    assert many == ["no more than 50 items allowed [json-pointer:/blocks]"]
    assert twice == ["`block_id` a already exists [json-pointer:/blocks/1/block_id]"]


def test_it_counts_all_text_of_all_blocks() -> None:
    """Text objects, rich text, bare links and alternative texts all count."""
    link = {"type": "link", "url": "https://x.test"}
    assert total_text([section("abc"), rich(WORD, link), IMAGE, actions(button("Go"))]) == 3 + 2 + 14 + 1 + 2
