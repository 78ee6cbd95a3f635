"""When people were last notified in a conversation's thread."""

from __future__ import annotations

import json

from sqlalchemy import select

from relay.store.db.dialects import among, equals
from relay.store.db.engine import Tx
from relay.store.db.tables import deliveries, send_parts, sends
from relay.vocabulary import CALLING, Lane, SendKind, SendState

_SEEN = (SendState.SENDING, SendState.UNSURE, SendState.DELIVERED)  # certainly or possibly
_CALLS = frozenset(topic.value for topic in CALLING)


def last_call(tx: Tx, conversation_id: int, since: float) -> float | None:
    """When a post that notifies people was last sent, None if not after `since`; both in seconds since 1970.

    Such a post also appears in the channel, or contains a line that notifies somebody.
    """
    of_thread = (sends.c.conversation_id == conversation_id, equals(sends.c.lane, Lane.WORDS))
    posts = (equals(sends.c.kind, SendKind.POST), among(sends.c.state, _SEEN))
    lately = (sends.c.started_at > since, sends.c.started_at <= tx.now)  # the clock may have jumped back
    lines = send_parts.join(deliveries, deliveries.c.id == send_parts.c.delivery_id)
    rows = tx.conn.execute(
        select(sends.c.started_at, sends.c.payload, deliveries.c.topic)
        .join_from(sends, lines, send_parts.c.send_id == sends.c.id)
        .where(*of_thread, *posts, *lately)
    )
    called = (row.started_at for row in rows if row.topic in _CALLS or json.loads(row.payload).get("reply_broadcast"))
    return max(called, default=None)
