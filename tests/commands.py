"""Every command of `relay`, read from its file."""

from __future__ import annotations

from collections.abc import Iterator

import click

from relay.cli import main
from relay.cli.later import Later


def every_command(group: click.Group = main, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """The words that lead to each command or group, and itself: `("deliveries", "show")`."""
    for name, command in group.commands.items():
        found = command.load() if isinstance(command, Later) else command
        yield (*path, name), found
        if isinstance(found, click.Group):
            yield from every_command(found, *path, name)
