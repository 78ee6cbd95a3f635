"""PostgreSQL, opened so that nothing waits for it for long: neither for a lock, nor for a silent server."""

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

POOL_WAIT = 1.0  # seconds to wait for one of our connections
CONNECT_WAIT = 2  # seconds; the library's minimum
BEGIN_WAIT = 1.5  # seconds in which a transaction must have begun: a pooled connection may be dead
# One round trip, of which the first answer is read. The server ends the transaction of a suspended process
# after 5 s, with all its locks; before version 17 only if it was suspended between two statements, and not
# if more of them were to follow in the same round trip. Compiling a plan takes longer than any of ours takes to run.
BEGIN = (
    "SELECT extract(epoch FROM clock_timestamp()); BEGIN; "
    "SET LOCAL lock_timeout = '2s'; SET LOCAL transaction_timeout = '5s'; SET LOCAL jit = off"
)
WITHOUT_LIMITS = "SET LOCAL lock_timeout = 0; SET LOCAL transaction_timeout = 0"
# The time begins anew only if there was no limit before.
LONGER = "SET LOCAL transaction_timeout = 0; SET LOCAL transaction_timeout = '60s'"
OLDER, LIMIT, OLDER_LIMIT = 170_000, "transaction_timeout", "idle_in_transaction_session_timeout"
# The system also gives up a connection whose other end has silently disappeared.
KEEPALIVE = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 2, "tcp_user_timeout": 5000}


PREPARE_AFTER = 3  # runs on one connection until the server is asked to keep a statement's plan

log = structlog.get_logger()


class Preparing:
    """Whether the server caches the plans of our statements: planning one costs as much as running it.

    A pooler that assigns a different server connection to each transaction keeps no plans.
    """

    def __init__(self, *, wanted: bool) -> None:
        self.wanted = wanted

    def stop(self) -> None:
        """There is an undeclared pooler."""
        if self.wanted:
            self.wanted = False
            log.warning("postgres.pooler_noticed", advice="set DATABASE_POOLER=1: statements are not prepared any more")


class TimedConnection(psycopg.Connection[Any]):
    """Waits for its server only until `ends`, on the monotonic clock; a server that is late loses the connection."""

    ends: float | None = None
    preparing = Preparing(wanted=False)

    begin: Mapping[Access, str]  # the SQL that begins a transaction

    def spell(self, words: str) -> str:
        """The same for a server without a limit for whole transactions."""
        return words.replace(LIMIT, OLDER_LIMIT) if self.info.server_version < OLDER else words

    @property
    def longer(self) -> str:
        """The SQL that gives the current transaction more time."""
        return self.spell(LONGER)

    def stop_preparing(self) -> None:
        """The server does not know a prepared statement."""
        self.preparing.stop()

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Do what the library asks of the server, within the deadline."""
        if self.ends is not None:
            timeout = max(0.0, self.ends - monotonic())
        try:
            return super().wait(gen, interval, timeout)
        except psycopg.OperationalError:
            if self.ends is not None and monotonic() >= self.ends:
                self.pgconn.finish()  # an answer may still arrive, and must not be taken for another statement's
            raise


def open_postgres(url: URL, connections: int, *, pooler: bool) -> Engine:
    """An engine with this many connections; each transaction begins by asking for the time."""
    preparing = Preparing(wanted=not pooler)
    engine = create_engine(
        url,
        pool_size=connections,
        max_overflow=0,
        pool_use_lifo=True,  # reuse the same few: the server's caches are per connection
        pool_timeout=POOL_WAIT,
        connect_args={"connect_timeout": CONNECT_WAIT, "autocommit": True, **KEEPALIVE},  # transactions begin below
        hide_parameters=True,
    )
    event.listen(engine, "do_connect", partial(_connect, preparing))
    event.listen(engine, "begin", _begin)
    event.listen(engine, "handle_error", _forget_read_only)
    return engine


def wait_for_ever(conn: Connection) -> None:
    """Remove the time limit of the current transaction."""
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
    """True if a pooler was noticed since the engine was opened, although none was declared."""
    return not tx.driver.raw.preparing.wanted


def _is_lent(connection: TimedConnection) -> bool:
    """True behind a pooler: the process that greeted us is not the one that answers."""
    row = connection.execute("SELECT pg_backend_pid()", prepare=False).fetchone()
    return row is None or row[0] != connection.info.backend_pid


def begin(driver: Driver, access: Access) -> float:
    """Begin a transaction; returns the server's time, in seconds since 1970."""
    driver.raw.ends = monotonic() + BEGIN_WAIT
    (now,) = driver.execute(driver.raw.begin[access]).fetchone()
    return float(now)


def _begin(conn: Connection) -> None:
    """The same for callers that begin through SQLAlchemy; inside one of our transactions it finds an open one."""
    driver = Driver(conn)
    if driver.raw.info.transaction_status is TransactionStatus.IDLE:
        begin(driver, Access.WRITE)


def _forget_read_only(failure: ExceptionContext) -> None:
    """A former primary server accepts no writes: its connections are useless."""
    if getattr(failure.original_exception, "sqlstate", None) == READ_ONLY:
        failure.is_disconnect = True
