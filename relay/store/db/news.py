"""How one process tells the others that something was stored: PostgreSQL's NOTIFY and LISTEN.

It makes a worker look at once and not at its next poll; nothing depends on it. Behind a pooler nobody is heard, because
there no connection belongs to one process for long.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Self

import psycopg
import structlog
from sqlalchemy.exc import SQLAlchemyError

from relay.clock import monotonic
from relay.errors import StoreUnavailable
from relay.store.db.engine import Store

CHANNEL = "relay_news"
REST = 0.02  # seconds between two tellings: each wakes every worker there is
PATIENCE = 0.25  # seconds after which a thread that listens looks whether it is to stop
ALIVE = 30.0  # seconds after which a connection that only listens is asked whether it is still one
ANSWER = 2.0  # seconds that it may take to answer
GRACE = 1.0  # seconds until whoever stops waits no longer for such a thread
AGAIN = 5.0  # seconds until a connection that was lost is opened again

log = structlog.get_logger()


class Teller:
    """Tells other processes, in a thread of its own and after the commit: to tell takes a lock that holds up others."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._news = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._tell_until_stopped, name="teller", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._news.set()
        self._thread.join(GRACE)

    def tell(self) -> None:
        """Something was stored; returns at once."""
        self._news.set()

    def _tell_until_stopped(self) -> None:
        while self._news.wait() and not self._stopping.is_set():
            self._news.clear()
            try:
                with self._store.begin() as tx:
                    tx.driver.execute(f"NOTIFY {CHANNEL}")
            except StoreUnavailable as error:
                log.debug("news.not_told", cause=str(error))  # the workers look by themselves before long
            self._stopping.wait(REST)


class Listener:
    """Hears what other processes tell; one of the process's connections is kept for it."""

    def __init__(self, store: Store, heard: Callable[[], None]) -> None:
        """`heard` is called in a thread of the listener's, and should return at once."""
        self._store = store
        self._heard = heard
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._listen_until_stopped, name="listener", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(GRACE)

    def _listen_until_stopped(self) -> None:
        direct = True
        while direct and not self._stopping.is_set():
            try:
                direct = self._listen()
            except (SQLAlchemyError, psycopg.Error) as error:
                log.debug("news.not_heard", cause=type(error).__name__)
                self._stopping.wait(AGAIN)

    def _listen(self) -> bool:
        """Hear what is told, on one connection; False where a pooler stands between."""
        kept = self._store.engine.raw_connection()
        try:
            connection: Any = kept.driver_connection
            if not connection.preparing.wanted:
                return False
            _ask(connection, f"LISTEN {CHANNEL}")
            self._heard()  # what was told before is not told again
            asked_at = monotonic()
            while not self._stopping.is_set():
                for _ in connection.notifies(timeout=PATIENCE, stop_after=1):
                    self._heard()
                if monotonic() - asked_at > ALIVE:  # its other end may be gone without a word
                    _ask(connection, "SELECT 1")
                    asked_at = monotonic()
            return True
        finally:
            kept.invalidate()  # nobody else is to hear what is told


def _ask(connection: Any, statement: str) -> None:
    """In time; between two questions it waits for its server as long as it takes."""
    connection.ends = monotonic() + ANSWER
    connection.execute(statement)
    connection.ends = None
