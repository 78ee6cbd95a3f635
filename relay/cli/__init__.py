"""The `relay` command. Exit 0: fine; 1: a bad finding or an unknown id; 2: could not run."""

from __future__ import annotations

import click

from relay import __version__
from relay.cli.check import check
from relay.cli.deliveries import deliveries
from relay.cli.demo import demo
from relay.cli.migrate import migrate
from relay.cli.run import serve, worker
from relay.cli.simulate import simulate


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="relay")
def main() -> None:
    """Customer chats from Kommunicate, one Slack thread each."""


for command in (demo, check, simulate, serve, worker, migrate, deliveries):
    main.add_command(command)
