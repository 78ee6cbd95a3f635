"""What a chore has counted, and up to where: kept, so that nobody reads through history to know it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update

from relay.store.db.dialects import upsert
from relay.store.db.engine import Tx
from relay.store.db.file_tables import counts


@dataclass(frozen=True, slots=True)
class Kept:
    """The last that is counted, an id or a time, and what was counted by then."""

    up_to: int = 0
    counted: Mapping[str, Any] | None = None  # None: nothing was ever counted


def read_kept(tx: Tx, what: str, *, locked: bool = False) -> Kept:
    """What is kept under this name; `locked` until the end of the transaction, by whoever goes on counting."""
    query = select(counts.c.up_to, counts.c.counted).where(counts.c.what == what)
    row = tx.conn.execute(query.with_for_update() if locked else query).one_or_none()
    return Kept() if row is None else Kept(row.up_to, json.loads(row.counted))


def keep(tx: Tx, what: str, before: Kept, up_to: int, counted: Mapping[str, Any]) -> bool:
    """Write down how far one came from `before`; False, and nothing is written, where another was the first to."""
    values = {"up_to": up_to, "counted": json.dumps(counted)}
    if before.counted is not None:
        tx.conn.execute(update(counts).where(counts.c.what == what).values(values))
        return True
    first = upsert(tx, counts).values(what=what, **values).on_conflict_do_nothing()
    return tx.conn.execute(first.returning(counts.c.what)).one_or_none() is not None
