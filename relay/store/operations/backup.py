"""A copy of SQLite's file while the relay goes on: whole, checked, and readable by nobody else, or none."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from relay.errors import SettingsError, StoreUnavailable
from relay.store.db.engine import Store
from relay.store.db.sqlite import make_private

UNFINISHED = ".part"  # at the end of the name, as long as it is being written

_USE_PG_DUMP = "`relay backup` copies SQLite's file; for PostgreSQL, use `pg_dump` or your host's own backups."


@dataclass(frozen=True, slots=True)
class Backup:
    """What is in a copy; `size` in bytes."""

    conversations: int
    received: int
    size: int


def back_up(store: Store, target: Path) -> Backup:
    """Copy all that was committed before now to `target`, which must not exist; nobody waits meanwhile.

    Raises SettingsError where there is nothing to copy or something in the way, OSError where the disk fails, and
    StoreUnavailable where SQLite does.
    """
    if not store.on_sqlite:
        raise SettingsError(_USE_PG_DUMP)
    database = Path(str(store.engine.url.database)).absolute()
    if not database.exists():
        raise SettingsError(
            f"There is no database yet at {database}. Run this where the relay runs, or set DATABASE_URL."
        )
    if target.exists():
        raise SettingsError(f"{target} already exists, and a backup never overwrites a file. Name another file.")
    folder = target.absolute().parent
    if not folder.is_dir():
        raise SettingsError(f"There is no folder {folder}. Make it first, or name a file in another one.")
    unfinished = target.with_name(target.name + UNFINISHED)
    try:
        make_private(unfinished)
    except FileExistsError:
        reason = "another backup is being written there, or was interrupted"
        raise SettingsError(f"{unfinished} already exists: {reason}. Remove it if none is.") from None
    except OSError as error:
        raise SettingsError(f"Nothing can be written in the folder {folder}: {error.strerror}.") from None
    try:
        return _fill(store, unfinished, target)
    except sqlite3.Error as error:
        raise StoreUnavailable(f"the database cannot be copied ({error.sqlite_errorname})") from None
    finally:
        unfinished.unlink(missing_ok=True)


def _fill(store: Store, unfinished: Path, target: Path) -> Backup:
    connection = store.engine.raw_connection()
    try:
        # A copy without what was deleted; it reads one state of the database, and who writes goes on.
        connection.driver_connection.execute("VACUUM INTO ?", [str(unfinished)])  # type: ignore[union-attr]
    finally:
        connection.close()
    found = _look(unfinished)
    _sync(unfinished)
    unfinished.rename(target)
    _sync(target.parent)
    return found


def _look(path: Path) -> Backup:
    """What is in a copy; raises sqlite3.DatabaseError where it is not sound."""
    with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as copy:
        verdict = copy.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if verdict != "ok":
            raise sqlite3.DatabaseError(verdict)
        count = "SELECT (SELECT count(*) FROM conversations), (SELECT count(*) FROM received)"
        conversations, received = copy.execute(count).fetchone()
        return Backup(conversations, received, path.stat().st_size)


def _sync(path: Path) -> None:
    """On the disk, not only on its way there."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
