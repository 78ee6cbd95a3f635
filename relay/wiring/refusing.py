"""Counts refused requests that look like a vendor's; the store keeps the count.

Anybody may send such a request, so most of them only increase a number here; it is stored at most once a minute.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

import structlog

from relay.clock import monotonic
from relay.errors import StoreUnavailable
from relay.owners import ACCOUNT
from relay.store.db.engine import Store, Tx
from relay.store.operations.refused import forget_refused, note_refused
from relay.vocabulary import Refusal

EVERY = 60.0  # seconds

_Key = tuple[Refusal, str]  # and the account

log = structlog.get_logger()


class RefusedRequests:
    """The requests that this process refused."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._untold: Counter[_Key] = Counter()
        self._noted: set[_Key] = set()
        self._next: dict[_Key, float] = {}  # when each may be stored again, on the monotonic clock

    def note(self, why: Refusal, account: str = ACCOUNT) -> None:
        """One more was refused; for a token, `account` is the account it should have matched."""
        key = (why, account)
        with self._lock:
            self._untold[key] += 1
            if monotonic() < self._next.get(key, 0.0):
                return
            self._next[key] = monotonic() + EVERY
            count = self._untold.pop(key)
            self._noted.add(key)
        self._keep(lambda tx: note_refused(tx, why, count, account))

    def forget(self, *reasons: Refusal, account: str = ACCOUNT) -> None:
        """One was accepted: the problem is fixed."""
        if not (self._noted or self._untold):
            return
        keys = {(why, account) for why in reasons}
        with self._lock:
            for key in keys:
                self._untold.pop(key, None)
            stored = self._noted & keys
            self._noted -= stored
        if stored:
            self._keep(lambda tx: forget_refused(tx, *(why for why, _ in stored), account=account))

    def _keep(self, work: Callable[[Tx], None]) -> None:
        try:
            with self._store.begin() as tx:
                work(tx)
        except StoreUnavailable as error:
            log.warning("store.unavailable", code=error.code, cause=str(error), to_write="refusals")
