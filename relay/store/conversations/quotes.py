"""The message that a message answers: another one in its conversation, identified by Kommunicate's key."""

from __future__ import annotations

import json
from dataclasses import dataclass

from sqlalchemy import and_, select

from relay.store.db.dialects import equals
from relay.store.db.engine import Tx
from relay.store.db.rows import Claim
from relay.store.db.tables import deliveries, received, send_parts, sends
from relay.vocabulary import ReceivedKind, SendKind, SendState, Source


@dataclass(frozen=True, slots=True)
class Quoted:
    """The quoted message: one from Kommunicate by its `body`, or an agent's reply by who `said` what, while stored.

    `place` is its (channel, ts) in Slack, or `written` the key under which the agent's message arrived.
    """

    body: bytes | None = None
    is_withdrawn: bool = False
    place: tuple[str, str] | None = None
    said: tuple[str, str] | None = None
    written: str | None = None


def find_quoted(tx: Tx, claim: Claim, key: str) -> Quoted | None:
    """The message with this key; None if this conversation has none."""
    return _message(tx, claim, key) or _reply(tx, claim, key)


def _message(tx: Tx, claim: Claim, key: str) -> Quoted | None:
    of_kommunicate = and_(
        received.c.source == Source.KOMMUNICATE.value, received.c.account == claim.conversation.key.account
    )
    named = and_(of_kommunicate, received.c.kind == ReceivedKind.MESSAGE.value, received.c.key == key)
    here = received.c.conversation_id == claim.conversation.id
    row = tx.conn.execute(select(received).where(named, here)).one_or_none()
    if row is None:
        return None
    post = (
        select(sends.c.channel, sends.c.ts)
        .join(send_parts, send_parts.c.send_id == sends.c.id)
        .join(deliveries, deliveries.c.id == send_parts.c.delivery_id)
        .where(deliveries.c.received_id == row.id, send_parts.c.live, equals(sends.c.state, SendState.DELIVERED))
        .order_by(sends.c.seq)
        .limit(1)
    )
    stands = tx.conn.execute(post).one_or_none()
    return Quoted(row.body, row.gone, None if stands is None else (stands.channel, stands.ts))


def _reply(tx: Tx, claim: Claim, key: str) -> Quoted | None:
    mine = and_(sends.c.conversation_id == claim.conversation.id, equals(sends.c.kind, SendKind.REPLY))
    row = tx.conn.execute(
        select(sends.c.payload, received.c.key)
        .join(send_parts, send_parts.c.send_id == sends.c.id)
        .join(deliveries, deliveries.c.id == send_parts.c.delivery_id)
        .join(received, received.c.id == deliveries.c.received_id)
        .where(mine, sends.c.ts == key)
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    payload = json.loads(row.payload)
    return Quoted(said=(payload.get("agent", ""), payload.get("text", "")), written=row.key)
