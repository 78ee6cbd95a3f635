"""Creates and upgrades the schema with Alembic; several processes may ask for it at once.

Migrations stay compatible with the previous version of the code, so old and new may run side by side.
Revisions are numbered (`0001`, `0002`, ...), so that "newer than this code" can be told.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from functools import cache
from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from relay.clock import monotonic
from relay.store.db.engine import Store
from relay.store.db.outages import unavailable
from relay.store.db.sqlite import unchecked

MIGRATIONS = Path(__file__).parent / "migrations"
PROVEN = 10.0  # seconds for which a write proves that writing is possible
OURS_ALONE = 0o600  # of SQLite's file, where it is made: it holds customers' words
ADVISORY_LOCK = 7_258_001  # any number, as long as nothing else in this database uses it


class SchemaState(StrEnum):
    """How the database's schema compares with what this code was written for."""

    MISSING = "missing"
    OLDER = "older"
    CURRENT = "current"
    NEWER = "newer"


def schema_state(store: Store) -> SchemaState:
    """Compare the database with this code; raises StoreUnavailable."""
    if store.on_sqlite and not _is_there(store):  # to look into it would make it
        return SchemaState.MISSING
    try:
        with store.read() as tx:  # on SQLite this waits for no writer
            return _state(tx.conn)
    except DBAPIError as error:
        raise unavailable(error, store.engine.url) from None


def migrate(store: Store) -> SchemaState:
    """Create or upgrade the schema; returns what was found. A newer schema is left alone."""
    try:
        with _alone(store) as conn:
            found = _state(conn)
            if found in (SchemaState.MISSING, SchemaState.OLDER):
                upgrade(conn)
            return found
    except (DBAPIError, OSError) as error:  # OSError: of the lock beside SQLite's file
        raise unavailable(error, store.engine.url) from None


def prove_writable(store: Store) -> None:
    """Write something, unless something was written lately; raises StoreUnavailable where that is not possible.

    A database that has become read-only, or whose connections have gone silent, answers a read all the same.
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
    # Here and not above: to import it is a fifth of a start, and at most starts there is nothing to upgrade.
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
        if not os.access(path.parent, os.W_OK | os.X_OK, effective_ids=True):  # nor can it be made
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
            yield conn
        return
    path = Path(store.engine.url.database or "")
    # Switching to WAL, which comes with the first connection, takes a lock that does not wait.
    with Path(f"{path}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            path.touch(mode=OURS_ALONE)  # SQLite gives what it writes beside it the same mode
        with unchecked(store.engine) as conn:
            yield conn
