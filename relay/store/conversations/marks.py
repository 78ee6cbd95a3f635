"""Marks on agents' messages: the wanted one, and the one shown."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import exists, select, update

from relay.store.db.dialects import among, equals
from relay.store.db.engine import Tx
from relay.store.db.rows import Claim
from relay.store.db.tables import OPEN_DELIVERIES, OUTDATED, deliveries, received
from relay.vocabulary import Lane, Mark

MOST = 100  # messages searched at a time

_TRIED = "?"  # release 0.1 separated several marks with this if it did not know which one was shown


@dataclass(frozen=True, slots=True)
class Outdated:
    """An agent's message, by the key of the received thing, whose mark is not `wanted`; `shown` are those it
    may have.
    """

    delivery_id: int
    key: str
    wanted: Mark
    shown: tuple[Mark, ...]


# A line about a message that is not in the thread yet.
_LINE = deliveries.alias()
_TO_TELL = exists(
    select(_LINE.c.id)
    .where(
        _LINE.c.conversation_id == deliveries.c.conversation_id,
        equals(_LINE.c.lane, Lane.WORDS),
        among(_LINE.c.state, OPEN_DELIVERIES),
        _LINE.c.about == deliveries.c.id,
    )
    .correlate(deliveries)
)


def next_outdated(tx: Tx, claim: Claim) -> Outdated | bool:
    """The first message of a conversation with an outdated mark; otherwise whether one waits for its line.

    The line comes before the mark it explains.
    """
    rows = tx.conn.execute(
        select(deliveries.c.id, deliveries.c.mark, deliveries.c.mark_shown, received.c.key, _TO_TELL.label("waits"))
        .join(received, received.c.id == deliveries.c.received_id)
        .where(deliveries.c.conversation_id == claim.conversation.id, OUTDATED)
        .order_by(deliveries.c.id)
        .limit(MOST)
    ).all()
    row = next((row for row in rows if not row.waits), None)
    if row is None:
        return bool(rows)
    shown = tuple(dict.fromkeys(Mark(mark) for mark in row.mark_shown.split(_TRIED) if mark))
    return Outdated(row.id, row.key, Mark(row.mark), shown)


def mark_shown(tx: Tx, delivery_id: int, mark: Mark) -> None:
    """The message visibly has this mark."""
    tx.conn.execute(update(deliveries).where(deliveries.c.id == delivery_id).values(mark_shown=mark.value))
