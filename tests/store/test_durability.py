"""What was committed stays, what cannot be committed says so: files, locks, full disks, several processes."""

from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import event, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from relay.errors import SettingsError, StoreUnavailable
from relay.store.db.engine import CONNECTIONS, Store, open_store
from relay.store.db.tables import gates
from tests.databases import ENDED
from tests.harness import PATIENCE
from tests.processes import FORKS
from tests.store.shelf import rows, take_in


@pytest.fixture
def sqlite_store(sqlite_database_url: str) -> Any:
    store = open_store(sqlite_database_url)
    yield store
    store.close()


def test_every_connection_syncs_fully_in_wal(sqlite_store: Store) -> None:
    """No acknowledged row is lost to a power cut; asked of every connection the pool can open."""
    with ThreadPoolExecutor(10) as pool:
        together = threading.Barrier(10)

        def ask(_: int) -> tuple[object, ...]:
            with sqlite_store.read() as tx:
                together.wait(PATIENCE)
                asked = ("journal_mode", "synchronous", "foreign_keys")
                return tuple(tx.conn.execute(text(f"PRAGMA {one}")).scalar_one() for one in asked)

        assert set(pool.map(ask, range(10))) == {("wal", 2, 1)}


def wait_longer(store: Store) -> None:
    """SQLite is not fair: one may wait for all the others, on a slow disk for more than five seconds."""
    event.listen(store.engine, "checkout", lambda conn, *_: conn.execute(f"PRAGMA busy_timeout={PATIENCE * 1000:.0f}"))


def test_no_increment_is_lost_among_eight_hundred(store: Store) -> None:
    """Reading first and writing later loses without BEGIN IMMEDIATE, or without a row lock."""
    if store.on_sqlite:
        wait_longer(store)
    with store.begin() as tx:
        tx.conn.execute(insert(gates).values(scope="account", name="n"))

    def count(_: int) -> None:
        with store.begin() as tx:
            strikes = tx.conn.execute(select(gates.c.strikes).with_for_update()).scalar_one()
            tx.conn.execute(update(gates).values(strikes=strikes + 1))

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(count, range(800)))
    assert rows(store, "gates")[0].strikes == 800


def accept_many(url: str, who: int, start: Any, errors: Any) -> None:
    """A process of its own, for the test below."""
    store = open_store(url)
    wait_longer(store)
    start.wait()
    try:
        for number in range(25):
            take_in(store, f"{who}-{number}", str(number))
        errors.put(None)
    except Exception as error:  # noqa: BLE001 - whatever it was, the parent has to hear of it
        errors.put(repr(error))
    finally:
        store.close()


def test_four_processes_accept_on_one_file_without_an_error(sqlite_database_url: str) -> None:
    start, errors = FORKS.Barrier(4), FORKS.Queue()
    processes = [FORKS.Process(target=accept_many, args=(sqlite_database_url, who, start, errors)) for who in range(4)]
    for process in processes:
        process.start()
    assert [errors.get(timeout=2 * PATIENCE) for _ in processes] == [None] * 4
    for process in processes:
        process.join()
    with sqlite3.connect(sqlite_database_url.removeprefix("sqlite:///")) as conn:
        assert conn.execute("SELECT count(*), count(DISTINCT key) FROM received").fetchone() == (100, 100)
    conn.close()


def test_a_connection_in_use_while_the_store_closes_is_closed_after_it(store: Store) -> None:
    """Left to the garbage collector, a server would keep its session until this process ends."""
    ended = []
    event.listen(store.engine, "close", lambda *_: ended.append("closed"))
    with store.begin():
        store.close()
        assert ended == []
    assert ended == ["closed"]
    with pytest.raises(StoreUnavailable, match="closed"), store.begin():
        pass


def test_a_full_disk_is_an_outage_that_passes(sqlite_store: Store) -> None:
    """Nothing is half written, and what was refused can be taken in later."""
    take_in(sqlite_store, "before")
    pages = iter([1, 1_000_000])  # 1 means: not one page more than there are
    event.listen(
        sqlite_store.engine, "checkout", limit := lambda conn, *_: conn.execute(f"PRAGMA max_page_count={next(pages)}")
    )
    with pytest.raises(StoreUnavailable):
        take_in(sqlite_store, "refused", body=b"x" * 1_000_000)
    assert take_in(sqlite_store, "refused", body=b"x" * 1_000_000).outcome == "accepted"
    event.remove(sqlite_store.engine, "checkout", limit)
    with sqlite_store.read() as tx:
        assert tx.conn.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"
    assert len(rows(sqlite_store, "received")) == len(rows(sqlite_store, "deliveries")) == 2


def test_a_database_that_is_away_is_an_outage() -> None:
    """With a sentence that repeats neither address nor password."""
    store = open_store("postgresql://someone:secret@127.0.0.1:9/none")
    with pytest.raises(StoreUnavailable) as caught:
        take_in(store)
    store.close()
    assert "secret" not in str(caught.value)
    assert "127.0.0.1" not in str(caught.value)


TROUBLE = ["disk_full", "out_of_memory", "too_many_connections", "admin_shutdown", "cannot_connect_now", "io_error"]


@pytest.mark.parametrize("condition", [*TROUBLE, "read_only_sql_transaction", "deadlock_detected"])
def test_whatever_keeps_postgresql_from_committing_is_an_outage(postgres_database_url: str, condition: str) -> None:
    """Each is an error of its own to the driver; nothing of the transaction is left."""

    def write_in_vain(store: Store) -> None:
        with store.begin() as tx:
            tx.conn.execute(insert(gates).values(scope="account", name="n"))
            tx.conn.execute(text(f"DO 'BEGIN RAISE {condition}; END'"))

    with closing(open_store(postgres_database_url)) as store:
        with pytest.raises(StoreUnavailable):
            write_in_vain(store)
        assert rows(store, "gates") == []


def test_connections_that_were_cut_off_in_the_pool_are_replaced_and_nobody_notices(postgres_database_url: str) -> None:
    """The database was started anew, or somebody between ended what was quiet for long: no webhook is a 503 for it."""
    with closing(open_store(postgres_database_url)) as store, ThreadPoolExecutor(CONNECTIONS) as pool:
        together = threading.Barrier(CONNECTIONS + 1)

        def hold(_: int) -> None:
            with store.read():
                together.wait(PATIENCE)

        held = pool.map(hold, range(CONNECTIONS))
        together.wait(PATIENCE)
        assert list(held) == [None] * CONNECTIONS
        with psycopg.connect(postgres_database_url) as admin:
            cut = admin.execute(ENDED).fetchall()
        assert cut == [(True,)] * CONNECTIONS
        for _ in range(CONNECTIONS):
            put_gate(store, times=1, name=uuid4().hex)
        assert len(rows(store, "gates")) == CONNECTIONS


@pytest.mark.parametrize("url", ["mysql://a/b", "sqlite://", "sqlite:///:memory:", "not a url", ""])
def test_it_refuses_an_address_it_cannot_keep_messages_at(url: str) -> None:
    with pytest.raises(SettingsError):
        open_store(url)


def put_gate(store: Store, *, times: int, name: str = "n", fail: bool = False) -> None:
    with store.begin() as tx:
        for _ in range(times):
            tx.conn.execute(insert(gates).values(scope="account", name=name))
        if fail:
            raise ValueError("stop")


def test_a_mistake_of_ours_is_not_an_outage(store: Store) -> None:
    """Whoever catches StoreUnavailable tries again; a mistake would be made again for ever."""
    with pytest.raises(IntegrityError):
        put_gate(store, times=2)


def test_a_failed_transaction_leaves_nothing(store: Store) -> None:
    with pytest.raises(ValueError, match="stop"):
        put_gate(store, times=1, fail=True)
    assert rows(store, "gates") == []
