"""Measures how long the chores of each minute occupy the database if thousands of conversations wait for a channel.

    python -m bench.chores --conversations 20000 --database both

The mapping has just been changed and now names a channel for all of them. Prints the longest transaction and read.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import event, insert

from bench.soak import database
from relay.sandbox import Sandbox, SandboxServer
from relay.store.db.engine import Store, open_store
from relay.store.db.schema import migrate
from relay.store.db.tables import conversations, deliveries, lanes, received
from relay.wiring import build_context, build_housekeeping
from tests.harness import NOON, raw, relay_with


def fill(store: Store, count: int) -> None:
    """Store this many conversations without a channel, with one message each."""
    rows = range(1, count + 1)
    with store.begin() as tx:
        tx.conn.execute(
            insert(conversations),
            [{"id": n, "account": "default", "group_id": f"g{n}", "why": "unmapped", "created_at": NOON} for n in rows],
        )
        came = {"source": "kommunicate", "account": "default", "kind": "message", "outcome": "accepted"}
        tx.conn.execute(
            insert(received),
            [{**came, "id": n, "key": f"k{n}", "conversation_id": n, "body": raw(f"k{n}", f"g{n}", f"m{n}"),
              "received_at": NOON} for n in rows],
        )  # fmt: skip
        waiting = [{"conversation_id": n, "lane": "words", "received_id": n, "created_at": NOON} for n in rows]
        tx.conn.execute(insert(deliveries), waiting)
        tx.conn.execute(insert(lanes), [{"conversation_id": n, "kind": "words", "waiting_since": NOON} for n in rows])
        for table in () if store.on_sqlite else ("conversations", "received"):  # whose ids are given above
            tx.conn.exec_driver_sql(f"SELECT setval('{table}_id_seq', {count})")


@contextmanager
def timed(store: Store) -> Iterator[list[float]]:
    """Yield how long each transaction took meanwhile, in seconds."""
    begun: list[float] = []
    took: list[float] = []
    event.listen(store.engine.pool, "checkout", lambda *_: begun.append(time.monotonic()))
    event.listen(store.engine.pool, "checkin", lambda *_: took.append(time.monotonic() - begun[-1]))
    yield took


def chores(kind: str, count: int) -> dict[str, object]:
    """Fill a database, change the mapping, and run the chores once; returns the figures."""
    with tempfile.TemporaryDirectory(prefix="relay-chores-") as name, database(kind, Path(name)) as url:
        with closing(open_store(url, patience=None)) as store:
            migrate(store)
            fill(store, count)
        with closing(open_store(url)) as store, SandboxServer(Sandbox()) as server:
            relay = relay_with(store, server, default_channel="C0SUPPORT")
            housekeeping = build_housekeeping(relay, build_context(relay))
            with timed(store) as took:
                begun = time.monotonic()
                for chore in housekeeping.chores:
                    chore()
                whole = time.monotonic() - begun
    return {
        "database": kind,
        "conversations": count,
        "round_s": round(whole, 2),
        "transactions": len(took),
        "longest_s": round(max(took), 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversations", type=int, default=20_000)
    parser.add_argument("--database", choices=("sqlite", "postgres", "both"), default="both")
    given = parser.parse_args()
    for kind in ("sqlite", "postgres") if given.database == "both" else (given.database,):
        print(json.dumps(chores(kind, given.conversations)), flush=True)


if __name__ == "__main__":
    main()
