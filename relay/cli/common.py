"""What all commands share: settings or a clear refusal, and how findings and rows are printed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click
from rich.console import Console
from rich.table import Table

from relay.errors import SettingsError, StoreUnavailable
from relay.findings import Finding
from relay.logs import configure_logs
from relay.settings import NEEDS, Settings, environment, load_settings
from relay.settings.durations import parse_duration
from relay.store.db.engine import Store, open_store
from relay.store.db.schema import SchemaState, schema_state

COULD_NOT_RUN = 2

# What a terminal acts on or turns around: a rejected body must not write to the screen of whoever reads it.
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")

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
            click.echo(f"error: {error}", err=True)
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
    configure_logs(as_json=False)
    cwd = Path.cwd()
    settings = load_settings(environment(cwd), need=NEEDS[command], cwd=cwd)
    for warning in settings.warnings:
        click.echo(str(warning), err=True)
    return settings


@contextmanager
def open_existing(database_url: str) -> Iterator[Store]:
    """The store, for commands that only ask it: an empty database is not created but refused."""
    store = open_store(database_url, patience=None)
    try:
        if not _there(store) or schema_state(store) is SchemaState.MISSING:
            raise SettingsError("The database is empty: run `relay migrate`, or `relay serve` on SQLite.")
        yield store
    finally:
        store.close()


def _there(store: Store) -> bool:
    return not store.on_sqlite or Path(store.engine.url.database or "").exists()


def print_rows(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, as_json: bool, empty: str) -> None:
    """Rows as a table for people or as a JSON list."""
    if as_json:
        click.echo(json.dumps(list(rows), indent=2))
        return
    if not rows:
        click.echo(empty)
        return
    table = Table(box=None, header_style="bold")
    for column in columns:
        table.add_column(column.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(_cell(row.get(column)) for column in columns))
    # Without markup: ids come from outside, and brackets in them are just brackets.
    Console(markup=False, emoji=False, highlight=False).print(table)


def print_fields(row: Mapping[str, Any], *, as_json: bool) -> None:
    """One row as lines for people or as a JSON object."""
    if as_json:
        click.echo(json.dumps(row, indent=2))
        return
    for name, value in row.items():
        if isinstance(value, list):
            for number, item in enumerate(value, start=1):
                fields = ", ".join(f"{key} {_cell(field)}" for key, field in item.items() if field not in (None, ""))
                click.echo(f"{name.rstrip('s')} {number}: {fields}")
        else:
            click.echo(f"{name.replace('_', ' ')}: {_cell(value)}")


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    text = f"{value:.1f}" if isinstance(value, float) else str(value)
    return UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
