"""Forgets what customers wrote once it is old; keys, states and counts stay.

Never touched: the content of what is waiting, sending, unsure or dead.
"""

from __future__ import annotations

from sqlalchemy import exists, select, update

from relay.store.engine import Tx
from relay.store.tables import deliveries, received, send_parts, sends

STILL_NEEDED = ("waiting", "sending", "unsure", "dead")


def prune(tx: Tx, older_than: float, *, limit: int = 500) -> int:
    """Empty at most `limit` bodies and as many payloads that are older than `older_than` seconds; returns how many."""
    before = tx.now - older_than
    return _prune_bodies(tx, before, limit) + _prune_payloads(tx, before, limit)


def _prune_bodies(tx: Tx, before: float, limit: int) -> int:
    needed = exists(
        select(deliveries.c.id).where(deliveries.c.received_id == received.c.id, deliveries.c.state.in_(STILL_NEEDED))
    ).correlate(received)
    old = (
        select(received.c.id)
        .where(received.c.body.is_not(None), received.c.received_at < before, ~needed)
        .order_by(received.c.received_at)
        .limit(limit)
    )
    pruned = tx.conn.execute(update(received).where(received.c.id.in_(old)).values(body=None).returning(received.c.id))
    return len(pruned.all())


def _prune_payloads(tx: Tx, before: float, limit: int) -> int:
    needed = exists(
        select(send_parts.c.send_id)
        .join(deliveries, deliveries.c.id == send_parts.c.delivery_id)
        .where(send_parts.c.send_id == sends.c.id, deliveries.c.state.in_(STILL_NEEDED))
    ).correlate(sends)
    old = (
        select(sends.c.id)
        .where(
            sends.c.payload != "{}",
            sends.c.created_at < before,
            sends.c.state.in_(("delivered", "refused", "void")),
            ~needed,
        )
        .order_by(sends.c.created_at)
        .limit(limit)
    )
    pruned = tx.conn.execute(update(sends).where(sends.c.id.in_(old)).values(payload="{}").returning(sends.c.id))
    return len(pruned.all())
