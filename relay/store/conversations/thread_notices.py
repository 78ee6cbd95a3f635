"""Lines in which the relay itself speaks in a thread, queued like messages.

Lock order: whoever calls holds the conversation.
"""

from __future__ import annotations

from sqlalchemy import insert, literal, select

from relay.store.db.engine import Tx
from relay.store.db.tables import deliveries
from relay.store.queue.due import arm
from relay.vocabulary import Lane, ThreadNotice


def add_notice(tx: Tx, conversation_id: int, delivery_id: int, topic: ThreadNotice) -> None:
    """Say in the thread what there is to say of a delivery."""
    columns = ("conversation_id", "lane", "received_id", "about", "topic", "created_at")
    notice = select(
        deliveries.c.conversation_id,
        literal(Lane.WORDS.value),
        deliveries.c.received_id,
        deliveries.c.id,
        literal(topic.value),
        literal(tx.now),
    ).where(deliveries.c.id == delivery_id)
    tx.conn.execute(insert(deliveries).from_select(columns, notice))
    arm(tx, conversation_id, Lane.WORDS, 0.0)
