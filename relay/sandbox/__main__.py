"""`python -m relay.sandbox`: the sandbox by itself, for a relay with a real `.env` to be pointed at."""

from __future__ import annotations

import argparse
import signal
import sys
import threading

from relay.sandbox.sandbox import Sandbox
from relay.sandbox.server import SandboxServer

LINES = """\
The sandbox is at {url}

For the relay's .env:

SLACK_API_URL={slack}
SLACK_BOT_TOKEN={bot_token}
SLACK_SIGNING_SECRET={signing_secret}
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
    options = parser.parse_args()
    sandbox = Sandbox()
    sandbox.kommunicate.webhook_url = options.webhook_url
    sandbox.slack.sender.events_url = options.events_url
    sandbox.slack.sender.interactions_url = options.interactions_url
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
    return LINES.format(
        url=server.url,
        slack=server.slack_api_url,
        kommunicate=server.kommunicate_api_url,
        bot_token=sandbox.slack.bot_token,
        signing_secret=sandbox.slack.sender.signing_secret,
        api_key=sandbox.kommunicate.api_key,
        webhook_token=sandbox.kommunicate.webhook.token,
        webhook=sandbox.kommunicate.webhook_url or "nobody yet: start again with --webhook-url",
    )


if __name__ == "__main__":
    sys.exit(main())
