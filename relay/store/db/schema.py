"""Creates and upgrades the schema with Alembic; several processes may ask for it at once.

Migrations stay compatible with the previous version of the code, so old and new may run side by side.
Revisions are numbered (`0001`, `0002`, ...), so that "newer than this code" can be told.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from relay.errors import StoreUnavailable
from relay.store.db.engine import Store

MIGRATIONS = Path(__file__).parent / "migrations"
ADVISORY_LOCK = 7_258_001  # any number, as long as nothing else in this database uses it


class SchemaState(StrEnum):
    """How the database's schema compares with what this code was written for."""

    MISSING = "missing"
    OLDER = "older"
    CURRENT = "current"
    NEWER = "newer"


def schema_state(store: Store) -> SchemaState:
    """Compare the database with this code; raises StoreUnavailable."""
    try:
        with store.read() as tx:  # on SQLite this waits for no writer
            return _state(tx.conn)
    except DBAPIError as error:
        raise StoreUnavailable(f"the database cannot be reached ({type(error).__name__})") from None


def migrate(store: Store) -> SchemaState:
    """Create or upgrade the schema; returns what was found. A newer schema is left alone."""
    try:
        with _alone(store), store.engine.begin() as conn:
            if conn.dialect.name == "postgresql":
                conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
            found = _state(conn)
            if found in (SchemaState.MISSING, SchemaState.OLDER):
                config = _config()
                config.attributes["connection"] = conn
                command.upgrade(config, "head")
            return found
    except DBAPIError as error:
        raise StoreUnavailable(f"the database cannot be reached ({type(error).__name__})") from None


@cache
def newest_revision() -> str:
    """The revision this code was written for; the migrations are read only once."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def _state(conn: Connection) -> SchemaState:
    current = MigrationContext.configure(conn).get_current_revision()
    if current is None:
        return SchemaState.MISSING
    if current == newest_revision():
        return SchemaState.CURRENT
    return SchemaState.NEWER if current > newest_revision() else SchemaState.OLDER


@contextmanager
def _alone(store: Store) -> Iterator[None]:
    """On SQLite, one process at a time opens and migrates: switching to WAL takes a lock that does not wait."""
    database = store.engine.url.database
    if not store.on_sqlite or not database:
        yield
        return
    with Path(f"{database}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
