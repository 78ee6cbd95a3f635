"""One transaction takes in what an agent wrote in Slack: deduplicate, find the thread's conversation, record, queue.

A thread is one of ours if its parent is a root we posted. While a root is on its way its `ts` is not known yet: what is
written under an unknown parent in that channel is kept until the root has settled (`adopt`), so that nothing is lost.
Lock order: conversation, lane.
"""

from __future__ import annotations

from sqlalchemy import and_, exists, insert, select, update

from relay.messages import AgentMessage
from relay.store.db.dialects import among, upsert
from relay.store.db.engine import Tx
from relay.store.db.tables import OPEN_SENDS, deliveries, received, sends
from relay.store.intake.webhooks import Receipt
from relay.store.queue.arming import CARD, REPLIES, arm, lock

DOOR = "slack"
NOT_OURS = "not in a thread of ours"
OWN_POST = "the relay posted it"


def accept_reply(tx: Tx, message: AgentMessage, body: bytes, *, account: str, undo: float) -> Receipt:
    """Store an agent's message, once per key, and queue it to go out in `undo` seconds; a note only gets its mark."""
    if _is_ours(tx, message):
        return Receipt("ignored", reason=OWN_POST)
    conversation_id = thread_of(tx, message.channel, message.thread_ts)
    if conversation_id is None and not _root_under_way(tx, message.channel):
        return Receipt("ignored", reason=NOT_OURS)
    if conversation_id is not None:
        lock(tx, conversation_id)
    received_id = record(tx, "message", account, message.key, body, conversation_id, message.client_key)
    if received_id is None:
        return Receipt("duplicate")
    if conversation_id is None:
        return Receipt("accepted", received_id, "held until its thread is known")
    _queue(tx, conversation_id, received_id, message, undo)
    return Receipt("accepted", received_id)


def thread_of(tx: Tx, channel: str, thread_ts: str) -> int | None:
    """The conversation whose thread, the present one or an earlier one, begins with this message."""
    found: int | None = tx.conn.execute(
        select(sends.c.conversation_id)
        .where(sends.c.channel == channel, sends.c.ts == thread_ts, sends.c.ts.is_not(None), sends.c.kind == "root")
        .limit(1)
    ).scalar_one_or_none()
    return found


def held(tx: Tx) -> list[tuple[int, bytes]]:
    """What waits for its thread to become known: (received id, body), oldest first."""
    return [(row.id, row.body) for row in tx.run(HELD)]


HELD = select(received.c.id, received.c.body).where(received.c.outcome == "held").order_by(received.c.id)


def adopt(tx: Tx, received_id: int, message: AgentMessage, *, undo: float) -> bool | None:
    """Queue a held message whose thread has become known; None while it may still become known, False if never."""
    conversation_id = thread_of(tx, message.channel, message.thread_ts)
    if conversation_id is None and _root_under_way(tx, message.channel):
        return None
    if conversation_id is not None:
        lock(tx, conversation_id)
    outcome = {"outcome": "accepted"} if conversation_id is not None else {"outcome": "ignored", "reason": NOT_OURS}
    mine = and_(received.c.id == received_id, received.c.outcome == "held")
    taken = update(received).where(mine).values(conversation_id=conversation_id, **outcome).returning(received.c.id)
    if tx.conn.execute(taken).one_or_none() is not None and conversation_id is not None:
        _queue(tx, conversation_id, received_id, message, undo)
    return conversation_id is not None


def record(
    tx: Tx,
    kind: str,
    account: str,
    key: str,
    body: bytes,
    conversation_id: int | None,
    client_key: str | None = None,
) -> int | None:
    """Store one inbound thing of Slack's; returns its id, None where it is stored already."""
    row = (
        upsert(tx, received)
        .values(
            door=DOOR,
            account=account,
            kind=kind,
            key=key,
            client_key=client_key,
            conversation_id=conversation_id,
            outcome="accepted" if conversation_id is not None else "held",
            body=body,
            received_at=tx.now,
        )
        .on_conflict_do_nothing()
        .returning(received.c.id)
    )
    found: int | None = tx.conn.execute(row).scalar_one_or_none()
    return found


def queue(tx: Tx, conversation_id: int, received_id: int, **values: str | float) -> None:
    """Put something of an agent's into the replies lane; whoever calls arms what has to do with it."""
    tx.conn.execute(
        insert(deliveries).values(
            conversation_id=conversation_id, lane=REPLIES, received_id=received_id, created_at=tx.now, **values
        )
    )


def _is_ours(tx: Tx, message: AgentMessage) -> bool:
    posted = exists().where(sends.c.channel == message.channel, sends.c.ts == message.ts, sends.c.ts.is_not(None))
    return bool(tx.conn.execute(select(posted)).scalar_one())


def _root_under_way(tx: Tx, channel: str) -> bool:
    under_way = exists().where(sends.c.channel == channel, sends.c.kind == "root", among(sends.c.state, OPEN_SENDS))
    return bool(tx.conn.execute(select(under_way)).scalar_one())


def _queue(tx: Tx, conversation_id: int, received_id: int, message: AgentMessage, undo: float) -> None:
    is_note = message.note is not None
    queue(
        tx,
        conversation_id,
        received_id,
        state="ignored" if is_note else "waiting",
        cause=message.note or "",
        mark="note" if is_note else "",
        written_at=float(message.ts),
        not_before=tx.now + undo,
    )
    arm(tx, conversation_id, CARD if is_note else REPLIES, 0.0 if is_note else undo)
