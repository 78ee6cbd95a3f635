"""What the store returns to the endpoints and the workers: frozen copies of rows, never live ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from relay.conversation import ConversationState, Holder, Status
from relay.messages import ConversationKey, Fate, Form
from relay.vocabulary import Lane, Mark, Outcome, SendKind, SendState, ThreadNotice

FOLLOWS = "follows"  # in a post's payload, for us alone: the deliveries whose files follow it
BROUGHT_BACK = "left to the bot before a person was needed"  # the cause of deliveries that wait for that reason


@dataclass(frozen=True, slots=True)
class Receipt:
    """The result of storing something received."""

    outcome: Outcome
    received_id: int | None = None
    reason: str = ""

    @property
    def received(self) -> str | None:
        """Its name in the log, and in commands if it was rejected: `r12`."""
        return None if self.received_id is None else f"r{self.received_id}"


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation as a worker needs it. `channel` is as mapped by `rule`, `channel_id` is Slack's own id, once
    known.
    """

    id: int
    key: ConversationKey
    title: str
    channel: str | None
    channel_id: str | None
    thread_ts: str | None
    dead_ts: str | None
    root_form: Form
    created_at: float
    state: ConversationState  # except when to notify the channel, see `Claim.broadcast_from`
    wanted: int  # versions of the card: the wanted one, and the one shown
    shown: int
    rule: str = ""
    card_fingerprint: str | None = None
    card_last_id: int | None = None
    workspace: str = ""


@dataclass(frozen=True, slots=True)
class Send:
    """One outbound call as stored.

    `channel` is Slack's, or the Kommunicate account; `ts` is its place in Slack, or Kommunicate's message key. `looks`,
    `failed_looks` and `resent` count the efforts to find out what became of it; `outdated` counts changes to what it
    shows since it was drawn.
    """

    id: str
    kind: SendKind
    payload: Mapping[str, Any]
    channel: str
    thread_ts: str | None
    since_ts: str | None
    state: SendState
    started_at: float | None
    looks: int
    failed_looks: int
    resent: int
    ts: str | None
    version: int | None = None
    outdated: int = 0
    received_ids: str | None = None

    @property
    def received(self) -> str | None:
        """The received things it carries, as the log names them: `r12 r13`."""
        return " ".join(f"r{one}" for one in self.received_ids.split()) if self.received_ids else None

    @property
    def follows(self) -> list[int]:
        """The deliveries whose files follow once it is posted."""
        found: list[int] = self.payload.get(FOLLOWS, [])
        return found

    @property
    def beside(self) -> str:
        """The parts of an agent's message that were not sent with its text, "" if all were."""
        files = ThreadNotice.FILES.value  # version 0.1 stored only that there were some
        said: str = self.payload.get("beside") or (files if self.payload.get(files) else "")
        return said

    @property
    def outcome(self) -> dict[str, str]:
        """The state of its delivery once it was sent."""
        return {"cause": self.beside, "mark": (Mark.PARTLY if self.beside else Mark.SENT).value}

    @property
    def is_root(self) -> bool:
        return self.kind is SendKind.ROOT


@dataclass(frozen=True, slots=True)
class Claim:
    """A lane that is ours until the lease ends; without the token, every later statement has no effect.

    `head` is the send to continue with, `copied` one whose second copy must be looked for. `asked` is what was looked
    up for this claim, successfully or not; `locked`: this transaction holds the conversation. `given_back` is when the
    lane is due again, None for never, once it was released unchanged.
    """

    conversation: Conversation
    lane: Lane
    token: int
    attempts: int
    spent: float  # seconds of delay that count towards giving up
    at: float  # when it was claimed, in seconds since 1970
    head: Send | None
    copied: Send | None = None
    events_applied_to: int = 0  # the last delivery whose events have been applied to the conversation
    broadcast_from: float | None = None
    mentioned: str | None = None  # the Slack user whom the thread mentioned last
    above: bytes | None = None  # the body of the last post in the thread, if we posted it and it is known
    asked: frozenset[str] = frozenset()
    locked: bool = False
    given_back: list[Any] = field(default_factory=list, compare=False)

    @property
    def lane_key(self) -> tuple[int, Lane]:
        """Which lane it is."""
        return (self.conversation.id, self.lane)


@dataclass(frozen=True, slots=True)
class About:
    """The delivery that a line in the thread is about, and what the line says.

    `words` is the body with its text when it was sent. `is_edited`: there is an unsent edit, with the body
    `late_words`; `correction` is the delivery that was sent to correct this one, with its state and the body of its
    text. `links_ended`: it had files, whose links no longer work.
    """

    id: int
    topic: ThreadNotice
    fate: Fate
    words: bytes | None = None
    is_edited: bool = False
    late_words: bytes | None = None
    correction: int | None = None
    corrected: Fate | None = None
    correction_words: bytes | None = None
    links_ended: bool = False


@dataclass(frozen=True, slots=True)
class Waiting:
    """One delivery that waits in a lane, with the body it arrived in."""

    id: int
    received_id: int
    body: bytes | None
    form: Form
    alone: bool
    may_repeat: bool
    lost: str | None
    about: About | None
    parts_done: frozenset[int]
    is_withdrawn: bool
    queued_at: float  # in seconds since 1970
    is_brought_back: bool = False  # it was left out before a person was needed


@dataclass(frozen=True, slots=True)
class AgentAction:
    """What an agent wants next: a reply, or with `is_click` the action of a click. `key` is the received thing's.

    `edit_id` names the edit whose text is sent instead; `edit` is its body, None if it is no longer stored. `asks` is
    why its author must be asked first, "" if not; `asked`: they were; `is_behind`: it waits behind one whose author is
    asked. `written_at` is in seconds since 1970. `by_hand`: somebody decided that it goes to the customer.
    """

    id: int
    is_click: bool
    key: str
    body: bytes | None
    edit_id: int | None = None
    edit: bytes | None = None
    asks: str = ""
    asked: bool = False
    is_behind: bool = False
    written_at: float | None = None
    by_hand: bool = False

    @property
    def is_question(self) -> bool:
        """True if its author is to be asked next."""
        return bool(self.asks) and not self.asked and not self.is_behind


@dataclass(frozen=True, slots=True)
class Draft:
    """A call to be stored, its target, and the (delivery id, part number) pairs it carries."""

    kind: SendKind
    channel: str
    thread_ts: str | None
    payload: Mapping[str, Any]
    parts: tuple[tuple[int, int], ...] = ()
    version: int | None = None  # of the card that it shows
    opens_for: int | None = None  # the delivery for which it opens a thread

    @property
    def about(self) -> list[int]:
        """The deliveries it concerns, whether it carries them or acts for them."""
        named = [self.payload["delivery"]] if "delivery" in self.payload else []
        opens_for = [] if self.opens_for is None else [self.opens_for]
        return sorted({*(delivery_id for delivery_id, _ in self.parts), *named, *opens_for})


def to_conversation(row: Any) -> Conversation:
    """A row of `conversations` as a value."""
    return Conversation(
        id=row.id,
        key=ConversationKey(row.account, row.group_id),
        title=row.title,
        channel=row.channel,
        channel_id=row.channel_id,
        thread_ts=row.thread_ts,
        dead_ts=row.dead_ts,
        root_form=Form(row.root_form),
        created_at=row.created_at,
        state=to_state(row),
        wanted=row.wanted,
        shown=row.shown,
        rule=row.rule,
        card_fingerprint=row.card_fingerprint,
        card_last_id=row.card_last_id,
        workspace=row.workspace,
    )


def to_state(row: Any) -> ConversationState:
    """The conversation state of a row; `broadcast_from` is stored with the lane."""
    return ConversationState(
        status=Status(row.status),
        holder=Holder(row.holder),
        assignee=row.assignee,
        holder_name=row.holder_name,
        bot_active=row.bot_active,
        resolved_by=row.resolved_by,
        opener_id=row.opener_id,
        opener_sender=row.opener_sender,
        opener_rank=row.opener_rank,
        since=row.since,
        waits_since=row.waits_since,
        held_since=row.held_since,
        muted=row.muted,
    )


def to_send(row: Any) -> Send:
    """A row of `sends` as a value."""
    return Send(
        id=row.id,
        kind=SendKind(row.kind),
        payload=json.loads(row.payload),
        channel=row.channel,
        thread_ts=row.thread_ts,
        since_ts=row.since_ts,
        state=SendState(row.state),
        started_at=row.started_at,
        looks=row.looks,
        failed_looks=row.failed_looks,
        resent=row.resent,
        ts=row.ts,
        version=row.version,
        outdated=row.outdated,
        received_ids=row.received_ids,
    )
