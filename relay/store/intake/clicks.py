"""Clicks on cards: stored once each, and queued behind the replies, so that what an agent did happens in that order.

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
    """Store a click on a card of ours, once per key, and queue what it asks for."""
    receipt, conversation_id = _record(tx, click, click.message_ts, body, account)
    if receipt.outcome is Outcome.ACCEPTED and receipt.received_id is not None:
        queue(tx, conversation_id, receipt.received_id, topic=CLICK_TOPIC, written_at=click.at)
        arm(tx, conversation_id, Lane.REPLIES, 0.0)
    return receipt


def note_click(tx: Tx, click: AgentClick, body: bytes, *, account: str) -> Receipt:
    """Store a click on a line in a thread, whose effect comes in the same transaction: once per key."""
    return _record(tx, click, click.thread_ts or click.message_ts, body, account)[0]


def _record(tx: Tx, click: AgentClick, thread_ts: str, body: bytes, account: str) -> tuple[Receipt, int]:
    conversation_id = find_thread(tx, click.channel, thread_ts)
    if conversation_id is None:
        return Receipt(Outcome.IGNORED, reason=NOT_OURS), 0
    lock(tx, conversation_id)
    received_id = record(tx, Came(ReceivedKind.CLICK, account, click.key, body, click.channel), conversation_id)
    outcome = Outcome.DUPLICATE if received_id is None else Outcome.ACCEPTED
    return Receipt(outcome, received_id), conversation_id
