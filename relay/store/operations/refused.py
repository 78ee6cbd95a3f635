"""Requests that were refused although they look as if a vendor had sent them, until one of its is accepted."""

from __future__ import annotations

import json
from dataclasses import dataclass

from sqlalchemy import delete, select

from relay.store.db.dialects import upsert
from relay.store.db.engine import Tx
from relay.store.db.file_tables import learned
from relay.vocabulary import Refusal

PREFIX = "refused:"


@dataclass(frozen=True, slots=True)
class Refused:
    """How many were refused for one reason, and when the first and the last, in seconds since 1970."""

    why: Refusal
    count: int
    first: float
    last: float


def note_refused(tx: Tx, why: Refusal, count: int) -> None:
    """So many more were refused by now."""
    before = {one.why: one for one in refused(tx)}.get(why)
    first, known = (tx.now, 0) if before is None else (before.first, before.count)
    value = json.dumps({"count": known + count, "first": first, "last": tx.now})
    row = upsert(tx, learned).values(name=PREFIX + why.value, value=value)
    tx.conn.execute(row.on_conflict_do_update(index_elements=["name"], set_={"value": value}))


def forget_refused(tx: Tx, *reasons: Refusal) -> None:
    """One was accepted: whatever was wrong is mended."""
    tx.conn.execute(delete(learned).where(learned.c.name.in_([PREFIX + why.value for why in reasons])))


def refused(tx: Tx) -> list[Refused]:
    """Everything that was refused since the last time one was accepted."""
    names = {PREFIX + why.value: why for why in Refusal}
    rows = tx.conn.execute(select(learned).where(learned.c.name.in_(list(names)))).all()
    return [Refused(names[row.name], **json.loads(row.value)) for row in rows]
