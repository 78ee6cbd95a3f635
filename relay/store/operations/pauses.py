"""What may not be called at the moment, and why."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import and_, or_, select

from relay.store.db.dialects import ahead
from relay.store.db.engine import Tx
from relay.store.db.tables import gates
from relay.vocabulary import GateScope


@dataclass(frozen=True, slots=True)
class Pause:
    """A gate that is closed: what it holds back, the vendor's word for why, and a sentence.

    `seconds` is how long until it is tried again; `operator`: it waits for a person all the same.
    """

    scope: GateScope
    name: str
    code: str
    cause: str
    seconds: float
    operator: bool


def pauses(tx: Tx) -> list[Pause]:
    """Every gate that is closed now, by scope and name."""
    closed = or_(ahead(tx, gates.c.closed_until, gates.c.delay), gates.c.operator)
    holds_back = and_(closed, gates.c.scope != GateScope.CONFIG.value)
    rows = tx.conn.execute(select(gates).where(holds_back).order_by(gates.c.scope, gates.c.name))
    return [
        Pause(
            GateScope(row.scope), row.name, row.code, row.cause,
            max(0.0, (row.closed_until or 0.0) - tx.now), row.operator,
        )
        for row in rows
    ]  # fmt: skip
