"""Messages that are not shown in Slack, and those that are brought back."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import and_, select, update

from relay.store.db.dialects import equals
from relay.store.db.engine import Tx
from relay.store.db.rows import BROUGHT_BACK
from relay.store.db.tables import deliveries, received
from relay.vocabulary import DeliveryState, Lane


def leave_out(tx: Tx, delivery_ids: Sequence[int], reason: str) -> None:
    """Settle these without showing them. The lane is held."""
    if delivery_ids:
        ended = {"state": DeliveryState.IGNORED.value, "cause": reason, "settled_at": tx.now}
        tx.conn.execute(update(deliveries).where(deliveries.c.id.in_(delivery_ids)).values(**ended))


def bring_back(tx: Tx, conversation_id: int, reason: str) -> bool:
    """Show the messages that were left out for this reason, if their text is still stored.

    The lane is held. False if there are none.
    """
    kept = select(received.c.id).where(received.c.conversation_id == conversation_id, received.c.body.is_not(None))
    left_out = and_(
        deliveries.c.received_id.in_(kept),
        equals(deliveries.c.lane, Lane.WORDS),
        equals(deliveries.c.state, DeliveryState.IGNORED),
        deliveries.c.cause == reason,
    )
    again = {"state": DeliveryState.WAITING.value, "cause": BROUGHT_BACK, "settled_at": None}
    found = tx.conn.execute(update(deliveries).where(left_out).values(**again).returning(deliveries.c.id))
    return bool(found.all())
