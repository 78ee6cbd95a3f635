"""Clicks on cards and on lines in threads: stored once each, and queued behind the replies, so that order is kept.

Lock order: conversation, lane.
"""

from __future__ import annotations

from relay.messages import AgentClick
from relay.store.db.engine import Tx
from relay.store.db.rows import Receipt
from relay.store.intake.recording import NOT_OURS, Came, find_thread, queue, record
from relay.store.queue.due import arm, lock
from relay.vocabulary import CLICK_TOPIC, Lane, Outcome, ReceivedKind


def accept_click(tx: Tx, click: AgentClick, body: bytes, *, account: str) -> Receipt:
    """Store a click in a thread of ours, once per key, and queue what it asks for."""
    conversation_id = find_thread(tx, click.channel, click.thread_ts or click.message_ts)
    if conversation_id is None:
        return Receipt(Outcome.IGNORED, reason=NOT_OURS)
    lock(tx, conversation_id)
    received_id = record(tx, Came(ReceivedKind.CLICK, account, click.key, body, click.channel), conversation_id)
    if received_id is None:
        return Receipt(Outcome.DUPLICATE)
    queue(tx, conversation_id, received_id, topic=CLICK_TOPIC, written_at=click.at)
    arm(tx, conversation_id, Lane.REPLIES, 0.0)
    return Receipt(Outcome.ACCEPTED, received_id)
