"""Writes beside a running relay, for commands: it may briefly hold what they need."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from relay.errors import StoreUnavailable
from relay.store.db.engine import Store, Tx

PAUSES = (0.1, 0.5, 2.0, 5.0)  # seconds after each failed try

T = TypeVar("T")


def write_patiently(store: Store, name: str, work: Callable[[Tx], T]) -> T:
    """Run `work` in a transaction with this name; again if the database was busy, so it may run twice.

    Finally raises StoreUnavailable.
    """
    for pause in PAUSES:
        try:
            with store.begin(name) as tx:
                return work(tx)
        except StoreUnavailable:
            threading.Event().wait(pause)
    with store.begin(name) as tx:
        return work(tx)
