"""Is the database reachable, does it accept us, and does it accept writes?"""

from __future__ import annotations

from collections.abc import Iterator

from relay.doctor.setup import Setup
from relay.doctor.told import of_store
from relay.errors import StoreUnavailable
from relay.findings import Finding
from relay.store.db.schema import SchemaState, prove_writable, schema_state


def look(setup: Setup) -> Iterator[Finding]:
    """The cause, if something is wrong."""
    try:
        if schema_state(setup.store) is not SchemaState.MISSING:
            prove_writable(setup.store)
    except StoreUnavailable as error:
        yield of_store(error)
