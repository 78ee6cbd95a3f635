"""`relay check`: every problem of the configuration at once, offline."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import click

from relay.cli.common import COULD_NOT_RUN, explain_failures, json_option
from relay.findings import errors
from relay.settings import NEEDS, VARIABLES, Config, check_settings, environment
from relay.settings.check import Remark
from relay.settings.json_schema import json_schema

NO_FILE = ("config_missing", "config_unreadable")


@click.command()
@json_option
@click.option("--schema", is_flag=True, help="Print the file's JSON Schema for editors instead of checking.")
@explain_failures
def check(*, as_json: bool, schema: bool) -> None:
    """Check the configuration file, offline.

    Reads RELAY_CONFIG (config.yaml) or RELAY_CONFIG_YAML, runs the `tests` in it, and prints every problem with its
    place and what to do.
    """
    if schema:
        click.echo(json.dumps(json_schema(), indent=2))
        return
    cwd = Path.cwd()
    settings, findings = check_settings(environment(cwd), need=NEEDS["check"], cwd=cwd, examine=route_tests)
    if as_json:
        click.echo(json.dumps([finding.to_dict() for finding in findings], indent=2))
    else:
        for finding in findings:
            click.echo(str(finding))
        bad = len(errors(findings))
        click.echo(f"{bad} problem{'s' if bad != 1 else ''} found." if bad else "The configuration is fine.")
    # a variable that is wrong, unlike a line of the file, keeps the check from running
    if any(finding.code in NO_FILE or finding.where in VARIABLES for finding in errors(findings)):
        raise SystemExit(COULD_NOT_RUN)
    if settings is None:
        raise SystemExit(1)


def route_tests(config: Config) -> Iterable[Remark]:
    """The file's own tests of its routes."""
    if not config.tests:
        return ()
    from relay.wiring.route_tests import run_tests  # here and not above: it takes as long as all the rest of the check

    return run_tests(config)
