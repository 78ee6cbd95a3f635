"""Clicks that wait to be done, and whose authors have not been told so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import and_, select, update

from relay.store.db.dialects import among
from relay.store.db.engine import Tx
from relay.store.db.tables import NOT_DELIVERED, OPEN_DELIVERIES, conversations, deliveries, received
from relay.vocabulary import CLICK_TOPIC, Lane

MOST = 20  # at a time


@dataclass(frozen=True, slots=True)
class LateClick:
    """A click with its body, and where the thread is that it concerns."""

    id: int
    key: str
    body: bytes | None
    channel_id: str | None
    thread_ts: str | None


def find(tx: Tx, before: float) -> Sequence[LateClick]:
    """Those that were made before this moment, in seconds since 1970; the oldest first."""
    waits = and_(NOT_DELIVERED, among(deliveries.c.state, OPEN_DELIVERIES), deliveries.c.lane == Lane.REPLIES.value)
    late = and_(waits, deliveries.c.topic == CLICK_TOPIC, deliveries.c.created_at < before, ~deliveries.c.asked)
    place = (conversations.c.channel_id, conversations.c.thread_ts)
    rows = tx.conn.execute(
        select(deliveries.c.id, received.c.key, received.c.body, *place)
        .join(received, received.c.id == deliveries.c.received_id)
        .join(conversations, conversations.c.id == deliveries.c.conversation_id)
        .where(late)
        .order_by(deliveries.c.id)
        .limit(MOST)
    )
    return [LateClick(*row) for row in rows]


def mark_told(tx: Tx, delivery_id: int) -> bool:
    """Its author is told now; False if another process has done that, or the click is being settled."""
    mine = and_(deliveries.c.id == delivery_id, ~deliveries.c.asked)
    free = tx.conn.execute(select(deliveries.c.id).where(mine).with_for_update(skip_locked=True)).one_or_none()
    if free is not None:
        tx.conn.execute(update(deliveries).where(mine).values(asked=True))
    return free is not None
