"""`relay migrate`: creates or upgrades, needs only the database, and leaves a newer schema alone."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from relay.store.db.engine import Store, open_store
from relay.store.db.schema import SchemaState, schema_state
from tests.cli.conftest import Run


def forget_schema(store: Store) -> None:
    """Make the database as empty as a new one."""
    with store.begin() as tx:
        if tx.on_postgres:
            tx.conn.execute(text("DROP SCHEMA public CASCADE"))
            tx.conn.execute(text("CREATE SCHEMA public"))
            return
    Path(str(store.engine.url.database)).unlink()
    store.close()


def test_it_creates_the_schema_once(run: Run, store: Store, database_url: str) -> None:
    forget_schema(store)
    first, second = (run("migrate", DATABASE_URL=database_url) for _ in range(2))
    assert (first.exit_code, first.output) == (0, "The schema has been created.\n")
    assert (second.exit_code, second.output) == (0, "The schema is up to date.\n")
    with closing(open_store(database_url)) as made:
        assert schema_state(made) is SchemaState.CURRENT


def test_a_newer_schema_is_fine_and_stays(run: Run, store: Store, database_url: str) -> None:
    """Rollbacks run it too."""
    with store.begin() as tx:
        tx.conn.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    result = run("migrate", DATABASE_URL=database_url)
    assert result.exit_code == 0
    assert "newer" in result.output
    assert schema_state(store) is SchemaState.NEWER


def test_it_makes_the_default_file_and_needs_nothing_else(run: Run, tmp_path: Path) -> None:
    assert run("migrate").exit_code == 0
    assert (tmp_path / "relay.db").exists()


NO_PLACES = {
    "sqlite:////nowhere/relay.db": "database_folder",
    "sqlite:///config.yaml": "database_file",
    "sqlite:///folder": "database_file",
}


@pytest.mark.parametrize("url", NO_PLACES)
def test_a_place_where_no_database_can_be_is_exit_2(run: Run, tmp_path: Path, url: str) -> None:
    (tmp_path / "config.yaml").write_text("default_channel: C0X\n" * 100)
    (tmp_path / "folder").mkdir()
    result = run("migrate", DATABASE_URL=url)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"DATABASE_URL: error [{NO_PLACES[url]}] ")
