"""Lines in which the relay itself speaks in a thread, queued like messages.

Lock order: whoever calls holds the conversation.
"""

from __future__ import annotations

from sqlalchemy import exists, insert, literal, select

from relay.store.db.engine import Tx
from relay.store.db.tables import deliveries
from relay.store.queue.arming import WORDS, arm


def add_notice(tx: Tx, conversation_id: int, delivery_id: int, topic: str) -> None:
    """Say in the thread what there is to say of a delivery; `topic` says what it is about."""
    columns = ("conversation_id", "lane", "received_id", "about", "topic", "created_at")
    told = select(
        deliveries.c.conversation_id,
        literal(WORDS),
        deliveries.c.received_id,
        deliveries.c.id,
        literal(topic),
        literal(tx.now),
    ).where(deliveries.c.id == delivery_id)
    tx.conn.execute(insert(deliveries).from_select(columns, told))
    arm(tx, conversation_id, WORDS, 0.0)


def has_notice(tx: Tx, delivery_id: int, topic: str) -> bool:
    """True when that was said already, or is about to be."""
    said = exists().where(deliveries.c.about == delivery_id, deliveries.c.topic == topic)
    return bool(tx.conn.execute(select(said)).scalar_one())
