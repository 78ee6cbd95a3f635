"""SQLite, opened so that no acknowledged data is lost and writers wait for each other."""

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
    "PRAGMA synchronous=FULL",  # a power cut loses no acknowledged row
    "PRAGMA foreign_keys=ON",
    "PRAGMA secure_delete=ON",  # deleted data is overwritten
)
PRIVATE = 0o600  # it contains customers' messages: no other user may read it
TIDYING = 60.0  # seconds that `tidy` waits for others to finish


def open_sqlite(url: URL, connections: int) -> Engine:
    """An engine with real transactions."""
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
    """A writing transaction in which a table that others refer to may be copied and replaced.

    References are checked at its end; raises IntegrityError if one is broken.
    """
    with engine.connect() as conn:
        # This would have no effect inside a transaction.
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
    """Empty the log; with `rewrite`, also rewrite the file without deleted data, which blocks writers meanwhile.

    Without it, remains may be left that `secure_delete` did not see: data deleted before it was on, and parts of rows
    in pages they were moved from. False if the disk has no room, or if others keep writing or reading.
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
        connection.invalidate()  # it has its own timeout
        connection.close()


def make_private(path: str | os.PathLike[str]) -> None:
    """Create an empty file that only the relay's user can read; raises FileExistsError if it exists."""
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, PRIVATE))


_making = Lock()  # closing a file drops a process's locks on it: nobody else may have it open


def _make_private(_dialect: Any, _record: Any, args: Any, options: Any) -> None:
    """SQLite gives its log and index the file's mode. For a bad path, SQLite's own error is better."""
    if not options.get("uri"):
        with _making, suppress(OSError):
            make_private(args[0])


def _prepare(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver must not open transactions on its own
    for pragma in PRAGMAS:
        _execute_patiently(connection, pragma)


def _execute_patiently(connection: sqlite3.Connection, statement: str, patience: float = BUSY) -> None:
    """Switching to WAL, and opening the file while its last user tidies it, fail with "locked" at once: wait here."""
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
    """Begin a transaction; returns the time, in seconds since 1970.

    A transaction that reads first and writes later would fail if another wrote in between, so writers lock at once.
    """
    driver.execute("BEGIN" if access is Access.READ else "BEGIN IMMEDIATE")
    return CLOCK.now()


def _begin(conn: Connection) -> None:
    """The same for callers that begin through SQLAlchemy; inside one of our transactions it finds an open one."""
    driver = Driver(conn)
    if not driver.raw.in_transaction:
        begin(driver, Access.WRITE)
