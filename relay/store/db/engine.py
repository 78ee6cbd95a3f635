"""Opens SQLite or PostgreSQL correctly, and provides short transactions that know the time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from functools import partial
from threading import BoundedSemaphore, Event
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Executable, Result, Row, Table, make_url
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from relay.clock import Clock, monotonic
from relay.errors import SettingsError, StoreUnavailable
from relay.failpoints import failpoint
from relay.spans import span
from relay.store.db import sqlite
from relay.store.db.causes import TOO_BUSY
from relay.store.db.outages import is_outage, told, unavailable
from relay.store.db.statements import Access, Driver, Later, Rows, in_sets
from relay.store.db.together import Key, Together, Turns

CONNECTIONS = 5  # per process: small PostgreSQL plans allow about 20 in total
PATIENCE = 4.0  # seconds that a transaction on PostgreSQL may take in total
AWAY = 0.25  # seconds for which webhooks are refused at once after PostgreSQL was unavailable
TURN = 5.0  # seconds to wait for one of the shared connections

Insert = Callable[[Table], Any]  # SQLAlchemy's `insert` for one of the databases
Build = Callable[[Insert, int], Executable]  # an INSERT of this many rows

T = TypeVar("T")
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Tx:
    """One open transaction. `now` is seconds since 1970, the same for all its statements; `held` is what it locked."""

    driver: Driver
    now: float
    held: set[object] = field(default_factory=set)
    _later: list[Later] = field(default_factory=list)

    @property
    def conn(self) -> Connection:
        """The connection, for statements that SQLAlchemy executes."""
        if self._later:
            self.driver.run_all([], self.left())
        return self.driver.conn

    def run(self, statement: Executable, **values: Any) -> Result[Any]:
        """Execute a prebuilt statement with its values."""
        return self.driver.run(statement, values, self.left())

    def run_set(self, build: Build, rows: Sequence[Mapping[str, Any]]) -> list[Row[Any]]:
        """Insert `rows`, several per statement; returns what the statements return, in any order."""
        sets = list(in_sets(partial(build, self._insert), rows))
        return [row for result in self.driver.run_all(sets, self.left()) for row in result]

    def run_later(self, statement: Executable, rows: Rows | None = None, /, **values: Any) -> None:
        """Execute a statement whose result nobody needs: on PostgreSQL it is sent with the next one, or with the
        commit.

        Its result is in `rows` by the end of the transaction.
        """
        into = [] if rows is None else rows
        if self.on_postgres:
            self._later.append((statement, values, into))
        else:
            into.extend(self.run(statement, **values))

    def left(self) -> list[Later]:
        """What is still to be sent; the caller sends it."""
        left = list(self._later)
        self._later.clear()
        return left

    def run_set_later(self, build: Build, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert `rows` when nobody needs the result."""
        for statement, values in in_sets(partial(build, self._insert), rows):
            self.run_later(statement, **values)

    def take_longer(self) -> None:
        """For a command, which may do much at a time: on PostgreSQL, the server gives it a minute instead of 5 s."""
        if self.on_postgres:
            self.driver.execute(self.driver.raw.longer)

    @property
    def _insert(self) -> Insert:
        return postgresql.insert if self.on_postgres else sqlite_insert

    @property
    def on_postgres(self) -> bool:
        return self.driver.on_postgres


class Store:
    """The database. Tests inject `clock`; otherwise it is PostgreSQL's own clock, or the machine's."""

    def __init__(
        self,
        engine: Engine,
        begin: Callable[[Driver, Access], float],
        clock: Clock | None = None,
        *,
        patience: float | None = PATIENCE,
    ) -> None:
        """`begin` begins a transaction and returns the database's time.

        `patience` is how many seconds a transaction may take on PostgreSQL.
        """
        self.engine = engine
        self.on_sqlite = engine.dialect.name == "sqlite"
        self.last_write: float | None = None  # its commit, on the monotonic clock; None: there was none, or it failed
        self._begin = begin
        self._clock = clock
        self._patience = patience
        self._writers = Turns()
        self._together = Together(self.begin, rest=0.0 if self.on_sqlite else AWAY)
        self._turns: BoundedSemaphore | None = None
        self._turn_within = TURN
        self._closed = Event()

    def share(self, connections: int, turn: float = TURN) -> Store:
        """The same database for a part of this process, which uses at most this many connections at a time.

        A part that waits longer than `turn` seconds for one of them gets the error that the database is too busy.
        """
        part = copy(self)
        part._turn_within = turn
        part._turns = BoundedSemaphore(connections)
        return part

    @contextmanager
    def begin(self, *names: str, shared: bool = False) -> Iterator[Tx]:
        """Open a writing transaction; it commits at the end of the block. `names` are the names of its failpoints.

        A transaction `shared` by several writes does not wait long for locks. Raises StoreUnavailable if the database
        cannot be reached, is full or too busy; then it is unknown whether the commit happened.
        """
        try:
            with self._turn_to_write(), self._transaction(Access.SHARED if shared else Access.WRITE) as tx:
                yield tx
                for name in names:
                    failpoint(f"{name}.before_commit")
        except StoreUnavailable:
            self.last_write = None
            raise
        self.last_write = monotonic()
        for name in names:
            failpoint(f"{name}.after_commit")

    def write(self, name: str, work: Callable[[Tx], T]) -> T:
        """Run `work` in a transaction with this name, and return its result; `work` may run twice.

        On SQLite, where one transaction writes at a time, it is shared with other waiting writes of this process.
        """
        with span(name):
            if self.on_sqlite:
                return self._together.write(name, work)
            with self.begin(name) as tx:
                return work(tx)

    def write_set(self, name: str, work: Callable[[Tx, Sequence[Item]], Sequence[T]], item: Item, order: Key) -> T:
        """The same on both databases, with `work` done once for all the items that wait for it at the moment."""
        with span(name):
            result: T = self._together.write_set(name, work, item, order)
        return result

    @property
    def waiting(self) -> int:
        """How many writes are waiting for a shared transaction."""
        return len(self._together)

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """Open a read-only transaction: on SQLite it waits for nobody."""
        with self._transaction(Access.READ) as tx:
            yield tx

    @contextmanager
    def begin_patiently(self) -> Iterator[Connection]:
        """Open a writing transaction without a time limit."""
        with self.engine.begin() as conn:
            if not self.on_sqlite:
                from relay.store.db.postgres import wait_for_ever

                wait_for_ever(conn)
            yield conn

    def close(self) -> None:
        """Close all connections, those in use when their transactions end; nobody gets another one."""
        self._closed.set()
        self.engine.pool.dispose()

    @contextmanager
    def _transaction(self, access: Access) -> Iterator[Tx]:
        with self._turn():
            ends = None if self._patience is None else monotonic() + self._patience
            try:
                driver, now = self._begun(access)
                try:
                    if not self.on_sqlite:
                        driver.raw.ends = ends
                    tx = Tx(driver, now)
                    yield tx
                    driver.commit(tx.left())
                except BaseException:
                    driver.roll_back()
                    raise
                finally:
                    driver.conn.close()
                    if self._closed.is_set():  # it went back to a pool that has been emptied
                        self.engine.pool.dispose()
            except (DBAPIError, PoolTimeout) as error:
                if is_outage(error):
                    # from None: a driver's message may quote the row it could not write
                    raise unavailable(error, self.engine.url) from None
                raise

    def _begun(self, access: Access, *, again: bool = True) -> tuple[Driver, float]:
        """An open transaction on its own connection, and the time.

        A pooled connection may turn out to be dead here, before anything was done; then the pool drops all of them, and
        the next one is new.
        """
        conn = self.engine.connect()
        try:
            driver = Driver(conn)
            now = self._begin(driver, access)
        except BaseException as error:
            conn.close()
            if again and isinstance(error, DBAPIError) and error.connection_invalidated:
                return self._begun(access, again=False)
            raise
        return driver, now if self._clock is None else self._clock.now()

    @contextmanager
    def _turn_to_write(self) -> Iterator[None]:
        """On SQLite, the writers of a process take turns: SQLite itself lets some of them starve."""
        if not self.on_sqlite:
            yield
            return
        if not self._writers.acquire(sqlite.BUSY):
            raise told(TOO_BUSY)
        try:
            yield
        finally:
            self._writers.release()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        turns = self._turns
        if turns is not None and not turns.acquire(timeout=self._turn_within):
            raise told(TOO_BUSY)
        try:
            if self._closed.is_set():
                raise StoreUnavailable("The database has been closed.")
            yield
        finally:
            if turns is not None:
                turns.release()


def open_store(
    url: str, clock: Clock | None = None, *, patience: float | None = PATIENCE, pooler: bool = False
) -> Store:
    """Open the database at `url` (`sqlite:///file`, `postgres://...`); connects only when first used.

    `patience` is how many seconds a transaction may take on PostgreSQL; `pooler`: it is behind a pooler. Raises
    SettingsError for an invalid url; the message never repeats the url, because it contains a password.
    """
    try:
        parsed = make_url(url)
    except (SQLAlchemyError, ValueError):  # ValueError: the port is not a number, perhaps a piece of the password
        raise SettingsError(
            "DATABASE_URL is not a database address: use sqlite:///relay.db or postgres://..."
        ) from None
    if parsed.drivername in ("postgres", "postgresql", "postgresql+psycopg"):
        # Imported here, because it imports psycopg, which takes a tenth of a start and is not needed on SQLite.
        from relay.store.db import postgres

        engine = postgres.open_postgres(parsed.set(drivername="postgresql+psycopg"), CONNECTIONS, pooler=pooler)
        return Store(engine, postgres.begin, clock, patience=patience)
    if parsed.drivername == "sqlite" and parsed.database not in (None, "", ":memory:"):
        return Store(sqlite.open_sqlite(parsed, CONNECTIONS), sqlite.begin, clock)
    raise SettingsError("DATABASE_URL must begin with sqlite:///FILE or postgres://")
