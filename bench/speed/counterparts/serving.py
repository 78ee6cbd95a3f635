"""What all counterparts on Flask have in common: the relay's own server with the relay's own settings, and the token.

    python -m bench.speed.counterparts.serving naive

As for the relay, the environment says where they listen and what they call.
"""

from __future__ import annotations

import base64
import hmac
import importlib
import os
import sys

from flask import request

from relay.web.server import open_server


def token_fits() -> bool:
    """True if the request carries the token."""
    expected = "Basic " + base64.b64encode(os.environ["KOMMUNICATE_WEBHOOK_TOKEN"].encode()).decode()
    return hmac.compare_digest(request.headers.get("Authentication", ""), expected)


def main() -> None:
    """Serve the module named on the command line until the process ends."""
    app = importlib.import_module(f"bench.speed.counterparts.{sys.argv[1]}").app
    open_server(app, "127.0.0.1", int(os.environ["PORT"])).run()


if __name__ == "__main__":
    main()
