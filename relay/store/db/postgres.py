"""PostgreSQL, opened so that nobody waits for it for long: neither for a lock, nor for a server that says nothing."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import psycopg
import structlog
from psycopg.pq import TransactionStatus
from sqlalchemy import URL, Connection, Engine, ExceptionContext, create_engine, event

from relay.clock import monotonic
from relay.store.db.statements import READ_ONLY, Access, Driver

if TYPE_CHECKING:
    from relay.store.db.engine import Tx

POOL_WAIT = 1.0  # seconds until one of our connections must be free
CONNECT_WAIT = 2  # seconds; the library allows no less
BEGIN_WAIT = 1.5  # seconds until a transaction must have begun: a connection from the pool may have lost its other end
# In one round trip, of which the first answer is read. The server ends the transaction of a process that has stopped
# after 5 s, with all the locks it holds; before version 17 only where it has stopped between two statements, and not
# where more of them were to follow on the same way.
BEGIN = (
    "SELECT extract(epoch FROM clock_timestamp()); BEGIN; "
    "SET LOCAL lock_timeout = '2s'; SET LOCAL transaction_timeout = '5s'"
)
WITHOUT_LIMITS = "SET LOCAL lock_timeout = 0; SET LOCAL transaction_timeout = 0"
OLDER, LIMIT, OLDER_LIMIT = 170_000, "transaction_timeout", "idle_in_transaction_session_timeout"
# The system gives a connection up as well whose other end has gone without a word.
KEEPALIVE = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 2, "tcp_user_timeout": 5000}


PREPARE_AFTER = 3  # runs on one connection until the server is to keep a statement's plan

log = structlog.get_logger()


class Preparing:
    """Whether the server keeps the plans of our statements: to make one costs it as much as to run it.

    A pooler that lends another of the server's connections to each transaction keeps none of them.
    """

    def __init__(self, *, wanted: bool) -> None:
        self.wanted = wanted

    def stop(self) -> None:
        """There is a pooler that nobody has named."""
        if self.wanted:
            self.wanted = False
            log.warning("postgres.pooler_noticed", advice="set DATABASE_POOLER=1: statements are not prepared any more")


class TimedConnection(psycopg.Connection[Any]):
    """Waits for its server only until `ends`, on the monotonic clock; a server that is late has lost it."""

    ends: float | None = None
    preparing = Preparing(wanted=False)

    begin: Mapping[Access, str]  # what begins a transaction

    def spell(self, words: str) -> str:
        """The same for a server that knows no limit for a whole transaction."""
        return words.replace(LIMIT, OLDER_LIMIT) if self.info.server_version < OLDER else words

    def stop_preparing(self) -> None:
        """The server does not know what it was to keep."""
        self.preparing.stop()

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Do what the library asks the server, in time."""
        if self.ends is not None:
            timeout = max(0.0, self.ends - monotonic())
        try:
            return super().wait(gen, interval, timeout)
        except psycopg.OperationalError:
            if self.ends is not None and monotonic() >= self.ends:
                self.pgconn.finish()  # an answer may still come, and nobody must take it for another's
            raise


def open_postgres(url: URL, connections: int, *, pooler: bool) -> Engine:
    """An engine with so many connections; each transaction begins by asking what time it is."""
    preparing = Preparing(wanted=not pooler)
    engine = create_engine(
        url,
        pool_size=connections,
        max_overflow=0,
        pool_use_lifo=True,  # the same few are used again: what the server has in its caches is each connection's own
        pool_timeout=POOL_WAIT,
        connect_args={"connect_timeout": CONNECT_WAIT, "autocommit": True, **KEEPALIVE},  # transactions begin below
        hide_parameters=True,
    )
    event.listen(engine, "do_connect", partial(_connect, preparing))
    event.listen(engine, "begin", _begin)
    event.listen(engine, "handle_error", _forget_read_only)
    return engine


def wait_for_ever(conn: Connection) -> None:
    """Let the present transaction take as long as it takes."""
    Driver(conn).raw.ends = None
    conn.exec_driver_sql(Driver(conn).raw.spell(WITHOUT_LIMITS))


def _connect(
    preparing: Preparing, _dialect: Any, _record: Any, arguments: Any, keywords: dict[str, Any]
) -> TimedConnection:
    connection = TimedConnection.connect(*arguments, **keywords)
    connection.ends, connection.preparing = monotonic() + BEGIN_WAIT, preparing
    begin = connection.spell(BEGIN)
    connection.begin = {**dict.fromkeys(Access, begin), Access.SHARED: begin.replace("'2s'", "'200ms'")}
    if preparing.wanted and _is_lent(connection):
        preparing.stop()
    connection.prepare_threshold = PREPARE_AFTER if preparing.wanted else None
    return connection


def notices_pooler(tx: Tx) -> bool:
    """True where a pooler was noticed since the engine was opened; it is there, if nobody has named it."""
    return not tx.driver.raw.preparing.wanted


def _is_lent(connection: TimedConnection) -> bool:
    """True where a pooler stands between: the process that greeted us is not the one that answers."""
    row = connection.execute("SELECT pg_backend_pid()", prepare=False).fetchone()
    return row is None or row[0] != connection.info.backend_pid


def begin(driver: Driver, access: Access) -> float:
    """Begin a transaction; returns what time it is there, in seconds since 1970."""
    driver.raw.ends = monotonic() + BEGIN_WAIT
    (now,) = driver.execute(driver.raw.begin[access]).fetchone()
    return float(now)


def _begin(conn: Connection) -> None:
    """The same for those who begin through SQLAlchemy; in a transaction of ours it finds one that is open."""
    driver = Driver(conn)
    if driver.raw.info.transaction_status is TransactionStatus.IDLE:
        begin(driver, Access.WRITE)


def _forget_read_only(failure: ExceptionContext) -> None:
    """A server that was the first and is the second now takes no writes: its connections are of no more use."""
    if getattr(failure.original_exception, "sqlstate", None) == READ_ONLY:
        failure.is_disconnect = True
