"""Is there an undeclared pooler between the relay and PostgreSQL?"""

from __future__ import annotations

from collections.abc import Iterator

from relay.doctor.setup import Setup
from relay.findings import Finding


def look(setup: Setup) -> Iterator[Finding]:
    """One that was detected by its behaviour."""
    if setup.store.on_sqlite or setup.settings.database_pooler:
        return
    from relay.store.db.postgres import notices_pooler  # imported here: it imports psycopg

    with setup.store.read() as tx:
        noticed = notices_pooler(tx)
    if noticed:
        message = "DATABASE_URL leads through a connection pooler (PgBouncer)."
        hint = "Set DATABASE_POOLER=1, or use PostgreSQL's own address."
        yield Finding("pooler_unnamed", "warning", message, hint, "DATABASE_POOLER")
