"""Stand-ins for Slack and Kommunicate over HTTP, as strict as the vendors, with a page to watch them.

    with SandboxServer(Sandbox()) as server:
        ...  # SLACK_API_URL=server.slack_api_url, KOMMUNICATE_API_URL=server.kommunicate_api_url

The demo and the tests use it. It imports nothing from the rest of the relay.
"""

from relay.sandbox.app import create_sandbox
from relay.sandbox.sandbox import Sandbox
from relay.sandbox.server import SandboxServer

__all__ = ["Sandbox", "SandboxServer", "create_sandbox"]
