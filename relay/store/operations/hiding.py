"""The details that the running relay hides, for commands that only know the database."""

from __future__ import annotations

from sqlalchemy import select

from relay.store.db.dialects import upsert
from relay.store.db.engine import Store, Tx
from relay.store.db.file_tables import learned

HIDDEN = "hidden_details"


def known_rules(tx: Tx) -> str:
    """What was last stored, "" if nothing was."""
    found: str | None = tx.conn.execute(select(learned.c.value).where(learned.c.name == HIDDEN)).scalar_one_or_none()
    return found or ""


def remember_rules(store: Store, rules: str) -> None:
    """Store them if they changed; "" is nothing."""
    with store.read() as tx:
        if known_rules(tx) == rules:
            return
    with store.begin("hiding") as tx:
        row = upsert(tx, learned).values(name=HIDDEN, value=rules)
        tx.conn.execute(row.on_conflict_do_update(index_elements=["name"], set_={"value": rules}))
