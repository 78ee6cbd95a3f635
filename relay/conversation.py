"""The state of a conversation: open or resolved, who has it, and whose words its card quotes. Values, and pure
functions that change them; if two changes conflict, the later one counts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from relay.messages import Role

BELIEVED = 3 * 86400.0  # seconds; if a message claims to be older than this, its sender's clock is wrong
UNCLAIMED = 600.0  # seconds without a holder after which the next message is also shown in the channel


class Status(StrEnum):
    """`REOPENED` is open, after having been resolved."""

    OPEN = "open"
    RESOLVED = "resolved"
    REOPENED = "reopened"


class Show(StrEnum):
    """How much of a chat its channel sees."""

    EVERYTHING = "everything"
    CUSTOMERS = "customers"  # no bot messages
    HANDOFF = "handoff"  # nothing until a person is needed, then everything said before as well
    ALERTS = "alerts"  # only the card


class Holder(StrEnum):
    """Who answers the customer."""

    NOBODY = "nobody"
    BOT = "bot"
    AGENT = "agent"


@dataclass(frozen=True, slots=True)
class ConversationState:
    """The state of one conversation. `assignee` is the holder's id in Kommunicate, if known; `holder_name` and
    `resolved_by` are display names, "" if unknown.

    The conversation began at `since` (seconds since 1970) with `opener_id`, a received message from `opener_sender`,
    whose role has `opener_rank`. The customer has been waiting for an answer since `waits_since`, None if not waiting;
    while a bot has the chat, that is determined when the card is drawn. The holder has had it since `held_since`. From
    `broadcast_from` on, the next message is also shown in the channel, unless the conversation is `muted`: then nobody
    is notified. `bot_active`: a bot has written, and no agent since; whether the bot would answer is unknown.
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
        """The parts of the state that the card shows."""
        return replace(self, bot_active=False, broadcast_from=None, held_since=None)

    @property
    def outline(self) -> ConversationState:
        """The parts of the card that must be correct at once; a bot gets time to answer."""
        waits = None if self.holder is Holder.BOT else self.waits_since
        return replace(self.card, waits_since=waits)


@dataclass(frozen=True, slots=True)
class Words:
    """`sender` wrote `received_id` at `at` (seconds since 1970).

    `answers`: a bot's message that answers the customer. `closes`: it says thanks or goodbye and asks for nothing.
    """

    role: Role
    sender: str
    name: str
    received_id: int
    at: float
    answers: bool = False
    closes: bool = False


_RANK = {Role.CUSTOMER: 2, Role.UNKNOWN: 1}  # the card is the customer's as soon as one has written


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
    """A customer wrote. One who has been answered and says thanks is not waiting."""
    if words.closes or now.waits_since is not None or now.holder is Holder.BOT:
        return now
    return replace(now, waits_since=words.at if 0 <= moment - words.at < BELIEVED else moment)


def _waits_no_more(now: ConversationState) -> ConversationState:
    return replace(now, waits_since=None)


def waits_for_bot(now: ConversationState, since: float) -> ConversationState:
    """A bot that has this chat does not answer its customer."""
    return replace(now, waits_since=since) if now.holder is Holder.BOT and now.waits_since is None else now


def assigned(now: ConversationState, role: Role, *, user_id: str, name: str, moment: float) -> ConversationState:
    """Kommunicate reports, possibly again, who has the chat. From a bot to a person is a hand-over, which notifies the
    channel.
    """
    holder = Holder.BOT if role is Role.BOT else Holder.AGENT
    calls = now.broadcast_from if (now.holder, now.assignee) == (holder, user_id) else None
    if now.holder is Holder.BOT and holder is Holder.AGENT:
        calls = _unless_resolved(now, moment)
        now = replace(now, waits_since=now.waits_since or calls)
    near, held = holder is Holder.BOT, now.held_since if now.assignee == user_id else moment
    now = replace(now, holder=holder, assignee=user_id, holder_name=name, held_since=held)
    return replace(now, bot_active=near, broadcast_from=calls)


def handed_over(now: ConversationState, *, moment: float) -> ConversationState:
    """A bot asks for a person; nobody is assigned yet."""
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
    """An agent took it over, or was given it."""
    now = replace(now, holder=Holder.AGENT, assignee=agent_id, holder_name=name, held_since=moment)
    return replace(now, bot_active=False, broadcast_from=None)


def answered(now: ConversationState, *, name: str, agent_id: str | None = None) -> ConversationState:
    """An agent's reply was sent: the customer no longer waits, and nobody else needs to be notified.

    Whoever answers a chat that nobody has gets it, even if Kommunicate was not told.
    """
    now = _waits_no_more(now)
    if now.holder is not Holder.NOBODY:
        return replace(now, broadcast_from=None)
    return replace(now, holder=Holder.AGENT, assignee=agent_id, holder_name=name, bot_active=False, broadcast_from=None)


def is_left_to_bot(now: ConversationState, *, was_shown: bool, calls: bool) -> bool:
    """True while a bot has it and answers, or may still answer and nobody has been shown the chat yet.

    `was_shown`: it has or had a thread. `calls`: its next message is to be shown in the channel.
    """
    if now.holder is Holder.BOT:
        return now.waits_since is None
    return now.holder is Holder.NOBODY and not was_shown and not calls


def without_bot(now: ConversationState) -> ConversationState:
    """Forget that a bot was active."""
    return replace(now, bot_active=False)


def muted(now: ConversationState, *, on: bool) -> ConversationState:
    """Nobody is notified about it until it is resolved; or notifications are on again."""
    return replace(now, muted=on)


def released(now: ConversationState, *, moment: float) -> ConversationState:
    """Nobody has it any more: the next message notifies the channel."""
    calls = _unless_resolved(now, moment)
    return replace(now, holder=Holder.NOBODY, assignee=None, holder_name="", bot_active=False, broadcast_from=calls)


def _unless_resolved(now: ConversationState, moment: float) -> float | None:
    """A resolved conversation notifies nobody until the customer writes again."""
    return None if now.is_resolved else moment
