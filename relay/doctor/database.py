"""Is the database there, does it let us in, and does it take writes?"""

from __future__ import annotations

from collections.abc import Iterator

from relay.doctor.setup import Setup
from relay.doctor.told import of_store
from relay.errors import StoreUnavailable
from relay.findings import Finding
from relay.store.db.schema import SchemaState, prove_writable, schema_state


def look(setup: Setup) -> Iterator[Finding]:
    """The cause, where it is not as it should be."""
    try:
        if schema_state(setup.store) is not SchemaState.MISSING:
            prove_writable(setup.store)
    except StoreUnavailable as error:
        yield of_store(error)
