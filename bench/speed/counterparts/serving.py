"""What all counterparts on Flask have in common: the relay's own server with the relay's own settings, and the token.

Where they listen and what they talk to comes from the environment, as for the relay.
"""

from __future__ import annotations

import base64
import hmac
import os

from flask import Flask, request

from relay.web.server import open_server


def serve(app: Flask) -> None:
    """Until the process is ended."""
    open_server(app, "127.0.0.1", int(os.environ["PORT"])).run()


def token_fits() -> bool:
    """True when the request bears the token."""
    expected = "Basic " + base64.b64encode(os.environ["KOMMUNICATE_WEBHOOK_TOKEN"].encode()).decode()
    return hmac.compare_digest(request.headers.get("Authentication", ""), expected)
