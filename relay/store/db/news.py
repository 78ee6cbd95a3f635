"""Wakes other processes when something was stored: PostgreSQL's NOTIFY and LISTEN.

A worker then polls at once; nothing depends on it. It does not work behind a pooler, where no connection stays with one
process.
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
REST = 0.02  # seconds between notifications: each wakes every worker
PATIENCE = 0.25  # seconds after which a listening thread checks whether to stop
ALIVE = 30.0  # seconds after which an idle listening connection is checked
ANSWER = 2.0  # seconds allowed for the check
GRACE = 1.0  # seconds that stopping waits for such a thread
AGAIN = 5.0  # seconds until a lost connection is opened again

log = structlog.get_logger()


class Teller:
    """Notifies other processes, in its own thread and after the commit: NOTIFY takes a lock that blocks others."""

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
                log.debug("news.not_told", cause=str(error))  # the workers poll before long
            self._stopping.wait(REST)


class Listener:
    """Receives notifications from other processes; uses one of the process's connections."""

    def __init__(self, store: Store, heard: Callable[[], None]) -> None:
        """`heard` is called in the listener's thread, and should return at once."""
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
        """Receive notifications on one connection; False behind a pooler."""
        kept = self._store.engine.raw_connection()
        try:
            connection: Any = kept.driver_connection
            if not connection.preparing.wanted:
                return False
            _ask(connection, f"LISTEN {CHANNEL}")
            self._heard()  # notifications from before are not repeated
            asked_at = monotonic()
            while not self._stopping.is_set():
                for _ in connection.notifies(timeout=PATIENCE, stop_after=1):
                    self._heard()
                if monotonic() - asked_at > ALIVE:  # its other end may have disappeared silently
                    _ask(connection, "SELECT 1")
                    asked_at = monotonic()
            return True
        finally:
            kept.invalidate()  # nobody else must receive its notifications


def _ask(connection: Any, statement: str) -> None:
    """With a deadline; between checks it waits for its server as long as needed."""
    connection.ends = monotonic() + ANSWER
    connection.execute(statement)
    connection.ends = None
