"""Clicks on cards and on lines in threads: stored once each, and queued behind the replies, so that order is kept.

Lock order: conversation, lane.
"""

from __future__ import annotations

from sqlalchemy import select

from relay.messages import AgentClick
from relay.owners import bare, owner_of
from relay.store.db.engine import Tx
from relay.store.db.rows import Receipt
from relay.store.db.tables import conversations, deliveries
from relay.store.intake.recording import NOT_OURS, Came, find_thread, queue, record
from relay.store.queue.due import arm, lock
from relay.vocabulary import CLICK_TOPIC, Lane, Outcome, ReceivedKind

ANYWHERE = "home"  # the channel of a click that was not made on a message


def accept_click(tx: Tx, click: AgentClick, body: bytes, *, account: str) -> Receipt:
    """Store a click in one of our threads, once per key, and queue its action.

    For what only one person sees, Slack may not name the thread: what the click is about identifies it.
    """
    conversation_id = find_thread(tx, click.channel, click.thread_ts or click.message_ts)
    if conversation_id is None and click.about is not None:
        conversation_id = _of_delivery(tx, click.about, click.channel)
    if conversation_id is None:
        return Receipt(Outcome.IGNORED, reason=NOT_OURS)
    lock(tx, conversation_id)
    received_id = record(tx, Came(ReceivedKind.CLICK, account, click.key, body, click.channel), conversation_id)
    if received_id is None:
        return Receipt(Outcome.DUPLICATE)
    queue(tx, conversation_id, received_id, topic=CLICK_TOPIC, written_at=click.at)
    arm(tx, conversation_id, Lane.REPLIES, 0.0)
    return Receipt(Outcome.ACCEPTED, received_id)


def _of_delivery(tx: Tx, delivery_id: int, channel: str) -> int | None:
    of_channel = select(conversations.c.id).join(deliveries, deliveries.c.conversation_id == conversations.c.id)
    here = of_channel.where(deliveries.c.id == delivery_id, conversations.c.workspace == owner_of(channel))
    if bare(channel) != ANYWHERE:
        here = here.where(conversations.c.channel_id == channel)
    found: int | None = tx.conn.execute(here).scalar_one_or_none()
    return found
