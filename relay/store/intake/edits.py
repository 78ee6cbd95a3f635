"""An agent edits a message or takes it back: in time that changes or stops the reply, later the thread is told.

Lock order: conversation, lane.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, select, update

from relay.messages import AgentChange
from relay.store.conversations.replies import lock_reply
from relay.store.conversations.thread_notices import add_notice
from relay.store.db.dialects import equals
from relay.store.db.engine import Tx
from relay.store.db.rows import Receipt
from relay.store.db.tables import deliveries, received
from relay.store.intake.recording import NOT_OURS, Came, lock_thread, queue, record
from relay.store.queue.due import arm, lock
from relay.vocabulary import DeliveryState, Lane, Mark, Outcome, ReceivedKind, Source, ThreadNotice

TAKEN_BACK = "deleted before it was sent"
NOT_SENT = (DeliveryState.WAITING, DeliveryState.DEAD)
SET_OUT = (DeliveryState.SENDING, DeliveryState.UNSURE, DeliveryState.DELIVERED)


@dataclass(frozen=True, slots=True)
class _Changed:
    """The reply that an edit is about."""

    id: int
    conversation_id: int


def accept_change(tx: Tx, change: AgentChange, body: bytes, *, account: str) -> Receipt:
    """Let a reply that has not reached the customer say what its message says now, or stop it.

    Of one that has, the thread is told; nothing more is sent by itself. A note stays a note, whatever becomes of it.
    Slack keeps no order: a change that comes before its message, or while that is held, waits for it.
    """
    reply = _reply_of(tx, account, change.of)
    if reply is not None:
        lock(tx, reply.conversation_id)
    elif not _lock_place(tx, change, account):
        return Receipt(Outcome.IGNORED, reason=NOT_OURS)
    else:
        reply = _reply_of(tx, account, change.of)  # it may have come until its place could be locked
    received_id = record(tx, _came(change, body, account), None if reply is None else reply.conversation_id)
    if received_id is None:
        return Receipt(Outcome.DUPLICATE)
    if reply is None:
        return Receipt(Outcome.ACCEPTED, received_id, "held until its message is known")
    return _apply(tx, reply, change, received_id)


def apply_held_changes(tx: Tx, account: str, key: str) -> None:
    """A message has been queued, and its conversation is locked: let it say what it says by now."""
    waiting = received.alias()
    ids = select(waiting.c.id).where(equals(waiting.c.outcome, Outcome.HELD))
    held = and_(received.c.id.in_(ids), received.c.account == account, received.c.edits_key == key)
    for row in tx.conn.execute(select(received).where(held).order_by(received.c.id)).all():
        reply = _reply_of(tx, account, key)
        if reply is not None:
            taken = {"outcome": Outcome.ACCEPTED.value, "conversation_id": reply.conversation_id}
            tx.conn.execute(update(received).where(received.c.id == row.id).values(**taken))
            _apply(tx, reply, _change_of(row), row.id)


def _lock_place(tx: Tx, change: AgentChange, account: str) -> bool:
    """Lock where an unknown message was written, so that it cannot come meanwhile; False where it is none of ours."""
    if change.thread_ts is None and not _is_held(tx, account, change.of):
        return False
    return lock_thread(tx, change.channel, change.thread_ts)[1]


def _came(change: AgentChange, body: bytes, account: str) -> Came:
    return Came(
        ReceivedKind.EDIT,
        account,
        change.key,
        body,
        change.channel,
        change.thread_ts,
        edits_key=change.of,
        edited_at=change.at,
        note=change.note,
        gone=change.gone,
    )


def _change_of(row: Any) -> AgentChange:
    return AgentChange(
        row.key, row.edits_key, row.thread_channel, row.thread_ts, row.edited_at, row.reason or None, row.gone
    )


def send_correction(tx: Tx, delivery_id: int) -> bool:
    """Somebody wants the customer to have a reply's last edit too; False where there is none that is not sent yet."""
    conversation_id = lock_reply(tx, delivery_id)
    if conversation_id is None:
        return False
    edit = tx.conn.execute(select(deliveries.c.late_id).where(deliveries.c.id == delivery_id)).scalar_one()
    if edit is None:
        return False
    tx.conn.execute(update(deliveries).where(deliveries.c.id == delivery_id).values(late_id=None))
    queue(tx, conversation_id, edit, written_at=tx.now)
    arm(tx, conversation_id, Lane.REPLIES, 0.0)
    return True


def _reply_of(tx: Tx, account: str, key: str) -> _Changed | None:
    row = tx.conn.execute(
        select(deliveries.c.id, deliveries.c.conversation_id)
        .join(received, received.c.id == deliveries.c.received_id)
        .where(_message(account, key), deliveries.c.lane == Lane.REPLIES.value)
    ).one_or_none()
    return None if row is None else _Changed(row.id, row.conversation_id)


def _is_held(tx: Tx, account: str, key: str) -> bool:
    held = received.c.outcome == Outcome.HELD.value
    return tx.conn.execute(select(received.c.id).where(_message(account, key), held)).one_or_none() is not None


def _message(account: str, key: str) -> ColumnElement[bool]:
    of_slack = and_(received.c.source == Source.SLACK.value, received.c.account == account)
    return and_(of_slack, received.c.kind == ReceivedKind.MESSAGE.value, received.c.key == key)


def _apply(tx: Tx, reply: _Changed, change: AgentChange, received_id: int) -> Receipt:
    if _is_older(tx, reply.id, change):
        return Receipt(Outcome.IGNORED, received_id, "a later change came first")
    if _change(tx, reply, change, received_id) or _tell(tx, reply, change, received_id):
        return Receipt(Outcome.ACCEPTED, received_id)
    return Receipt(Outcome.IGNORED, received_id, "a note")


def _is_older(tx: Tx, delivery_id: int, change: AgentChange) -> bool:
    """True where a later edit is known already: Slack keeps no order."""
    edit_of = received.c.id.in_((deliveries.c.words_id, deliveries.c.late_id))
    later = select(received.c.id).join(deliveries, edit_of).where(received.c.edited_at > change.at)
    known = later.where(deliveries.c.id == delivery_id).limit(1)
    return not change.gone and tx.conn.execute(known).one_or_none() is not None


def _change(tx: Tx, reply: _Changed, change: AgentChange, received_id: int) -> bool:
    """What has not been sent is changed or stopped; also what was given up and may be sent again."""
    stops = change.gone or change.note is not None
    mark = Mark.NONE if change.gone else Mark.NOTE
    stopped = {"state": DeliveryState.IGNORED.value, "cause": change.note or TAKEN_BACK, "mark": mark.value}
    done = tx.conn.execute(
        update(deliveries)
        .where(deliveries.c.id == reply.id, deliveries.c.state.in_(NOT_SENT))
        .values(**(stopped if stops else {"words_id": received_id}))
        .returning(deliveries.c.id)
    ).one_or_none()
    if done is not None and stops:
        arm(tx, reply.conversation_id, Lane.CARD, 0.0)
    return done is not None


def _tell(tx: Tx, reply: _Changed, change: AgentChange, received_id: int) -> bool:
    """What has set out is as it is. Several edits are one line: its button sends the last one."""
    mine = and_(deliveries.c.id == reply.id, deliveries.c.state.in_(SET_OUT))
    row = tx.conn.execute(select(deliveries.c.late_id).where(mine)).one_or_none()
    if row is None:
        return False
    late = None if change.gone or change.note is not None else received_id
    tx.conn.execute(update(deliveries).where(mine).values(late_id=late))
    if late is None:
        add_notice(tx, reply.conversation_id, reply.id, ThreadNotice.DELETED)
    elif row.late_id is None:
        add_notice(tx, reply.conversation_id, reply.id, ThreadNotice.EDITED)
    return True
