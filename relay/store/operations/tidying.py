"""Whether erased data must still be cleared from the database's files; survives a crash."""

from __future__ import annotations

from sqlalchemy import delete, select

from relay.store.db import sqlite
from relay.store.db.dialects import upsert
from relay.store.db.engine import Store, Tx
from relay.store.db.file_tables import learned

UNTIDY = "erased_and_not_tidied"


def mark_untidy(tx: Tx) -> None:
    """This transaction erases something: remains may be left in the database's files."""
    row = upsert(tx, learned).values(name=UNTIDY, value="1")
    tx.conn.execute(row.on_conflict_do_nothing())


def is_untidy(tx: Tx) -> bool:
    """True if something was erased since the files were last tidied."""
    return tx.conn.execute(select(learned.c.name).where(learned.c.name == UNTIDY)).one_or_none() is not None


def tidy(store: Store, *, rewrite: bool) -> bool:
    """On SQLite, empty the log, and `rewrite` the file without the erased data, or leave that to the next purge.

    On PostgreSQL that is up to its own VACUUM. False if it could not be done now.
    """
    done = not store.on_sqlite or sqlite.tidy(store.engine, rewrite=rewrite)
    if done and (rewrite or not store.on_sqlite):
        with store.begin() as tx:
            tx.conn.execute(delete(learned).where(learned.c.name == UNTIDY))
    return done
