"""How a conversation stands: open or resolved, who has it, and whose words its card quotes. Values and what changes
them, purely; where two things are said of one conversation, what was said last counts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from relay.messages import Role

BELIEVED = 3 * 86400.0  # seconds; when a message says it was written longer ago, its sender's clock is wrong
UNCLAIMED = 600.0  # seconds nobody has taken a chat, until the next message is also shown in the channel


class Status(StrEnum):
    """`REOPENED` is open, and says that it was resolved before."""

    OPEN = "open"
    RESOLVED = "resolved"
    REOPENED = "reopened"


class Show(StrEnum):
    """What of a chat its channel is to see."""

    EVERYTHING = "everything"
    CUSTOMERS = "customers"  # no bots' words
    HANDOFF = "handoff"  # nothing until a person is needed, then what was said before, too
    ALERTS = "alerts"  # the card alone


class Holder(StrEnum):
    """Who answers the customer."""

    NOBODY = "nobody"
    BOT = "bot"
    AGENT = "agent"


@dataclass(frozen=True, slots=True)
class ConversationState:
    """One conversation's. `assignee` is the holder's id in Kommunicate, where known; `holder_name` and `resolved_by`
    are for people, "" if unknown.

    It began, at `since` in seconds since 1970, with `opener_id`, a received message of `opener_sender`, whose role has
    `opener_rank`. Its customer has waited for an answer from `waits_since` on, None where they do not; while a bot has
    it, that is noticed when the card is drawn. Its holder has had it since `held_since`. From `broadcast_from` on, the
    next message is also shown in the channel, unless it is `muted`: then nobody is called for it. `bot_active`: a bot
    has spoken, and no agent since; whether it would answer, nobody has said.
    """

    status: Status = Status.OPEN
    holder: Holder = Holder.NOBODY
    assignee: str | None = None
    holder_name: str = ""
    bot_active: bool = False
    resolved_by: str = ""
    opener_id: int | None = None
    opener_sender: str = ""
    opener_rank: int = -1
    since: float | None = None
    broadcast_from: float | None = None
    waits_since: float | None = None
    held_since: float | None = None
    muted: bool = False

    @property
    def is_resolved(self) -> bool:
        return self.status is Status.RESOLVED

    @property
    def card(self) -> ConversationState:
        """What of it the card shows."""
        return replace(self, bot_active=False, broadcast_from=None, held_since=None)

    @property
    def outline(self) -> ConversationState:
        """What of the card must be right at once; a bot is given time to answer."""
        waits = None if self.holder is Holder.BOT else self.waits_since
        return replace(self.card, waits_since=waits)


@dataclass(frozen=True, slots=True)
class Words:
    """That `sender` wrote `received_id`, at `at` (seconds since 1970).

    `answers`: if a bot's, it answers customers. `closes`: it says thanks or goodbye, and asks for nothing.
    """

    role: Role
    sender: str
    name: str
    received_id: int
    at: float
    answers: bool = False
    closes: bool = False


_RANK = {Role.CUSTOMER: 2, Role.UNKNOWN: 1}  # the card is the customer's, as soon as one has spoken


def spoke(now: ConversationState, words: Words, *, moment: float) -> ConversationState:
    """Somebody wrote; `moment`, in seconds since 1970, is when the relay shows it."""
    rank = _RANK.get(words.role, 0)
    if now.is_resolved and rank:
        calls = None if words.closes else moment
        now = replace(now, status=Status.REOPENED, resolved_by="", opener_rank=-1, broadcast_from=calls)
    if rank:
        now = _asked(now, words, moment)
    elif words.role is Role.AGENT or (words.answers and now.holder is not Holder.AGENT):
        now = _waits_no_more(now)
    if rank > now.opener_rank:
        now = replace(now, opener_id=words.received_id, opener_sender=words.sender, opener_rank=rank, since=words.at)
    if now.holder is not Holder.NOBODY or now.is_resolved:
        return now
    if words.role is Role.AGENT:
        return answered(now, name=words.name)
    if words.role is Role.BOT and words.answers:
        return replace(now, holder=Holder.BOT, holder_name=words.name, bot_active=True, broadcast_from=None)
    return replace(now, bot_active=now.bot_active or words.role is Role.BOT)


def _asked(now: ConversationState, words: Words, moment: float) -> ConversationState:
    """A customer wrote; who has been answered and says thanks does not wait for more."""
    if words.closes or now.waits_since is not None or now.holder is Holder.BOT:
        return now
    return replace(now, waits_since=words.at if 0 <= moment - words.at < BELIEVED else moment)


def _waits_no_more(now: ConversationState) -> ConversationState:
    return replace(now, waits_since=None)


def waits_for_bot(now: ConversationState, since: float) -> ConversationState:
    """A bot that has this chat does not answer its customer."""
    return replace(now, waits_since=since) if now.holder is Holder.BOT and now.waits_since is None else now


def assigned(now: ConversationState, role: Role, *, user_id: str, name: str, moment: float) -> ConversationState:
    """Kommunicate says, maybe again, who has it now; from a bot to a person is a hand-over, which calls the channel."""
    holder = Holder.BOT if role is Role.BOT else Holder.AGENT
    calls = now.broadcast_from if (now.holder, now.assignee) == (holder, user_id) else None
    if now.holder is Holder.BOT and holder is Holder.AGENT:
        calls = _unless_resolved(now, moment)
        now = replace(now, waits_since=now.waits_since or calls)
    near, held = holder is Holder.BOT, now.held_since if now.assignee == user_id else moment
    now = replace(now, holder=holder, assignee=user_id, holder_name=name, held_since=held)
    return replace(now, bot_active=near, broadcast_from=calls)


def handed_over(now: ConversationState, *, moment: float) -> ConversationState:
    """A bot asks for a person; who it will be is not known yet."""
    if now.holder is Holder.AGENT:
        return now
    now = released(now, moment=moment)
    return replace(now, waits_since=now.waits_since or now.broadcast_from)


def resolved(now: ConversationState, *, by: str) -> ConversationState:
    """`by` is a name, "" if unknown."""
    if now.is_resolved and not by:
        return now
    return replace(_waits_no_more(now), status=Status.RESOLVED, resolved_by=by, broadcast_from=None, muted=False)


def reopened(now: ConversationState) -> ConversationState:
    """Somebody opened it again."""
    return replace(now, status=Status.REOPENED, resolved_by="") if now.is_resolved else now


def taken(now: ConversationState, *, agent_id: str, name: str, moment: float) -> ConversationState:
    """An agent has taken it over, or was given it."""
    now = replace(now, holder=Holder.AGENT, assignee=agent_id, holder_name=name, held_since=moment)
    return replace(now, bot_active=False, broadcast_from=None)


def answered(now: ConversationState, *, name: str, agent_id: str | None = None) -> ConversationState:
    """An agent's reply went out: nobody else need be called, and its customer waits no more.

    Who answers a chat that nobody has, has it, though nobody has told Kommunicate so.
    """
    now = _waits_no_more(now)
    if now.holder is not Holder.NOBODY:
        return replace(now, broadcast_from=None)
    return replace(now, holder=Holder.AGENT, assignee=agent_id, holder_name=name, bot_active=False, broadcast_from=None)


def is_left_to_bot(now: ConversationState, *, was_shown: bool, calls: bool) -> bool:
    """True while a bot has it, and answers; or may yet, where nobody has been shown it.

    `was_shown`: it has a thread, or had one. `calls`: its next message is to be shown in the channel.
    """
    if now.holder is Holder.BOT:
        return now.waits_since is None
    return now.holder is Holder.NOBODY and not was_shown and not calls


def without_bot(now: ConversationState) -> ConversationState:
    """The bot that was heard is no matter."""
    return replace(now, bot_active=False)


def muted(now: ConversationState, *, on: bool) -> ConversationState:
    """Nobody is called for it any more, until it is resolved; or they are again."""
    return replace(now, muted=on)


def released(now: ConversationState, *, moment: float) -> ConversationState:
    """Nobody has it any more: the next message calls the channel."""
    calls = _unless_resolved(now, moment)
    return replace(now, holder=Holder.NOBODY, assignee=None, holder_name="", bot_active=False, broadcast_from=calls)


def _unless_resolved(now: ConversationState, moment: float) -> float | None:
    """What is resolved calls nobody; its customer's next words will."""
    return None if now.is_resolved else moment
