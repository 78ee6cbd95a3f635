"""`relay route`: which rule takes a message, to which channel, why, and what Slack would get; posts nothing."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, NoReturn

import click
import structlog

from relay.cli.common import explain_failures, json_option, settings_for
from relay.cli.deliveries import open_existing
from relay.cli.rows import print_rows, printable
from relay.clock import SystemClock
from relay.errors import Rejected
from relay.kommunicate.parse import MAX_BODY, parse_webhook
from relay.messages import ChatMessage
from relay.owners import ACCOUNT, is_named
from relay.settings import Settings
from relay.store.operations.bodies import StoredBody, body_of, last_bodies
from relay.store.operations.channel_names import ids_of_names
from relay.wiring.dry_run import Routed, dry_run, read_message

COLUMNS = ("id", "group_id", "rule", "channel", "why")


@click.command()
@click.argument("file", type=click.File("rb"), required=False)
@click.option(
    "--received", metavar="ID", type=click.IntRange(1), help="A message that came in, by its id: 12 for r12 in the log."
)
@click.option(
    "--last", metavar="N", type=click.IntRange(1, 1000), help="The last N messages that came in: where each goes."
)
@click.option("--account", metavar="NAME", default=ACCOUNT, help="The Kommunicate account that FILE came from.")
@json_option
@explain_failures
def route(*, file: Any, received: int | None, last: int | None, account: str, as_json: bool) -> None:
    """Explain where a message goes, rule by rule; posts nothing.

    FILE holds a webhook's body, - for what is piped in. It shows which rule takes it, to which channel and why, and
    what Slack would get. With --received or --last the messages come from the database.
    """
    if sum(given is not None for given in (file, received, last)) != 1:
        raise click.UsageError("Give one of: FILE, --received ID, --last N.")
    settings = settings_for("route" if file else "route from the database")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))  # nothing is delivered
    if last is not None:
        _print_last(settings, last, as_json=as_json)
        return
    found = _read(settings, file, account) if received is None else _stored(settings, received)
    message, ids = _message(found), {} if received is None else _ids(settings)
    _print(dry_run(settings, message, found, channel_ids=ids), as_json=as_json)


def _read(settings: Settings, file: Any, account: str) -> StoredBody:
    if account not in settings.every_account:
        raise click.UsageError(f"There is no such account; known are: {', '.join(settings.every_account)}.")
    return StoredBody(0, account, SystemClock().now(), file.read(MAX_BODY + 1))


def _ids(settings: Settings) -> Mapping[str, str]:
    """Slack's ids of the channels that the configuration names, as far as chats know them."""
    named = {channel for channel, _ in settings.config.named_channels if is_named(channel)}
    with open_existing(settings) as store, store.read() as tx:
        return ids_of_names(tx, named)


def _stored(settings: Settings, received_id: int) -> StoredBody:
    with open_existing(settings) as store, store.read() as tx:
        found = body_of(tx, received_id)
    if found is None or found.body is None:
        _refuse(f"There is no message {received_id}." if found is None else f"What {received_id} said has been erased.")
    return found


def _message(stored: StoredBody) -> ChatMessage:
    try:
        return read_message(stored)
    except Rejected as error:
        _refuse(str(error))


def _print(routed: Routed, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(asdict(routed), indent=2))
        return
    for name, value in routed.facts.items():
        click.echo(printable(f"{name}: {value}"))
    click.echo()
    for tried in routed.rules:
        click.echo(printable(f"{'yes' if tried.holds else 'no ':3}  {tried.rule}: {tried.why}"))
    by_rules = "By the rules it" if routed.stays_because else "It"
    click.echo(printable(f"\n{by_rules} goes to {routed.channel}." if routed.channel else f"\nIt waits. {routed.why}"))
    if routed.stays_because:
        click.echo(printable(routed.stays_because))
    if routed.channel and not routed.posts:
        click.echo("Slack gets nothing right away, because of `show` or `batch`.")
    for number, post in enumerate(routed.posts):
        place = "in its thread" if "thread_ts" in post else "as a new thread"
        click.echo(f"\nPost {number + 1}, {place}:\n{json.dumps(post, indent=2)}")


def _print_last(settings: Settings, count: int, *, as_json: bool) -> None:
    with open_existing(settings) as store, store.read() as tx:
        bodies = last_bodies(tx, count)
    ids = _ids(settings)
    rows = [_row(settings, one, ids) for one in bodies]
    if not as_json:
        rows = [{**row, "why": f"{row['why']} {row.get('stays_because', '')}".rstrip()} for row in rows]
    print_rows(rows, COLUMNS, as_json=as_json, empty="No message has arrived yet.")


def _row(settings: Settings, stored: StoredBody, ids: Mapping[str, str]) -> dict[str, Any]:
    try:
        message = parse_webhook(stored.body or b"", account=stored.account)
    except Rejected as error:
        return {"id": stored.id, "why": f"refused: {error}"}
    if not isinstance(message, ChatMessage):
        return {"id": stored.id, "group_id": message.conversation.group_id, "why": f"not shown: {message.reason}"}
    routed = dry_run(settings, message, stored, posts=False, channel_ids=ids)
    decided = {"rule": routed.rule, "channel": routed.channel, "why": routed.why}
    stays = {"stays_in": routed.stays_in, "stays_because": routed.stays_because}
    return {"id": stored.id, "group_id": message.conversation.group_id, **decided, **stays}


def _refuse(sentence: str) -> NoReturn:
    click.echo(printable(sentence), err=True)
    raise SystemExit(1)
