"""Gates that only a person can open, and whether anybody was told."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, or_, select, update

from relay.owners import owner_of
from relay.store.db.dialects import among
from relay.store.db.engine import Tx
from relay.store.db.tables import gates
from relay.store.queue.gates import gate_of_workspace
from relay.vocabulary import GateScope

TOLD_OF = (GateScope.CHANNEL, GateScope.WORKSPACE, GateScope.ACCOUNT, GateScope.AGENT, GateScope.CONFIG)


@dataclass(frozen=True, slots=True)
class Alert:
    """A gate that an operator error has shut, and why; a channel's name is Slack's id, or a "#name" not found."""

    scope: GateScope
    name: str
    cause: str


def take_alert(tx: Tx, *, besides: str) -> Alert | None:
    """The next gate nobody was told of, marked as told; None when there is none.

    Left out is what keeps the channel `besides` itself from telling: its own gate, and its workspace's.
    Marked before the telling: of two workers one tells, and a crash in between costs a line, never doubles it.
    """
    untold = and_(among(gates.c.scope, TOLD_OF), gates.c.operator, ~gates.c.alerted)
    of_slack = among(gates.c.scope, (GateScope.CHANNEL, GateScope.WORKSPACE))
    elsewhere = or_(~of_slack, and_(gates.c.name != besides, gates.c.name != gate_of_workspace(owner_of(besides))))
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
