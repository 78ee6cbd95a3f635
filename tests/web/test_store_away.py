"""The database is locked, full or gone: 503 and when to come back, never a 200 without a commit."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import psycopg
import pytest
import requests
from flask.testing import FlaskClient
from sqlalchemy import event, make_url, text

from relay.store.db.engine import Store
from tests.harness import PATIENCE, auth, body, wait_for
from tests.processes import RelayProcess
from tests.store.shelf import rows

AWAY = {
    "error": "unavailable",
    "message": "The database cannot be reached or cannot commit; nothing was stored. Try again.",
}


@contextmanager
def locked(url: str) -> Iterator[None]:
    """Nobody else can write to this SQLite file."""
    with closing(sqlite3.connect(str(make_url(url).database), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@contextmanager
def pages_at_most(store: Store, number: int) -> Iterator[None]:
    """The file cannot grow."""

    def limit(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute(f"PRAGMA max_page_count={number}")

    event.listen(store.engine, "checkout", limit)
    yield
    event.remove(store.engine, "checkout", limit)
    store.engine.dispose()  # the limit is the connection's


@contextmanager
def gone(url: str, postgres_url: str) -> Iterator[None]:
    """PostgreSQL takes no connection to this database any more, and ends those it had."""
    name = make_url(url).database
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')  # type: ignore[arg-type]
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        yield
        admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')  # type: ignore[arg-type]


def ready(relay: RelayProcess) -> bool:
    return requests.get(f"{relay.url}/readyz", timeout=PATIENCE).status_code == 200


def stored(relay: RelayProcess, key: str) -> bool:
    return relay.post(body(key)).status_code == 200


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_locked_file_is_503_and_nothing_was_stored(lone_relay: RelayProcess, database_url: str) -> None:
    """Neither a message nor a rejected body; it waits 5 s first, as four busy processes on one file may have to."""
    wrong = {"key": 5}
    with locked(database_url), ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lone_relay.post, [body("k1"), wrong]))
    assert [(answer.status_code, answer.json()) for answer in answers] == [(503, AWAY)] * 2
    assert [answer.headers["Retry-After"] for answer in answers] == ["5", "5"]
    assert lone_relay.post(body("k1")).json() == {"status": "accepted"}
    assert lone_relay.post(wrong).status_code == 422


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_full_disk_is_503_and_goes_on_once_there_is_room(store: Store, client: FlaskClient) -> None:
    """Nothing of what was refused is left behind, and the file is as sound as before."""
    large = {"json": body("k1", text="x" * 100_000), "headers": auth()}
    with store.read() as tx:
        pages = tx.conn.execute(text("PRAGMA page_count")).scalar_one()
    with pages_at_most(store, pages):
        answers = [client.post("/kommunicate/webhook", **large) for _ in range(2)]
    assert [(answer.status_code, answer.get_json()) for answer in answers] == [(503, AWAY)] * 2
    assert [answer.headers["Retry-After"] for answer in answers] == ["5", "5"]
    assert [rows(store, table) for table in ("received", "deliveries", "lanes", "conversations")] == [[], [], [], []]
    assert client.post("/kommunicate/webhook", **large).get_json() == {"status": "accepted"}
    with store.read() as tx:
        assert tx.conn.execute(text("PRAGMA integrity_check")).scalars().all() == ["ok"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_being_ready_waits_for_no_lock(lone_relay: RelayProcess, database_url: str) -> None:
    """Whoever does wait for it, as long as it is held, gets a 503 in the end."""
    with locked(database_url):
        assert ready(lone_relay)


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_a_database_that_is_gone_is_503_at_once_and_comes_back(
    lone_relay: RelayProcess, database_url: str, postgres_url: str
) -> None:
    assert stored(lone_relay, "k1")
    with gone(database_url, postgres_url):
        begun = time.monotonic()
        response = lone_relay.post(body("k2"))
        assert time.monotonic() - begun < 5 * 2
        assert (response.status_code, response.json()) == (503, AWAY)
        assert not ready(lone_relay)
    assert wait_for(lambda: stored(lone_relay, "k2"), timeout=5 * 5)


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_a_crowd_in_front_of_a_database_that_is_gone_gets_503_too(
    lone_relay: RelayProcess, database_url: str, postgres_url: str
) -> None:
    """More callers than connections and threads: nobody waits for long and nobody gets a 500."""
    with gone(database_url, postgres_url), ThreadPoolExecutor(30) as crowd:
        begun = time.monotonic()
        found = {answer.status_code for answer in crowd.map(lone_relay.post, [body(f"k{n}") for n in range(30)])}
        assert found == {503}
        assert time.monotonic() - begun < 5 * 2
