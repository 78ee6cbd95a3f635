"""Marks on agents' messages: what they should show, and what they show."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select, update

from relay.store.conversations.cards import release
from relay.store.db.engine import Tx
from relay.store.db.rows import Claim
from relay.store.db.tables import OUTDATED, deliveries, received
from relay.store.queue.lanes import give_back, hold


@dataclass(frozen=True, slots=True)
class Marking:
    """One message whose mark is not what it should be; "" is no mark. `shown` are those it may bear."""

    id: int
    channel: str
    ts: str
    wanted: str
    shown: tuple[str, ...]


def next_marking(tx: Tx, held: Claim) -> Marking | None:
    """The first message of a conversation whose mark is outdated; without one the lane is given back.

    What is about to be tried is written down beside what is shown: after a crash nobody knows which of them it bears.
    """
    hold(tx, held)
    row = tx.conn.execute(
        select(deliveries.c.id, deliveries.c.mark, deliveries.c.mark_shown, received.c.key)
        .join(received, received.c.id == deliveries.c.received_id)
        .where(deliveries.c.conversation_id == held.conversation.id, OUTDATED)
        .order_by(deliveries.c.id)
        .limit(1)
    ).one_or_none()
    if row is None:
        give_back(tx, held)
        return None
    _, channel, ts, *_ = row.key.split("/")  # an edit's key goes on with its own time
    shown = tuple(dict.fromkeys(filter(None, row.mark_shown.split("?"))))
    trying = "?".join((*shown, row.mark)) if row.mark else "?".join(shown)
    tx.conn.execute(update(deliveries).where(deliveries.c.id == row.id).values(mark_shown=trying + "?"))
    return Marking(row.id, channel, ts, row.mark, tuple(name for name in shown if name != row.mark))


def mark_shown(tx: Tx, held: Claim, marking: Marking) -> None:
    """It shows what was wanted when the call was made; what is wanted meanwhile comes next."""
    hold(tx, held)
    tx.conn.execute(update(deliveries).where(deliveries.c.id == marking.id).values(mark_shown=marking.wanted))
    release(tx, held)
