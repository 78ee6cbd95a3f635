"""`relay doctor`: checks the live set-up end to end, and says what to do."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import click

from relay.cli.check import NO_FILE, route_tests
from relay.cli.common import COULD_NOT_RUN, explain_failures, json_option
from relay.doctor import examine
from relay.doctor.examine import in_order
from relay.doctor.probe import probe as probe_channels
from relay.doctor.told import counted
from relay.findings import Finding, errors
from relay.logs import configure_logs
from relay.settings import NEEDS, VARIABLES, Need, Settings, check_settings, environment
from relay.store.db.engine import open_store
from relay.wiring import build_setup

PAGE = "docs/troubleshooting.md"
TOKEN = ("KOMMUNICATE_WEBHOOK_TOKEN", "KOMMUNICATE_WEBHOOK_TOKEN_FILE")


@click.command()
@json_option
@click.option("--probe", is_flag=True, help="Also post a message in each channel, and delete it again.")
@click.option("--channel", metavar="CHANNEL", help="With --probe: only in this channel, written as in the YAML file.")
@explain_failures
def doctor(*, as_json: bool, probe: bool, channel: str | None) -> None:
    """Check the live setup end to end: database, Slack and Kommunicate.

    It looks at the database, Slack, Kommunicate, and the way between them. It needs what `relay serve` needs, and
    changes nothing. Each line says what is wrong and what to do, the worst first.
    """
    if channel is not None and not probe:
        raise click.UsageError("--channel says where --probe posts: give both.")
    configure_logs(as_json=False)
    cwd = Path.cwd()
    env = environment(cwd)
    # Where only a worker runs there is no webhook token, and nothing is wrong with that.
    need = NEEDS["doctor"] | ({Need.TOKEN} if any(env.get(name) for name in TOKEN) else frozenset())
    settings, findings = check_settings(env, need=need, cwd=cwd, examine=route_tests)
    if settings is not None:
        findings = in_order([*findings, *_examined(settings, env, cwd, probe=probe, channel=channel)])
    _print(findings, as_json=as_json, went_on=settings is not None)
    if any(one.code in NO_FILE or one.where in VARIABLES for one in errors(findings)) and settings is None:
        raise SystemExit(COULD_NOT_RUN)
    if errors(findings):
        raise SystemExit(1)


def _examined(settings: Settings, env: dict[str, str], cwd: Path, *, probe: bool, channel: str | None) -> list[Finding]:
    """What the checks find; and what comes of a message in each channel, where nothing forbids to try."""
    with closing(open_store(settings.database_url, pooler=settings.database_pooler)) as store:
        setup = build_setup(settings, store, env, cwd)
        found = examine(setup)
        return [*found, *(probe_channels(setup, channel) if probe else ())]


def _print(findings: list[Finding], *, as_json: bool, went_on: bool) -> None:
    if as_json:
        click.echo(json.dumps([{**one.to_dict(), "page": page_of(one)} for one in findings], indent=2))
        return
    for one in findings:
        click.echo(str(one) if one.level == "info" else f"{one} See {page_of(one)}.")
    click.echo(closing_sentence(findings, went_on=went_on))


def page_of(finding: Finding) -> str:
    """Where more is said about it."""
    return f"{PAGE}#{finding.code}"


def closing_sentence(findings: list[Finding], *, went_on: bool) -> str:
    """What to make of it all."""
    bad, odd = len(errors(findings)), sum(one.level == "warning" for one in findings)
    if not went_on:
        return f"{counted(bad, 'problem')} with the settings: fix that first; nothing else was checked."
    if bad:
        more = f" and {counted(odd, 'warning')}" if odd else ""
        then = (
            "Start with the first: it may be the cause of the others."
            if bad + odd > 1
            else "Fix it and run this again."
        )
        return f"{counted(bad, 'problem')}{more} found. {then}"
    if odd:
        return f"It works. {counted(odd, 'warning')} to look at when there is time."
    return "All is well."
