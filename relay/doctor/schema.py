"""Does the database schema fit this version?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from relay.doctor.setup import Setup
from relay.doctor.told import DATABASE
from relay.findings import Finding
from relay.store.db.schema import SchemaState

OLDER = Finding(
    "schema_older",
    "error",
    "The database was created by an earlier version of the relay.",
    "Run `relay migrate` once, then start again.",
    DATABASE,
)


def look(setup: Setup) -> Iterator[Finding]:
    """What to do about it."""
    match setup.schema:
        case SchemaState.MISSING:
            hint = "`relay serve` creates its tables at start; `relay migrate` creates them now."
            yield Finding("schema_missing", "info", "The database is empty.", hint, DATABASE)
        case SchemaState.OLDER if setup.store.on_sqlite:
            hint = "The next start of `relay serve` upgrades it; `relay migrate` upgrades it now."
            yield replace(OLDER, level="warning", hint=hint)
        case SchemaState.OLDER:
            yield OLDER
        case SchemaState.NEWER:
            message = "The database was created by a later version of the relay."
            hint = "That is fine after a rollback by one version. Otherwise start the later version again."
            yield Finding("schema_newer", "warning", message, hint, DATABASE)
