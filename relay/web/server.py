"""Serves the app with waitress: one process, few threads, requests read in its own loop."""

from __future__ import annotations

from typing import Any

from flask import Flask
from waitress.server import create_server

MAX_REQUEST = 1024 * 1024  # bytes; above it the server refuses by itself, whatever the token
CONNECTIONS = 2000  # at waitress's default of 100, that many stalled clients would lock everybody out
THREADS = 8


def open_server(app: Flask, host: str, port: int) -> Any:
    """Bind `host:port` (0: any free port, see `effective_port`); `run()` serves until SystemExit is raised in it."""
    return create_server(
        app,
        host=host,
        port=port,
        threads=THREADS,
        max_request_body_size=MAX_REQUEST,
        connection_limit=CONNECTIONS,
        asyncore_use_poll=True,
        channel_timeout=60,
        ident="",
        clear_untrusted_proxy_headers=True,
    )
