"""Stores what comes from Slack once, under its key; held while its thread is not known yet.

A thread is ours if its parent is a root we posted. While a root is in flight, its `ts` is unknown: messages under an
unknown parent in that channel are held until the root has settled, so that nothing is lost. Lock order: conversation,
lane.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, insert, or_, select, update

from relay.store.db.dialects import among, equals, upsert
from relay.store.db.engine import Tx
from relay.store.db.tables import OPEN_SENDS, deliveries, received, sends
from relay.store.queue.due import lock
from relay.vocabulary import Lane, Outcome, ReceivedKind, SendKind, Source

NOT_OURS = "not in a thread of ours"
REPEATED = 3600.0  # seconds after which Slack retries nothing


@dataclass(frozen=True, slots=True)
class Came:
    """Something from Slack, and where it was written.

    A change names the message it changes, and when; `note` is why that is internal now, `gone`: it was deleted.
    """

    kind: ReceivedKind
    account: str
    key: str
    body: bytes
    channel: str
    thread_ts: str | None = None
    edits_key: str | None = None
    edited_at: str | None = None
    note: str | None = None
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """An agent's message that waits for its thread; its place is None in what release 0.1 stored."""

    id: int
    key: str
    account: str
    channel: str | None
    body: bytes | None


def record(tx: Tx, came: Came, conversation_id: int | None, *, client_key: str | None = None) -> int | None:
    """Store one thing from Slack, held if no conversation is given; returns its id, None for a repetition."""
    held = conversation_id is None
    row = (
        upsert(tx, received)
        .values(
            source=Source.SLACK.value,
            account=came.account,
            kind=came.kind.value,
            key=came.key,
            client_key=client_key,
            conversation_id=conversation_id,
            outcome=(Outcome.HELD if held else Outcome.ACCEPTED).value,
            thread_channel=came.channel if held else None,
            thread_ts=came.thread_ts if held else None,
            edits_key=came.edits_key if held else None,
            edited_at=came.edited_at,
            reason=came.note or "",
            gone=came.gone,
            body=came.body,
            received_at=tx.now,
        )
        .on_conflict_do_nothing()
        .returning(received.c.id)
    )
    found: int | None = tx.conn.execute(row).scalar_one_or_none()
    return found


def record_foreign(tx: Tx, account: str, key: str, reason: str) -> bool:
    """Record that something arrived that is not for us, without its content; False for a repetition."""
    row = upsert(tx, received).values(
        source=Source.SLACK.value,
        account=account,
        kind=ReceivedKind.MESSAGE.value,
        key=f"foreign/{key}",
        outcome=Outcome.IGNORED.value,
        reason=reason,
        received_at=tx.now,
    )
    return tx.conn.execute(row.on_conflict_do_nothing().returning(received.c.id)).one_or_none() is not None


def queue(tx: Tx, conversation_id: int, received_id: int, **values: str | float) -> int:
    """Put something from an agent into the replies lane, and return its id; the caller arms the lanes concerned."""
    new = insert(deliveries).values(
        conversation_id=conversation_id,
        lane=Lane.REPLIES.value,
        received_id=received_id,
        created_at=tx.now,
        **values,
    )
    delivery_id: int = tx.conn.execute(new.returning(deliveries.c.id)).scalar_one()
    return delivery_id


def find_thread(tx: Tx, channel: str, thread_ts: str | None) -> int | None:
    """The conversation whose thread, current or earlier, begins with this message."""
    here = and_(sends.c.channel == channel, sends.c.ts == thread_ts, sends.c.ts.is_not(None))
    root = select(sends.c.conversation_id).where(here, sends.c.kind == SendKind.ROOT.value).limit(1)
    found: int | None = tx.conn.execute(root).scalar_one_or_none()
    return found


def lock_thread(tx: Tx, channel: str, thread_ts: str | None) -> tuple[int | None, bool]:
    """Lock the conversation of a thread, or all that it may belong to; returns which one, and whether it is ours.

    While a root is in flight in this channel, it may be ours without anybody knowing its conversation.
    """
    found = find_thread(tx, channel, thread_ts)
    if found is None:
        may_be = sorted(
            tx.conn.execute(select(sends.c.conversation_id).where(_under_way(channel)).distinct()).scalars()
        )
        for conversation_id in may_be:
            lock(tx, conversation_id)
        if not may_be:
            return None, False
        found = find_thread(tx, channel, thread_ts)  # one may have settled before it was locked
    if found is not None:
        lock(tx, found)
    return found, True


def held_in(tx: Tx, channel: str, thread_ts: str) -> Sequence[Held]:
    """The messages that wait for this thread, oldest first."""
    return _held(tx, and_(received.c.thread_channel == channel, received.c.thread_ts == thread_ts))


def held_in_vain(tx: Tx, limit: int) -> Sequence[Held]:
    """Messages that wait although no root is in flight in their channel, or without a place."""
    nowhere = ~exists().where(_under_way(received.c.thread_channel)).correlate(received)
    return _held(tx, or_(received.c.thread_channel.is_(None), nowhere), limit)


def record_place(tx: Tx, one: Held, channel: str, thread_ts: str) -> None:
    """Record its place, which release 0.1 did not store."""
    tx.conn.execute(update(received).where(received.c.id == one.id).values(thread_channel=channel, thread_ts=thread_ts))


def release(tx: Tx, one: Held, conversation_id: int | None) -> bool:
    """Stop holding it: accepted for a conversation, or ignored; False if somebody else has."""
    mine = and_(received.c.id == one.id, equals(received.c.outcome, Outcome.HELD))
    became = {"outcome": Outcome.ACCEPTED.value, "conversation_id": conversation_id}
    if conversation_id is None:
        became = {"outcome": Outcome.IGNORED.value, "reason": NOT_OURS}
    return tx.conn.execute(update(received).where(mine).values(**became).returning(received.c.id)).first() is not None


def ignore_old_changes(tx: Tx) -> int:
    """Ignore changes of messages that never arrived: Slack will not deliver them any more. Returns how many."""
    old = and_(received.c.edits_key.is_not(None), received.c.received_at < tx.now - REPEATED)
    waiting = and_(equals(received.c.outcome, Outcome.HELD), old, ~_is_message_held())
    ended = update(received).where(waiting).values(outcome=Outcome.IGNORED.value).returning(received.c.id)
    return len(tx.conn.execute(ended).all())


def _is_message_held() -> ColumnElement[bool]:
    message = received.alias()
    same = and_(message.c.source == received.c.source, message.c.account == received.c.account)
    named = and_(message.c.kind == ReceivedKind.MESSAGE.value, message.c.key == received.c.edits_key)
    held = equals(message.c.outcome, Outcome.HELD)
    return exists(select(message.c.id).where(same, named, held).correlate(received))


def _held(tx: Tx, which: ColumnElement[bool], limit: int | None = None) -> Sequence[Held]:
    # A separate query: SQLite would rather scan everything ever received, in the right order.
    held = select(received.c.id).where(equals(received.c.outcome, Outcome.HELD))
    messages = and_(received.c.id.in_(held), received.c.edits_key.is_(None))
    columns = (received.c.id, received.c.key, received.c.account, received.c.thread_channel, received.c.body)
    rows = tx.conn.execute(select(*columns).where(messages, which).order_by(received.c.id).limit(limit)).all()
    return [Held(*row) for row in rows]


def _under_way(channel: ColumnElement[Any] | str) -> ColumnElement[bool]:
    open_root = and_(sends.c.kind == SendKind.ROOT.value, among(sends.c.state, OPEN_SENDS))
    return and_(open_root, sends.c.channel == channel)
