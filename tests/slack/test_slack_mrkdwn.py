"""The `text` of an event, where there is no rich text."""

from __future__ import annotations

import pytest
from slack_typed import NAMES

from relay.slack.mrkdwn import unescape
from relay.slack.reply_text import reply_text


def read(text: str) -> str:
    return reply_text([], text, NAMES)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hi <@U1>!", "hi @Ann!"),
        ("<@U404|jo.doe>", "@jo.doe"),
        ("<@U1|old>", "@Ann"),
        ("<@U404> <@W404|>", "@someone @someone"),
        ("<@U404|U404>", "@someone"),
        ("<#C404|orders> <#C1>", "#orders #orders"),
        ("<#C404> <#C404|>", "#channel #channel"),
        ("<!here> <!channel|channel> <!everyone>", "@here @channel @everyone"),
        ("<!subteam^S404|@on-call> <!subteam^S1>", "@on-call @night-shift"),
        ("<!subteam^S404>", "@someone"),
        ("<!date^1769868120^{time}|2 pm>", "2 pm"),
        ("<!date^1769868120^{time}>", "2026-01-31 14:02 UTC"),
        ("<!date^0^{time}^https://a.example/?a&amp;b|now>", "now (https://a.example/?a&b)"),
        ("<!date^x^{time}|then>", "then"),
        ("<!new^x|something> <!new>.", "something ."),
        ("<https://a.example/?a=1&amp;b=2>", "https://a.example/?a=1&b=2"),
        ("<https://a.example|R&amp;D &lt;3>", "R&D <3 (https://a.example)"),
        ("<http://a.example|a.example>", "a.example"),
        ("<mailto:a@b.example|a@b.example>", "a@b.example"),
        ("<tel:5551234|555-1234>", "555-1234"),
    ],
)
def test_a_token_says_what_it_stands_for(text: str, words: str) -> None:
    assert read(text) == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a &lt;b&gt; &amp; c", "a <b> & c"),
        ("&lt;@U1&gt; &lt;!here&gt;", "<@U1> <!here>"),
        ("&amp;lt; &amp;amp;", "&lt; &amp;"),
        ("&nbsp; &quot; &#39; & &lt", "&nbsp; &quot; &#39; & &lt"),
        ("1 < 2 > 0 <> <3 <b> <\n@U1", "1 < 2 > 0 <> <3 <b> <\n@U1"),
        ("*a* _b_ ~c~ `d` ```e```", "*a* _b_ ~c~ `d` ```e```"),
        ("&gt; quoted\n• one\n1. two", "> quoted\n• one\n1. two"),
        (":party_parrot: 10:30:45 :a b: ::", ":party_parrot: 10:30:45 :a b: ::"),
        ("a \r\nb\x00 ", "a\nb"),
    ],
)
def test_what_was_typed_stays(text: str, words: str) -> None:
    """Entities are decoded last and once; an angle bracket that opens no token is a bracket."""
    assert read(text) == words


def test_an_entity_is_decoded_once() -> None:
    assert unescape("&amp;gt;&gt;&amp;") == "&gt;>&"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Thanks :slightly_smiling_face:", "Thanks 🙂"),
        (":+1::tada:", "👍🎉"),
        (":wave::skin-tone-2: you", "👋🏻 you"),
        ("&gt;&gt; :eyes:", ">> 👀"),
    ],
)
def test_names_of_emoji_are_drawn(text: str, words: str) -> None:
    """A message without rich text has their names alone."""
    assert read(text) == words
