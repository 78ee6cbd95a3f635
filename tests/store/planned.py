"""A store with a long history, and the plans of what is asked of it: whether anything reads all of it through."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import text

from relay.store.db.engine import Store
from tests.statements import noted
from tests.store.shelf import open_thread

HISTORY = r"(deliveries|sends|send_parts|received|conversations|lanes|people)\w*"
# SQLite: a scan, a search without an index, all of an index that leaves nothing out, or all that came by one door.
# PostgreSQL: a sequential scan.
WHOLE = r"INDEX (sqlite_autoindex|sends_in_channel|deliveries_of_received|received_of_conversation|conversations_by)"
DOOR = r"USING INDEX sqlite_autoindex_received_2 \(door=\?( AND account=\?( AND kind=\?)?)?\)"
THROUGH = re.compile(
    rf"SCAN {HISTORY}( USING (COVERING )?{WHOLE}.*)?$|SEARCH {HISTORY}( {DOOR})?$|Seq Scan on {HISTORY}", re.MULTILINE
)
MANY = 1500
NUMBERS = f"WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < {MANY}) "
HISTORY_OF_ONE_AND_OF_MANY = (
    "INSERT INTO conversations (id, account, group_id, channel, channel_id, thread_ts, created_at)"
    " SELECT i, 'default', 'g' || i, 'C0VIP', 'C0VIP', '1.' || i, 0 FROM n",
    "INSERT INTO lanes (conversation_id, kind) SELECT i, 'words' FROM n",
    "INSERT INTO received (id, door, account, kind, key, conversation_id, outcome, received_at)"
    " SELECT i, 'kommunicate', 'default', 'message', 'x' || i, i % 2 * (i - 1) + 1, 'accepted', 0 FROM n",
    "INSERT INTO deliveries (id, conversation_id, lane, received_id, state, created_at)"
    " SELECT i, i % 2 * (i - 1) + 1, 'words', i, 'delivered', 0 FROM n",
    "INSERT INTO sends (id, conversation_id, lane, seq, kind, payload, channel, state, ts, created_at)"
    " SELECT 's' || i, i % 2 * (i - 1) + 1, 'words', i, 'post', '{}', 'C0VIP', 'delivered', '17.' || i, 0 FROM n",
    "INSERT INTO send_parts (send_id, delivery_id, part, live) SELECT 's' || i, i, 0, TRUE FROM n",
    "INSERT INTO people (account, user_id, role, looked_up_at) SELECT 'default', 'u' || i, 'customer', 9e9 FROM n",
)


def fill_history(store: Store) -> None:
    """A long history, half of it of one conversation, which has a thread and a message that waits."""
    open_thread(store)
    with store.engine.begin() as conn:
        for fill in HISTORY_OF_ONE_AND_OF_MANY:
            table, select = fill.split(" SELECT ", 1)
            conn.execute(text(f"{table} {NUMBERS} SELECT {select}"))
        for table in () if store.on_sqlite else ("conversations", "received", "deliveries"):
            conn.execute(text(f"SELECT setval('{table}_id_seq', {MANY})"))
        conn.execute(text("ANALYZE" if not store.on_sqlite else "SELECT 1"))


@contextmanager
def planned(full: Store) -> Iterator[list[str]]:
    """The plan of every statement from here on."""
    seen: list[str] = []
    explain = "EXPLAIN QUERY PLAN" if full.on_sqlite else "EXPLAIN"

    def note(statement: str, values: Any, connection: Any) -> None:
        if statement.startswith(("SELECT", "UPDATE", "DELETE", "WITH")) and "clock_timestamp" not in statement:
            plan = connection.execute(f"{explain} {statement}", values).fetchall()
            seen.append(f"{statement}\n" + "\n".join(str(row[-1]) for row in plan))

    with noted(full.engine, note):
        yield seen
