"""Counts requests that were refused although they look as if a vendor had sent them; the store keeps the count.

Anybody may send such a request, so most of them cost nothing but a number here; that is stored once a minute at most.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

import structlog

from relay.clock import monotonic
from relay.errors import StoreUnavailable
from relay.store.db.engine import Store, Tx
from relay.store.operations.refused import forget_refused, note_refused
from relay.vocabulary import Refusal

EVERY = 60.0  # seconds

log = structlog.get_logger()


class RefusedRequests:
    """What this process has refused."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._untold: Counter[Refusal] = Counter()
        self._noted: set[Refusal] = set()
        self._next: dict[Refusal, float] = {}  # when each may be stored again, on the monotonic clock

    def note(self, why: Refusal) -> None:
        """One more was refused."""
        with self._lock:
            self._untold[why] += 1
            if monotonic() < self._next.get(why, 0.0):
                return
            self._next[why] = monotonic() + EVERY
            count = self._untold.pop(why)
            self._noted.add(why)
        self._keep(lambda tx: note_refused(tx, why, count))

    def forget(self, *reasons: Refusal) -> None:
        """One was accepted: whatever was wrong is mended."""
        if not (self._noted or self._untold):
            return
        with self._lock:
            for why in reasons:
                self._untold.pop(why, None)
            stored = self._noted & set(reasons)
            self._noted -= stored
        if stored:
            self._keep(lambda tx: forget_refused(tx, *stored))

    def _keep(self, work: Callable[[Tx], None]) -> None:
        try:
            with self._store.begin() as tx:
                work(tx)
        except StoreUnavailable as error:
            log.warning("store.unavailable", code=error.code, cause=str(error), to_write="refusals")
