"""`python -m relay.sandbox`: the sandbox by itself, for a relay with a real `.env` to be pointed at."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from importlib.util import find_spec

from relay.sandbox.core import APP_LOGIN
from relay.sandbox.sandbox import Sandbox
from relay.sandbox.server import SandboxServer

LINES = """\
The sandbox is at {url}

For the relay's .env:

SLACK_API_URL={slack}
SLACK_BOT_TOKEN={bot_token}
{way}
KOMMUNICATE_API_URL={kommunicate}
KOMMUNICATE_API_KEY={api_key}
KOMMUNICATE_WEBHOOK_TOKEN={webhook_token}

Customers' messages go to {webhook}
"""


def main() -> int:
    """Serves until Ctrl-C or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m relay.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=8081)
    parser.add_argument("--webhook-url", help="where customers' messages are sent")
    parser.add_argument("--events-url", help="where agents' messages in Slack are sent")
    parser.add_argument("--interactions-url", help="where clicks in Slack are sent")
    parser.add_argument("--socket-mode", action="store_true", help="Slack waits for the relay to connect")
    options = parser.parse_args()
    if options.socket_mode and not find_spec("wsproto"):
        parser.error("--socket-mode needs the package wsproto, which `.venv/bin/pip install wsproto` installs")
    sandbox = Sandbox()
    sandbox.kommunicate.webhook_url = options.webhook_url
    sandbox.slack.sender.events_url = options.events_url
    sandbox.slack.sender.interactions_url = options.interactions_url
    sandbox.slack.sender.sockets.enabled = options.socket_mode
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with SandboxServer(sandbox, port=options.port) as server:
        sys.stdout.write(env_lines(server))
        sys.stdout.flush()
        stop.wait()
    return 0


def env_lines(server: SandboxServer) -> str:
    """What to paste so that a relay talks to this sandbox."""
    sandbox = server.sandbox
    sender = sandbox.slack.sender
    signing = f"SLACK_SIGNING_SECRET={sender.signing_secret}"
    return LINES.format(
        url=server.url,
        slack=server.slack_api_url,
        kommunicate=server.kommunicate_api_url,
        bot_token=sandbox.slack.bot_token,
        way=f"SLACK_APP_TOKEN={APP_LOGIN}" if sender.sockets.enabled else signing,
        api_key=sandbox.kommunicate.api_key,
        webhook_token=sandbox.kommunicate.webhook.token,
        webhook=sandbox.kommunicate.webhook_url or "nobody yet: start again with --webhook-url",
    )


if __name__ == "__main__":
    sys.exit(main())
