"""Content of agents' files that nobody needs any more is deleted where it is: in a folder, or in a bucket."""

from __future__ import annotations

import structlog

from relay.delivery.context import DeliveryContext
from relay.errors import DeliveryFailed
from relay.failpoints import failpoint
from relay.store.conversations import contents
from relay.store.conversations.contents import Content

MOST = 100  # that are deleted in one round

log = structlog.get_logger()


def sweep(context: DeliveryContext) -> None:
    """Delete what is due, in steps that may be done again; a place in trouble is left alone for a while."""
    with context.store.read() as tx:
        unneeded = contents.unneeded(tx, MOST)
    if unneeded:
        with context.store.begin() as tx:
            contents.end(tx, unneeded)
    with context.store.read() as tx:
        due = contents.to_delete(tx, MOST)
    in_trouble = set[str]()
    for ended in due:
        place = ended.content.place
        if place in in_trouble:
            continue
        if _deleted(context, ended.content):
            failpoint("file.swept")
            with context.store.begin() as tx:
                contents.note_deleted(tx, ended)
        else:
            in_trouble.add(place)
            with context.store.begin() as tx:
                contents.put_off(tx, place)


def _deleted(context: DeliveryContext, content: Content) -> bool:
    try:
        context.keepers.of(content).delete(content)
    except DeliveryFailed as error:
        log.error("files.not_deleted", place=content.place, cause=str(error))
        return False
    return True
