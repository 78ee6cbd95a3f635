"""The post that tells people in Slack what waits for them, and what does no more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from relay.slack.blocks import Block, context, plain, words
from relay.slack.post import SlackPost, fallback
from relay.slack.text import escape
from relay.vocabulary import Trouble

MOST = 10  # that one post names; of more it gives the number

_AGAIN = "nothing is lost. The relay looks again by itself, at the latest every five minutes"
_HEADLINES = {
    Trouble.CHANNEL: "The relay cannot post to {name}: {cause}",
    Trouble.ACCOUNT: "The relay cannot use Kommunicate: {cause}",
    Trouble.CONFIG: "The relay cannot use {name} as it was edited: {cause}",
    Trouble.AGENT: "Kommunicate lets nothing be done for {name}: {cause}",
    Trouble.DEAD_LETTERS: "{messages} could not be delivered",
    Trouble.SIGNATURES: "The relay refuses Slack's events: {cause}",
    Trouble.LAG: "Messages reach Slack late: the oldest has waited for {minutes}",
}
_WHAT_HAPPENS = {
    Trouble.CHANNEL: f"Its chats wait, {_AGAIN}; or map them to another channel.",
    Trouble.ACCOUNT: f"What is for Kommunicate waits, {_AGAIN}.",
    Trouble.CONFIG: "It goes on with what the file said before. `relay check` tells more.",
    Trouble.AGENT: f"Their replies wait, {_AGAIN}.",
    Trouble.DEAD_LETTERS: "Nothing is deleted. `relay deliveries list --dead` says why, and `relay deliveries replay` "
    "sends them again.",
    Trouble.SIGNATURES: "What agents write does not reach customers, and nobody tells them. Compare "
    "SLACK_SIGNING_SECRET with the app's Basic Information page, and this machine's clock with the time; then restart.",
    Trouble.LAG: "Nothing is lost. `relay deliveries list --waiting` says what holds them up.",
}
_OVER = {
    Trouble.CHANNEL: "The relay posts to {name} again",
    Trouble.ACCOUNT: "The relay uses Kommunicate again",
    Trouble.CONFIG: "The relay uses {name} as it stands",
    Trouble.AGENT: "Kommunicate lets things be done for {name} again",
    Trouble.DEAD_LETTERS: "No undelivered messages are left",
    Trouble.SIGNATURES: "The relay accepts Slack's events again. Agents may have to repeat what they wrote meanwhile",
    Trouble.LAG: "Messages reach Slack in time again",
}


class Line(Protocol):
    """What a post tells of one thing; see the store's `Alert`."""

    @property
    def kind(self) -> Trouble: ...
    @property
    def name(self) -> str: ...
    @property
    def cause(self) -> str: ...
    @property
    def number(self) -> int: ...
    @property
    def earlier(self) -> int: ...
    @property
    def over(self) -> bool: ...


def render_alerts(lines: Sequence[Line]) -> SlackPost:
    """Says what waits for a person, and why, and what is over. A channel's name is its id, or a "#name" not found."""
    headlines = [_headline(one) for one in lines[:MOST]]
    blocks: list[Block] = []
    for one, headline in zip(lines, headlines, strict=False):
        blocks.append(words([{"type": "text", "text": headline}]))
        if one.kind is Trouble.CHANNEL and not one.name.startswith("#"):
            blocks.append(context({"type": "mrkdwn", "text": f"<#{escape(one.name)}>", "verbatim": True}))
        if not one.over:
            blocks.append(context(plain(_WHAT_HAPPENS[one.kind])))
    if len(lines) > MOST:
        more = f"And {len(lines) - MOST} more like these: `relay deliveries list --waiting` tells what waits."
        headlines.append(more)
        blocks.append(context(plain(more)))
    return SlackPost(fallback(*headlines), tuple(blocks), ())


def _headline(one: Line) -> str:
    if one.over:
        return "\N{WHITE HEAVY CHECK MARK} " + _OVER[one.kind].format(name=one.name)
    said = _HEADLINES[one.kind].format(
        name=one.name, cause=one.cause, messages=_messages(one), minutes=_counted(max(1, one.number // 60), "minute")
    )
    return f"\N{WARNING SIGN} {said}"


def _messages(one: Line) -> str:
    """How many more, and how many that makes."""
    new = _counted(max(1, one.number - one.earlier), "message" if not one.earlier else "more message")
    return new if not one.earlier else f"{new} ({one.number} in all)"


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
