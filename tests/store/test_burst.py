"""PostgreSQL may take every table for empty while a burst lies in it: what people look at stays quick even then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from sqlalchemy import func, select

from relay.store.db.engine import Store, Tx
from relay.store.db.tables import received
from relay.store.operations.browsing import latest
from relay.store.operations.chats import overview
from relay.store.operations.reports import Which, list_deliveries
from relay.store.operations.timeline import dead_letters
from tests.databases import EMPTY
from tests.privacy.shown import fill
from tests.statements import noted
from tests.store.shelf import LIMITS

PAGES = 50  # of 8 KiB, looked at for each thing that was received
LOOKS: dict[str, Callable[[Tx], object]] = {
    "dead letters": lambda tx: dead_letters(tx, None, 51),
    "dead deliveries": lambda tx: list_deliveries(tx, Which.DEAD, LIMITS, 2000),
    "deliveries": lambda tx: list_deliveries(tx, Which.ALL, LIMITS, 2000),
    "conversations": lambda tx: latest(tx, None, 50),
    "open chats": lambda tx: overview(tx, "", offset=0, limit=50),
}


@pytest.fixture
def thought_empty(store: Store, database_url: str) -> Store:
    """As it was when PostgreSQL last counted; it counts again after a minute."""
    fill(store)
    with psycopg.connect(database_url, autocommit=True) as conn:
        for statement in ("ANALYZE", EMPTY, "ANALYZE"):
            conn.execute(statement.encode())
    fill(store)
    return store


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
@pytest.mark.parametrize("look", LOOKS)
def test_a_burst_is_not_compared_with_itself(thought_empty: Store, look: str) -> None:
    """Of joins between tables thought empty, the worst order looks as good as any other."""
    took: list[tuple[int, str]] = []

    def note(statement: str, values: Any, connection: Any) -> None:
        if statement.startswith("SELECT") and "clock_timestamp" not in statement:
            ((found,),) = connection.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", values).fetchall()
            took.append((found[0]["Plan"]["Shared Hit Blocks"], statement))

    with thought_empty.read() as tx:
        many = tx.conn.execute(select(func.count()).select_from(received)).scalar_one()
    with noted(thought_empty.engine, note), thought_empty.read() as tx:
        LOOKS[look](tx)
    assert took
    assert [one for one in took if one[0] > PAGES * many] == []
