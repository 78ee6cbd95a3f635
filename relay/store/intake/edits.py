"""An agent edits or deletes a message: in time, that changes or stops the reply; later, the thread is told.

Lock order: conversation, lane.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, and_, select, update

from relay.messages import AgentChange, Reading, ReplyRules
from relay.store.conversations.kept_files import revoke, take_out
from relay.store.conversations.replies import lock_reply, may_have_arrived
from relay.store.conversations.thread_notices import add_notice, redraw_lines
from relay.store.db.dialects import among, equals
from relay.store.db.engine import Tx
from relay.store.db.rows import Receipt, to_send
from relay.store.db.tables import UNDER_WAY, deliveries, received, send_parts, sends
from relay.store.intake.echoes import HOLD_REPLIES
from relay.store.intake.judging import judge
from relay.store.intake.recording import NOT_OURS, Came, lock_thread, queue, record
from relay.store.queue.due import arm, lock
from relay.store.queue.sends import drop
from relay.vocabulary import DeliveryState, Lane, Mark, Outcome, ReceivedKind, SendState, Source, ThreadNotice

TAKEN_BACK = "deleted before it was sent"
NOT_SENT = (DeliveryState.WAITING, DeliveryState.DEAD)
ENDED = (DeliveryState.DELIVERED, DeliveryState.IGNORED)
SET_OUT = (DeliveryState.SENDING, DeliveryState.UNSURE, DeliveryState.DELIVERED)


@dataclass(frozen=True, slots=True)
class _Changed:
    """The reply that an edit concerns."""

    id: int
    conversation_id: int


def accept_change(tx: Tx, change: AgentChange, body: bytes, *, account: str, rules: ReplyRules) -> Receipt:
    """Apply a change to a reply that has not reached the customer: update it, or stop it.

    For one that has, the thread is told; nothing more is sent automatically. A note stays a note whatever happens to
    it. A deleted file is not sent, and its link stops working. Slack keeps no order: a change that arrives before its
    message, or while that is held, waits for it.
    """
    reply = _reply_of(tx, account, change.of)
    if reply is not None:
        lock(tx, reply.conversation_id)
    elif not _lock_place(tx, change, account):
        return Receipt(Outcome.IGNORED, reason=NOT_OURS)
    else:
        reply = _reply_of(tx, account, change.of)  # it may have arrived before its place was locked
    received_id = record(tx, _came(change, body, account), None if reply is None else reply.conversation_id)
    if received_id is None:
        return Receipt(Outcome.DUPLICATE)
    if reply is None:
        return Receipt(Outcome.ACCEPTED, received_id, "held until its message is known")
    return _apply(tx, reply, change, received_id, rules)


def apply_held_changes(tx: Tx, account: str, key: str, rules: ReplyRules) -> None:
    """A message has been queued, and its conversation is locked: apply the changes that were waiting for it."""
    waiting = received.alias()
    ids = select(waiting.c.id).where(equals(waiting.c.outcome, Outcome.HELD))
    held = and_(received.c.id.in_(ids), received.c.account == account, received.c.edits_key == key)
    for row in tx.conn.execute(select(received).where(held).order_by(received.c.id)).all():
        reply = _reply_of(tx, account, key)
        if reply is not None:
            taken = {"outcome": Outcome.ACCEPTED.value, "conversation_id": reply.conversation_id}
            tx.conn.execute(update(received).where(received.c.id == row.id).values(**taken))
            _apply(tx, reply, _change_of(row, rules), row.id, rules)


def _lock_place(tx: Tx, change: AgentChange, account: str) -> bool:
    """Lock the place of an unknown message, so that it cannot arrive meanwhile; False if it is not ours."""
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
        note=change.reading.note,
        gone=change.gone,
    )


def _change_of(row: Any, rules: ReplyRules) -> AgentChange:
    note, read = row.reason or None, rules.read_again(row.body)
    if read is not None:
        return replace(read, reading=replace(read.reading, note=note))
    place = (row.thread_channel, row.thread_ts, row.edited_at)
    return AgentChange(row.key, row.edits_key, *place, Reading(note), row.gone)


def send_correction(tx: Tx, delivery_id: int, by: str) -> bool:
    """`by` wants the customer to get a reply's last edit too; False if there is no unsent edit."""
    conversation_id = lock_reply(tx, delivery_id)
    if conversation_id is None:
        return False
    edit = tx.conn.execute(select(deliveries.c.late_id).where(deliveries.c.id == delivery_id)).scalar_one()
    if edit is None:
        return False
    correction = queue(tx, conversation_id, edit, written_at=tx.now, by_hand=True, pressed_by=by)
    mine = deliveries.c.id == delivery_id
    tx.conn.execute(update(deliveries).where(mine).values(late_id=None, correction_id=correction))
    arm(tx, conversation_id, Lane.REPLIES, 0.0)
    redraw_lines(tx, conversation_id, correction)
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


def _apply(tx: Tx, reply: _Changed, change: AgentChange, received_id: int, rules: ReplyRules) -> Receipt:
    if change.files_gone:
        _take_out_files(tx, reply, change.files_gone)
    if change.same_words:
        return Receipt(Outcome.ACCEPTED, received_id)
    if _is_older(tx, reply.id, change):
        return Receipt(Outcome.IGNORED, received_id, "a later change came first")
    _call_back(tx, reply)
    if change.gone:
        revoke(tx, reply.id)
    if _change(tx, reply, change, received_id, rules) or _tell(tx, reply, change, received_id):
        return Receipt(Outcome.ACCEPTED, received_id)
    _change_note(tx, reply, change, received_id)
    return Receipt(Outcome.IGNORED, received_id, "a note")


def _take_out_files(tx: Tx, reply: _Changed, files: Sequence[str]) -> None:
    """What has not been sent goes without them. Links to them stop working: if the customer may have one, the thread is
    told.
    """
    _call_back(tx, reply)
    mine = select(deliveries.c.state).where(deliveries.c.id == reply.id)
    state = tx.conn.execute(mine.with_for_update()).scalar_one()
    had_links = [take_out(tx, reply.conversation_id, reply.id, file) for file in files]
    if state in NOT_SENT:
        arm(tx, reply.conversation_id, Lane.REPLIES, 0.0)
    if not any(had_links):
        return
    carried = select(send_parts.c.send_id).where(send_parts.c.delivery_id == reply.id, send_parts.c.live)
    being_called = and_(sends.c.id.in_(carried), among(sends.c.state, UNDER_WAY))
    # If it turns out that it was not done, it is prepared again.
    tx.conn.execute(update(sends).where(being_called).values(outdated=sends.c.outdated + 1))
    if state in SET_OUT or may_have_arrived(tx, reply.id):
        add_notice(tx, reply.conversation_id, reply.id, ThreadNotice.FILE_DELETED)


def _call_back(tx: Tx, reply: _Changed) -> None:
    """Prepare a stored send again that has certainly not been done: it can still be changed.

    Starting it requires the same lane.
    """
    tx.run(HOLD_REPLIES, conversation_id=reply.conversation_id)
    carried = and_(send_parts.c.delivery_id == reply.id, send_parts.c.live)
    put_off = and_(equals(sends.c.state, SendState.FROZEN), sends.c.ts.is_(None))
    mine = select(sends).join(send_parts, send_parts.c.send_id == sends.c.id).where(carried, put_off)
    for row in tx.conn.execute(mine).all():
        drop(tx, to_send(row), SendState.VOID)


def _is_older(tx: Tx, delivery_id: int, change: AgentChange) -> bool:
    """True if a later edit is known already: Slack keeps no order."""
    edit_of = received.c.id.in_((deliveries.c.words_id, deliveries.c.late_id))
    later = select(received.c.id).join(deliveries, edit_of).where(received.c.edited_at > change.at)
    known = later.where(deliveries.c.id == delivery_id).limit(1)
    return not change.gone and tx.conn.execute(known).one_or_none() is not None


def _change(tx: Tx, reply: _Changed, change: AgentChange, received_id: int, rules: ReplyRules) -> bool:
    """Change or stop what has not been sent; also what was given up and may be sent again.

    What somebody has decided to send is not asked about again, but can still be turned into a note.
    """
    mine = and_(deliveries.c.id == reply.id, deliveries.c.state.in_(NOT_SENT))
    row = tx.conn.execute(select(deliveries.c.by_hand, deliveries.c.asks).where(mine).with_for_update()).one_or_none()
    if row is None:
        return False
    reading = change.reading if row.by_hand else judge(tx, reply.conversation_id, change.reading, rules)
    if change.gone or reading.note is not None:
        gone = Mark.UNSURE if change.gone and may_have_arrived(tx, reply.id) else Mark.NONE
        mark = gone if change.gone else Mark.NOTE
        values: dict[str, object] = {
            "state": DeliveryState.IGNORED.value,
            "cause": reading.note or TAKEN_BACK,
            "mark": mark.value,
            **({} if change.gone else {"words_id": received_id}),
        }
    else:
        values = {"words_id": received_id, **_asked_anew(tx, "" if row.by_hand else reading.asks, row.asks)}
    tx.conn.execute(update(deliveries).where(mine).values(**values))
    redraw_lines(tx, reply.conversation_id, reply.id)
    arm(tx, reply.conversation_id, Lane.CARD, 0.0)
    arm(tx, reply.conversation_id, Lane.REPLIES, 0.0)
    return True


def _asked_anew(tx: Tx, asks: str, before: str) -> dict[str, object]:
    """Ask again according to the new text: drop a question it no longer raises, ask a new one, keep one that
    remains.
    """
    if not asks:
        return {"asks": "", "asked": False, "not_before": tx.now, "undo": 0.0} if before else {}
    return {} if before else {"asks": asks, "asked": False}


def _change_note(tx: Tx, reply: _Changed, change: AgentChange, received_id: int) -> None:
    """A note stays a note; if somebody sends it after all, it has the new text. A deleted one cannot be sent."""
    mine = and_(deliveries.c.id == reply.id, deliveries.c.state == DeliveryState.IGNORED.value)
    values = {"mark": Mark.NONE.value} if change.gone else {"words_id": received_id}
    tx.conn.execute(update(deliveries).where(mine).values(**values))
    redraw_lines(tx, reply.conversation_id, reply.id)


def _tell(tx: Tx, reply: _Changed, change: AgentChange, received_id: int) -> bool:
    """A sent reply stays as it is. Several edits share one line: its button sends the last one."""
    mine = and_(deliveries.c.id == reply.id, deliveries.c.state.in_(SET_OUT))
    if tx.conn.execute(select(deliveries.c.id).where(mine)).one_or_none() is None:
        return False
    late = None if change.gone or change.reading.note is not None else received_id
    tx.conn.execute(update(deliveries).where(mine).values(late_id=late))
    if change.gone:
        _end_correction(tx, reply)
    add_notice(tx, reply.conversation_id, reply.id, ThreadNotice.DELETED if change.gone else ThreadNotice.EDITED)
    return True


def _end_correction(tx: Tx, reply: _Changed) -> None:
    """The reply was deleted: a correction that has not been sent is not, and one that was is deleted with it.

    One that may be on its way stays the last word on the reply.
    """
    mine = deliveries.c.id == reply.id
    correction = tx.conn.execute(select(deliveries.c.correction_id).where(mine)).scalar_one()
    if correction is None:
        return
    _call_back(tx, replace(reply, id=correction))
    stopped = {"state": DeliveryState.IGNORED.value, "cause": TAKEN_BACK, "mark": Mark.NONE.value}
    unsent = and_(deliveries.c.id == correction, deliveries.c.state.in_(NOT_SENT))
    tx.conn.execute(update(deliveries).where(unsent).values(**stopped))
    redraw_lines(tx, reply.conversation_id, correction)
    ended = and_(deliveries.c.id == correction, deliveries.c.state.in_(ENDED))
    if tx.conn.execute(select(deliveries.c.id).where(ended)).one_or_none() is not None:
        tx.conn.execute(update(deliveries).where(mine).values(correction_id=None))
