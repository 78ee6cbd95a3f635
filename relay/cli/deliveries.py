"""`relay deliveries`: what waits, what was given up, what was refused at the door."""

from __future__ import annotations

import re

import click

from relay.cli.common import explain_failures, json_option, open_existing, print_fields, print_rows, settings_for
from relay.store.reports import list_deliveries, show_delivery, show_rejected

COLUMNS = ("id", "state", "group_id", "channel", "age", "attempts", "cause")
REJECTED_COLUMNS = ("id", "received_at", "cause")


@click.group()
def deliveries() -> None:
    """See what waits for Slack, what was given up, and what was rejected."""


@deliveries.command("list")
@click.option("--dead", "which", flag_value="dead", help="Only what was given up.")
@click.option("--rejected", "which", flag_value="rejected", help="Only bodies refused at the door with a 422.")
@click.option("--waiting", "which", flag_value="waiting", help="Only what waits: for a channel, a gate or its turn.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 10_000), help="How many at most.")
@json_option
@explain_failures
def list_(*, which: str | None, limit: int, as_json: bool) -> None:
    """List deliveries, the newest first; never what a customer wrote."""
    with open_existing(settings_for("deliveries").database_url) as store, store.read() as tx:
        rows = list_deliveries(tx, which or "all", limit)
    columns = REJECTED_COLUMNS if which == "rejected" else COLUMNS
    print_rows(rows, columns, as_json=as_json, empty="Nothing there.")


@deliveries.command()
@click.argument("delivery_id", metavar="ID")
@json_option
@explain_failures
def show(*, delivery_id: str, as_json: bool) -> None:
    """Show one delivery and its sends, or one rejected body (r12)."""
    if not re.fullmatch(r"r?[0-9]{1,18}", delivery_id):
        raise click.BadParameter("an id is a number such as 12, or r12 for a rejected body", param_hint="ID")
    number = int(delivery_id.removeprefix("r"))
    with open_existing(settings_for("deliveries").database_url) as store, store.read() as tx:
        row = show_rejected(tx, number) if delivery_id.startswith("r") else show_delivery(tx, number)
    if row is None:
        click.echo(f"There is no delivery {delivery_id}.", err=True)
        raise SystemExit(1)
    print_fields(row, as_json=as_json)
