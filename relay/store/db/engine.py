"""Opens SQLite or PostgreSQL rightly, and hands out short transactions that know what time it is."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event
from typing import Any

from sqlalchemy import (
    BindParameter,
    Connection,
    CursorResult,
    Engine,
    Executable,
    Transaction,
    bindparam,
    create_engine,
    event,
    make_url,
)
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from relay.clock import Clock, SystemClock, monotonic
from relay.errors import SettingsError, StoreUnavailable
from relay.failpoints import failpoint

BUSY = 5.0  # seconds a statement on SQLite waits for other writers
# In one round trip: the last statement makes a transaction of both, and the first is the one whose answer is read.
CLOCK_AND_BEGIN = "SELECT extract(epoch FROM clock_timestamp()); BEGIN"
CLOCK = "relay_clock"  # where a connection keeps what it said
CONNECTIONS = 5  # per process: small PostgreSQL plans allow about 20 in all
SQLITE_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",  # no acknowledged row is lost to a power cut
    "PRAGMA foreign_keys=ON",
)


def given(name: str, type_: Any = None, *, several: bool = False) -> BindParameter[Any]:
    """A value that a statement gets when it is run by `Tx.run`, so that the statement itself is built only once.

    To build one costs more than to run it. `several`: a list of values, for IN.
    """
    return bindparam(_given(name), type_=type_, expanding=several)


def _given(name: str) -> str:
    return f"given_{name}"  # a name that no column has: those mean something else in an UPDATE


@dataclass(frozen=True, slots=True)
class Tx:
    """One open transaction. `now` is seconds since 1970, the same for all its statements; `held` is what it locked."""

    conn: Connection
    now: float
    held: set[object] = field(default_factory=set)

    def run(self, statement: Executable, **values: Any) -> CursorResult[Any]:
        """Execute a statement with the values it is `given`."""
        return self.conn.execute(statement, {_given(name): value for name, value in values.items()})

    @property
    def on_postgres(self) -> bool:
        return self.conn.dialect.name == "postgresql"


class Store:
    """The database. `clock` is injected by tests; otherwise PostgreSQL's own clock, or the machine's."""

    def __init__(self, engine: Engine, clock: Clock | None = None) -> None:
        self.engine = engine
        self.on_sqlite = engine.dialect.name == "sqlite"
        self._reading = engine.execution_options(relay_read_only=True)
        self._clock = clock or (SystemClock() if self.on_sqlite else None)

    @contextmanager
    def begin(self, name: str = "") -> Iterator[Tx]:
        """Open a writing transaction; it commits at the end of the block. `name` is what its failpoints are called.

        Raises StoreUnavailable when the database cannot be reached, is full or too busy.
        """
        with self._transaction(self.engine) as tx:
            yield tx
            failpoint(f"{name}.before_commit")
        failpoint(f"{name}.after_commit")

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """Open a transaction that only reads: on SQLite it waits for nobody."""
        with self._transaction(self._reading) as tx:
            yield tx

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    @contextmanager
    def _transaction(self, engine: Engine) -> Iterator[Tx]:
        try:
            transaction = _begun(engine)
            with transaction.connection as conn, transaction:
                yield Tx(conn, conn.info[CLOCK] if self._clock is None else self._clock.now())
        except (DBAPIError, PoolTimeout) as error:
            if is_outage(error):
                # from None: a driver's message may quote the row it could not write
                raise StoreUnavailable(f"the database cannot commit ({type(error).__name__})") from None
            raise


def _begun(engine: Engine, *, again: bool = True) -> Transaction:
    """An open transaction on a connection of its own.

    One from the pool may have lost its other end, which shows here, before anything was done; then the pool forgets
    all it had, and the next one is new.
    """
    conn = engine.connect()
    try:
        return conn.begin()
    except DBAPIError as error:
        conn.close()
        if again and error.connection_invalidated:
            return _begun(engine, again=False)
        raise


def is_outage(error: SQLAlchemyError) -> bool:
    """True when the database is away, full or busy; False when the statement itself is at fault."""
    return isinstance(error, PoolTimeout) or type(error).__name__ in (
        "OperationalError",
        "InterfaceError",
        "InternalError",
    )


def open_store(url: str, clock: Clock | None = None) -> Store:
    """Open the database at `url` (`sqlite:///file`, `postgres://...`); connects only when first used.

    Raises SettingsError for a url that cannot be understood; the sentence never repeats the url, it holds a password.
    """
    try:
        parsed = make_url(url)
    except (SQLAlchemyError, ValueError):  # ValueError: the port is no number, perhaps a piece of the password
        raise SettingsError(
            "DATABASE_URL is not a database address: use sqlite:///relay.db or postgres://..."
        ) from None
    if parsed.drivername in ("postgres", "postgresql", "postgresql+psycopg"):
        return Store(_open_postgres(parsed.set(drivername="postgresql+psycopg")), clock)
    if parsed.drivername == "sqlite" and parsed.database not in (None, "", ":memory:"):
        return Store(_open_sqlite(parsed), clock)
    raise SettingsError("DATABASE_URL must begin with sqlite:///FILE or postgres://")


def _open_postgres(url: Any) -> Engine:
    engine = create_engine(
        url,
        pool_size=CONNECTIONS,
        max_overflow=0,
        pool_use_lifo=True,  # the same few are used again: what the server has in its caches is each connection's own
        pool_timeout=1.5,
        # A pooler (PgBouncer) between us and the server keeps no prepared statements. Transactions are begun below.
        connect_args={"prepare_threshold": None, "connect_timeout": 2, "autocommit": True},
        hide_parameters=True,
    )
    event.listen(engine, "begin", _begin_postgres)
    return engine


def _begin_postgres(conn: Connection) -> None:
    conn.info[CLOCK] = float(conn.exec_driver_sql(CLOCK_AND_BEGIN).scalar_one())


def _open_sqlite(url: Any) -> Engine:
    engine = create_engine(
        url,
        pool_size=CONNECTIONS,
        max_overflow=CONNECTIONS,
        pool_timeout=BUSY,
        connect_args={"timeout": BUSY},
        hide_parameters=True,
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver must not open transactions behind our back
    for pragma in SQLITE_PRAGMAS:
        _execute_patiently(connection, pragma)


def _execute_patiently(connection: sqlite3.Connection, statement: str) -> None:
    """Switching to WAL, and looking in while the last user tidies it away, are "locked" at once: wait here instead."""
    deadline = monotonic() + BUSY
    while True:
        try:
            connection.execute(statement)
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or monotonic() >= deadline:
                raise
        Event().wait(0.01)


def _begin_sqlite(conn: Connection) -> None:
    # A transaction that reads first and writes later would lose to another writer in between, so writers
    # take the lock at once.
    read_only = conn.get_execution_options().get("relay_read_only", False)
    conn.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")
