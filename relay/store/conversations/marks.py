"""Marks on agents' messages: what they should show, and what they show."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select, update

from relay.store.db.engine import Tx
from relay.store.db.rows import Claim
from relay.store.db.tables import OUTDATED, deliveries, received
from relay.vocabulary import Mark

_TRIED = "?"  # release 0.1 wrote several marks with this between them when it did not know which of them was shown


@dataclass(frozen=True, slots=True)
class Outdated:
    """An agent's message, by the key of what came in, whose mark is not `wanted`; `shown` are those it may bear."""

    delivery_id: int
    key: str
    wanted: Mark
    shown: tuple[Mark, ...]


def next_outdated(tx: Tx, claim: Claim) -> Outdated | None:
    """The first message of a conversation whose mark is outdated."""
    row = tx.conn.execute(
        select(deliveries.c.id, deliveries.c.mark, deliveries.c.mark_shown, received.c.key)
        .join(received, received.c.id == deliveries.c.received_id)
        .where(deliveries.c.conversation_id == claim.conversation.id, OUTDATED)
        .order_by(deliveries.c.id)
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    shown = tuple(dict.fromkeys(Mark(mark) for mark in row.mark_shown.split(_TRIED) if mark))
    return Outdated(row.id, row.key, Mark(row.mark), shown)


def mark_shown(tx: Tx, delivery_id: int, mark: Mark) -> None:
    """The message bears this mark now, as far as anybody will see."""
    tx.conn.execute(update(deliveries).where(deliveries.c.id == delivery_id).values(mark_shown=mark.value))
