"""Replies that look like notes: their authors are asked, and nothing is sent until they answer.

Lock order: conversation, lane; the caller holds both.
"""

from __future__ import annotations

from sqlalchemy import and_, or_, select, update

from relay.store.conversations.replies import fate, let_go, lock_reply
from relay.store.conversations.thread_notices import add_notice, redraw_lines
from relay.store.db.engine import Tx
from relay.store.db.rows import Claim
from relay.store.db.tables import deliveries
from relay.store.queue.due import arm
from relay.store.queue.lanes import give_back
from relay.vocabulary import NO_TOPIC, TAKEN_BACK, DeliveryState, Lane, Mark, ThreadNotice

# An edit may have made the question obsolete.
_IS_ASKED = and_(deliveries.c.state == DeliveryState.WAITING.value, deliveries.c.asks != "")
ASKED_FOR = 600.0  # seconds in which somebody can decide whether their message goes to the customer


def mark_asked(tx: Tx, claim: Claim, delivery_id: int) -> None:
    """Its author has been asked, and now has ten minutes. The lane is released."""
    waits = {"asked": True, "not_before": tx.now + ASKED_FOR, "undo": ASKED_FOR}
    open_question = and_(deliveries.c.id == delivery_id, _IS_ASKED)
    tx.conn.execute(update(deliveries).where(open_question).values(**waits))
    give_back(tx, claim)


def is_asked(tx: Tx, delivery_id: int) -> bool:
    """True if its question was asked, or is obsolete."""
    row = tx.conn.execute(select(deliveries).where(deliveries.c.id == delivery_id)).one()
    return bool(row.asked or not row.asks or row.state != DeliveryState.WAITING.value)


def mark_behind(tx: Tx, claim: Claim, delivery_id: int) -> None:
    """Its author knows that it waits behind a question. The lane is released."""
    tx.conn.execute(update(deliveries).where(deliveries.c.id == delivery_id).values(mark=Mark.PENDING.value))
    arm(tx, claim.conversation.id, Lane.CARD, 0.0)
    give_back(tx, claim)


def is_behind(tx: Tx, delivery_id: int) -> bool:
    """True if that is recorded."""
    mark = tx.conn.execute(select(deliveries.c.mark).where(deliveries.c.id == delivery_id)).scalar_one()
    return bool(mark == Mark.PENDING.value)


def keep_inside(tx: Tx, claim: Claim, delivery_id: int, cause: str) -> None:
    """Nobody confirmed that it goes to the customer: it becomes a note, and a line offers to send it anyway.

    The lane is released.
    """
    if _end_as_note(tx, delivery_id, cause):
        arm(tx, claim.conversation.id, Lane.CARD, 0.0)
        add_notice(tx, claim.conversation.id, delivery_id, ThreadNotice.KEPT)
    give_back(tx, claim)


def send_to_customer(tx: Tx, delivery_id: int, by: str) -> bool:
    """`by` decides that a note, a possible note, or what could not be sent goes to the customer; False if it is none.

    A reply that was made a note may have arrived before that: it is one all the same.
    """
    made = and_(deliveries.c.mark == Mark.UNSURE.value, deliveries.c.cause != TAKEN_BACK)
    kept = or_(deliveries.c.mark == Mark.NOTE.value, made)
    is_note = and_(deliveries.c.state == DeliveryState.IGNORED.value, kept)
    may_be = and_(deliveries.c.state == DeliveryState.WAITING.value, deliveries.c.asks != "")
    failed = and_(deliveries.c.state == DeliveryState.DEAD.value, deliveries.c.mark == Mark.FAILED.value)
    return let_go(tx, delivery_id, by, and_(deliveries.c.topic == NO_TOPIC, or_(is_note, may_be, failed)))


def keep_as_note(tx: Tx, delivery_id: int, by: str) -> bool:
    """`by` decides that a possible note is one; False if it is too late, or there is no question."""
    conversation_id = lock_reply(tx, delivery_id)
    if conversation_id is None or not _end_as_note(tx, delivery_id, fate(tx, delivery_id).cause, pressed_by=by):
        return False
    arm(tx, conversation_id, Lane.CARD, 0.0)
    redraw_lines(tx, conversation_id, delivery_id)
    return True


def _end_as_note(tx: Tx, delivery_id: int, cause: str, **more: object) -> bool:
    kept = {"state": DeliveryState.IGNORED.value, "cause": cause, "mark": Mark.NOTE.value, "settled_at": tx.now, **more}
    waiting = and_(deliveries.c.id == delivery_id, _IS_ASKED)
    done = update(deliveries).where(waiting).values(**kept).returning(deliveries.c.id)
    return tx.conn.execute(done).one_or_none() is not None
