"""SQLite, opened so that nothing acknowledged is lost and writers wait for each other."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Lock
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event

from relay.clock import SystemClock, monotonic
from relay.store.db.statements import Access, Driver

BUSY = 5.0  # seconds a statement waits for other writers
CLOCK = SystemClock()
PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",  # no acknowledged row is lost to a power cut
    "PRAGMA foreign_keys=ON",
    "PRAGMA secure_delete=ON",  # what is deleted is overwritten, not only forgotten
)
PRIVATE = 0o600  # customers' words: nobody else of the machine reads them
TIDYING = 60.0  # seconds in which those who hold back `tidy` have to come to an end


def open_sqlite(url: URL, connections: int) -> Engine:
    """An engine whose transactions are what they say."""
    engine = create_engine(
        url,
        pool_size=connections,
        max_overflow=connections,
        pool_timeout=BUSY,
        connect_args={"timeout": BUSY},
        hide_parameters=True,
    )
    event.listen(engine, "do_connect", _make_private)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


@contextmanager
def unchecked(engine: Engine) -> Iterator[Connection]:
    """A writing transaction in which a table may be copied and replaced, though others refer to it.

    What refers to what is checked at its end; raises IntegrityError where something is missing then.
    """
    with engine.connect() as conn:
        # Inside of a transaction this would have no effect.
        conn.connection.driver_connection.execute("PRAGMA foreign_keys=OFF")  # type: ignore[union-attr]
        try:
            with conn.begin():
                yield conn
                broken = conn.exec_driver_sql("PRAGMA foreign_key_check").all()
                if broken:
                    raise sqlite3.IntegrityError(f"{len(broken)} rows refer to rows that are not there")
        finally:
            conn.connection.driver_connection.execute("PRAGMA foreign_keys=ON")  # type: ignore[union-attr]


def tidy(engine: Engine, *, rewrite: bool) -> bool:
    """Empty the log; and `rewrite` the file without what was deleted, for which whoever writes has to wait.

    What `secure_delete` did not see may be left in the file otherwise: what was deleted before it was switched on, and
    pieces of rows in pages that those have moved from. False where there is no room for it, or somebody writes, or
    reads from the log, on and on.
    """
    connection = engine.raw_connection()
    try:
        raw: Any = connection.driver_connection
        raw.execute("PRAGMA busy_timeout=1000")
        ends = monotonic() + TIDYING
        if rewrite:
            _execute_patiently(raw, "VACUUM", TIDYING)
        while raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
            if monotonic() > ends:
                return False
            Event().wait(0.05)
        return True
    except sqlite3.OperationalError:
        return False
    finally:
        connection.invalidate()  # with a patience of its own
        connection.close()


def make_private(path: str | os.PathLike[str]) -> None:
    """Create an empty file that only the relay's user may read; raises FileExistsError where there is one already."""
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, PRIVATE))


_making = Lock()  # to close a file makes a process lose its locks on it: nobody may have it open by then


def _make_private(_dialect: Any, _record: Any, args: Any, options: Any) -> None:
    """SQLite gives its log and its index the mode of the file itself; what is wrong with the path it tells better."""
    if not options.get("uri"):
        with _making, suppress(OSError):
            make_private(args[0])


def _prepare(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver must not open transactions behind our back
    for pragma in PRAGMAS:
        _execute_patiently(connection, pragma)


def _execute_patiently(connection: sqlite3.Connection, statement: str, patience: float = BUSY) -> None:
    """Switching to WAL, and looking in while the last user tidies it away, are "locked" at once: wait here instead."""
    deadline = monotonic() + patience
    while True:
        try:
            connection.execute(statement)
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or monotonic() >= deadline:
                raise
        Event().wait(0.01)


def begin(driver: Driver, access: Access) -> float:
    """Begin a transaction; returns what time it is, in seconds since 1970.

    One that reads first and writes later would lose to another writer in between, so writers take the lock at once.
    """
    driver.execute("BEGIN" if access is Access.READ else "BEGIN IMMEDIATE")
    return CLOCK.now()


def _begin(conn: Connection) -> None:
    """The same for those who begin through SQLAlchemy; in a transaction of ours it finds one that is open."""
    driver = Driver(conn)
    if not driver.raw.in_transaction:
        begin(driver, Access.WRITE)
