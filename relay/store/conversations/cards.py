"""The versions of a conversation's card: which one it should show, and which one it shows.

Lock order: conversation, lane.
"""

from __future__ import annotations

from sqlalchemy import exists, or_, select, update

from relay.store.db.dialects import among, equals
from relay.store.db.engine import Tx
from relay.store.db.rows import Claim
from relay.store.db.tables import OPEN_SENDS, OUTDATED, conversations, deliveries, sends
from relay.store.queue.due import arm, lock
from relay.store.queue.lanes import give_back
from relay.vocabulary import Lane, SendKind, SendState


def mark_shown(tx: Tx, claim: Claim, version: int) -> None:
    """The card shows this version, as far as anybody will see."""
    mine = conversations.c.id == claim.conversation.id
    tx.conn.execute(update(conversations).where(mine, conversations.c.shown < version).values(shown=version))


def release(tx: Tx, claim: Claim) -> None:
    """Give a card lane back: due at once where the card or a mark on a message is not what it should be."""
    mine = claim.conversation.id
    card = exists().where(conversations.c.id == mine, conversations.c.wanted != conversations.c.shown)
    marks = exists().where(deliveries.c.conversation_id == mine, OUTDATED)
    there = among(sends.c.state, (*OPEN_SENDS, SendState.DELIVERED))
    posts = exists().where(
        sends.c.conversation_id == mine, sends.c.outdated > 0, equals(sends.c.kind, SendKind.POST), there
    )
    behind = tx.conn.execute(select(or_(card, marks, posts))).scalar_one()
    give_back(tx, claim, wait=0.0 if behind else None)


def request_redraw(tx: Tx, conversation_id: int) -> None:
    """Show the card once more, whatever it shows."""
    lock(tx, conversation_id)
    mine = conversations.c.id == conversation_id
    tx.conn.execute(update(conversations).where(mine).values(wanted=conversations.c.wanted + 1))
    arm(tx, conversation_id, Lane.CARD, 0.0)
