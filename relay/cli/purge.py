"""`relay purge`: a customer asks to be forgotten; or what is too old goes now."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from typing import Any

import click

from relay.cli.common import COULD_NOT_RUN, Age, explain_failures, json_option, settings_for
from relay.cli.deliveries import open_existing
from relay.cli.rows import UNPRINTABLE, print_fields
from relay.delivery.deleting import Deleted, Deleter
from relay.delivery.erasing import Extent, erase, forget_name, measure
from relay.delivery.forgetting import forget_files, forget_old
from relay.delivery.sweeping import sweep_all
from relay.delivery.tracing import Traces, trace
from relay.errors import DeliveryFailed
from relay.failpoints import arm
from relay.keys import key_of
from relay.settings import Settings
from relay.store.db.engine import Store
from relay.store.operations.erased import count_standing
from relay.store.operations.retention import count_old
from relay.store.operations.tidying import is_untidy, mark_untidy, tidy
from relay.wiring import build_keepers, build_workspaces

NOT_TIDIED = (
    "The database file still contains traces: another program keeps reading or writing it, or the disk is full."
)
AGAIN = "Run the same command again."
TURN = 0.05  # seconds between steps: on SQLite, other processes only look now and then whether it is their turn


@click.command()
@click.option("--customer", metavar="ID", help="Kommunicate's id of the customer (userId).")
@click.option(
    "--older-than",
    type=Age(),
    metavar="TIME",
    help="Erase what is older than this, such as 30d, without waiting for `retention`.",
)
@click.option("--slack", "in_slack", is_flag=True, help="Delete the relay's posts and files in Slack too.")
@click.option("--dry-run", is_flag=True, help="Show what would be erased, and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.option(
    "--no-rewrite",
    is_flag=True,
    help="Do not rewrite the SQLite file, so that nothing has to wait; see docs/privacy.md.",
)
@json_option
@explain_failures
def purge(
    *,
    customer: str | None,
    older_than: float | None,
    in_slack: bool,
    dry_run: bool,
    yes: bool,
    no_rewrite: bool,
    as_json: bool,
) -> None:
    """Erase one customer's data, or everything older than an age.

    It says first what would go, and asks. What is erased cannot be brought back.
    """
    if (customer is None) == (older_than is None) or (in_slack and customer is None):
        raise click.UsageError("Give --customer ID, with or without --slack, or --older-than TIME.")
    settings = settings_for("purge --slack" if in_slack else "purge")
    arm(settings.failpoint)
    with open_existing(settings) as store:
        if customer is not None:
            report = _purge_customer(store, settings, customer, in_slack=in_slack, dry_run=dry_run, yes=yes)
        else:
            report = _purge_old(store, settings, older_than or 0.0, dry_run=dry_run, yes=yes)
        tidied = dry_run or _tidy(store, rewrite=not no_rewrite)
    print_fields({**report, **({} if tidied else {"not_tidied": f"{NOT_TIDIED} {AGAIN}"})}, as_json=as_json)
    if report.get("unfinished"):
        raise SystemExit(COULD_NOT_RUN)
    if not tidied or report.get("stays_in_slack") or report.get("files_still_kept"):
        raise SystemExit(1)


def _purge_customer(
    store: Store, settings: Settings, customer: str, *, in_slack: bool, dry_run: bool, yes: bool
) -> dict[str, Any]:
    found = trace(store, customer) if key_of(customer) else Traces((), (), (), frozenset())
    _refuse_strangers(store, customer, found, in_slack=in_slack)
    extent = measure(store, found)
    report = _in_words(extent, in_slack=in_slack)
    if dry_run:
        return {"dry_run": True, **report}
    if not yes:
        click.echo("\n".join(f"{name.replace('_', ' ')}: {value}" for name, value in report.items()), err=True)
        click.confirm("Erase all of this permanently?", abort=True, err=True)
    if not found.is_nobody:
        erase(store, customer, found, in_slack=in_slack)
    report |= _delete_content(store, settings)
    if in_slack:
        report |= _delete_in_slack(store, settings)
    if key_of(customer):
        forget_name(store, customer)
    return report


def _refuse_strangers(store: Store, customer: str, found: Traces, *, in_slack: bool) -> None:
    """An id that nobody has, or that is one of the team; not where an earlier purge is to be finished."""
    if found.is_of_the_team:
        click.echo(f"{_shown(customer)} is a bot or an agent, not a customer: nothing was erased.", err=True)
        raise SystemExit(1)
    if not found.is_nobody:
        return
    with store.read() as tx:
        left, untidy = count_standing(tx), is_untidy(tx)
    if left and not in_slack:
        click.echo(f"{left} posts from an earlier purge are still in Slack: run it with --slack.", err=True)
    if not (left and in_slack) and not untidy:
        click.echo(f"There is no customer {_shown(customer)}.", err=True)
        raise SystemExit(1)


def _delete_content(store: Store, settings: Settings) -> dict[str, Any]:
    """Of files in a folder or a bucket; what cannot be deleted there is tried again by a relay at work."""
    left = sweep_all(store, build_keepers(settings, store))
    return {"files_still_kept": left} if left else {}


def _delete_in_slack(store: Store, settings: Settings) -> dict[str, Any]:
    slack = build_workspaces(settings)
    with store.read() as tx:
        left = count_standing(tx)
    unfinished = {}
    with _progress(left) as step:
        deleter = Deleter(store, slack, threading.Event().wait, step)
        try:
            deleter.delete_all()
        except DeliveryFailed as error:
            unfinished = {"unfinished": f"{error}. The rest is remembered. {AGAIN}"}
    return {**_of_slack(deleter.deleted), **unfinished}


def _of_slack(deleted: Deleted) -> dict[str, Any]:
    stays = [{"channel": channel, "ts": ts, "why": why} for channel, ts, why in deleted.stays]
    return {"posts_deleted": deleted.posts, "files_deleted": deleted.files, "stays_in_slack": stays}


@contextmanager
def _progress(steps: int) -> Iterator[Callable[[], object]]:
    """A bar on a terminal; nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    with click.progressbar(length=steps, label="Deleting in Slack", file=sys.stderr) as bar:
        yield partial(bar.update, 1)


def _in_words(extent: Extent, *, in_slack: bool) -> dict[str, Any]:
    counted = asdict(extent)
    standing = counted.pop("in_slack")
    if in_slack:
        counted |= {"posts_in_slack": standing["posts"], "files_in_slack": standing["files"]}
    else:
        counted |= {"left_in_slack": standing["posts"] + standing["files"]}
    return counted


def _purge_old(store: Store, settings: Settings, older_than: float, *, dry_run: bool, yes: bool) -> dict[str, Any]:
    with store.read() as tx:
        old = asdict(count_old(tx, older_than))
    if dry_run:
        return {"dry_run": True, **old}
    if not yes:
        click.echo(", ".join(f"{name}: {number}" for name, number in old.items()), err=True)
        click.confirm("Erase these permanently?", abort=True, err=True)
    with store.begin() as tx:
        mark_untidy(tx)
    while forget_old(store, older_than):
        threading.Event().wait(TURN if store.on_sqlite else 0.0)
    files = 0
    while some := forget_files(store, older_than):
        files += some
    return {**old, "files": files, **_delete_content(store, settings)}


def _tidy(store: Store, *, rewrite: bool) -> bool:
    with store.read() as tx:
        untidy = is_untidy(tx)
    return not untidy or tidy(store, rewrite=rewrite)


def _shown(customer: str) -> str:
    """An id as it may be printed: it comes from outside."""
    text = customer.encode("utf-8", "backslashreplace").decode()
    return UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
