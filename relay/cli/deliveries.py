"""`relay deliveries`: what waits, what was given up and may be sent again, what was refused with a 422."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from typing import Any

import click

from relay.cli.common import Age, explain_failures, json_option, settings_for
from relay.cli.hiding import hidden_in_words, without_hidden
from relay.cli.rows import print_fields, print_rows
from relay.cli.times import in_words, iso, readable
from relay.errors import SettingsError
from relay.settings import Settings
from relay.store.db.engine import Store, Tx, open_store
from relay.store.db.schema import SchemaState, schema_state
from relay.store.operations.replay import Replayed, replay_in_steps, replay_one
from relay.store.operations.reports import Which, list_deliveries, show_delivery, show_rejected
from relay.vocabulary import Outcome
from relay.wiring import slack_limits

COLUMNS = ("id", "kind", "state", "customer", "group_id", "channel", "age", "tries", "cause")
REJECTED_COLUMNS = ("id", "received_at", "cause")
TIMES = ("created_at", "settled_at", "received_at", "started_at")
# What people need no line for.
EMPTY = {"attempts": None, "settled_at": None, "cause": "", "held_up_by": "", "target": ""}
WORDS = ("customer", "cause", "held_up_by", "target")  # what may hold, or quote, what somebody wrote
Row = dict[str, Any]
REPLAYED: dict[StrEnum, str] = {
    Replayed.QUEUED: "Queued again.",
    Replayed.MAY_REPEAT: "Queued again. Kommunicate did not answer an earlier try, so the customer may get it twice.",
    Replayed.PRUNED: "Its content is no longer stored, so it cannot be sent again.",
    Replayed.UNKNOWN: "There is no such delivery.",
}


@click.group()
def deliveries() -> None:
    """Show what waits, what was given up, and what was rejected.

    What waits is for Slack or for a customer; what was rejected came in and could not be read.
    """


@deliveries.command("list")
@click.option("--dead", "which", flag_value=Which.DEAD, help="Only dead letters: deliveries that were given up.")
@click.option("--rejected", "which", flag_value=Which.REJECTED, help="Only webhook bodies refused with a 422.")
@click.option("--waiting", "which", flag_value=Which.WAITING, help="Only what waits for a channel, a gate or its turn.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 10_000), help="At most this many.")
@json_option
@explain_failures
def list_(*, which: str | None, limit: int, as_json: bool) -> None:
    """List deliveries, the newest first; never what a customer wrote."""
    with open_existing(settings_for("deliveries")) as store, store.read() as tx:
        rows = list_deliveries(tx, Which(which or Which.ALL), slack_limits(), limit)
        rows = _without_hidden(tx, rows)
    rows = [_for_scripts(row) if as_json else _for_table(row) for row in rows]
    columns = REJECTED_COLUMNS if which == Which.REJECTED else COLUMNS
    print_rows(rows, columns, as_json=as_json, empty="Nothing there.")


@deliveries.command()
@click.argument("delivery_id", metavar="[ID]", required=False)
@click.option("--all", "everything", is_flag=True, help="Every dead letter except replies, which may have arrived.")
@click.option("--since", type=Age(), metavar="TIME", help="Only those given up within this time, such as 2h.")
@explain_failures
def replay(*, delivery_id: str | None, everything: bool, since: float | None) -> None:
    """Send dead letters again.

    Each keeps its key, so one that was shown in Slack after all is not shown twice. A reply that Kommunicate did not
    answer may reach the customer twice.
    """
    if sum((delivery_id is not None, everything, since is not None)) != 1:
        raise click.UsageError("Give one of: an id, --all, --since TIME.")
    with open_existing(settings_for("deliveries")) as store:
        if delivery_id is None:
            click.echo(f"{replay_in_steps(store, within=since)} queued again.")
            return
        rejected, number = parse_id(delivery_id)
        with store.begin() as tx:
            found = Outcome.REJECTED if rejected else replay_one(tx, number)
    click.echo(REPLAYED.get(found, f"Delivery {delivery_id} is {found}; only dead letters are sent again."))
    if found not in (Replayed.QUEUED, Replayed.MAY_REPEAT):
        raise SystemExit(1)


@deliveries.command()
@click.argument("delivery_id", metavar="ID")
@json_option
@explain_failures
def show(*, delivery_id: str, as_json: bool) -> None:
    """Show one delivery and its sends, or a rejected body.

    A rejected body has an id such as r12; what `redact` hides is left out.
    """
    rejected, number = parse_id(delivery_id)
    with open_existing(settings_for("deliveries")) as store, store.read() as tx:
        row = show_rejected(tx, number) if rejected else show_delivery(tx, number, slack_limits())
        if row is not None:
            (row,) = _without_hidden(tx, [row])
        if row is not None and "body" in row:
            row = {**row, "body": without_hidden(tx, row["body"])}
    if row is None:
        click.echo(f"There is no delivery {delivery_id}.", err=True)
        raise SystemExit(1)
    print_fields(_for_scripts(row) if as_json else _for_lines(row), as_json=as_json)


def _without_hidden(tx: Tx, rows: Sequence[Row]) -> list[Row]:
    shown = hidden_in_words(tx)

    def clean(row: Row) -> Row:
        found = {name: shown(value) if name in WORDS else value for name, value in row.items()}
        return {**found, "sends": [clean(send) for send in row["sends"]]} if "sends" in row else found

    return [clean(row) for row in rows]


def _for_scripts(row: Row) -> Row:
    """Times as ISO 8601 has them; ages stay seconds."""
    found = {name: iso(value) if name in TIMES and value is not None else value for name, value in row.items()}
    return {**found, "sends": [_for_scripts(send) for send in row["sends"]]} if "sends" in row else found


def _for_table(row: Row) -> Row:
    """What a line has room for."""
    found = _for_lines(row)
    if "age" not in row:
        return found
    told = {"tries": row["attempts"], "channel": row["mapped_to"], "cause": row["cause"]}
    return {**found, **told, "age": in_words(row["age"])}


def _for_lines(row: Row) -> Row:
    """Times as people read them, and nothing of what there is nothing to say about."""
    said = {name: value for name, value in row.items() if name not in EMPTY or value != EMPTY[name]}
    found = {name: readable(value) if name in TIMES and value is not None else value for name, value in said.items()}
    if "age" in row:
        found["age"] = in_words(row["age"])
    return {**found, "sends": [_for_lines(send) for send in row["sends"]]} if "sends" in row else found


def parse_id(text: str) -> tuple[bool, int]:
    """Whether an id is a rejected body's (r12), and its number."""
    if not re.fullmatch(r"r?[0-9]{1,18}", text):
        raise click.BadParameter("an id is a number such as 12, or r12 for a rejected body", param_hint="ID")
    return text.startswith("r"), int(text.removeprefix("r"))


@contextmanager
def open_existing(settings: Settings) -> Iterator[Store]:
    """The store, for those who only ask it: an empty database is not created but refused."""
    store = open_store(settings.database_url, patience=None, pooler=settings.database_pooler)
    try:
        if schema_state(store) is SchemaState.MISSING:
            raise SettingsError("The database is empty: run `relay migrate`, or `relay serve` on SQLite.")
        yield store
    finally:
        store.close()
