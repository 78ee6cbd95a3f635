"""Deletes the content of agents' files that nobody needs any more, in a folder or a bucket."""

from __future__ import annotations

import structlog

from relay.delivery.keeping import Keepers
from relay.errors import DeliveryFailed
from relay.failpoints import failpoint
from relay.store.conversations import contents
from relay.store.conversations.contents import Content
from relay.store.db.engine import Store

MOST = 100  # deleted in one round

log = structlog.get_logger()


def sweep(store: Store, keepers: Keepers) -> None:
    """Delete what is due, in repeatable steps; a place that fails is left alone for a while."""
    with store.read() as tx:
        unneeded = contents.unneeded(tx, MOST)
    if unneeded:
        with store.begin() as tx:
            contents.end(tx, unneeded)
    with store.read() as tx:
        due = contents.to_delete(tx, MOST)
    in_trouble = set[str]()
    for ended in due:
        place = ended.content.place
        if place in in_trouble:
            continue
        if _deleted(keepers, ended.content):
            failpoint("file.swept")
            with store.begin() as tx:
                contents.note_deleted(tx, ended)
        else:
            in_trouble.add(place)
            with store.begin() as tx:
                contents.put_off(tx, place)


def sweep_all(store: Store, keepers: Keepers) -> int:
    """Sweep until nothing is due; returns how many unneeded files could not be deleted."""
    while True:
        sweep(store, keepers)
        with store.read() as tx:
            if not (contents.unneeded(tx, 1) or contents.to_delete(tx, 1)):
                return contents.count_undeleted(tx)


def _deleted(keepers: Keepers, content: Content) -> bool:
    try:
        keepers.of(content).delete(content)
    except DeliveryFailed as error:
        log.error("files.not_deleted", place=content.place, cause=str(error))
        return False
    return True
