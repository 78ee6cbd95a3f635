"""Our own replies, as Kommunicate's webhook sends them back: each is matched once, in whatever order things arrive."""

from __future__ import annotations

import json

from sqlalchemy import ColumnElement, and_, or_, select, update

from relay.keys import key_of
from relay.messages import ChatMessage
from relay.store.conversations.thread_notices import redraw_lines
from relay.store.db.engine import Tx
from relay.store.db.rows import Send, to_send
from relay.store.db.statements import given
from relay.store.db.tables import deliveries, lanes, send_parts, sends
from relay.store.queue.due import arm
from relay.vocabulary import DeliveryState, Lane, SendKind, SendState

ECHO_WITHIN = 60.0  # seconds in which a webhook with the same text counts as a reply's echo
RELAY_ID = "relay_id"  # in the metadata of what we send


HOLD_REPLIES = (
    select(lanes.c.token)
    .where(lanes.c.conversation_id == given("conversation_id"), lanes.c.kind == Lane.REPLIES.value)
    .with_for_update()
)


def take_echo(tx: Tx, conversation_id: int, message: ChatMessage) -> bool:
    """True if a message from Kommunicate is one of our replies coming back; each reply matches once.

    Matched by the key in its response, by the id we gave it, or finally by sender, text and time.
    """
    tx.run(HOLD_REPLIES, conversation_id=conversation_id)
    of_lane = and_(sends.c.conversation_id == conversation_id, sends.c.lane == Lane.REPLIES.value)
    mine = and_(of_lane, sends.c.kind == SendKind.REPLY.value)
    if tx.conn.execute(select(sends.c.id).where(mine, sends.c.ts == message.key)).first() is not None:
        return True
    for row in tx.conn.execute(select(sends).where(mine, sends.c.ts.is_(None), _lately(tx, message))).all():
        if _is_echo(to_send(row), message):
            take_key(tx, conversation_id, row.id, message.key)
            return True
    return False


def is_erased(tx: Tx, conversation_id: int, key: str) -> bool:
    """True if the reply with this key was erased: its text must not return with its echo."""
    mine = and_(sends.c.conversation_id == conversation_id, sends.c.lane == Lane.REPLIES.value)
    payload = tx.conn.execute(select(sends.c.payload).where(mine, sends.c.ts == key).limit(1)).scalar_one_or_none()
    return payload is not None and "text" not in json.loads(payload)


def _lately(tx: Tx, message: ChatMessage) -> ColumnElement[bool]:
    named = key_of(message.metadata.get(RELAY_ID)) or ""  # anybody may have put anything there
    return or_(sends.c.id == named, sends.c.started_at > tx.now - ECHO_WITHIN)


def _is_echo(send: Send, message: ChatMessage) -> bool:
    if message.sender != send.payload.get("sender"):
        return False  # a customer can see the id in what they received, and must not be able to hide a message with it
    named = message.metadata.get(RELAY_ID)
    if named is not None:
        return bool(named == send.id)
    return bool(message.text.split() == send.payload.get("text", "").split())


def take_key(tx: Tx, conversation_id: int, send_id: str, key: str) -> None:
    """Record the key: the call in flight, or whoever waits for the echo, settles by it.

    A send that was given up becomes delivered.
    """
    named = update(sends).where(sends.c.id == send_id).values(ts=key).returning(sends)
    send = to_send(tx.conn.execute(named).one())
    state = send.state
    if state is SendState.UNSURE:
        mine = and_(lanes.c.conversation_id == conversation_id, lanes.c.kind == Lane.REPLIES.value)
        tx.conn.execute(update(lanes).where(mine, lanes.c.lease_until.is_(None)).values(due=tx.now, delay=0.0))
    elif state is SendState.REFUSED:
        tx.conn.execute(update(sends).where(sends.c.id == send_id).values(state=SendState.DELIVERED.value))
        carried = select(send_parts.c.delivery_id).where(send_parts.c.send_id == send_id)
        came = {"state": DeliveryState.DELIVERED.value, "settled_at": tx.now, **send.outcome}
        # Even if somebody wants it sent again: that is not necessary.
        unsent = deliveries.c.state.in_([DeliveryState.DEAD.value, DeliveryState.WAITING.value])
        late = and_(deliveries.c.id.in_(carried), unsent)
        for delivery_id in tx.conn.execute(update(deliveries).where(late).values(**came).returning(deliveries.c.id)):
            redraw_lines(tx, conversation_id, delivery_id[0])
        arm(tx, conversation_id, Lane.CARD, 0.0)
