"""`relay demo`: the relay and the sandbox together, no accounts, nothing left behind."""

from __future__ import annotations

import secrets
import socket
import tempfile
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import click

from relay.cli.common import explain_failures
from relay.cli.running import leave, on_stop_signals
from relay.cli.serve import run_web
from relay.logs import configure_logs
from relay.sandbox import Sandbox, SandboxServer
from relay.sandbox.story import STORY_CHANNELS, play
from relay.settings import Config, Settings
from relay.settings.schema import Replies
from relay.wiring import build_relay, build_worker, ready_schema

HOST = "127.0.0.1"
PORT = click.IntRange(0, 65535)
WELCOME = """
  The sandbox plays Kommunicate and Slack:  {sandbox}
  The relay is between the two:             {relay}/readyz

  Open the first address: type as a customer on the left, watch Slack on the right. Ctrl+C ends it.
"""


def _key() -> str:
    return f"xoxb-demo-{secrets.token_hex(8)}"


@dataclass(frozen=True)
class Keys:
    """The demo's secrets, new each time."""

    webhook: str = field(default_factory=_key)
    bot: str = field(default_factory=_key)
    api: str = field(default_factory=_key)
    signing: str = field(default_factory=_key)


@click.command()
@click.option(
    "--port", default=8080, show_default=True, type=PORT, help="The relay's port; another one if it is taken."
)
@click.option(
    "--sandbox-port", default=8081, show_default=True, type=PORT, help="The page's port; another one if it is taken."
)
@click.option("--quiet", is_flag=True, help="No customers who chat by themselves.")
@explain_failures
def demo(*, port: int, sandbox_port: int, quiet: bool) -> None:
    """Try the relay against a built-in Slack and Kommunicate; ignores .env."""
    configure_logs(as_json=False)
    on_stop_signals(leave)  # from here on something would be left behind
    keys = Keys()
    # Slack takes short bursts, and so does this one: the demo shows a good day.
    sandbox = Sandbox(
        webhook_token=keys.webhook, bot_token=keys.bot, api_key=keys.api, signing_secret=keys.signing, burst=3
    )
    with (
        tempfile.TemporaryDirectory(prefix="relay-demo-") as folder,
        SandboxServer(sandbox, HOST, free_port(sandbox_port)) as server,
    ):
        settings = demo_settings(keys, server, Path(folder) / "demo.db", free_port(port))
        relay_url = f"http://{HOST}:{settings.port}"
        sandbox.connect(relay_url)
        with closing(build_relay(settings)) as relay:
            ready_schema(relay.store)
            click.echo(WELCOME.format(sandbox=server.url, relay=relay_url))
            if not quiet:
                play(sandbox)
            run_web(relay, build_worker(relay))


def demo_settings(keys: Keys, server: SandboxServer, database: Path, port: int) -> Settings:
    """Settings that point a relay at a sandbox."""
    return Settings(
        port=port,
        host=HOST,
        database_url=f"sqlite:///{database}",
        config=Config(channels=STORY_CHANNELS, default_channel="C0GENERAL", replies=Replies(undo_seconds=1)),
        webhook_tokens=(keys.webhook,),
        kommunicate_api_key=keys.api,
        kommunicate_api_url=server.kommunicate_api_url,
        slack_bot_token=keys.bot,
        slack_api_url=server.slack_api_url,
        slack_signing_secrets=(keys.signing,),
    )


def free_port(wanted: int) -> int:
    """`wanted` if it can be listened on, else any free port."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    return 0
