"""Outdated posts: they show a message that was withdrawn since they were drawn."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, or_, select, update

from relay.store.conversations.cards import request_redraw
from relay.store.db.dialects import among, equals
from relay.store.db.engine import Tx
from relay.store.db.rows import Claim, Send, to_send
from relay.store.db.tables import OPEN_SENDS, deliveries, received, sends
from relay.vocabulary import DeliveryState, ReceivedKind, SendKind, SendState, Source

WITHDRAWN = "withdrawn by its author"


@dataclass(frozen=True, slots=True)
class Outdated:
    """A post in Slack to draw again, if there is one; `more`: another one whose state is not known yet."""

    post: Send | None
    more: bool


def outdated(tx: Tx, claim: Claim) -> Outdated:
    """The first outdated post of a conversation, or an earlier card of it."""
    posts, place = _posts_of(claim), claim.conversation
    standing = and_(posts, equals(sends.c.state, SendState.DELIVERED), sends.c.ts.is_not(None))
    elsewhere = case((sends.c.channel == place.channel_id, 0), else_=1)  # a channel that was left may accept no changes
    row = tx.conn.execute(select(sends).where(standing).order_by(elsewhere, sends.c.seq).limit(1)).one_or_none()
    under_way = select(sends.c.id).where(posts, among(sends.c.state, OPEN_SENDS)).limit(1)
    return Outdated(None if row is None else to_send(row), tx.conn.execute(under_way).one_or_none() is not None)


def _posts_of(claim: Claim) -> ColumnElement[bool]:
    place = claim.conversation
    earlier = and_(equals(sends.c.kind, SendKind.ROOT), sends.c.ts != (place.thread_ts or ""))
    mine = and_(sends.c.conversation_id == place.id, sends.c.outdated > 0)
    return and_(mine, or_(equals(sends.c.kind, SendKind.POST), earlier))


def find(tx: Tx, send_id: str) -> Send:
    """The post that a correction updates."""
    return to_send(tx.conn.execute(select(sends).where(sends.c.id == send_id)).one())


def may_show_withdrawn(tx: Tx, send_id: str) -> bool:
    """True for a post; for an earlier card if something in its conversation was withdrawn, which it may quote."""
    here = and_(received.c.conversation_id == sends.c.conversation_id, received.c.kind == ReceivedKind.MESSAGE.value)
    gone = exists().where(here, received.c.source == Source.KOMMUNICATE.value, received.c.gone)
    mine = and_(sends.c.id == send_id, or_(equals(sends.c.kind, SendKind.POST), gone))
    return tx.conn.execute(select(sends.c.id).where(mine)).one_or_none() is not None


def mark_corrected(tx: Tx, send_id: str, times: int) -> None:
    """It was drawn after being outdated this many times: if there was one more, it is still outdated."""
    mine = and_(sends.c.id == send_id, sends.c.outdated == times)
    tx.conn.execute(update(sends).where(mine).values(outdated=0))


def mark_outdated(tx: Tx, conversation_id: int, send_id: str) -> None:
    """A late call may have overwritten something newer."""
    request_redraw(tx, conversation_id)
    tx.conn.execute(update(sends).where(sends.c.id == send_id).values(outdated=sends.c.outdated + 1))


def redrawn(tx: Tx, send: Send, payload: Mapping[str, Any]) -> Send:
    """It was not found, and will have this content; it stays outdated, because it may be found late. Its lane
    is held.
    """
    tx.conn.execute(update(sends).where(sends.c.id == send.id).values(payload=json.dumps(payload)))
    return replace(send, payload=payload)


def end_withdrawn(tx: Tx, delivery_ids: list[int]) -> None:
    """Nobody has seen them, and nobody will. The lane is held."""
    ended = {"state": DeliveryState.IGNORED.value, "cause": WITHDRAWN, "notice_due": False, "settled_at": tx.now}
    tx.conn.execute(update(deliveries).where(deliveries.c.id.in_(delivery_ids)).values(**ended))
