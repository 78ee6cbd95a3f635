"""Read-only queries about the current state: the latest traffic, and what a person must fix."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import and_, func, select

from relay.store.db.dialects import ahead, among, equals, unindexed
from relay.store.db.engine import Tx
from relay.store.db.tables import NOT_DELIVERED, OPEN_DELIVERIES, conversations, deliveries, gates, received
from relay.vocabulary import DeliveryState, GateScope, Outcome, Source


@dataclass(frozen=True, slots=True)
class Pause:
    """A closed gate; `for_operator`: until a person has fixed the cause."""

    scope: GateScope
    name: str
    cause: str
    code: str
    for_operator: bool


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is undelivered: how many wait, for how many seconds the oldest has, and how many have no channel."""

    waiting: int
    oldest: float
    dead: int
    without_channel: int


def last_received(tx: Tx, source: Source, account: str | None = None) -> float | None:
    """When something valid was last received, in seconds since 1970; None for never.

    For one `account`, or for all.
    """
    its = (equals(received.c.source, source), *(() if account is None else (received.c.account == account,)))
    in_index = select(received.c.key).where(*its).order_by(received.c.account, received.c.kind, received.c.key)
    if tx.conn.execute(in_index.limit(1)).one_or_none() is None:
        return None  # else everything would be read through for nothing
    mine = and_(equals(unindexed(received.c.source), source), received.c.outcome != Outcome.REJECTED.value)
    if account is not None:
        mine = and_(mine, unindexed(received.c.account) == account)
    last = select(received.c.received_at).where(received.c.id > 0, mine).order_by(received.c.id.desc()).limit(1)
    found: float | None = tx.conn.execute(last).scalar_one_or_none()
    return found


def last_delivered(tx: Tx) -> float | None:
    """When something was last delivered, in seconds since 1970; None for never."""
    done = and_(equals(deliveries.c.state, DeliveryState.DELIVERED), deliveries.c.settled_at.is_not(None))
    last = select(deliveries.c.settled_at).where(deliveries.c.id > 0, done).order_by(deliveries.c.id.desc()).limit(1)
    found: float | None = tx.conn.execute(last).scalar_one_or_none()
    return found


def backlog(tx: Tx) -> Backlog:
    """What waits, and what was given up."""
    open_ = select(func.count(), func.min(deliveries.c.created_at))
    waiting, since = tx.conn.execute(open_.where(among(deliveries.c.state, OPEN_DELIVERIES), NOT_DELIVERED)).one()
    dead = select(func.count()).where(equals(deliveries.c.state, DeliveryState.DEAD), NOT_DELIVERED)
    unmapped = select(func.count()).select_from(conversations).where(conversations.c.channel.is_(None))
    return Backlog(
        waiting,
        0.0 if since is None else max(0.0, tx.now - since),
        int(tx.conn.execute(dead).scalar_one()),
        int(tx.conn.execute(unmapped).scalar_one()),
    )


def pauses(tx: Tx) -> list[Pause]:
    """Every closed gate, those that wait for a person first."""
    shut = ahead(tx, gates.c.closed_until, gates.c.delay)
    rows = tx.conn.execute(select(gates).where(gates.c.operator | shut).order_by(gates.c.scope, gates.c.name)).all()
    found = [Pause(GateScope(row.scope), row.name, row.cause, row.code, bool(row.operator)) for row in rows]
    return sorted(found, key=lambda one: not one.for_operator)
