"""Runs the sandbox alone: a simulated Slack and Kommunicate with a page, for a relay that you start beside it.

It prints what the relay needs to reach it, ready to paste. `make demo` starts both.
"""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
from importlib.util import find_spec
from urllib.parse import urlsplit

from relay.sandbox.core import APP_LOGIN
from relay.sandbox.pictures import HOST as FILES
from relay.sandbox.sandbox import Sandbox
from relay.sandbox.server import SandboxServer

RELAY = "http://127.0.0.1:8080"
CONFIG = f"{{default_channel: C0SUPPORT, kommunicate: {{file_hosts: [{urlsplit(FILES).hostname}]}}}}"
EPILOG = (
    "What happens goes to the relay at --relay-url: customers' messages to /kommunicate/webhook, agents' messages to "
    "/slack/events, clicks to /slack/interactions. The secrets are made up, and the same each time. Nothing is kept."
)
WELCOME = """\
The sandbox plays Slack and Kommunicate: {url}

Paste this into a second terminal, in the same folder. There it wins over what .env says.

{lines}

Then open the sandbox's page: what you type on the left as a customer appears on the right, in Slack.
"""


def main() -> int:
    """Serves until Ctrl+C or SIGTERM."""
    options = _options()
    sandbox = Sandbox()
    sandbox.connect(options.relay_url, socket_mode=options.socket_mode)
    sandbox.kommunicate.webhook_url = options.webhook_url or sandbox.kommunicate.webhook_url
    sender = sandbox.slack.sender
    sender.events_url = options.events_url or sender.events_url
    sender.interactions_url = options.interactions_url or sender.interactions_url
    stop = (signal.SIGINT, signal.SIGTERM)
    signal.pthread_sigmask(signal.SIG_BLOCK, stop)  # here and in every thread: they wait until somebody asks for them
    with SandboxServer(sandbox, port=options.port) as server:
        sys.stdout.write(WELCOME.format(url=server.url, lines=relay_command(server, options.relay_url)))
        sys.stdout.flush()
        signal.sigwait(stop)
    return 0


def relay_command(server: SandboxServer, relay_url: str = RELAY) -> str:
    """What to paste so that a relay at `relay_url` uses this sandbox: its environment, and the command to start it."""
    sandbox = server.sandbox
    sender = sandbox.slack.sender
    by_socket = {"SLACK_APP_TOKEN": APP_LOGIN}
    address = urlsplit(relay_url)
    variables = {
        "PORT": str(address.port or (443 if address.scheme == "https" else 80)),
        "HOST": address.hostname or "",
        "DATABASE_URL": "sqlite:///sandbox.db",
        "RELAY_CONFIG_YAML": CONFIG,
        "SLACK_API_URL": server.slack_api_url,
        "SLACK_BOT_TOKEN": sandbox.slack.bot_token,
        **(by_socket if sender.sockets.enabled else {"SLACK_SIGNING_SECRET": sender.signing_secret}),
        "KOMMUNICATE_API_URL": server.kommunicate_api_url,
        "KOMMUNICATE_API_KEY": sandbox.kommunicate.api_key,
        "KOMMUNICATE_WEBHOOK_TOKEN": sandbox.kommunicate.webhook.token,
    }
    lines = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    return "\n".join([*lines, f"{shlex.quote(sys.executable)} -m relay serve"])


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return int(text)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m relay.sandbox", description=__doc__, epilog=EPILOG)
    parser.add_argument("--port", type=_port, default=8081, help="the sandbox's port (%(default)s); 0 takes a free one")
    parser.add_argument("--relay-url", default=RELAY, metavar="URL", help="where the relay listens (%(default)s)")
    parser.add_argument("--socket-mode", action="store_true", help="Slack calls nobody: it waits for the relay")
    for what, told in (
        ("webhook", "customers' messages"),
        ("events", "agents' messages in Slack"),
        ("interactions", "clicks in Slack"),
    ):
        parser.add_argument(f"--{what}-url", metavar="URL", help=f"where {told} are sent, if not to --relay-url")
    options = parser.parse_args()
    if urlsplit(options.relay_url).scheme not in ("http", "https") or not urlsplit(options.relay_url).hostname:
        parser.error(f"--relay-url must be an address such as {RELAY}")
    if options.socket_mode and not find_spec("wsproto"):
        parser.error("--socket-mode needs the package wsproto, which `.venv/bin/pip install wsproto` installs")
    return options


if __name__ == "__main__":
    sys.exit(main())
