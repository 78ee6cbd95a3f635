"""Webhook bodies that came, for dry runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from relay.store.db.dialects import unindexed
from relay.store.db.engine import Tx
from relay.store.db.tables import conversations, received
from relay.vocabulary import Source


@dataclass(frozen=True, slots=True)
class Place:
    """Where a chat is now, by which rule, and why; `channel_id` is Slack's id of a channel given by name."""

    channel: str | None
    channel_id: str | None
    rule: str
    why: str


@dataclass(frozen=True, slots=True)
class StoredBody:
    """What Kommunicate sent, None once it was forgotten; `received_at` is in seconds since 1970.

    `place` is its chat's, None for what began none.
    """

    id: int
    account: str
    received_at: float
    body: bytes | None
    place: Place | None = None


_PLACE = (conversations.c.channel, conversations.c.channel_id, conversations.c.rule, conversations.c.why)
_COLUMNS = (received.c.id, received.c.account, received.c.received_at, received.c.body, *_PLACE)
_BODIES = (
    select(*_COLUMNS)
    .outerjoin(conversations, conversations.c.id == received.c.conversation_id)
    .where(unindexed(received.c.source) == Source.KOMMUNICATE.value)
)


def body_of(tx: Tx, received_id: int) -> StoredBody | None:
    """One of them, None for an id that is none of theirs."""
    row = tx.conn.execute(_BODIES.where(received.c.id == received_id)).one_or_none()
    return None if row is None else _stored(row)


def last_bodies(tx: Tx, count: int) -> Sequence[StoredBody]:
    """The last that are still stored, the newest first."""
    found = _BODIES.where(received.c.id > 0, received.c.body.is_not(None)).order_by(received.c.id.desc()).limit(count)
    return [_stored(row) for row in tx.conn.execute(found).all()]


def _stored(row: Any) -> StoredBody:
    place = None if row.rule is None else Place(row.channel, row.channel_id, row.rule, row.why)
    return StoredBody(row.id, row.account, row.received_at, row.body, place)
