"""The totals for `/metrics`, read from the store without scanning its history.

A chore counts each settled row once and stores the result in `counts`, with the last counted id. What arrived since,
and what may still change, is counted on request. This requires that counted rows do not change: no row is ever deleted,
a delivery keeps its lane and topic, and a received row keeps its outcome unless it is held. In the same step, the chore
stores received rows by minute.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, Table, and_, func, literal_column, null, or_, select, union_all

from relay.store.db.dialects import among, equals
from relay.store.db.engine import Tx
from relay.store.db.tables import NOT_DELIVERED, OPEN_DELIVERIES, conversations, deliveries, received, sends
from relay.store.operations.counting import keep, read_kept
from relay.store.operations.minutes import SETTLED, add_received
from relay.store.operations.reports import KINDS, Kind
from relay.vocabulary import DeliveryState, Lane, Outcome, SendKind, SendState

STEP = 2000  # rows counted in one transaction, for which all other writers wait on SQLite
OF_A_KIND = "/"  # between a lane and a topic


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts over everything stored, `delivered` by kind and state; ages are in seconds, None if nothing waits."""

    received: dict[Outcome, int]
    delivered: dict[tuple[Kind, DeliveryState], int]
    queue: dict[DeliveryState, int]
    oldest_waiting: float | None


@dataclass(frozen=True, slots=True)
class Counted:
    """What is counted of a table: by which column, from when a row is settled, and which rows may still change."""

    table: Table
    word: ColumnElement[str]
    since: Column[Any]
    changing: ColumnElement[bool] | None = None

    @property
    def name(self) -> str:
        return str(self.table.name)


_RECEIVED = Counted(
    received, received.c.outcome, received.c.received_at, changing=equals(received.c.outcome, Outcome.HELD)
)
_DELIVERIES = Counted(
    deliveries, deliveries.c.lane + literal_column(f"'{OF_A_KIND}'") + deliveries.c.topic, deliveries.c.created_at
)


def totals(tx: Tx) -> Totals:
    """Everything `/metrics` reports, correct with any number of processes."""
    outcomes = Counter({Outcome(word): number for word, number in _count(tx, _RECEIVED).items()})
    again = received.c.copies > literal_column("0")
    outcomes[Outcome.DUPLICATE] = tx.conn.execute(select(func.sum(received.c.copies)).where(again)).scalar_one() or 0
    by_kind: Counter[tuple[Kind, DeliveryState]] = Counter()
    by_state: Counter[DeliveryState] = Counter()
    kept = read_kept(tx, _DELIVERIES.name)
    kinds = (deliveries.c.lane, deliveries.c.topic)
    numbers = (*kinds, func.count(), func.min(deliveries.c.created_at))
    lately = select(null().label("state"), *numbers).where(deliveries.c.id > kept.up_to).group_by(*kinds)
    others = select(deliveries.c.state, *numbers).where(NOT_DELIVERED).group_by(deliveries.c.state, *kinds)
    both = union_all(lately, others)  # in one statement: what arrives between two would be missing from the delivered
    for word, number in (kept.counted or {}).items():
        lane, _, topic = word.partition(OF_A_KIND)
        by_kind[_kind(lane, topic), DeliveryState.DELIVERED] += number
    oldest = None
    for state, lane, topic, number, since in tx.conn.execute(both):
        if state is None:
            by_kind[_kind(lane, topic), DeliveryState.DELIVERED] += number
            continue
        kind = _kind(lane, topic)
        by_kind[kind, DeliveryState.DELIVERED] -= number
        by_kind[kind, DeliveryState(state)] += number
        by_state[DeliveryState(state)] += number
        if state in OPEN_DELIVERIES:
            oldest = since if oldest is None else min(oldest, since)
    by_kind[Kind.ROOT, DeliveryState.DELIVERED] = _delivered_roots(tx)
    return Totals(
        received=dict(+outcomes),
        delivered=dict(by_kind),
        queue={state: by_state[state] for state in OPEN_DELIVERIES},
        oldest_waiting=None if oldest is None else max(0.0, tx.now - oldest),
    )


def open_by_owner(tx: Tx) -> dict[tuple[str, str], int]:
    """How many deliveries are not settled yet, for each workspace ("" for the first one) and account."""
    owner = (conversations.c.workspace, conversations.c.account)
    mine = select(*owner, func.count()).join(deliveries, deliveries.c.conversation_id == conversations.c.id)
    rows = tx.conn.execute(mine.where(among(deliveries.c.state, OPEN_DELIVERIES), NOT_DELIVERED).group_by(*owner))
    return {(workspace, account): number for workspace, account, number in rows}


def count_settled(tx: Tx, step: int = STEP) -> bool:
    """Count the next settled rows, at most `step` of each table; True if there may be more."""
    more = [_count_settled(tx, what, step) for what in (_RECEIVED, _DELIVERIES)]
    return any(more)


def _count_settled(tx: Tx, what: Counted, step: int) -> bool:
    ids, now = what.table.c.id, tx.now
    kept = read_kept(tx, what.name, locked=True)
    up_to = kept.up_to
    near = and_(ids > up_to, ids <= up_to + step)
    # One in the future comes from a clock that has jumped.
    new = and_(what.since > now - SETTLED, what.since < now + SETTLED)
    # No transaction below a settled row is still open.
    last = tx.conn.execute(select(func.max(ids)).where(ids > up_to, ~new)).scalar_one() or 0
    unsettled = new if what.changing is None else or_(new, what.changing)
    first = tx.conn.execute(select(func.min(ids)).where(near, unsettled)).scalar_one()
    end = min(up_to + step, last, last if first is None else first - 1)
    if end <= up_to:
        return False
    these = and_(ids > up_to, ids <= end)
    counted = Counter(kept.counted or {})
    counted.update(_numbers(tx, what, these))
    if not keep(tx, what.name, kept, end, counted):
        return True
    if what is _RECEIVED:
        add_received(tx, these)
    return end == up_to + step


def _count(tx: Tx, what: Counted) -> Counter[str]:
    kept = read_kept(tx, what.name)
    counted = Counter(kept.counted or {})
    counted.update(_numbers(tx, what, what.table.c.id > kept.up_to))
    return counted


def _numbers(tx: Tx, what: Counted, where: ColumnElement[bool]) -> dict[str, int]:
    rows = tx.conn.execute(select(what.word, func.count()).where(where).group_by(what.word))
    return {word: int(number) for word, number in rows}


def _delivered_roots(tx: Tx) -> int:
    delivered = and_(equals(sends.c.kind, SendKind.ROOT), equals(sends.c.state, SendState.DELIVERED))
    return int(tx.conn.execute(select(func.count()).select_from(sends).where(delivered)).scalar_one())


def _kind(lane: str, topic: str) -> Kind:
    return KINDS.get((Lane(lane), topic), Kind.LINE)
