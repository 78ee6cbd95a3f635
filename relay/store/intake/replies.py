"""Takes in what an agent wrote in Slack, in one transaction: deduplicate, find the thread's conversation, record,
queue.

Lock order: conversation, lane.
"""

from __future__ import annotations

from sqlalchemy import exists, select

from relay.messages import AgentMessage, ReplyRules
from relay.store.db.engine import Tx
from relay.store.db.rows import Receipt
from relay.store.db.tables import sends
from relay.store.intake.edits import apply_held_changes
from relay.store.intake.judging import SWITCHED_OFF, judge
from relay.store.intake.recording import NOT_OURS, Came, Held, lock_thread, queue, record, release
from relay.store.queue.due import arm
from relay.vocabulary import DeliveryState, Lane, Mark, Outcome, ReceivedKind

OWN_POST = "the relay posted it"


def accept_reply(tx: Tx, message: AgentMessage, body: bytes, *, account: str, rules: ReplyRules) -> Receipt:
    """Store an agent's message, once per key, and queue it for when it can no longer be undone.

    A note only gets its mark; if it may be one, its author is asked.
    """
    if _is_ours(tx, message):
        return Receipt(Outcome.IGNORED, reason=OWN_POST)
    conversation_id, is_ours = lock_thread(tx, message.channel, message.thread_ts)
    if not is_ours:
        return Receipt(Outcome.IGNORED, reason=NOT_OURS)
    came = Came(ReceivedKind.MESSAGE, account, message.key, body, message.channel, message.thread_ts)
    received_id = record(tx, came, conversation_id, client_key=message.client_key)
    if received_id is None:
        return Receipt(Outcome.DUPLICATE)
    if conversation_id is None:
        return Receipt(Outcome.ACCEPTED, received_id, "held until its thread is known")
    _queue_reply(tx, conversation_id, received_id, message, account, rules)
    return Receipt(Outcome.ACCEPTED, received_id)


def adopt(tx: Tx, one: Held, conversation_id: int, message: AgentMessage, rules: ReplyRules) -> None:
    """Queue a held message whose thread is now known; the conversation is locked."""
    if release(tx, one, conversation_id):
        _queue_reply(tx, conversation_id, one.id, message, one.account, rules)


def _is_ours(tx: Tx, message: AgentMessage) -> bool:
    posted = exists().where(sends.c.channel == message.channel, sends.c.ts == message.ts, sends.c.ts.is_not(None))
    return bool(tx.conn.execute(select(posted)).scalar_one())


def _queue_reply(
    tx: Tx, conversation_id: int, received_id: int, message: AgentMessage, account: str, rules: ReplyRules
) -> None:
    """With all changes that came before it or were held with it."""
    reading = judge(tx, conversation_id, message.reading, rules)
    is_note, undo = reading.note is not None, rules.undo
    queue(
        tx,
        conversation_id,
        received_id,
        state=(DeliveryState.IGNORED if is_note else DeliveryState.WAITING).value,
        cause=reading.note or "",
        asks=reading.asks,
        mark=(Mark.NOTE if is_note and reading.note != SWITCHED_OFF else Mark.NONE).value,
        written_at=float(message.ts),
        not_before=tx.now + undo,
        undo=undo,
    )
    arm(tx, conversation_id, Lane.CARD if is_note else Lane.REPLIES, 0.0 if is_note or reading.asks else undo)
    apply_held_changes(tx, account, message.key, rules)
