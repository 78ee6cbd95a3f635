"""What all commands share: settings, or a clear refusal."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from relay.errors import SettingsError, StoreUnavailable
from relay.findings import Finding
from relay.settings import NEEDS, Settings, environment, load_settings
from relay.settings.durations import parse_duration

COULD_NOT_RUN = 2
DATABASE = "DATABASE_URL"  # where a finding about the database says that it is

Command = TypeVar("Command", bound=Callable[..., Any])

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")


class Age(click.ParamType[float]):
    """A duration on the command line, in seconds."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """`30s`, `2h`, `7d` or a number of seconds."""
        try:
            return parse_duration(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def explain_failures(command: Command) -> Command:
    """Turn what settings, database and files can do wrong into a sentence and exit 2."""

    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except SettingsError as error:
            refuse(error)
        except StoreUnavailable as error:
            click.echo(str(Finding(error.code, "error", str(error), error.hint, DATABASE)), err=True)
        except BrokenPipeError:
            raise  # `relay ... | head`: click knows what to do
        except OSError as error:
            click.echo(f"error: {error.filename or 'the system'}: {error.strerror or type(error).__name__}", err=True)
        raise SystemExit(COULD_NOT_RUN)

    return wrapped  # type: ignore[return-value]


def refuse(error: SettingsError) -> NoReturn:
    """Print why the settings cannot be used and exit 2."""
    for finding in error.findings or [Finding("settings", "error", str(error))]:
        click.echo(str(finding), err=True)
    raise SystemExit(COULD_NOT_RUN)


def settings_for(command: str) -> Settings:
    """The settings `command` needs, from `.env` and the environment; raises SettingsError."""
    # Here and not above: `relay check` has no log, and to import it is a quarter of what that takes.
    from relay.logs import configure_logs

    cwd = Path.cwd()
    settings = load_settings(environment(cwd), need=NEEDS[command], cwd=cwd)
    configure_logs(as_json=sys.stderr is None or not sys.stderr.isatty(), level=settings.log_level)
    for warning in settings.warnings:
        click.echo(str(warning), err=True)
    return settings
