"""The lanes by name, and how one is told that it has something to do.

Lock order: conversation, lanes.
"""

from __future__ import annotations

from sqlalchemy import case, func, select

from relay.store.engine import Tx
from relay.store.sql import upsert
from relay.store.tables import conversations, lanes

WORDS, REPLIES, CARD = "words", "replies", "card"


def lock(tx: Tx, conversation_id: int) -> None:
    """Hold a conversation: whoever touches two of its lanes does this first, or two workers wait for each other.

    key_share: a worker that freezes holds its lane and refers to the conversation, which must not wait for us.
    """
    mine = conversations.c.id == conversation_id
    tx.conn.execute(select(conversations.c.id).where(mine).with_for_update(key_share=True))


def arm(tx: Tx, conversation_id: int, kind: str, wait: float) -> None:
    """Make a lane due in `wait` seconds, unless it is due already or waits for something else."""
    idle = lanes.c.due.is_(None)
    new = upsert(tx, lanes).values(
        conversation_id=conversation_id, kind=kind, due=tx.now + wait, delay=wait, waiting_since=tx.now
    )
    tx.conn.execute(
        new.on_conflict_do_update(
            index_elements=["conversation_id", "kind"],
            set_={
                "due": case((idle, tx.now + wait), else_=lanes.c.due),
                "delay": case((idle, wait), else_=lanes.c.delay),
                "waiting_since": func.coalesce(lanes.c.waiting_since, tx.now),
            },
        )
    )
