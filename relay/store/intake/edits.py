"""An agent edits a message or takes it back: in time that changes or stops the reply, later it is only told.

Lock order: conversation, lane.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, select, update

from relay.messages import AgentChange
from relay.store.conversations.replies import lock_reply
from relay.store.conversations.thread_notices import add_notice
from relay.store.db.engine import Tx
from relay.store.db.tables import deliveries, received
from relay.store.intake.replies import DOOR, NOT_OURS, queue, record
from relay.store.intake.webhooks import Receipt
from relay.store.queue.arming import CARD, REPLIES, arm, lock

TAKEN_BACK = "deleted before it was sent"
EDITED, DELETED = "edited", "deleted"  # topics of the lines that tell of it
NOT_SENT = ("waiting", "dead")
SET_OUT = ("sending", "unsure", "delivered")


def accept_change(tx: Tx, change: AgentChange, body: bytes, *, account: str) -> Receipt:
    """Let a reply that has not reached the customer say what its message says now, or stop it.

    Of one that has, the thread is told; nothing more is sent by itself. A note stays a note, whatever becomes of it.
    """
    its_message = and_(received.c.door == DOOR, received.c.account == account, received.c.key == change.of)
    reply = tx.conn.execute(
        select(deliveries.c.id, deliveries.c.conversation_id)
        .join(received, received.c.id == deliveries.c.received_id)
        .where(its_message, received.c.kind == "message", deliveries.c.lane == REPLIES)
    ).one_or_none()
    if reply is None:
        return Receipt("ignored", reason=NOT_OURS)
    lock(tx, reply.conversation_id)
    received_id = record(tx, "edit", account, change.key, body, reply.conversation_id)
    if received_id is None:
        return Receipt("duplicate")
    if _is_older(tx, reply.id, change):
        return Receipt("ignored", received_id, "a later change came first")
    if _changed(tx, reply, change, received_id) or _told(tx, reply, change, received_id):
        return Receipt("accepted", received_id)
    return Receipt("ignored", received_id, "a note")


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
    arm(tx, conversation_id, REPLIES, 0.0)
    return True


def _is_older(tx: Tx, delivery_id: int, change: AgentChange) -> bool:
    """True where a later edit is known already: Slack keeps no order."""
    known = select(received.c.key).join(deliveries, received.c.id.in_((deliveries.c.words_id, deliveries.c.late_id)))
    times = [key.split("/")[3] for key in tx.conn.execute(known.where(deliveries.c.id == delivery_id)).scalars()]
    return not change.gone and any(time > change.at for time in times)


def _changed(tx: Tx, reply: Any, change: AgentChange, received_id: int) -> bool:
    """What has not been sent is changed or stopped; also what was given up and may be sent again."""
    stops = change.gone or change.note is not None
    stopped = {"state": "ignored", "cause": change.note or TAKEN_BACK, "mark": "" if change.gone else "note"}
    done = tx.conn.execute(
        update(deliveries)
        .where(deliveries.c.id == reply.id, deliveries.c.state.in_(NOT_SENT))
        .values(**(stopped if stops else {"words_id": received_id}))
        .returning(deliveries.c.id)
    ).one_or_none()
    if done is not None and stops:
        arm(tx, reply.conversation_id, CARD, 0.0)
    return done is not None


def _told(tx: Tx, reply: Any, change: AgentChange, received_id: int) -> bool:
    """What has set out is as it is. Several edits are one line: its button sends the last one."""
    mine = and_(deliveries.c.id == reply.id, deliveries.c.state.in_(SET_OUT))
    row = tx.conn.execute(select(deliveries.c.late_id).where(mine)).one_or_none()
    if row is None:
        return False
    late = None if change.gone or change.note is not None else received_id
    tx.conn.execute(update(deliveries).where(mine).values(late_id=late))
    if late is None:
        add_notice(tx, reply.conversation_id, reply.id, DELETED)
    elif row.late_id is None:
        add_notice(tx, reply.conversation_id, reply.id, EDITED)
    return True
