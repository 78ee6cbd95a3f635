"""What arrived in a conversation, what was to be done about it, and every send made for that."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import and_, func, or_, select

from relay.store.conversations.people import CUSTOMER_NAME
from relay.store.conversations.replies import NO_ANSWER
from relay.store.db.dialects import among, equals
from relay.store.db.engine import Tx
from relay.store.db.tables import OPEN_SENDS, conversations, deliveries, received, sends
from relay.store.operations.reports import HELD_UP, KINDS, Kind
from relay.store.operations.versions import Versions, message_key, versions_of
from relay.store.queue.parts import parts_of
from relay.vocabulary import DeliveryState, Lane, Mark, Outcome, ReceivedKind, SendKind, SendState, Source

MOST_SENDS = 40  # for one delivery; one that was retried for days has many
MOST_OPEN = 20


@dataclass(frozen=True, slots=True)
class Came:
    """Something received; `body` is None once it was erased, `gone`: its author withdrew it.

    For an agent's message, `taken_back` means that it was deleted in Slack since, `changed` that it was edited.
    `received_at` is in seconds since 1970, `copies` is how many duplicates followed.
    """

    id: int
    source: Source
    kind: ReceivedKind
    outcome: Outcome
    reason: str
    received_at: float
    gone: bool
    copies: int
    key: str | None = None
    body: bytes | None = field(default=None, repr=False)
    taken_back: bool = False
    changed: bool = False


@dataclass(frozen=True, slots=True)
class Attempt:
    """One send, with everything known about it; times are in seconds since 1970.

    `looks` and `failed_looks` count the looks for it, `resent` how often it was sent again. `live`: no other send
    carries its contents now.
    """

    id: str
    lane: Lane
    kind: SendKind
    state: SendState
    channel: str
    thread_ts: str | None
    ts: str | None
    created_at: float
    started_at: float | None
    looks: int
    failed_looks: int
    resent: int
    cause: str
    live: bool = True

    @property
    def was_not_answered(self) -> bool:
        """True for a reply that was given up although it may have arrived."""
        return self.state is SendState.REFUSED and self.cause == NO_ANSWER


@dataclass(frozen=True, slots=True)
class Task:
    """One delivery: what was to be done about something received, and the sends made for it."""

    id: int
    received_id: int
    lane: Lane
    kind: Kind
    topic: str
    state: DeliveryState
    form: str
    cause: str
    created_at: float
    settled_at: float | None
    pressed_by: str
    attempts: Sequence[Attempt] = ()

    @property
    def was_held_up(self) -> bool:
        """True where the cause says what was in its way before it was delivered."""
        return self.state is DeliveryState.DELIVERED and self.kind in HELD_UP

    @property
    def is_done_click(self) -> bool:
        """True where the cause is the agent or the channel that a click chose."""
        return self.state is DeliveryState.DELIVERED and self.kind is Kind.CLICK

    @property
    def target(self) -> str:
        """The agent or the channel that a click chose, "" if it chose none."""
        return self.cause if self.is_done_click and self.cause != self.pressed_by else ""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A delivery that was given up. `name` is its customer's, "" if unknown; `stored`: it can be sent again.

    `may_have_arrived`: a reply that Kommunicate did not answer; what was refused has certainly not arrived.
    """

    id: int
    kind: Kind
    conversation_id: int
    group_id: str
    name: str
    customer: str
    channel: str | None
    cause: str
    created_at: float
    settled_at: float | None
    stored: bool
    may_have_arrived: bool

    @property
    def is_of_agent(self) -> bool:
        """True for what an agent did."""
        return self.kind in (Kind.REPLY, Kind.CLICK)


def came_in(tx: Tx, conversation_id: int, before: int | None, limit: int) -> Sequence[Came]:
    """What arrived in a conversation, newest first, below this id."""
    here = received.c.conversation_id == conversation_id
    which = here if before is None else and_(here, received.c.id < before)
    rows = tx.conn.execute(select(received).where(which).order_by(received.c.id.desc()).limit(limit)).all()
    return _as_it_stands(tx, [_came(row) for row in rows])


def came(tx: Tx, ids: Collection[int]) -> Mapping[int, Came]:
    """What arrived under these ids."""
    rows = tx.conn.execute(select(received).where(received.c.id.in_(ids))).all()
    return {one.id: one for one in _as_it_stands(tx, [_came(row) for row in rows])}


def tasks_of(tx: Tx, received_ids: Collection[int]) -> Mapping[int, Sequence[Task]]:
    """What was to be done about each of these, in order."""
    query = select(deliveries).where(deliveries.c.received_id.in_(received_ids)).order_by(deliveries.c.id)
    rows = tx.conn.execute(query).all()
    attempts = _attempts(tx, [row.id for row in rows])
    found: dict[int, list[Task]] = defaultdict(list)
    for row in rows:
        found[row.received_id].append(_task(row, attempts.get(row.id, ())))
    return found


def thread_sends(tx: Tx, conversation_id: int, channel: str | None, thread_ts: str | None) -> Sequence[Attempt]:
    """The send that opened its thread, and everything of the conversation in flight."""
    here = sends.c.conversation_id == conversation_id
    is_open = and_(here, among(sends.c.state, OPEN_SENDS))
    root = and_(sends.c.channel == channel, sends.c.ts == thread_ts, sends.c.ts.is_not(None), here)
    opened = tx.conn.execute(select(sends).where(root).limit(1)).all() if channel and thread_ts else []
    under_way = tx.conn.execute(select(sends).where(is_open).order_by(sends.c.lane, sends.c.seq).limit(MOST_OPEN)).all()
    return [_attempt(row) for row in (*opened, *under_way)]


def dead_letters(tx: Tx, before: int | None, limit: int) -> Sequence[DeadLetter]:
    """What was given up, newest first, below this id."""
    dead = equals(deliveries.c.state, DeliveryState.DEAD)
    recall = and_(equals(deliveries.c.lane, Lane.FILES), received.c.gone)  # deleting a file needs no stored content
    stored = select(or_(received.c.body.is_not(None), recall)).where(received.c.id == deliveries.c.received_id)
    query = (
        select(
            deliveries,
            conversations,
            CUSTOMER_NAME.label("name"),
            stored.correlate(deliveries).scalar_subquery().label("stored"),
        )
        .join(conversations, conversations.c.id == deliveries.c.conversation_id)
        .where(dead if before is None else and_(dead, deliveries.c.id < before))
        .order_by(deliveries.c.id.desc())
        .limit(limit)
    )
    return [_dead_letter(row) for row in tx.conn.execute(query).mappings()]


def _attempts(tx: Tx, ids: Collection[int]) -> Mapping[int, Sequence[Attempt]]:
    """By delivery, in order; each part of a long text is a separate send."""
    parts = parts_of(ids)
    carried = func.max(parts.c.live) if not tx.on_postgres else func.bool_or(parts.c.live)
    once = select(parts.c.send_id, parts.c.delivery_id, carried.label("live")).group_by(
        parts.c.send_id, parts.c.delivery_id
    )
    per_send = once.subquery()
    query = select(sends, per_send.c.delivery_id, per_send.c.live).join(per_send, per_send.c.send_id == sends.c.id)
    found: dict[int, list[Attempt]] = defaultdict(list)
    for row in tx.conn.execute(query.order_by(sends.c.created_at, sends.c.seq)):
        found[row.delivery_id].append(_attempt(row, live=bool(row.live)))
    return {delivery_id: made[-MOST_SENDS:] for delivery_id, made in found.items()}


def _as_it_stands(tx: Tx, found: Sequence[Came]) -> list[Came]:
    """With later changes to agents' messages in Slack."""
    of = {one.id: message_key(one.kind, one.key) for one in found if one.source is Source.SLACK}
    known = versions_of(tx, {key for key in of.values() if key})
    return [_standing(one, known.get(of.get(one.id, ""))) for one in found]


def _standing(one: Came, versions: Versions | None) -> Came:
    if versions is None:
        return one
    return replace(one, taken_back=versions.gone, changed=one.id != versions.newest)


def _came(row: Any) -> Came:
    return Came(
        id=row.id,
        source=Source(row.source),
        kind=ReceivedKind(row.kind),
        outcome=Outcome(row.outcome),
        reason=row.reason,
        received_at=row.received_at,
        gone=row.gone,
        copies=row.copies,
        key=row.key,
        body=None if row.body is None else bytes(row.body),
    )


def _attempt(row: Any, *, live: bool = True) -> Attempt:
    return Attempt(
        id=row.id,
        lane=Lane(row.lane),
        kind=SendKind(row.kind),
        state=SendState(row.state),
        channel=row.channel,
        thread_ts=row.thread_ts,
        ts=row.ts,
        created_at=row.created_at,
        started_at=row.started_at,
        looks=row.looks,
        failed_looks=row.failed_looks,
        resent=row.resent,
        cause=row.cause,
        live=live,
    )


def _task(row: Any, attempts: Sequence[Attempt]) -> Task:
    return Task(
        id=row.id,
        received_id=row.received_id,
        lane=Lane(row.lane),
        kind=KINDS.get((row.lane, row.topic), Kind.LINE),
        topic=row.topic,
        state=DeliveryState(row.state),
        form=row.form,
        cause=row.cause,
        created_at=row.created_at,
        settled_at=row.settled_at,
        pressed_by=row.pressed_by,
        attempts=attempts,
    )


def _dead_letter(row: Any) -> DeadLetter:
    return DeadLetter(
        id=row[deliveries.c.id],
        kind=KINDS.get((row[deliveries.c.lane], row[deliveries.c.topic]), Kind.LINE),
        conversation_id=row[deliveries.c.conversation_id],
        group_id=row[conversations.c.group_id],
        name=row["name"] or "",
        customer=row[conversations.c.opener_sender],
        channel=row[conversations.c.channel_id] or row[conversations.c.channel],
        cause=row[deliveries.c.cause],
        created_at=row[deliveries.c.created_at],
        settled_at=row[deliveries.c.settled_at],
        stored=bool(row["stored"]),
        may_have_arrived=row[deliveries.c.mark] == Mark.UNSURE,
    )
