"""Where agents' files are kept, according to the environment."""

from __future__ import annotations

from relay.delivery.keeping import InDatabase, Keeper, Keepers
from relay.delivery.keeping_in_folder import InFolder
from relay.errors import Permanent
from relay.settings import Settings
from relay.store.db.engine import Store


def build_keepers(settings: Settings, store: Store) -> Keepers:
    """The place for agents' files, and the places with earlier ones."""
    files = settings.files

    def open_place(place: str) -> Keeper:
        if not place:
            return InDatabase(store)
        if place.startswith("file:"):
            return InFolder(place)
        if files.access is None:
            raise Permanent("AWS_ACCESS_KEY_ID, which opens the bucket of earlier files, is not set", code="no_key")
        from relay.delivery.keeping_in_bucket import InBucket  # imported here: most relays need no bucket

        return InBucket(place, files.access)

    return Keepers(files.place, files.most, open_place)
