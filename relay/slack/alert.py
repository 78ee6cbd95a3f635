"""The post that reports new trouble in Slack, and the end of earlier trouble."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from relay.owners import ACCOUNT, bare, is_named, owner_of
from relay.slack.blocks import Block, context, plain, words
from relay.slack.post import SlackPost, fallback
from relay.slack.text import escape
from relay.vocabulary import Refusal, Trouble

MOST = 10  # that one post names; beyond that, it gives the number

_AGAIN = "nothing is lost. The relay tries again at least every five minutes"


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts for one kind of trouble: that it exists, what it means and what to do, and that it is over."""

    headline: str
    then: str
    over: str


_REFUSES_SLACK = "The relay refuses Slack's requests: "
_REPLIES_VANISH = "Agents' replies do not reach customers, and the agents are not told. "
_SLACK_AGAIN = "The relay accepts Slack's requests again. Agents may have to repeat what they wrote in between"
_TEXTS: Mapping[Trouble | Refusal, Texts] = {
    Trouble.CHANNEL: Texts(
        "The relay cannot post to {name}: {cause}",
        f"Its chats wait, {_AGAIN}; or map them to another channel.",
        "The relay posts to {name} again",
    ),
    Trouble.WORKSPACE: Texts(
        "The relay cannot use the workspace {name}: {cause}",
        f"Its chats wait, {_AGAIN}.",
        "The relay uses the workspace {name} again",
    ),
    Trouble.ACCOUNT: Texts(
        "The relay cannot use Kommunicate{of}: {cause}",
        f"Everything for Kommunicate waits, {_AGAIN}.",
        "The relay uses Kommunicate{of} again",
    ),
    Trouble.CONFIG: Texts(
        "The relay cannot use the edited {name}: {cause}",
        "It continues with the previous version. `relay check` says more.",
        "{name} is valid again",
    ),
    Trouble.AGENT: Texts(
        "Kommunicate accepts nothing for {name}: {cause}",
        f"Their replies wait, {_AGAIN}.",
        "Kommunicate accepts calls for {name} again",
    ),
    Trouble.DEAD_LETTERS: Texts(
        "{messages} could not be delivered{in_all}",
        "Nothing is deleted. `relay deliveries list --dead` says why; `relay deliveries replay ID` sends one again.",
        "No undelivered messages are left",
    ),
    Trouble.LAG: Texts(
        "Messages reach Slack late: the oldest has waited {minutes}",
        "Nothing is lost. `relay deliveries list --waiting` says what delays them.",
        "Messages reach Slack in time again",
    ),
    Refusal.SIGNATURE: Texts(
        f"{_REFUSES_SLACK}they are signed with a secret other than the relay's",
        f"{_REPLIES_VANISH}Copy SLACK_SIGNING_SECRET, or that of a further workspace, again from Slack's app "
        "settings, Basic Information, and restart.",
        _SLACK_AGAIN,
    ),
    Refusal.TIME: Texts(
        f"{_REFUSES_SLACK}this machine's clock is more than five minutes from Slack's",
        f"{_REPLIES_VANISH}Synchronise the clock.",
        _SLACK_AGAIN,
    ),
    Refusal.TOKEN: Texts(
        "The relay refuses webhooks from Kommunicate{of}: their token is not the relay's",
        "Customers' messages do not reach Slack. Put the same token into {variable} and into "
        "Kommunicate, Settings, Webhooks & Security.",
        "The relay accepts webhooks from Kommunicate{of} again",
    ),
}


class Line(Protocol):
    """One alert in a post; see the store's `Alert`."""

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


def render_alerts(lines: Sequence[Line], *, here: str = "") -> SlackPost:
    """Renders what needs a person, and why, and what is over, in the workspace `here`.

    A channel's name is its id, or a "#name" that was not found.
    """
    headlines = [_headline(one) for one in lines[:MOST]]
    blocks: list[Block] = []
    for one, headline in zip(lines, headlines, strict=False):
        blocks.append(words([{"type": "text", "text": headline}]))
        if one.kind is Trouble.CHANNEL and not is_named(one.name) and owner_of(one.name) == here:
            blocks.append(context({"type": "mrkdwn", "text": f"<#{escape(bare(one.name))}>", "verbatim": True}))
        if not one.over:
            blocks.append(context(plain(_texts(one).then.replace("{variable}", _variable(one)))))
    if len(lines) > MOST:
        more = f"And {len(lines) - MOST} more like these: `relay deliveries list --waiting` lists what waits."
        headlines.append(more)
        blocks.append(context(plain(more)))
    return SlackPost(fallback(*headlines), tuple(blocks), ())


def _headline(one: Line) -> str:
    if one.over:
        return "\N{WHITE HEAVY CHECK MARK} " + _texts(one).over.format(name=one.name, of=_of(one))
    said = _texts(one).headline.format(
        name=one.name,
        of=_of(one),
        cause=one.cause,
        messages=_counted(max(1, one.number - one.earlier), "more message" if one.earlier else "message"),
        in_all=f" ({one.number} in all)" if one.earlier else "",
        minutes=_counted(max(1, one.number // 60), "minute"),
    )
    return f"\N{WARNING SIGN} {said}"


def _of(one: Line) -> str:
    """The account, if it is not the first one."""
    if one.kind is Trouble.REFUSED:
        account = owner_of(one.name) or ACCOUNT
    else:
        account = owner_of(one.name) or one.name if one.kind is Trouble.ACCOUNT else ACCOUNT
    return "" if account == ACCOUNT or " " in account else f" (account {account})"


def _variable(one: Line) -> str:
    """The variable with the token of an account's webhooks."""
    account = owner_of(one.name)
    named = f"the variable that `kommunicate.accounts.{account}.webhook_token` names"
    return named if account else "KOMMUNICATE_WEBHOOK_TOKEN"


def _texts(one: Line) -> Texts:
    return _TEXTS[Refusal(bare(one.name)) if one.kind is Trouble.REFUSED else one.kind]


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
