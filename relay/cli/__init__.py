"""The `relay` command. Exit 0: fine; 1: a bad finding or an unknown id; 2: could not run."""

from __future__ import annotations

import click

from relay import __version__
from relay.cli.later import Later, LaterGroup

# The first sentence of each command's help; its file has its name.
COMMANDS = {
    "demo": "Try the relay with a built-in Slack and Kommunicate.",
    "init": "Create config.yaml, .env and the Slack app's manifest, and print the next steps.",
    "check": "Check the configuration file, offline.",
    "doctor": "Check the live setup end to end: database, Slack and Kommunicate.",
    "route": "Explain where a message goes, rule by rule; posts nothing.",
    "simulate": "Send a sample message to a running relay.",
    "serve": "Receive webhooks and deliver them to Slack.",
    "worker": "Deliver what is stored; any number of workers may run.",
    "migrate": "Create or upgrade the database's schema.",
    "backup": "Copy the SQLite database to FILE, even while the relay runs.",
    "purge": "Erase one customer's data, or everything older than an age.",
    "deliveries": "Show what waits, what was given up, and what was rejected.",
}

NEW_HERE = (
    "New here? `relay demo` shows it working and needs no accounts. `relay init` sets one up; then `relay serve`, and "
    "`relay doctor` in a second terminal. `relay COMMAND --help` tells more of each."
)


@click.group(cls=LaterGroup, epilog=NEW_HERE, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="relay")
def main() -> None:
    """Customer chats from Kommunicate, one Slack thread each."""


for name, sentence in COMMANDS.items():
    main.add_command(Later(name, f"relay.cli.{name}", sentence))
