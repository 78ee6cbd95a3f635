"""Channels that wait for a person, and whether anybody was told."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import and_, select, update

from relay.store.db.engine import Tx
from relay.store.db.tables import gates


@dataclass(frozen=True, slots=True)
class Alert:
    """A channel (Slack's id, or a "#name" that was not found) that an operator error has closed, and why."""

    channel: str
    cause: str


def take_alert(tx: Tx, *, besides: str) -> Alert | None:
    """The next channel nobody was told of, marked as told; None when there is none. `besides` is left out.

    Marked before the telling: of two workers one tells, and a crash in between costs a line, never doubles it.
    """
    untold = and_(gates.c.scope == "channel", gates.c.operator, ~gates.c.alerted)
    first = select(gates.c.name).where(untold, gates.c.name != besides).order_by(gates.c.name).limit(1)
    row = tx.conn.execute(
        update(gates)
        .where(untold, gates.c.name == first.scalar_subquery())
        .values(alerted=True)
        .returning(gates.c.name, gates.c.cause)
    ).one_or_none()
    return None if row is None else Alert(row.name, row.cause)


def put_back(tx: Tx, alert: Alert) -> None:
    """Nobody could be told of it yet."""
    tx.conn.execute(
        update(gates).where(gates.c.scope == "channel", gates.c.name == alert.channel).values(alerted=False)
    )
