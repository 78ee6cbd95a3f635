"""`relay migrate`: creates or upgrades the schema."""

from __future__ import annotations

import click

from relay.cli.common import explain_failures, settings_for
from relay.store.db.engine import open_store
from relay.store.db.schema import SchemaState
from relay.store.db.schema import migrate as migrate_store

SAID = {
    SchemaState.MISSING: "The schema has been created.",
    SchemaState.OLDER: "The schema has been upgraded.",
    SchemaState.CURRENT: "The schema is up to date.",
    SchemaState.NEWER: "The schema is newer than this version of the relay; it is left unchanged.",
}


@click.command()
@explain_failures
def migrate() -> None:
    """Create or upgrade the database's schema.

    Needs only DATABASE_URL. `relay serve` does this by itself on SQLite, and on an empty database. On PostgreSQL run it
    before a new version starts for the first time.
    """
    settings = settings_for("migrate")
    store = open_store(settings.database_url, pooler=settings.database_pooler)
    try:
        click.echo(SAID[migrate_store(store)])
    finally:
        store.close()
