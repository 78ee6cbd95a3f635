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

    It may take a minute: a chat may have a hundred thousand messages. Finally raises StoreUnavailable.
    """
    for pause in PAUSES:
        try:
            return _write(store, name, work)
        except StoreUnavailable:
            threading.Event().wait(pause)
    return _write(store, name, work)


def _write(store: Store, name: str, work: Callable[[Tx], T]) -> T:
    with store.begin(name) as tx:
        tx.take_longer()
        return work(tx)
