"""How rows are printed: for people or as JSON."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click
from rich.console import Console
from rich.table import Table

# What a terminal acts on, turns around or cannot be sent: a body from outside must not write to whose screen reads it.
UNPRINTABLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    r"\ud800-\udfff\U000e0000-\U000e0fff]"
)

WIDTH = 100  # characters of a line that no terminal has asked for
WIDEST = {"customer": 20, "group_id": 12, "channel": 12}  # characters; what is longer goes on in the next line


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
        table.add_column(column.replace("_", " "), overflow="fold", max_width=WIDEST.get(column))
    for row in rows:
        table.add_row(*(_cell(row.get(column)) for column in columns))
    # Without markup: ids come from outside, and brackets in them are just brackets.
    width = None if sys.stdout.isatty() else WIDTH
    Console(markup=False, emoji=False, highlight=False, width=width).print(table)


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
    return printable(f"{value:.1f}" if isinstance(value, float) else str(value))


def printable(text: str) -> str:
    """Text from outside as a terminal may get it: what it would act on is written out."""
    return UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
