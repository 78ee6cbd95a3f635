"""Forgets what customers wrote once it is old; keys, states and counts stay.

Never touched: the content of what is waiting, sending, unsure or dead, and whatever such a delivery still names.
"""

from __future__ import annotations

from sqlalchemy import Double, Integer, exists, select, union_all, update

from relay.store.db.dialects import among
from relay.store.db.engine import Tx
from relay.store.db.statements import given
from relay.store.db.tables import NOT_DELIVERED, OPEN_DELIVERIES, deliveries, received, send_parts, sends
from relay.vocabulary import DeliveryState, SendState

ENDED = (SendState.DELIVERED, SendState.REFUSED, SendState.VOID)
STILL_NEEDED = among(deliveries.c.state, (*OPEN_DELIVERIES, DeliveryState.DEAD))

# The edits that say what to send instead, and those that somebody may want to be sent too.
_NAMED = union_all(
    *(
        select(edit).where(STILL_NEEDED, NOT_DELIVERED, edit.is_not(None))
        for edit in (deliveries.c.words_id, deliveries.c.late_id)
    )
)
_OLD_BODIES = (
    select(received.c.id)
    .where(
        received.c.body.is_not(None),
        received.c.received_at < given("before", Double),
        ~exists(
            select(deliveries.c.id).where(deliveries.c.received_id == received.c.id, STILL_NEEDED).correlate(received)
        ),
        received.c.id.not_in(_NAMED),
    )
    .order_by(received.c.received_at)
    .limit(given("limit", Integer))
)
_OLD_PAYLOADS = (
    select(sends.c.id)
    .where(
        sends.c.payload != "{}",
        sends.c.created_at < given("before", Double),
        among(sends.c.state, ENDED),
        ~exists(
            select(send_parts.c.send_id)
            .join(deliveries, deliveries.c.id == send_parts.c.delivery_id)
            .where(send_parts.c.send_id == sends.c.id, STILL_NEEDED)
            .correlate(sends)
        ),
    )
    .order_by(sends.c.created_at)
    .limit(given("limit", Integer))
)
EMPTY = (
    update(received).where(received.c.id.in_(_OLD_BODIES)).values(body=None).returning(received.c.id),
    update(sends).where(sends.c.id.in_(_OLD_PAYLOADS)).values(payload="{}").returning(sends.c.id),
)


def prune(tx: Tx, older_than: float, *, limit: int = 500) -> int:
    """Empty at most `limit` bodies and as many payloads that are older than `older_than` seconds; returns how many."""
    return sum(len(tx.run(empty, before=tx.now - older_than, limit=limit).all()) for empty in EMPTY)
