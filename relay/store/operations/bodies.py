"""Webhook bodies that came, for dry runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from relay.store.db.dialects import unindexed
from relay.store.db.engine import Tx
from relay.store.db.tables import received
from relay.vocabulary import Source


@dataclass(frozen=True, slots=True)
class StoredBody:
    """What Kommunicate sent, None once it was forgotten; `received_at` is in seconds since 1970."""

    id: int
    account: str
    received_at: float
    body: bytes | None


_COLUMNS = (received.c.id, received.c.account, received.c.received_at, received.c.body)
_OF_KOMMUNICATE = unindexed(received.c.source) == Source.KOMMUNICATE.value


def body_of(tx: Tx, received_id: int) -> StoredBody | None:
    """One of them, None for an id that is none of theirs."""
    row = tx.conn.execute(select(*_COLUMNS).where(_OF_KOMMUNICATE, received.c.id == received_id)).one_or_none()
    return None if row is None else StoredBody(*row)


def last_bodies(tx: Tx, count: int) -> Sequence[StoredBody]:
    """The last that are still stored, the newest first."""
    found = select(*_COLUMNS).where(received.c.id > 0, _OF_KOMMUNICATE, received.c.body.is_not(None))
    return [StoredBody(*row) for row in tx.conn.execute(found.order_by(received.c.id.desc()).limit(count)).all()]
