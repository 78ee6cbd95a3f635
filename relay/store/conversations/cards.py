"""The versions of a conversation's card: which one it should show, and which one it shows.

Lock order: conversation, lane.
"""

from __future__ import annotations

from sqlalchemy import exists, or_, select, update

from relay.store.db.engine import Tx
from relay.store.db.rows import Claim
from relay.store.db.tables import OUTDATED, conversations, deliveries, received
from relay.store.queue.arming import CARD, arm, lock
from relay.store.queue.lanes import give_back, hold


def mark_shown(tx: Tx, held: Claim) -> None:
    """The card shows the version that was wanted when its lane was claimed; a newer one comes next. Raises Fenced."""
    place = held.conversation
    lock(tx, place.id)
    hold(tx, held)
    tx.conn.execute(update(conversations).where(conversations.c.id == place.id).values(shown=place.wanted))
    release(tx, held)


def release(tx: Tx, held: Claim) -> None:
    """Give the lane back: due at once where the card or a mark on a message is not what it should be."""
    mine = held.conversation.id
    card = exists().where(conversations.c.id == mine, conversations.c.wanted != conversations.c.shown)
    marks = exists().where(deliveries.c.conversation_id == mine, OUTDATED)
    behind = tx.conn.execute(select(or_(card, marks))).scalar_one()
    give_back(tx, held, wait=0.0 if behind else None)


def postpone(tx: Tx, held: Claim, wait: float) -> None:
    """Again in `wait` seconds."""
    give_back(tx, held, wait=wait, attempts=held.attempts + 1, spent=held.spent)


def request_redraw(tx: Tx, conversation_id: int) -> None:
    """Show the card once more, whatever it shows."""
    lock(tx, conversation_id)
    mine = conversations.c.id == conversation_id
    tx.conn.execute(update(conversations).where(mine).values(wanted=conversations.c.wanted + 1))
    arm(tx, conversation_id, CARD, 0.0)


def body_of(tx: Tx, received_id: int | None) -> bytes | None:
    """A received body, as long as it is kept."""
    body: bytes | None = tx.conn.execute(
        select(received.c.body).where(received.c.id == received_id)
    ).scalar_one_or_none()
    return body
