"""What the ids of traces are made of, beside the numbers of what came in: those are the same in every database."""

from __future__ import annotations

import secrets

from sqlalchemy import select

from relay.store.db.dialects import upsert
from relay.store.db.engine import Store, Tx
from relay.store.db.file_tables import learned

SEED = "trace_seed"


def trace_seed(store: Store) -> str:
    """The same for all processes of this database; made by the first that asks."""
    with store.read() as tx:
        found = _known(tx)
    if found is not None:
        return found
    with store.begin() as tx:
        row = upsert(tx, learned).values(name=SEED, value=secrets.token_hex(16))
        tx.conn.execute(row.on_conflict_do_nothing())
    with store.read() as tx:  # another process may have been the first
        return _known(tx) or ""


def _known(tx: Tx) -> str | None:
    found: str | None = tx.conn.execute(select(learned.c.value).where(learned.c.name == SEED)).scalar_one_or_none()
    return found
