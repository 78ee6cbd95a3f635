"""Kommunicate reports that a message's author withdrew it for everyone: erase its text wherever it is.

Nothing of it waits any more, and every post that shows or quotes it is drawn again without it. Lock order:
conversation, lanes.
"""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import and_, insert, or_, select, update

from relay.keys import PIECE
from relay.messages import IgnoredMessage
from relay.store.conversations.cards import request_check
from relay.store.conversations.files import recall
from relay.store.db.dialects import among, equals
from relay.store.db.engine import Tx
from relay.store.db.rows import FOLLOWS, Receipt
from relay.store.db.tables import conversations, deliveries, lanes, received, sends
from relay.store.queue.due import lock
from relay.store.queue.parts import parts_of
from relay.vocabulary import Outcome, ReceivedKind, SendKind, Source

CARDS = (SendKind.ROOT, SendKind.CARD, SendKind.CORRECTION)  # may show a chat's first words, or a post again
WORDLESS = ("reply_broadcast", FOLLOWS)  # parts of a payload without message text
NOWHERE = "that message is in another conversation"


def take_back(tx: Tx, withdrawn: IgnoredMessage) -> Receipt | None:
    """Erase the text of a message that arrived before; None if none with this key did."""
    found = tx.conn.execute(_message(withdrawn)).one_or_none()
    if found is None:
        return None
    if found.group_id not in (None, withdrawn.conversation.group_id):
        return Receipt(Outcome.IGNORED, reason=NOWHERE)
    if found.conversation_id is not None:
        lock(tx, found.conversation_id)
    if not _forget_words(tx, found.id):
        tx.conn.execute(update(received).where(received.c.id == found.id).values(copies=received.c.copies + 1))
        return Receipt(Outcome.DUPLICATE)
    _forget_pieces(tx, withdrawn)
    received_id = _record(tx, withdrawn, found.conversation_id)
    if found.conversation_id is not None:
        _take_out(tx, found.conversation_id, found.id, withdrawn.key)
    return Receipt(Outcome.ACCEPTED, received_id, withdrawn.reason)


def forget_message(tx: Tx, received_id: int) -> bool:
    """The same without a request from Kommunicate: erase somebody's message from another customer's chat. False: it
    was.
    """
    found = tx.conn.execute(select(received).where(received.c.id == received_id)).one()
    if found.conversation_id is not None:
        lock(tx, found.conversation_id)
    if not _forget_words(tx, received_id):
        return False
    if found.conversation_id is not None:
        _take_out(tx, found.conversation_id, received_id, found.key)
    return True


def _message(withdrawn: IgnoredMessage) -> Any:
    of_kommunicate = and_(
        received.c.source == Source.KOMMUNICATE.value, received.c.account == withdrawn.conversation.account
    )
    return (
        select(received.c.id, received.c.conversation_id, conversations.c.group_id)
        .outerjoin(conversations, conversations.c.id == received.c.conversation_id)
        .where(of_kommunicate, received.c.kind == ReceivedKind.MESSAGE.value, received.c.key == withdrawn.key)
    )


def _forget_words(tx: Tx, received_id: int) -> bool:
    """False if it was erased already."""
    mine = and_(received.c.id == received_id, ~received.c.gone)
    forgotten = update(received).where(mine).values(gone=True, body=None).returning(received.c.id)
    return tx.conn.execute(forgotten).one_or_none() is not None


def _forget_pieces(tx: Tx, withdrawn: IgnoredMessage) -> None:
    """The parts in which a streamed answer arrived before it was complete."""
    account, key = withdrawn.conversation.account, PIECE + withdrawn.key
    of_kommunicate = and_(received.c.source == Source.KOMMUNICATE.value, received.c.account == account)
    piece = and_(of_kommunicate, received.c.kind == ReceivedKind.MESSAGE.value, received.c.key == key)
    tx.conn.execute(update(received).where(piece).values(body=None))


def _record(tx: Tx, withdrawn: IgnoredMessage, conversation_id: int | None) -> int:
    """Record that it arrived, without its content, which is the message again."""
    row = insert(received).values(
        source=Source.KOMMUNICATE.value,
        account=withdrawn.conversation.account,
        kind=ReceivedKind.EDIT.value,
        key=withdrawn.key,
        edits_key=withdrawn.key,
        gone=True,
        conversation_id=conversation_id,
        outcome=Outcome.ACCEPTED.value,
        reason=withdrawn.reason,
        received_at=tx.now,
    )
    return int(tx.conn.execute(row.returning(received.c.id)).scalar_one())


def _take_out(tx: Tx, conversation_id: int, received_id: int, key: str) -> None:
    here = lanes.c.conversation_id == conversation_id
    # Nothing of it is sent or settled meanwhile.
    tx.conn.execute(select(lanes.c.kind).where(here).order_by(lanes.c.kind).with_for_update())
    quoting = select(received.c.id).where(received.c.conversation_id == conversation_id, received.c.quotes == key)
    said = [received_id, *tx.conn.execute(quoting).scalars()]
    tasks = tx.conn.execute(select(deliveries.c.id).where(deliveries.c.received_id.in_(said))).scalars().all()
    saying = tx.conn.execute(select(parts_of(tasks).c.send_id)).scalars().all()
    posts = and_(equals(sends.c.kind, SendKind.POST), sends.c.id.in_(saying))
    mine = and_(sends.c.conversation_id == conversation_id, or_(posts, among(sends.c.kind, CARDS)))
    place = tx.conn.execute(select(conversations).where(conversations.c.id == conversation_id)).one()
    for row in tx.conn.execute(select(sends).where(mine)).all():
        kept = {name: value for name, value in json.loads(row.payload).items() if name in WORDLESS}
        is_card = row.kind == SendKind.ROOT and row.ts is not None and row.ts == place.thread_ts
        emptied = {"payload": json.dumps(kept), "outdated": row.outdated if is_card else row.outdated + 1}
        tx.conn.execute(update(sends).where(sends.c.id == row.id).values(**emptied))
    recall(tx, conversation_id, received_id)
    request_check(tx, conversation_id)
