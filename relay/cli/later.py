"""Commands whose files are read when they are used: reading them all would be nearly all that `relay --help` does."""

from __future__ import annotations

from importlib import import_module

import click


class Later(click.Command):
    """A command in the group's help and nothing else, until `load` reads the file it is in."""

    def __init__(self, name: str, module: str, help: str) -> None:
        """`module` has the command under its `name`; `help` is the first sentence of that command's help."""
        super().__init__(name, help=help)
        self._module = module

    def load(self) -> click.Command:
        """The command itself."""
        command: click.Command = getattr(import_module(self._module), str(self.name))
        return command


class LaterGroup(click.Group):
    """Reads a command's file only once that command is to be run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which somebody new needs them, not that of the alphabet."""
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """What click asks for before it runs a command, or completes its options."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command.load() if isinstance(command, Later) else command, rest
