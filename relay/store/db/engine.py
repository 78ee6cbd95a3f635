"""Opens SQLite or PostgreSQL rightly, and hands out short transactions that know what time it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from copy import copy
from dataclasses import dataclass, field
from functools import partial
from threading import BoundedSemaphore, Event
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Executable, Result, Row, Table, Transaction, make_url
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from relay.clock import Clock, SystemClock, monotonic
from relay.errors import SettingsError, StoreBusy, StoreUnavailable
from relay.failpoints import failpoint
from relay.store.db import sqlite, statements
from relay.store.db.together import Key, Together, Turns

CLOCK = "relay_clock"  # where a connection to PostgreSQL keeps what time that said it was as a transaction began
LOCKED_OUT = ("55P03", "40P01")  # PostgreSQL's codes for a lock that did not come in time, and for a deadlock
HURRIED = "relay_hurried"  # of a transaction that waits for nobody's locks for long
CONNECTIONS = 5  # per process: small PostgreSQL plans allow about 20 in all
PATIENCE = 4.0  # seconds that a transaction on PostgreSQL may take in all
AWAY = 0.25  # seconds for which webhooks are refused at once after PostgreSQL was away
TURN = 5.0  # seconds to wait for one of the connections that a part of the process shares

Insert = Callable[[Table], Any]  # SQLAlchemy's `insert` for one of the databases
Build = Callable[[Insert, int], Executable]  # an INSERT of so many rows

T = TypeVar("T")
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Tx:
    """One open transaction. `now` is seconds since 1970, the same for all its statements; `held` is what it locked."""

    connection: Connection
    now: float
    held: set[object] = field(default_factory=set)
    _later: list[statements.Later] = field(default_factory=list)

    @property
    def conn(self) -> Connection:
        """The connection, for statements that SQLAlchemy executes."""
        if self._later:
            with statements.telling(self.connection), self.send():
                pass
        return self.connection

    def run(self, statement: Executable, **values: Any) -> Result[Any]:
        """Execute a statement that was built once, with the values it is `given`."""
        return statements.run(self.connection, statement, values, self._left())

    def run_set(self, build: Build, rows: Sequence[Mapping[str, Any]]) -> list[Row[Any]]:
        """Insert `rows`, several with each statement; returns what they return, in any order."""
        sets = list(statements.in_sets(partial(build, self._insert), rows))
        return [row for result in statements.run_all(self.connection, sets, self._left()) for row in result]

    def run_later(self, statement: Executable, **values: Any) -> None:
        """The same where nobody needs an answer: on PostgreSQL it goes along with the next one, or the commit."""
        if self.on_postgres:
            self._later.append((statement, values))
        else:
            self.run(statement, **values)

    def send(self) -> AbstractContextManager[None]:
        """What is still to be sent, goes with whatever is executed inside of the block."""
        return statements.send(self.connection, self._left())

    def _left(self) -> list[statements.Later]:
        left = list(self._later)
        self._later.clear()
        return left

    def run_set_later(self, build: Build, rows: Sequence[Mapping[str, Any]]) -> None:
        """The same where nobody needs an answer."""
        for statement, values in statements.in_sets(partial(build, self._insert), rows):
            self.run_later(statement, **values)

    @property
    def _insert(self) -> Insert:
        return postgresql.insert if self.on_postgres else sqlite_insert

    @property
    def on_postgres(self) -> bool:
        return self.connection.dialect.name == "postgresql"


class Store:
    """The database. `clock` is injected by tests; otherwise PostgreSQL's own clock, or the machine's."""

    def __init__(
        self,
        engine: Engine,
        clock: Clock | None = None,
        *,
        patience: float | None = PATIENCE,
    ) -> None:
        """`patience` is how many seconds a transaction may take on PostgreSQL."""
        self.engine = engine
        self.on_sqlite = engine.dialect.name == "sqlite"
        self.last_write: float | None = None  # when it was committed, on the monotonic clock; None: none, or it failed
        self._reading = engine.execution_options(**{sqlite.READ_ONLY: True})
        self._clock = clock or (SystemClock() if self.on_sqlite else None)
        self._patience = patience
        self._hurried = engine.execution_options(**{HURRIED: True})
        self._writers = Turns()
        self._together = Together(self.begin, rest=0.0 if self.on_sqlite else AWAY)
        self._turns: BoundedSemaphore | None = None
        self._closed = Event()

    def share(self, connections: int) -> Store:
        """The same database for a part of this process, which uses no more than so many connections at a time."""
        part = copy(self)
        part._turns = BoundedSemaphore(connections)
        return part

    @contextmanager
    def begin(self, *names: str, shared: bool = False) -> Iterator[Tx]:
        """Open a writing transaction; it commits at the end of the block. `names` are what its failpoints are called.

        One that is `shared` by several writes waits for nobody's locks for long. Raises StoreUnavailable when the
        database cannot be reached, is full or too busy; then nobody knows whether what was to be committed is.
        """
        try:
            with self._turn_to_write(), self._transaction(self._hurried if shared else self.engine) as tx:
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
        """Do `work` in a transaction of this name, and return what it returns; `work` may be done twice.

        On SQLite, where one writes at a time, the transaction is shared with whoever else of this process waits.
        """
        if self.on_sqlite:
            return self._together.write(name, work)
        with self.begin(name) as tx:
            return work(tx)

    def write_set(self, name: str, work: Callable[[Tx, Sequence[Item]], Sequence[T]], item: Item, order: Key) -> T:
        """The same on both databases, with `work` done once for all the items that wait for it at the moment."""
        result: T = self._together.write_set(name, work, item, order)
        return result

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """Open a transaction that only reads: on SQLite it waits for nobody."""
        with self._transaction(self._reading) as tx:
            yield tx

    @contextmanager
    def begin_patiently(self) -> Iterator[Connection]:
        """Open a writing transaction that may take as long as it takes."""
        with self.engine.begin() as conn:
            if not self.on_sqlite:
                from relay.store.db.postgres import wait_for_ever

                wait_for_ever(conn)
            yield conn

    def close(self) -> None:
        """Close all connections; nobody gets another one."""
        self._closed.set()
        self.engine.dispose()

    @contextmanager
    def _transaction(self, engine: Engine) -> Iterator[Tx]:
        with self._turn():
            ends = None if self._patience is None else monotonic() + self._patience
            try:
                transaction = _begun(engine)
                with transaction.connection as conn, statements.telling(conn), ExitStack() as committing, transaction:
                    if not self.on_sqlite:
                        limit(conn, ends)
                    tx = Tx(conn, conn.info[CLOCK] if self._clock is None else self._clock.now())
                    yield tx
                    committing.enter_context(tx.send())  # the commit goes along with it
            except (DBAPIError, PoolTimeout) as error:
                if is_outage(error):
                    # from None: a driver's message may quote the row it could not write
                    unavailable = StoreBusy if _code(error) in LOCKED_OUT else StoreUnavailable
                    raise unavailable(f"the database cannot commit ({_why(error)})") from None
                raise

    @contextmanager
    def _turn_to_write(self) -> Iterator[None]:
        """On SQLite the writers of a process come one after the other: SQLite itself lets some of them starve."""
        if not self.on_sqlite:
            yield
            return
        if not self._writers.acquire(sqlite.BUSY):
            raise StoreUnavailable("the database is too busy")
        try:
            yield
        finally:
            self._writers.release()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        turns = self._turns
        if turns is not None and not turns.acquire(timeout=TURN):
            raise StoreUnavailable("the database is too busy")
        try:
            if self._closed.is_set():
                raise StoreUnavailable("the database has been closed")
            yield
        finally:
            if turns is not None:
                turns.release()


def limit(conn: Connection, ends: float | None) -> None:
    """Let a connection to PostgreSQL wait until `ends` for whatever its transaction asks; None: as long as it takes."""
    driver: Any = conn.connection.driver_connection
    driver.ends = ends


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


def _why(error: SQLAlchemyError) -> str:
    """The kind of error, with the code that PostgreSQL gives it."""
    code = _code(error)
    return f"{type(error).__name__} {code}" if code else type(error).__name__


def _code(error: SQLAlchemyError) -> str | None:
    code: str | None = getattr(getattr(error, "orig", None), "sqlstate", None)
    return code


def is_outage(error: SQLAlchemyError) -> bool:
    """True when the database is away, full or busy; False when the statement itself is at fault."""
    outages = ("OperationalError", "InterfaceError", "InternalError")
    return isinstance(error, PoolTimeout) or type(error).__name__ in outages or _code(error) in statements.NOT_PREPARED


def open_store(
    url: str, clock: Clock | None = None, *, patience: float | None = PATIENCE, pooler: bool = False
) -> Store:
    """Open the database at `url` (`sqlite:///file`, `postgres://...`); connects only when first used.

    `patience` is how many seconds a transaction may take on PostgreSQL; `pooler`: it is reached through one. Raises
    SettingsError for a url that cannot be understood; the sentence never repeats the url, it holds a password.
    """
    try:
        parsed = make_url(url)
    except (SQLAlchemyError, ValueError):  # ValueError: the port is no number, perhaps a piece of the password
        raise SettingsError(
            "DATABASE_URL is not a database address: use sqlite:///relay.db or postgres://..."
        ) from None
    if parsed.drivername in ("postgres", "postgresql", "postgresql+psycopg"):
        # Here and not above: it imports psycopg, which takes a tenth of a start, and on SQLite nobody needs it.
        from relay.store.db.postgres import open_postgres

        engine = open_postgres(parsed.set(drivername="postgresql+psycopg"), CONNECTIONS, pooler=pooler)
        return Store(engine, clock, patience=patience)
    if parsed.drivername == "sqlite" and parsed.database not in (None, "", ":memory:"):
        return Store(sqlite.open_sqlite(parsed, CONNECTIONS), clock)
    raise SettingsError("DATABASE_URL must begin with sqlite:///FILE or postgres://")
