"""Clicks on cards: stored once each, and queued behind the replies, so that what an agent did happens in that order.

Lock order: conversation, lane.
"""

from __future__ import annotations

from sqlalchemy import update

from relay.messages import AgentClick
from relay.store.conversations.state import Step, update_state
from relay.store.conversations.thread_notices import add_notice
from relay.store.db.engine import Tx
from relay.store.db.rows import Claim
from relay.store.db.tables import deliveries
from relay.store.intake.replies import NOT_OURS, queue, record, thread_of
from relay.store.intake.webhooks import Receipt
from relay.store.queue.arming import REPLIES, arm, lock
from relay.store.queue.lanes import give_back, hold

CLICK = "click"  # the topic of a delivery that is one


def accept_click(tx: Tx, click: AgentClick, body: bytes, *, account: str) -> Receipt:
    """Store a click on a card of ours, once per key, and queue what it asks for."""
    conversation_id = thread_of(tx, click.channel, click.message_ts)
    if conversation_id is None:
        return Receipt("ignored", reason=NOT_OURS)
    lock(tx, conversation_id)
    received_id = record(tx, CLICK, account, click.key, body, conversation_id)
    if received_id is None:
        return Receipt("duplicate")
    queue(tx, conversation_id, received_id, topic=CLICK, written_at=click.at)
    arm(tx, conversation_id, REPLIES, 0.0)
    return Receipt("accepted", received_id)


def note_click(tx: Tx, click: AgentClick, body: bytes, *, account: str) -> Receipt:
    """Store a click on a line in a thread, whose effect comes in the same transaction: once per key."""
    conversation_id = thread_of(tx, click.channel, click.thread_ts or click.message_ts)
    if conversation_id is None:
        return Receipt("ignored", reason=NOT_OURS)
    lock(tx, conversation_id)
    received_id = record(tx, CLICK, account, click.key, body, conversation_id)
    return Receipt("duplicate") if received_id is None else Receipt("accepted", received_id)


def click_done(tx: Tx, held: Claim, delivery_id: int, step: Step, *, topic: str = "") -> None:
    """What was asked for is so; `topic` is told in the thread, unless nothing has changed."""
    mine = held.conversation.id
    lock(tx, mine)
    hold(tx, held)
    _end(tx, delivery_id, "delivered")
    before, after = update_state(tx, mine, step)
    if topic and after.card != before.card:
        add_notice(tx, mine, delivery_id, topic)
    give_back(tx, held)


def click_refused(tx: Tx, held: Claim, delivery_id: int, cause: str, *, topic: str = "") -> None:
    """It will not be done; `topic` is told in the thread."""
    lock(tx, held.conversation.id)
    hold(tx, held)
    _end(tx, delivery_id, "ignored", cause)
    if topic:
        add_notice(tx, held.conversation.id, delivery_id, topic)
    give_back(tx, held)


def _end(tx: Tx, delivery_id: int, state: str, cause: str = "") -> None:
    ended = {"state": state, "cause": cause, "settled_at": tx.now}
    tx.conn.execute(update(deliveries).where(deliveries.c.id == delivery_id).values(**ended))
