"""The schema is made, recognised and left alone as it should be; migrations say what the tables say."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError
from structlog.testing import capture_logs

from relay.errors import StoreUnavailable
from relay.store.db import schema
from relay.store.db.engine import Store, open_store
from relay.store.db.file_tables import metadata
from relay.store.db.schema import SchemaState, migrate, schema_state
from tests.harness import PATIENCE, wait_for
from tests.processes import FORKS
from tests.store.shelf import claimed, rows, started, take_in


@pytest.fixture
def empty(store: Store) -> Store:
    """A database without a schema."""
    with store.engine.begin() as conn:
        metadata.drop_all(conn)
        conn.execute(text("DROP TABLE alembic_version"))
    return store


def indexes(store: Store) -> dict[str, object]:
    """Every index as the database has it, conditions included, which autogenerate does not compare."""
    catalogue = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    on_postgres = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
    with store.engine.connect() as conn:
        found = conn.execute(text(catalogue if store.on_sqlite else on_postgres)).all()
    return {name: words for name, words in found if name != "alembic_version_pkc"}


def test_it_is_made_once(empty: Store) -> None:
    """It tells what it found."""
    assert schema_state(empty) is SchemaState.MISSING
    assert (migrate(empty), migrate(empty)) == (SchemaState.MISSING, SchemaState.CURRENT)
    assert take_in(empty).outcome == "accepted"


def test_migrations_make_what_the_tables_say(store: Store) -> None:
    """Autogenerate finds nothing left to do."""
    with store.engine.connect() as conn:
        # SQLite spells the empty default in another way, which Alembic takes for another default
        options = {"compare_type": True, "compare_server_default": not store.on_sqlite}
        assert compare_metadata(MigrationContext.configure(conn, opts=options), metadata) == []


def test_migrations_make_the_very_indexes_of_the_tables(empty: Store) -> None:
    """Word for word: a partial index with another condition is silently of no use."""
    migrate(empty)
    migrated = indexes(empty)
    with empty.engine.begin() as conn:
        metadata.drop_all(conn)
        metadata.create_all(conn)
    assert migrated == indexes(empty)


COPIES = """
from alembic import op
revision, down_revision = "9998", "{newest}"
def upgrade():
    for table in ("conversations", "deliveries", "sends"):
        with op.batch_alter_table(table, recreate="always" if op.get_bind().dialect.name == "sqlite" else "never"):
            pass
    {more}
"""


@pytest.fixture
def add_migration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., None]]:
    """One migration more, which replaces tables that others refer to by copies of themselves."""

    def add(more: str = "") -> None:
        folder = tmp_path / "migrations"
        shutil.copytree(schema.MIGRATIONS, folder)
        text = COPIES.format(newest=schema.newest_revision(), more=more)
        (folder / "versions" / "9998_copies.py").write_text(text, encoding="utf-8")
        monkeypatch.setattr(schema, "MIGRATIONS", folder)
        schema.newest_revision.cache_clear()

    yield add
    schema.newest_revision.cache_clear()


def kept(store: Store) -> list[list[Any]]:
    """What stands in the tables that refer to each other."""
    return [rows(store, name) for name in ("received", "conversations", "lanes", "deliveries", "sends", "send_parts")]


def test_a_migration_may_copy_tables_that_others_refer_to(store: Store, add_migration: Callable[..., None]) -> None:
    """SQLite changes most of a table only so; with foreign keys on, the copy takes the rows of others along."""
    take_in(store)
    started(store, claimed(store), [(1, 0)])
    before = kept(store)
    assert all(before)
    add_migration()
    assert (migrate(store), schema_state(store)) == (SchemaState.OLDER, SchemaState.CURRENT)
    assert kept(store) == before
    with store.engine.connect() as conn:
        if store.on_sqlite:
            assert conn.exec_driver_sql("PRAGMA foreign_keys").scalar_one() == 1


def test_a_copy_that_loses_rows_is_undone(store: Store, add_migration: Callable[..., None]) -> None:
    """What refers to nothing any more stops a migration as a whole."""
    take_in(store)
    started(store, claimed(store), [(1, 0)])
    before = kept(store)
    add_migration("op.execute('DELETE FROM conversations')")
    with pytest.raises((sqlite3.IntegrityError, DBAPIError, StoreUnavailable)):
        migrate(store)
    assert (kept(store), schema_state(store)) == (before, SchemaState.OLDER)


def test_a_newer_schema_is_left_alone(store: Store) -> None:
    """A rollback runs the older code on it."""
    with store.engine.begin() as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert (schema_state(store), migrate(store)) == (SchemaState.NEWER, SchemaState.NEWER)


def test_it_says_so_when_the_database_is_away(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/no/such/folder/relay.db")
    with pytest.raises(StoreUnavailable):
        schema_state(store)
    store.close()


def migrate_at_once(url: str, start: Any, found: Any) -> None:
    """A process of its own, for the test below."""
    store = open_store(url)
    start.wait()
    try:
        schema_state(store)
        found.put(str(migrate(store)))
    except Exception as error:  # noqa: BLE001 - whatever it was, the parent has to hear of it
        found.put(repr(error))
    finally:
        store.close()


@pytest.fixture(params=["sqlite", "postgres"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database that has nothing in it; SQLite's file is not even there."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/new.db"
        return
    url = request.getfixturevalue("postgres_database_url")
    store = open_store(url)
    with store.engine.begin() as conn:
        conn.execute(text("DROP SCHEMA public CASCADE"))
        conn.execute(text("CREATE SCHEMA public"))
    store.close()
    yield url


def test_four_processes_may_migrate_at_once(empty_url: str) -> None:
    """One makes it, the others find it made."""
    start, found = FORKS.Barrier(4), FORKS.Queue()
    processes = [FORKS.Process(target=migrate_at_once, args=(empty_url, start, found)) for _ in range(4)]
    for process in processes:
        process.start()
    assert sorted(found.get(timeout=2 * PATIENCE) for _ in processes) == ["current", "current", "current", "missing"]
    for process in processes:
        process.join()
    store = open_store(empty_url)
    assert "sends" in inspect(store.engine).get_table_names()
    store.close()


def make_old(store: Store) -> None:
    """As an earlier version has left it."""
    with store.begin_patiently() as conn:
        metadata.drop_all(conn)
        conn.execute(text("DROP TABLE alembic_version"))
        schema.upgrade(conn, "0010")


def test_an_upgrade_waits_for_no_table_of_another_program(
    postgres_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that shares the database, and whose tables have names of their own kind."""
    monkeypatch.setattr(schema, "IN_ALL", 0.0)
    with closing(open_store(postgres_database_url)) as store, psycopg.connect(postgres_database_url) as other:
        make_old(store)
        other.execute('CREATE TABLE "Its own table" (number INTEGER)')
        other.commit()
        other.execute('SELECT count(*) FROM "Its own table"')
        assert migrate(store) is SchemaState.OLDER
        assert schema_state(store) is SchemaState.CURRENT


def test_an_upgrade_that_waits_for_a_long_reader_holds_up_nobody(
    postgres_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backup reads a table for an hour, and webhooks go on; when it has ended, so does the upgrade."""
    monkeypatch.setattr(schema, "AGAIN", 0.1)
    waits = "SELECT 1 FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'"
    with closing(open_store(postgres_database_url)) as upgraded, closing(open_store(postgres_database_url)) as at_work:
        make_old(upgraded)
        upgrading = threading.Thread(target=migrate, args=(upgraded,), daemon=True)
        with (
            capture_logs() as logs,
            psycopg.connect(postgres_database_url) as reader,
            psycopg.connect(postgres_database_url, autocommit=True) as watching,
        ):
            reader.execute("SELECT count(*) FROM people")
            upgrading.start()
            for _ in range(3):
                assert wait_for(lambda: watching.execute(waits).fetchone() is not None)
                with at_work.read() as tx:
                    assert tx.conn.execute(text("SELECT count(*) FROM people")).scalar_one() == 0
            assert take_in(at_work).outcome == "accepted"
            assert upgrading.is_alive()
        assert [line["event"] for line in logs] == ["schema.waits"]  # and it does not wait in silence
        upgrading.join(PATIENCE)
        assert schema_state(at_work) is SchemaState.CURRENT
