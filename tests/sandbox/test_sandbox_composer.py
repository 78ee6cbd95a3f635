"""What an agent's words become as Slack's composer sends them: emoji, and mentions that were chosen."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from relay.sandbox import Sandbox, SandboxServer
from relay.sandbox.slack.typed import as_blocks, as_stored
from relay.slack.reply_text import mentioned, reply_text


def pieces(typed: str, **mentions: str) -> list[dict[str, Any]]:
    chosen = {label.replace("_", " "): identity for label, identity in mentions.items()}
    found: list[dict[str, Any]] = as_blocks(as_stored(typed, chosen))[0]["elements"][0]["elements"]
    return found


@pytest.mark.parametrize(
    ("typed", "elements", "read"),
    [
        (":tada:", [{"type": "emoji", "name": "tada", "unicode": "1f389"}], "🎉"),
        (
            "yes :+1::skin-tone-3:!",
            [
                {"type": "text", "text": "yes "},
                {"type": "emoji", "name": "+1", "unicode": "1f44d-1f3fc", "skin_tone": 3},
                {"type": "text", "text": "!"},
            ],
            "yes 👍🏼!",
        ),
        (":heart:", [{"type": "emoji", "name": "heart", "unicode": "2764-fe0f"}], "❤️"),
        ("10:30:45 :nothing:", [{"type": "text", "text": "10:30:45 :nothing:"}], "10:30:45 :nothing:"),
    ],
)
def test_names_between_colons_are_emoji_elements_and_the_customer_gets_emoji(
    typed: str, elements: list[dict[str, Any]], read: str
) -> None:
    """As Slack's events have them; the name stays in `text`."""
    assert pieces(typed) == elements
    assert as_stored(typed) == typed
    assert reply_text(as_blocks(typed), typed, {}) == read


def test_an_address_has_no_emoji_and_no_mentions() -> None:
    stored = as_stored("https://example.com/:tada:/#vip", {"#vip": "C0VIP"})
    assert as_blocks(stored)[0]["elements"][0]["elements"] == [
        {"type": "link", "url": "https://example.com/:tada:/#vip"}
    ]


def test_what_was_chosen_is_a_mention_and_what_was_typed_is_not() -> None:
    """The longer label goes first; `<` and `&` stay what they are."""
    chosen = {"@Sam": "U0SAM", "@Sam Okafor": "U0SAM2", "#vip": "C0VIP", "@here": "here", "@A & B": "U0AB"}
    typed = "@Sam Okafor and @Sam in #vip, @here @Kim @A & B <@U0KIM>"
    stored = as_stored(typed, chosen)
    assert stored == "<@U0SAM2> and <@U0SAM> in <#C0VIP>, <!here> @Kim <@U0AB> &lt;@U0KIM&gt;"
    found = mentioned(as_blocks(stored), stored)
    assert (found.users, found.channels, found.broadcasts) == (("U0SAM2", "U0SAM", "U0AB"), ("C0VIP",), ("here",))


def test_the_page_sends_and_changes_messages_with_mentions(server: SandboxServer, sandbox: Sandbox) -> None:
    body = {"channel": "C0OPS", "text": "ask @Sam Okafor", "mentions": {"@Sam Okafor": "U0SAM"}}
    ts = requests.post(f"{server.url}/sandbox/slack/messages", json=body, timeout=5).json()["ts"]
    assert sandbox.slack.messages[-1].text == "ask <@U0SAM>"
    body |= {"ts": ts, "text": "ask @Sam Okafor, please"}
    assert requests.post(f"{server.url}/sandbox/slack/edits", json=body, timeout=5).status_code == 200
    assert sandbox.slack.messages[-1].text == "ask <@U0SAM>, please"


@pytest.mark.parametrize("mentions", [[], {"@x": "U0NOBODY"}, {"@x": 1}, {"": "U0SAM"}, "x"])
def test_mentions_of_nobody_are_refused(server: SandboxServer, mentions: object) -> None:
    """An empty list is as none at all."""
    body = {"channel": "C0OPS", "text": "@x", "mentions": mentions}
    status = requests.post(f"{server.url}/sandbox/slack/messages", json=body, timeout=5).status_code
    assert status == (200 if mentions == [] else 400)
