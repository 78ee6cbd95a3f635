"""Clicks on cards and on lines in threads: stored once each, and queued behind the replies, so that order is kept.

Lock order: conversation, lane.
"""

from __future__ import annotations

from sqlalchemy import exists, or_, select

from relay.messages import AgentClick
from relay.owners import bare, owner_of
from relay.store.db.engine import Tx
from relay.store.db.rows import Receipt
from relay.store.db.tables import conversations, deliveries, sends
from relay.store.intake.recording import NOT_OURS, Came, Held, find_thread, lock_thread, queue, record, release
from relay.store.queue.due import arm, lock
from relay.vocabulary import CLICK_TOPIC, Lane, Outcome, ReceivedKind, SendKind

ANYWHERE = "home"  # the channel of a click that was not made on a message


def accept_click(tx: Tx, click: AgentClick, body: bytes, *, account: str) -> Receipt:
    """Store a click in one of our threads, once per key, and queue its action; held while its card is not known yet.

    For what only one person sees, Slack may not name the thread: what the click is about identifies it.
    """
    conversation_id, is_ours = find_thread(tx, click.channel, click.thread_ts or click.message_ts), True
    if conversation_id is None and click.about is not None:
        conversation_id = _of_delivery(tx, click.about, click.channel)
    if conversation_id is None:
        conversation_id, is_ours = lock_thread(tx, click.channel, click.message_ts) if click.on_card else (None, False)
    if not is_ours:
        return Receipt(Outcome.IGNORED, reason=NOT_OURS)
    if conversation_id is not None:
        lock(tx, conversation_id)
    came = Came(ReceivedKind.CLICK, account, click.key, body, click.channel, click.message_ts)
    received_id = record(tx, came, conversation_id)
    if received_id is None:
        return Receipt(Outcome.DUPLICATE)
    if conversation_id is None:
        return Receipt(Outcome.ACCEPTED, received_id, "held until its card is known")
    _queue_click(tx, conversation_id, received_id, click.at)
    return Receipt(Outcome.ACCEPTED, received_id)


def adopt_click(tx: Tx, one: Held, conversation_id: int, *, at: float) -> None:
    """Queue a held click, made `at` this time, whose card is now known; the conversation is locked."""
    if release(tx, one, conversation_id):
        _queue_click(tx, conversation_id, one.id, at)


def _queue_click(tx: Tx, conversation_id: int, received_id: int, at: float) -> None:
    queue(tx, conversation_id, received_id, topic=CLICK_TOPIC, written_at=at)
    arm(tx, conversation_id, Lane.REPLIES, 0.0)


def _of_delivery(tx: Tx, delivery_id: int, channel: str) -> int | None:
    of_channel = select(conversations.c.id).join(deliveries, deliveries.c.conversation_id == conversations.c.id)
    here = of_channel.where(deliveries.c.id == delivery_id, conversations.c.workspace == owner_of(channel))
    if bare(channel) != ANYWHERE:
        card = exists().where(sends.c.conversation_id == conversations.c.id, sends.c.channel == channel)
        was_there = card.where(sends.c.kind == SendKind.ROOT.value).correlate(conversations)
        here = here.where(or_(conversations.c.channel_id == channel, was_there))
    found: int | None = tx.conn.execute(here).scalar_one_or_none()
    return found
