"""Gates that only a person can open, and whether anybody was told."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, or_, select, update

from relay.store.db.dialects import among
from relay.store.db.engine import Tx
from relay.store.db.tables import gates
from relay.vocabulary import GateScope

# Of a workspace that takes no posts nobody can be told.
TOLD_OF = (GateScope.CHANNEL, GateScope.ACCOUNT, GateScope.AGENT, GateScope.CONFIG)


@dataclass(frozen=True, slots=True)
class Alert:
    """A gate that an operator error has shut, and why; a channel's name is Slack's id, or a "#name" not found."""

    scope: GateScope
    name: str
    cause: str


def take_alert(tx: Tx, *, besides: str) -> Alert | None:
    """The next gate nobody was told of, marked as told; None when there is none. The channel `besides` is left out.

    Marked before the telling: of two workers one tells, and a crash in between costs a line, never doubles it.
    """
    untold = and_(among(gates.c.scope, TOLD_OF), gates.c.operator, ~gates.c.alerted)
    elsewhere = or_(gates.c.scope != GateScope.CHANNEL.value, gates.c.name != besides)
    first = select(gates).where(untold, elsewhere).order_by(gates.c.scope, gates.c.name).limit(1)
    row = tx.conn.execute(first.with_for_update(skip_locked=True)).one_or_none()
    if row is None:
        return None
    alert = Alert(GateScope(row.scope), row.name, row.cause)
    tx.conn.execute(update(gates).where(_of(alert)).values(alerted=True))
    return alert


def put_back(tx: Tx, alert: Alert) -> None:
    """Nobody could be told of it yet."""
    tx.conn.execute(update(gates).where(_of(alert)).values(alerted=False))


def _of(alert: Alert) -> ColumnElement[bool]:
    return and_(gates.c.scope == alert.scope.value, gates.c.name == alert.name)
