"""Erases what is too old, a little at a time: for the minute's chores, and for `relay purge`."""

from __future__ import annotations

from relay.store.conversations import kept_files
from relay.store.db.engine import Store
from relay.store.operations.retention import cap_rejected, prune

STEP, STEPS = 100, 5  # bodies in one transaction, for which other writers wait on SQLite; and transactions in one go
BATCH = 200  # files at a time


def forget_old(store: Store, older_than: float) -> int:
    """Erase some messages and names older than `older_than` seconds, and refused bodies above the limit.

    Returns how many.
    """
    with store.begin("prune") as tx:
        some = prune(tx, older_than, limit=STEP) + cap_rejected(tx)
    erased, steps = some, 1
    while some and steps < STEPS:
        with store.begin("prune") as tx:
            some = prune(tx, older_than, limit=STEP)
        erased, steps = erased + some, steps + 1
    return erased


def forget_files(store: Store, older_than: float) -> int:
    """Delete the content of some agents' files that are that old, or not needed; returns how many."""
    with store.read() as tx:
        before = tx.now - older_than
        useless = kept_files.to_delete(tx, before=before, limit=BATCH)
    for file in useless:
        with store.begin("delete_file") as tx:
            kept_files.delete_content(tx, file, before=before)
    return len(useless)
