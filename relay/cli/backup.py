"""`relay backup`: a copy of SQLite's file while the relay runs."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import click

from relay.cli.common import explain_failures, json_option, settings_for
from relay.store.db.engine import open_store
from relay.store.operations.backup import back_up


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@json_option
@explain_failures
def backup(*, file: Path, as_json: bool) -> None:
    """Copy the SQLite database to FILE, even while the relay runs.

    FILE must not exist yet; it holds customers' words, so nobody else of the machine may read it. Agents' files that
    RELAY_FILES keeps elsewhere are not in it.
    """
    settings = settings_for("backup")
    with closing(open_store(settings.database_url)) as store:
        found = back_up(store, file)
    if as_json:
        click.echo(json.dumps({"file": str(file), **asdict(found)}, indent=2))
        return
    size = max(1, round(found.size / 1e6))
    click.echo(f"{file}: {size:,} MB, checked. Conversations: {found.conversations:,}, received: {found.received:,}.")
