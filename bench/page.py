"""Measures how long each view of the status page takes on a store with a long history.

    python -m bench.page --messages 1000000 --database both

There are ten messages per conversation; one in a hundred is left out, two thousand wait and a thousand were given up.
The customers have names, and the last day is as busy as any.

Each view is requested `--rounds` times, signed in, as a browser does. Prints median and maximum, in milliseconds, and
the CPU time of the relay's own process.
"""

from __future__ import annotations

import argparse
import json
import logging
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import structlog
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from bench.soak import database
from bench.speed.stored import BODY, PAYLOAD, tidy_up
from relay.store.db.engine import Store, open_store
from relay.store.db.schema import migrate
from relay.store.operations.minutes import roll_up
from relay.store.operations.totals import count_settled
from relay.web import create_app
from relay.wiring import Relay
from tests import harness

EACH, CHANNELS, DAYS = 10, 50, 29
WAITING, DEAD, LEFT_OUT = 2000, 1000, 100  # the numbers of messages that are left out: one in a hundred
PASSWORD = "correct horse battery staple"
FIRST = ("Ada", "Grace", "Alan", "Edsger", "Barbara", "Donald", "Radia", "Ken", "Jane", "Tom")
LAST = ("Lovelace", "Hopper", "Turing", "Dijkstra", "Liskov", "Knuth", "Perlman", "Thompson", "Doe", "Becker")


def fill(store: Store, messages: int, now: float) -> None:
    """Store this many messages, the last of them at `now`, in seconds since 1970."""
    with store.begin_patiently() as conn:
        for table, (count, columns, values) in _rows(messages, now).items():
            numbers = (
                f"WITH RECURSIVE numbers(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < {count})"
                if store.on_sqlite
                else f"WITH numbers(i) AS (SELECT generate_series(1, CAST({count} AS bigint)))"
            )
            given = {"body": BODY} if ":body" in values else {"payload": PAYLOAD} if ":payload" in values else {}
            conn.execute(text(f"INSERT INTO {table} ({columns}) {numbers} SELECT {values} FROM numbers"), given)
            if not store.on_sqlite and table in ("conversations", "received", "deliveries"):
                conn.execute(text(f"SELECT setval('{table}_id_seq', {count})"))
    for count_more in (count_settled, roll_up):
        while _counts(store, count_more):
            pass
    tidy_up(store)


def _counts(store: Store, count_more: object) -> bool:
    with store.begin() as tx:
        return bool(count_more(tx))  # type: ignore[operator]


def _rows(messages: int, now: float) -> dict[str, tuple[int, str, str]]:
    """For each table the number of rows, the columns, and their values; `i` counts the rows from 1."""
    many = messages // EACH
    # Its messages follow each other in one conversation, except the newest: those are spread over many.
    of = f"CASE WHEN i > {messages - WAITING} THEN i - {messages - WAITING} ELSE (i - 1) / {EACH} + 1 END"
    at = f"{now} - {DAYS * 86400.0} * ({messages} - i) / {messages}"
    state = (
        f"CASE WHEN i > {messages - WAITING} THEN 'waiting' WHEN i > {messages - WAITING - DEAD} THEN 'dead' "
        f"WHEN i % {LEFT_OUT} = 0 THEN 'ignored' ELSE 'delivered' END"
    )
    settled = f"CASE WHEN i > {messages - WAITING} THEN NULL ELSE {at} + 0.05 + (i % 40) / 40.0 END"
    first = "CASE i % 10 " + " ".join(f"WHEN {n} THEN '{name}'" for n, name in enumerate(FIRST)) + " END"
    last = "CASE i / 10 % 10 " + " ".join(f"WHEN {n} THEN '{name}'" for n, name in enumerate(LAST)) + " END"
    return {
        "conversations": (
            many,
            "id, account, group_id, title, channel, channel_id, rule, why, thread_ts, opener_id, opener_sender, "
            "opener_rank, since, wanted, shown, created_at",
            f"i, 'default', 's' || i, 'Conversation ' || i, 'C0S' || (i % {CHANNELS}), 'C0S' || (i % {CHANNELS}), "
            f"'channels', 'channels lists it', '16' || (10000000 + i) || '.000001', (i - 1) * {EACH} + 1, "
            f"'customer-' || i, 2, {now}, 1, 1, {now}",
        ),
        "received": (
            messages,
            "id, door, account, kind, key, conversation_id, outcome, body, received_at",
            f"i, 'kommunicate', 'default', 'message', 'stored-' || i, {of}, 'accepted', :body, {at}",
        ),
        "deliveries": (
            messages,
            "id, conversation_id, lane, received_id, state, cause, created_at, settled_at",
            f"i, {of}, 'words', i, {state}, CASE {state} WHEN 'dead' THEN 'Slack answered invalid_blocks' ELSE '' END, "
            f"{at}, {settled}",
        ),
        "sends": (
            messages - WAITING,
            "id, conversation_id, lane, seq, kind, payload, channel, thread_ts, state, started_at, ts, created_at",
            f"'stored' || i, {of}, 'words', i, 'post', :payload, 'C0S' || (({of}) % {CHANNELS}), "
            f"'16' || (10000000 + ({of})) || '.000001', 'delivered', {at}, '17' || (10000000 + i) || '.000001', {at}",
        ),
        "send_parts": (messages - WAITING, "send_id, delivery_id, part, live", "'stored' || i, i, 0, true"),
        "people": (
            many,
            "account, user_id, name, role, looked_up_at, search_name, search_last",
            f"'default', 'customer-' || i, {first} || ' ' || {last} || ' ' || i, 'customer', {now}, "
            f"lower({first} || ' ' || {last} || ' ' || i), i || ' ' || lower({first} || ' ' || {last})",
        ),
        "lanes": (many, "conversation_id, kind, heard", f"i, 'words', i * {EACH}"),
    }


def signed_in(store: Store) -> FlaskClient:
    """A browser that has signed in."""
    config = {"redact": [{"name": "email"}, {"name": "payment_card"}, {"name": "phone"}]}
    settings = replace(harness.settings(**config), admin_password=PASSWORD)
    client = create_app(Relay(settings, store)).test_client()
    found = re.search(r'name="token" value="([^"]+)"', client.get("/login").text)
    assert found
    assert client.post("/login", data={"token": found[1], "password": PASSWORD}).status_code == 303
    return client


def views(messages: int) -> Iterator[tuple[str, str]]:
    """The name of each view, and its path."""
    yield "overview", "/"
    yield "conversations", "/conversations"
    yield "conversations, page far back", f"/conversations?before={messages // 2}"
    yield "search: first name", "/conversations?q=jane"
    yield "search: full name", f"/conversations?q=Jane+Doe+{messages // EACH - 12}"
    yield "search: nobody", "/conversations?q=zzzz"
    yield "search: group id", f"/conversations?q=s{messages // EACH // 2}"
    yield "search: words in every message", "/conversations?q=WWWW&in=text"
    yield "search: words in none", "/conversations?q=refund&in=text"
    yield "conversation", f"/conversations/{messages // EACH // 2}"
    yield "dead letters", "/dead-letters"
    yield "dead letters, further back", f"/dead-letters?before={messages - WAITING - DEAD // 2}"
    yield "channels", "/channels"
    yield "settings", "/settings"
    yield "try (form)", "/try"


def measure(kind: str, messages: int, rounds: int) -> None:
    """Fill a database of this kind and print a line for each view."""
    with tempfile.TemporaryDirectory(prefix="relay-page-") as folder, database(kind, Path(folder)) as url:
        with closing(open_store(url, patience=None)) as store:
            migrate(store)
            begun = time.monotonic()
            fill(store, messages, time.time() - 5.0)
            print(json.dumps({"database": kind, "filled_in_seconds": round(time.monotonic() - begun)}), flush=True)
        with closing(open_store(url)) as store:
            client = signed_in(store)
            for name, path in views(messages):
                print(
                    json.dumps({"database": kind, "view": name, **_timed(partial(client.get, path), rounds)}),
                    flush=True,
                )
            print(json.dumps({"database": kind, "view": "try (answer)", **_tried(client, rounds)}), flush=True)


def _timed(ask: Callable[[], TestResponse], rounds: int) -> dict[str, float]:
    took, worked = [], []
    for _ in range(rounds):
        begun, cpu = time.perf_counter(), time.process_time()
        response = ask()
        took.append(1000 * (time.perf_counter() - begun))
        worked.append(1000 * (time.process_time() - cpu))
        assert response.status_code == 200
    return {
        "median_ms": round(statistics.median(took), 1),
        "slowest_ms": round(max(took), 1),
        "own_cpu_ms": round(statistics.median(worked), 1),
        "bytes": len(response.data),
    }


def _tried(client: FlaskClient, rounds: int) -> dict[str, float]:
    found = re.search(r'name="token" value="([^"]+)"', client.get("/try").text)
    assert found
    form = {"token": found[1], "body": json.dumps(harness.body())}
    return _timed(partial(client.post, "/try", data=form), rounds)


def main() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--database", choices=("sqlite", "postgres", "both"), default="both")
    given = parser.parse_args()
    for kind in ("sqlite", "postgres") if given.database == "both" else (given.database,):
        measure(kind, given.messages, given.rounds)


if __name__ == "__main__":
    main()
