"""`relay route`: which rule takes a message, to which channel, why, and what Slack would get; posts nothing."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
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
from relay.owners import ACCOUNT
from relay.routing.facts import SIMPLE, Facts
from relay.routing.per_route import every_redaction
from relay.routing.redact import redactor
from relay.routing.rules import Router, Tried
from relay.settings import Settings
from relay.store.operations.bodies import StoredBody, body_of, last_bodies
from relay.wiring.deciding import chat_facts
from relay.wiring.rehearsal import rehearse

LEFT_OUT = ("title", "hours", "days", "account")  # the same as another, the same for all, or given
COLUMNS = ("id", "group_id", "rule", "channel", "why")


@dataclass(frozen=True, slots=True)
class Routed:
    """What becomes of a message; `facts` are what routes can ask of it, under their names, without what is hidden.

    `posts` are the arguments of each call of Slack's, in order.
    """

    facts: Mapping[str, str]
    rules: Sequence[Tried]
    channel: str | None
    rule: str
    why: str
    posts: Sequence[Mapping[str, Any]]


@click.command()
@click.argument("file", type=click.File("rb"), required=False)
@click.option("--received", metavar="ID", type=click.IntRange(1), help="A message that came, by its id in the logs.")
@click.option("--last", metavar="N", type=click.IntRange(1, 1000), help="The last messages that came: where they go.")
@click.option("--account", metavar="NAME", default=ACCOUNT, help="The account of Kommunicate's that FILE came from.")
@json_option
@explain_failures
def route(*, file: Any, received: int | None, last: int | None, account: str, as_json: bool) -> None:
    """Tell what becomes of a message, rule by rule; posts nothing.

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
    message = _message(found)
    _print(_routed(settings, message, found), as_json=as_json)


def _read(settings: Settings, file: Any, account: str) -> StoredBody:
    if account not in settings.every_account:
        raise click.UsageError(f"There is no such account; known are: {', '.join(settings.every_account)}.")
    return StoredBody(0, account, SystemClock().now(), file.read(MAX_BODY + 1))


def _stored(settings: Settings, received_id: int) -> StoredBody:
    with open_existing(settings) as store, store.read() as tx:
        found = body_of(tx, received_id)
    if found is None or found.body is None:
        _refuse(f"There is no message {received_id}." if found is None else f"What {received_id} said is forgotten.")
    return found


def _message(stored: StoredBody) -> ChatMessage:
    body = stored.body or b""
    if len(body) > MAX_BODY:
        _refuse(f"The body is larger than {MAX_BODY:,} bytes: it would be refused.")
    try:
        message = parse_webhook(body, account=stored.account)
    except Rejected as error:
        _refuse(f"The body would be refused: {error}")
    if not isinstance(message, ChatMessage):
        _refuse(f"The message would not be shown: {message.reason}.")
    return message


def _routed(settings: Settings, message: ChatMessage, stored: StoredBody, *, posts: bool = True) -> Routed:
    router, facts = Router(settings.config), chat_facts(settings.config, message, stored.received_at)
    decision = router.choose(facts)
    shown = rehearse(settings, message, stored.body or b"") if posts else []
    hides = redactor(every_redaction(settings.config))
    clean = hides.clean if hides else str
    said = {name: clean(value) for name, value in _facts(facts).items()}
    rules = [replace(tried, why=clean(tried.why)) for tried in router.explain(facts)]
    return Routed(said, rules, decision.channel, decision.rule, decision.why, shown)


def _print(routed: Routed, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(asdict(routed), indent=2))
        return
    for name, value in routed.facts.items():
        click.echo(printable(f"{name}: {value}"))
    click.echo()
    for tried in routed.rules:
        click.echo(printable(f"{'yes' if tried.holds else 'no ':3}  {tried.rule}: {tried.why}"))
    click.echo(printable(f"\nIt goes to {routed.channel}." if routed.channel else f"\nIt waits. {routed.why}"))
    if routed.channel and not routed.posts:
        click.echo("Slack gets nothing at once: `show` or `batch` asks for that.")
    for number, post in enumerate(routed.posts):
        place = "in its thread" if "thread_ts" in post else "as a new thread"
        click.echo(f"\nPost {number + 1}, {place}:\n{json.dumps(post, indent=2)}")


def _facts(facts: Facts) -> dict[str, str]:
    """What routes can ask of it, under their names; what it does not have is left out."""
    said = {name: str(value) for name in SIMPLE for value in facts.values(name) if name not in LEFT_OUT}
    return {**said, **({"metadata": json.dumps(facts.metadata)} if facts.metadata else {})}


def _print_last(settings: Settings, count: int, *, as_json: bool) -> None:
    with open_existing(settings) as store, store.read() as tx:
        bodies = last_bodies(tx, count)
    print_rows([_row(settings, one) for one in bodies], COLUMNS, as_json=as_json, empty="Nothing came yet.")


def _row(settings: Settings, stored: StoredBody) -> dict[str, Any]:
    try:
        message = parse_webhook(stored.body or b"", account=stored.account)
    except Rejected as error:
        return {"id": stored.id, "why": f"refused: {error}"}
    if not isinstance(message, ChatMessage):
        return {"id": stored.id, "group_id": message.conversation.group_id, "why": f"not shown: {message.reason}"}
    routed = _routed(settings, message, stored, posts=False)
    decided = {"rule": routed.rule, "channel": routed.channel, "why": routed.why}
    return {"id": stored.id, "group_id": message.conversation.group_id, **decided}


def _refuse(sentence: str) -> NoReturn:
    click.echo(printable(sentence), err=True)
    raise SystemExit(1)
