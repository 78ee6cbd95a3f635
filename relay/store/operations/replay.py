"""Dead letters get another life: the same delivery, under the same key, so that a replay cannot double."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from sqlalchemy import func, select, update

from relay.messages import Form
from relay.store.conversations.replies import send_again
from relay.store.db.dialects import upsert
from relay.store.db.engine import Tx
from relay.store.db.tables import conversations, deliveries, lanes, received, send_parts
from relay.store.queue.arming import REPLIES, WORDS
from relay.store.queue.sends import WHOLE_NOTICE


def replay_one(tx: Tx, delivery_id: int) -> str:
    """Queue a dead letter again; returns what it was: `dead`, `pruned`, another state, or `unknown`."""
    row = tx.conn.execute(
        select(deliveries.c.conversation_id, deliveries.c.lane, deliveries.c.state, received.c.body)
        .join(received, received.c.id == deliveries.c.received_id)
        .where(deliveries.c.id == delivery_id)
    ).one_or_none()
    if row is None:
        return "unknown"
    if row.state != "dead":
        return str(row.state)
    if row.body is None:
        return "pruned"
    if row.lane == REPLIES:
        send_again(tx, delivery_id)
    else:
        _revive(tx, row.conversation_id, [delivery_id])
    return "dead"


def replay_all(tx: Tx, *, within: float | None = None) -> int:
    """Queue every dead letter for Slack again, or those buried within so many seconds; returns how many.

    Replies are left out: they may have reached the customer, and only a person can know.
    """
    query = (
        select(deliveries.c.conversation_id, deliveries.c.id)
        .join(received, received.c.id == deliveries.c.received_id)
        .where(deliveries.c.state == "dead", deliveries.c.lane == WORDS, received.c.body.is_not(None))
        .order_by(deliveries.c.conversation_id, deliveries.c.id)
    )
    if within is not None:
        query = query.where(deliveries.c.settled_at >= tx.now - within)
    rows = tx.conn.execute(query).all()
    for conversation_id, found in groupby(rows, key=lambda row: row.conversation_id):
        _revive(tx, conversation_id, [row.id for row in found])
    return len(rows)


def _revive(tx: Tx, conversation_id: int, ids: Sequence[int]) -> None:
    """Lock the conversation, then its lanes, as `accept` does; bring the dead letters back and make their lanes due."""
    channel = tx.conn.execute(
        select(conversations.c.channel).where(conversations.c.id == conversation_id).with_for_update(key_share=True)
    ).scalar_one()
    kinds = tx.conn.execute(select(deliveries.c.lane).where(deliveries.c.id.in_(ids)).distinct()).scalars()
    due = None if channel is None else tx.now
    for kind in sorted(kinds):
        again = {"due": func.coalesce(lanes.c.due, due), "waiting_since": func.coalesce(lanes.c.waiting_since, tx.now)}
        new = upsert(tx, lanes).values(conversation_id=conversation_id, kind=kind, due=due, waiting_since=tx.now)
        tx.conn.execute(new.on_conflict_do_update(index_elements=["conversation_id", "kind"], set_=again))
    waiting = {"state": "waiting", "form": Form.FULL.value, "alone": False, "notice_due": False, "cause": ""}
    tx.conn.execute(
        update(deliveries)
        .where(deliveries.c.id.in_(ids), deliveries.c.state == "dead")
        .values(**waiting, settled_at=None)
    )
    # Its notice has been said; should it die again, that is said again.
    notice = send_parts.c.part == WHOLE_NOTICE
    tx.conn.execute(update(send_parts).where(send_parts.c.delivery_id.in_(ids), notice).values(live=False))
