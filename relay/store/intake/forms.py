"""What an agent wrote to the customer in a form: stored once, queued behind the replies, and shown in the thread.

Lock order: conversation, lane.
"""

from __future__ import annotations

from sqlalchemy import and_, select, update

from relay.messages import AgentForm
from relay.store.conversations.thread_notices import add_notice, redraw_lines
from relay.store.db.engine import Tx
from relay.store.db.rows import Receipt
from relay.store.db.tables import deliveries
from relay.store.intake.recording import NOT_OURS, Came, find_thread, queue, record
from relay.store.queue.due import arm, lock
from relay.vocabulary import DeliveryState, Lane, Outcome, ReceivedKind, ThreadNotice


def accept_form(tx: Tx, form: AgentForm, body: bytes, *, account: str) -> Receipt:
    """Store it, once per key, and queue it.

    A correction is shown by the line about its reply; anything else has its own line, with its text, because nobody
    wrote it in the thread.
    """
    conversation_id = find_thread(tx, form.channel, form.thread_ts)
    if conversation_id is None:
        return Receipt(Outcome.IGNORED, reason=NOT_OURS)
    lock(tx, conversation_id)
    came = Came(ReceivedKind.FORM, account, form.key, body, form.channel, form.thread_ts)
    received_id = record(tx, came, conversation_id)
    if received_id is None:
        return Receipt(Outcome.DUPLICATE)
    delivery_id = queue(tx, conversation_id, received_id, written_at=tx.now, by_hand=True, pressed_by=form.user_name)
    if form.about is None or not _corrects(tx, conversation_id, form.about, delivery_id):
        add_notice(tx, conversation_id, delivery_id, ThreadNotice.SAID)
    arm(tx, conversation_id, Lane.REPLIES, 0.0)
    return Receipt(Outcome.ACCEPTED, received_id)


def is_ours(tx: Tx, channel: str, thread_ts: str) -> bool:
    """True if a customer's chat is shown under this message."""
    return find_thread(tx, channel, thread_ts) is not None


def _corrects(tx: Tx, conversation_id: int, about: int, delivery_id: int) -> bool:
    """Record what was sent to correct a reply; False if the reply has not reached the customer, or is not in this
    conversation.
    """
    mine = and_(deliveries.c.conversation_id == conversation_id, deliveries.c.lane == Lane.REPLIES.value)
    reached = and_(deliveries.c.id == about, mine, deliveries.c.state == DeliveryState.DELIVERED.value)
    changed = update(deliveries).where(reached).values(correction_id=delivery_id, late_id=None)
    if tx.conn.execute(changed.returning(deliveries.c.id)).one_or_none() is None:
        return False
    line = select(deliveries.c.id).where(deliveries.c.about == about).limit(1)
    redraw_lines(tx, conversation_id, delivery_id)
    return tx.conn.execute(line).one_or_none() is not None
