"""How things stand at this moment: what waits, where, since when, and what holds it back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import and_, case, func, or_, select

from relay.store.db.dialects import ahead, among, equals
from relay.store.db.engine import Tx
from relay.store.db.tables import NOT_DELIVERED, OPEN_DELIVERIES, conversations, deliveries, gates, received
from relay.vocabulary import DeliveryState, GateScope, Lane

MOST_SPLIT = 10_000  # waiting deliveries that are told apart by their channel; of more nobody could look at each
MOST_GATES = 500
LATELY = 86400.0  # seconds


@dataclass(frozen=True, slots=True)
class InLine:
    """What waits for one channel: how much, and since when in seconds since 1970.

    `words` is when the oldest came of what its threads are to show, `others` of all else; None where nothing waits.
    """

    count: int
    since: float
    words: float | None = None
    others: float | None = None


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is not settled; `since` is when the oldest of it came, None where nothing waits.

    Of what was given up, `dead_lately` counts what was so within a day. `by_channel` has None for chats that the
    mapping names no channel for; it is None where too much waits to tell.
    """

    waiting: int
    dead: int
    dead_lately: int
    since: float | None
    unmapped: int
    by_channel: Mapping[str | None, InLine] | None


@dataclass(frozen=True, slots=True)
class Gate:
    """What may hold something back. Times are in seconds since 1970; `until` is None while it is open.

    `needs_person`: it opens by itself once somebody has acted. `next_slot` is when a channel's next post would be due
    at an even rate, `refused_at` when a limit was met last.
    """

    scope: GateScope
    name: str
    until: float | None
    cause: str
    code: str
    needs_person: bool
    next_slot: float
    refused_at: float | None


def backlog(tx: Tx) -> Backlog:
    """Count what waits and what was given up, without reading through what is done."""
    which = among(deliveries.c.state, (*OPEN_DELIVERIES, DeliveryState.DEAD))
    counts = select(deliveries.c.state, func.count(), func.min(deliveries.c.created_at)).where(which, NOT_DELIVERED)
    rows = tx.conn.execute(counts.group_by(deliveries.c.state)).all()
    waiting = [(number, since) for state, number, since in rows if state in OPEN_DELIVERIES]
    unmapped = select(func.count()).select_from(conversations).where(conversations.c.channel.is_(None))
    total = sum(number for number, _ in waiting)
    return Backlog(
        waiting=total,
        dead=sum(number for state, number, _ in rows if state == DeliveryState.DEAD),
        dead_lately=_dead_lately(tx),
        since=min((since for _, since in waiting), default=None),
        unmapped=int(tx.conn.execute(unmapped).scalar_one()),
        by_channel=_by_channel(tx) if total <= MOST_SPLIT else None,
    )


def _dead_lately(tx: Tx) -> int:
    dead = and_(equals(deliveries.c.state, DeliveryState.DEAD), NOT_DELIVERED)
    lately = and_(dead, deliveries.c.settled_at > tx.now - LATELY)
    return int(tx.conn.execute(select(func.count()).select_from(deliveries).where(lately)).scalar_one())


def _by_channel(tx: Tx) -> Mapping[str | None, InLine]:
    found = (
        select(deliveries.c.conversation_id, deliveries.c.created_at, deliveries.c.lane)
        .where(among(deliveries.c.state, OPEN_DELIVERIES), NOT_DELIVERED)
        .limit(MOST_SPLIT)
        .subquery()
    )
    channel = func.coalesce(conversations.c.channel_id, conversations.c.channel)
    is_words = equals(found.c.lane, Lane.WORDS)
    words = func.min(case((is_words, found.c.created_at)))
    others = func.min(case((~is_words, found.c.created_at)))
    rows = tx.conn.execute(
        select(channel, func.count(), func.min(found.c.created_at), words, others)
        .select_from(found)
        .join(conversations, conversations.c.id == found.c.conversation_id)
        .group_by(channel)
    )
    return {name: InLine(*line) for name, *line in rows}


def gates_now(tx: Tx) -> list[Gate]:
    """Every channel's gate, and all others that are shut; those for which a person must act first."""
    shut = ahead(tx, gates.c.closed_until, gates.c.delay)
    shown = or_(shut, gates.c.operator, equals(gates.c.scope, GateScope.CHANNEL))
    query = select(gates, shut.label("is_shut")).where(shown)
    rows = tx.conn.execute(
        query.order_by(gates.c.operator.desc(), shut.desc(), gates.c.scope, gates.c.name).limit(MOST_GATES)
    )
    return [
        Gate(
            scope=GateScope(row.scope),
            name=row.name,
            until=row.closed_until if row.is_shut else None,
            cause=row.cause,
            code=row.code,
            needs_person=row.operator,
            next_slot=row.next_slot,
            refused_at=row.refused_at,
        )
        for row in rows
    ]


def last_received_at(tx: Tx) -> float | None:
    """When something came in last, in seconds since 1970; None where nothing ever did."""
    last = select(received.c.received_at).where(received.c.id > 0).order_by(received.c.id.desc()).limit(1)
    found: float | None = tx.conn.execute(last).scalar_one_or_none()
    return found
