"""Notices when Slack's requests are refused one after the other: then agents' replies vanish without a word.

Whoever sends what is refused makes this process write a row of a few numbers, once a minute at most.
"""

from __future__ import annotations

import threading
from contextlib import suppress

from relay.clock import monotonic
from relay.errors import StoreUnavailable
from relay.store.db.engine import Store
from relay.store.operations.refused_events import add_refused_events, end_refused_events

IN_A_ROW = 3  # fewer are a stranger's, or of a secret that is just being changed
EVERY = 60.0  # seconds between two writes, at least


class Signatures:
    """What came of the signatures that this process has checked; threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._in_a_row = self._unwritten = 0
        self._written_at: float | None = None
        self._is_told = True  # whoever was here before may have told that requests are refused

    def refused(self, store: Store, why: str) -> None:
        """One more was refused."""
        with self._lock:
            self._in_a_row += 1
            self._unwritten += 1
            if self._in_a_row < IN_A_ROW or not self._may_write():
                return
            number, self._unwritten = self._unwritten, 0
            self._written_at, self._is_told = monotonic(), True
        with suppress(StoreUnavailable), store.begin() as tx:  # the next one is written down again
            add_refused_events(tx, number, why)

    def accepted(self, store: Store) -> None:
        """One was accepted."""
        with self._lock:
            self._in_a_row = self._unwritten = 0
            was_told, self._is_told = self._is_told, False
        if not was_told:
            return
        try:
            with store.begin() as tx:
                end_refused_events(tx)
        except StoreUnavailable:
            self._is_told = True  # to be written down by the next one

    def _may_write(self) -> bool:
        return self._written_at is None or monotonic() - self._written_at >= EVERY
