"""Erases what is too old, a little at a time: for the minute's chores, and for `relay purge`."""

from __future__ import annotations

from relay.store.conversations import kept_files
from relay.store.db.engine import Store
from relay.store.operations.retention import cap_rejected, prune

BATCH = 200  # files at a time


def forget_old(store: Store, older_than: float) -> int:
    """Erase some messages and names older than `older_than` seconds, and refused bodies above the limit.

    Returns how many.
    """
    with store.begin("prune") as tx:
        return prune(tx, older_than) + cap_rejected(tx)


def forget_files(store: Store, older_than: float) -> int:
    """Delete the content of some agents' files that are that old, or not needed; returns how many."""
    with store.read() as tx:
        before = tx.now - older_than
        useless = kept_files.to_delete(tx, before=before, limit=BATCH)
    for file in useless:
        with store.begin("delete_file") as tx:
            kept_files.delete_content(tx, file, before=before)
    return len(useless)
