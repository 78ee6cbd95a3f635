"""Read-only queries: what waits, what is dead, what was rejected."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, select

from relay.owners import owned
from relay.store.conversations.people import CUSTOMER_NAME
from relay.store.db.dialects import ahead, among, equals
from relay.store.db.engine import Tx
from relay.store.db.tables import (
    NOT_DELIVERED,
    OPEN_DELIVERIES,
    conversations,
    deliveries,
    gates,
    lanes,
    received,
    send_parts,
    sends,
)
from relay.store.queue.gates import Limits, gates_for_post, gates_for_reply
from relay.store.queue.parts import parts_of
from relay.vocabulary import CLICK_TOPIC, NO_TOPIC, DeliveryState, Lane, Outcome, ReceivedKind, SendState, Source


class Kind(StrEnum):
    """The kind of a delivery, for display."""

    MESSAGE = "message"
    FILE = "file"
    REPLY = "reply"
    CLICK = "click"
    LINE = "line"  # one of the relay's own lines in a thread
    ROOT = "root"  # a card; not a delivery, but counted with them


KINDS = {
    (Lane.WORDS, NO_TOPIC): Kind.MESSAGE,
    (Lane.FILES, NO_TOPIC): Kind.FILE,
    (Lane.REPLIES, NO_TOPIC): Kind.REPLY,
    (Lane.REPLIES, CLICK_TOPIC): Kind.CLICK,
}


HELD_UP = (Kind.MESSAGE, Kind.FILE, Kind.LINE)  # the cause of one that is delivered says what was in its way before


class Which(StrEnum):
    """Which deliveries to list."""

    ALL = "all"
    WAITING = "waiting"
    DEAD = "dead"
    REJECTED = "rejected"


STATES = {Which.WAITING: OPEN_DELIVERIES, Which.DEAD: (DeliveryState.DEAD,)}


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """One delivery, without a word of what was written; `age` is in seconds, the moments in seconds since 1970.

    `customer` is the name of whoever began the conversation, "" where it is not known; `mapped_to` the channel as the
    configuration names it. `attempts` is how often its lane has failed in a row by now, None once it is settled: nobody
    has counted. `cause` says why it is not delivered, or only in part; of one that is, `held_up_by` says what was in
    its way last. `target` is the agent or the channel that a click chose, "" if it chose none.
    """

    id: int
    kind: Kind
    state: DeliveryState
    customer: str
    group_id: str
    channel: str | None
    mapped_to: str | None
    thread_ts: str | None
    key: str | None
    form: str
    created_at: float
    settled_at: float | None
    age: float
    attempts: int | None
    cause: str
    held_up_by: str
    target: str


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A body that could not be understood."""

    id: str
    state: Outcome
    received_at: float
    cause: str


def list_deliveries(tx: Tx, which: Which, limits: Limits, limit: int = 100) -> list[dict[str, Any]]:
    """The newest deliveries, as plain rows. No message text."""
    if which is Which.REJECTED:
        return [asdict(_rejected(row)) for row in tx.conn.execute(_rejected_bodies().limit(limit))]
    query = _deliveries().limit(limit)
    if which in STATES:
        query = query.where(among(deliveries.c.state, STATES[which]), NOT_DELIVERED)
    holding = _Holding(tx, limits)
    return [asdict(_delivery(tx, row, holding)) for row in tx.conn.execute(query).all()]


def show_delivery(tx: Tx, delivery_id: int, limits: Limits) -> dict[str, Any] | None:
    """One delivery with its sends; None for an unknown id."""
    row = tx.conn.execute(_deliveries().where(deliveries.c.id == delivery_id)).one_or_none()
    if row is None:
        return None
    parts = parts_of([delivery_id])
    made = select(sends, parts.c.part, parts.c.live).join(parts, parts.c.send_id == sends.c.id).order_by(sends.c.seq)
    rows = tx.conn.execute(made).all()
    return {**asdict(_delivery(tx, row, _Holding(tx, limits))), "sends": [_send(one) for one in rows]}


def _send(row: Any) -> dict[str, Any]:
    keys = ("id", "state", "channel", "thread_ts", "ts", "part", "live", "resent")
    is_over = row.state == SendState.DELIVERED
    causes = {"cause": "" if is_over else row.cause, "held_up_by": row.cause if is_over else ""}
    return {**{key: getattr(row, key) for key in keys}, **causes, "started_at": row.started_at}


@dataclass(frozen=True, slots=True)
class Arrival:
    """What became of a received message: ignored, for a reason, or to be delivered."""

    outcome: Outcome
    reason: str
    delivery: DeliveryRow | None


def find_arrival(tx: Tx, account: str, key: str, limits: Limits) -> Arrival | None:
    """What became of the message with this Kommunicate key; None if it never arrived."""
    is_it = and_(
        equals(received.c.source, Source.KOMMUNICATE),
        received.c.account == account,
        equals(received.c.kind, ReceivedKind.MESSAGE),
        received.c.key == key,
    )
    came = tx.conn.execute(select(received).where(is_it)).one_or_none()
    if came is None:
        return None
    its_words = and_(equals(deliveries.c.lane, Lane.WORDS), deliveries.c.topic == NO_TOPIC)
    shown = and_(deliveries.c.received_id == came.id, its_words)
    row = tx.conn.execute(_deliveries().where(shown).limit(1)).one_or_none()
    delivery = None if row is None else _delivery(tx, row, _Holding(tx, limits))
    return Arrival(Outcome(came.outcome), came.reason, delivery)


def show_rejected(tx: Tx, received_id: int) -> dict[str, Any] | None:
    """One rejected body as received; None for an unknown id. The only report that shows message text."""
    row = tx.conn.execute(_rejected_bodies().where(received.c.id == received_id)).one_or_none()
    if row is None:
        return None
    body = None if row.body is None else bytes(row.body).decode("utf-8", "replace")
    return {**asdict(_rejected(row)), "body": body}


def _deliveries() -> Select[Any]:
    key = select(received.c.key).where(received.c.id == deliveries.c.received_id)
    of_lane = and_(lanes.c.conversation_id == deliveries.c.conversation_id, lanes.c.kind == deliveries.c.lane)
    attempts = select(lanes.c.attempts).where(of_lane)
    return (
        select(
            deliveries,
            conversations.c.account,
            conversations.c.group_id,
            conversations.c.channel,
            conversations.c.channel_id,
            conversations.c.workspace,
            conversations.c.thread_ts,
            conversations.c.why,
            attempts.correlate(deliveries).scalar_subquery().label("attempts"),
            key.correlate(deliveries).scalar_subquery().label("key"),
            CUSTOMER_NAME.label("customer"),
            _CAUSE_OF_SEND.label("cause_of_send"),
        )
        .join(conversations, conversations.c.id == deliveries.c.conversation_id)
        .order_by(deliveries.c.id.desc())
    )


def _delivery(tx: Tx, row: Any, holding: _Holding) -> DeliveryRow:
    kind, cause = KINDS.get((row.lane, row.topic), Kind.LINE), _cause(row, holding)
    is_over = row.state == DeliveryState.DELIVERED
    was_held_up, is_done_click = is_over and kind in HELD_UP, is_over and kind is Kind.CLICK
    return DeliveryRow(
        id=row.id,
        kind=kind,
        state=row.state,
        customer=row.customer or "",
        group_id=owned(row.account, row.group_id),
        channel=row.channel_id or row.channel,
        mapped_to=row.channel,
        thread_ts=row.thread_ts,
        key=row.key,
        form=row.form,
        created_at=row.created_at,
        settled_at=row.settled_at,
        age=max(0.0, tx.now - row.created_at),
        attempts=(row.attempts or 0) if row.state in OPEN_DELIVERIES else None,
        cause="" if was_held_up or is_done_click else cause,
        held_up_by=cause if was_held_up else "",
        target=cause if is_done_click and cause != row.pressed_by else "",
    )


def _cause(row: Any, holding: _Holding) -> str:
    """Why it is not delivered: because of the mapping, a gate, its own cause, or its send's."""
    if row.state not in OPEN_DELIVERIES:
        return str(row.cause)
    if row.channel is None:
        return str(row.why)
    held = holding.reply(row.account) if row.lane == Lane.REPLIES else holding.post(_place(row), row.workspace)
    return held or row.cause or row.cause_of_send or ""


def _place(row: Any) -> str:
    return str(row.channel_id or row.channel)


class _Holding:
    """Why what gates hold back is held back, "" for what may pass; each place is looked up once."""

    def __init__(self, tx: Tx, limits: Limits) -> None:
        self._tx, self._limits = tx, limits
        self._known: dict[tuple[str, ...], str] = {}

    def post(self, channel: str, workspace: str) -> str:
        """Why a post waits."""
        return self._cause((channel, workspace), gates_for_post(self._limits, channel, workspace))

    def reply(self, account: str) -> str:
        """Why a call to Kommunicate waits."""
        return self._cause((account,), gates_for_reply(account))

    def _cause(self, place: tuple[str, ...], which: ColumnElement[bool]) -> str:
        if place not in self._known:
            shut = ahead(self._tx, gates.c.closed_until, gates.c.delay)
            found = select(gates.c.cause).where(which, shut).limit(1)
            self._known[place] = self._tx.conn.execute(found).scalar_one_or_none() or ""
        return self._known[place]


# The last send that carries it.
_CAUSE_OF_SEND = (
    select(sends.c.cause)
    .join(send_parts, send_parts.c.send_id == sends.c.id)
    .where(send_parts.c.delivery_id == deliveries.c.id, send_parts.c.live)
    .order_by(sends.c.seq.desc())
    .limit(1)
    .correlate(deliveries)
    .scalar_subquery()
)


def _rejected_bodies() -> Select[Any]:
    return select(received).where(equals(received.c.outcome, Outcome.REJECTED)).order_by(received.c.id.desc())


def _rejected(row: Any) -> RejectedRow:
    return RejectedRow(f"r{row.id}", Outcome.REJECTED, row.received_at, row.reason)
