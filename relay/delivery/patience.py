"""Writing beside a relay at work, for commands: somebody may hold for a moment what they need."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from relay.errors import StoreUnavailable
from relay.store.db.engine import Store, Tx

PAUSES = (0.1, 0.5, 2.0, 5.0)  # seconds after each try in vain

T = TypeVar("T")


def write_patiently(store: Store, name: str, work: Callable[[Tx], T]) -> T:
    """Do `work` in a transaction of this name; again where the database was busy, so it may be done twice.

    Raises StoreUnavailable in the end.
    """
    for pause in PAUSES:
        try:
            with store.begin(name) as tx:
                return work(tx)
        except StoreUnavailable:
            threading.Event().wait(pause)
    with store.begin(name) as tx:
        return work(tx)
