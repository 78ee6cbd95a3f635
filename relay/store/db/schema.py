"""Creates and upgrades the schema with Alembic; several processes may do so at once.

Migrations stay compatible with the previous version of the code, so that both can run side by side. Revisions are
numbered (`0001`, `0002`, ...), so that a newer one can be recognised.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from functools import cache
from pathlib import Path

import structlog
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from relay.clock import monotonic
from relay.errors import StoreBusy
from relay.store.db.engine import Store
from relay.store.db.file_tables import metadata
from relay.store.db.outages import unavailable
from relay.store.db.sqlite import PRIVATE, unchecked

MIGRATIONS = Path(__file__).parent / "migrations"
PROVEN = 10.0  # seconds for which a write proves that writing is possible
ADVISORY_LOCK = 7_258_001  # any number, as long as nothing else in this database uses it
# Whoever comes after somebody who waits for a table's lock waits as well, and that may be every webhook: a backup that
# reads the table may take an hour. So nobody waits for one for long, but tries again.
LOCKED_FOR, AGAIN, IN_ALL = "500ms", 2.0, 600.0  # and the seconds between tries, and of all of them

log = structlog.get_logger()


class SchemaState(StrEnum):
    """How the database's schema compares with this code."""

    MISSING = "missing"
    OLDER = "older"
    CURRENT = "current"
    NEWER = "newer"


def schema_state(store: Store) -> SchemaState:
    """Compare the database with this code; raises StoreUnavailable."""
    if store.on_sqlite and not _is_there(store):  # opening it would create it
        return SchemaState.MISSING
    try:
        with store.read() as tx:  # on SQLite this waits for no writer
            return _state(tx.conn)
    except DBAPIError as error:
        raise unavailable(error, store.engine.url) from None


def migrate(store: Store) -> SchemaState:
    """Create or upgrade the schema; returns what was found. A newer schema is left alone."""
    ends, is_told = monotonic() + IN_ALL, False
    while True:
        try:
            return _migrate(store)
        except (DBAPIError, OSError) as error:  # OSError: of the lock beside SQLite's file
            reason = unavailable(error, store.engine.url)
            if not isinstance(reason, StoreBusy) or monotonic() > ends:
                raise reason from None
        if not is_told:
            log.warning("schema.waits", cause=str(reason), hint=reason.hint)
        is_told = True
        threading.Event().wait(AGAIN)


def _migrate(store: Store) -> SchemaState:
    with _alone(store) as conn:
        found = _state(conn)
        if found is SchemaState.OLDER and not store.on_sqlite:
            _lock_tables(conn)
        if found in (SchemaState.MISSING, SchemaState.OLDER):
            upgrade(conn)
        return found


def _lock_tables(conn: Connection) -> None:
    """All of ours before anything is done: who has to try again has held up nobody with half of it."""
    names = sorted(set(metadata.tables).intersection(inspect(conn).get_table_names()))
    conn.execute(text(f"LOCK TABLE {', '.join(names)} IN ACCESS EXCLUSIVE MODE"))


def prove_writable(store: Store) -> None:
    """Write something, unless there was a write recently; raises StoreUnavailable if that is not possible.

    A read succeeds even if the database has become read-only, or its connections have gone silent.
    """
    if store.last_write is None or monotonic() - store.last_write > PROVEN:
        with store.begin() as tx:
            tx.conn.execute(text("UPDATE alembic_version SET version_num = version_num"))


@cache
def newest_revision() -> str:
    """The revision this code was written for: the highest number of a migration."""
    return max(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def upgrade(conn: Connection, revision: str = "head") -> None:
    """Run the migrations up to this one, in the transaction that `conn` is in."""
    # Imported here, because the import takes a fifth of a start, and most starts have nothing to upgrade.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = conn
    command.upgrade(config, revision)


def _is_there(store: Store) -> bool:
    path = Path(store.engine.url.database or "")
    try:
        if path.exists():
            return True
        if not os.access(path.parent, os.W_OK | os.X_OK, effective_ids=True):  # it cannot be created either
            raise PermissionError(path.parent)
        return False
    except OSError as error:
        raise unavailable(error, store.engine.url) from None


def _state(conn: Connection) -> SchemaState:
    known = inspect(conn).has_table("alembic_version")
    current = conn.execute(text("SELECT version_num FROM alembic_version")).scalar() if known else None
    if current is None:
        return SchemaState.MISSING
    if current == newest_revision():
        return SchemaState.CURRENT
    return SchemaState.NEWER if current > newest_revision() else SchemaState.OLDER


@contextmanager
def _alone(store: Store) -> Iterator[Connection]:
    """A transaction in which nobody else migrates."""
    if not store.on_sqlite:
        with store.begin_patiently() as conn:
            conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
            conn.execute(text(f"SET LOCAL lock_timeout = '{LOCKED_FOR}'"))
            yield conn
        return
    # Switching to WAL, at the first connection, takes a lock without waiting.
    with open(f"{store.engine.url.database}.lock", "w", opener=_private) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with unchecked(store.engine) as conn:
            yield conn


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, PRIVATE)
