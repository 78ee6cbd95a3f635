"""`relay demo`: the relay and the sandbox together, no accounts, nothing left behind.

The relay is a process of its own, as in earnest: the page can kill it, and it starts again.
"""

from __future__ import annotations

import ctypes
import secrets
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import click
import yaml

from relay.cli.common import COULD_NOT_RUN, explain_failures
from relay.cli.running import stop_signals
from relay.errors import SettingsError
from relay.sandbox import Sandbox, SandboxServer
from relay.sandbox.pictures import HOST as FILES
from relay.sandbox.story import SAVED_REPLIES, STORY_CHANNELS, play
from relay.settings.environment import system_environment

HOST = "127.0.0.1"
PORT = click.IntRange(0, 65535)
READY_WITHIN = 30.0  # seconds
PAUSE = 0.5  # seconds until a relay that has died is started again
WELCOME = """
  The sandbox plays Kommunicate and Slack:  {sandbox}
  The relay runs between the two:           {relay}/readyz

  Open the first address: type as a customer on the left, answer as an agent on the right.
  The relay's log is in {log}. Ctrl+C ends it.
"""


def _key() -> str:
    return f"xoxb-demo-{secrets.token_hex(8)}"


@dataclass(frozen=True)
class Keys:
    """The demo's secrets, new each time."""

    webhook: str = field(default_factory=_key)
    bot: str = field(default_factory=_key)
    api: str = field(default_factory=_key)
    signing: str = field(default_factory=lambda: secrets.token_hex(16))


@click.command()
@click.option(
    "--port", default=8080, show_default=True, type=PORT, help="The relay's port; another one if it is taken."
)
@click.option(
    "--sandbox-port", default=8081, show_default=True, type=PORT, help="The page's port; another one if it is taken."
)
@click.option("--quiet", is_flag=True, help="Start without simulated customers.")
@click.option("--log", is_flag=True, help="Show the relay's log here.")
@explain_failures
def demo(*, port: int, sandbox_port: int, quiet: bool, log: bool) -> None:
    """Try the relay with a built-in Slack and Kommunicate.

    Needs no accounts, ignores .env, and leaves nothing behind. It prints the address of a page to try it on.
    """
    told = stop_signals()  # from here on something would be left behind
    keys = Keys()
    # Slack takes short bursts, and so does this one: the demo shows a good day.
    sandbox = Sandbox(
        webhook_token=keys.webhook, bot_token=keys.bot, api_key=keys.api, signing_secret=keys.signing, burst=3
    )
    with (
        tempfile.TemporaryDirectory(prefix="relay-demo-") as folder,
        SandboxServer(sandbox, HOST, free_port(sandbox_port)) as server,
        (Path(folder) / "relay.log").open("wb") as file,
    ):
        relay_port = free_port(port)
        relay_url = f"http://{HOST}:{relay_port}"
        sandbox.connect(relay_url)
        keeper = Keeper(relay_environment(keys, server, relay_port), Path(folder), None if log else file)
        sandbox.kill_relay = keeper.kill
        try:
            if not keeper.start(relay_port, told):
                return
            click.echo(WELCOME.format(sandbox=server.url, relay=relay_url, log="sight" if log else file.name))
            if not quiet:
                play(sandbox)
            told.recv(1)
        finally:
            keeper.stop()


class Keeper:
    """Runs `relay serve`, and again whenever it has ended."""

    def __init__(self, env: Mapping[str, str], cwd: Path, log: IO[bytes] | None) -> None:
        self._env, self._cwd, self._log = dict(env), cwd, log
        self._ending = threading.Event()
        self._starting = threading.Lock()  # what is being started cannot be told to end yet
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep, name="relay-keeper", daemon=True)

    def start(self, port: int, told: socket.socket) -> bool:
        """Start it, and wait until it listens; False if `told` could be read first, SettingsError where it does not."""
        self._thread.start()
        ends = time.monotonic() + READY_WITHIN
        while time.monotonic() < ends and not self._ending.is_set():
            with socket.socket() as probe:
                if probe.connect_ex((HOST, port)) == 0:
                    return True
            if select.select([told], [], [], 0.05)[0]:
                return False
        raise SettingsError("The demo's relay did not start; `relay demo --log` shows why.")

    def kill(self) -> None:
        """End it as the power would, without a chance to say anything."""
        if self._process is not None:
            self._process.kill()

    def stop(self) -> None:
        """End it in order."""
        with self._starting:
            self._ending.set()
        if self._process is not None:
            self._process.terminate()
        if self._thread.is_alive():
            self._thread.join(READY_WITHIN)

    def _keep(self) -> None:
        while True:
            with self._starting:
                if self._ending.is_set():
                    return
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "relay", "serve"],
                    cwd=self._cwd,
                    env=self._env,
                    stdout=self._log,
                    stderr=self._log,
                    preexec_fn=_end_with_parent if sys.platform == "linux" else None,
                    start_new_session=True,
                )
            if self._process.wait() == COULD_NOT_RUN:
                self._ending.set()  # nor would it the next time
            self._ending.wait(PAUSE)


def _end_with_parent() -> None:
    """Nobody stops a demo that was killed."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def relay_environment(keys: Keys, server: SandboxServer, port: int) -> dict[str, str]:
    """The environment of a relay that is pointed at a sandbox."""
    config = {
        "channels": STORY_CHANNELS,
        "default_channel": "C0GENERAL",
        "kommunicate": {"file_hosts": [urlsplit(FILES).hostname]},
        "replies": {"undo_seconds": 1},
        "remind": {"after": "2m", "mention": "here"},
        "saved_replies": SAVED_REPLIES,
    }
    return {
        **system_environment(),
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "PORT": str(port),
        "HOST": HOST,
        "DATABASE_URL": "sqlite:///demo.db",
        "RELAY_ALLOW_EPHEMERAL": "1",
        "RELAY_CONFIG_YAML": yaml.safe_dump(config),
        "KOMMUNICATE_WEBHOOK_TOKEN": keys.webhook,
        "KOMMUNICATE_API_KEY": keys.api,
        "KOMMUNICATE_API_URL": server.kommunicate_api_url,
        "SLACK_BOT_TOKEN": keys.bot,
        "SLACK_API_URL": server.slack_api_url,
        "SLACK_SIGNING_SECRET": keys.signing,
    }


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
