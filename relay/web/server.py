"""Serves the app with waitress: one process, few threads; waitress's own loop reads requests."""

from __future__ import annotations

import resource
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from flask import Flask
from waitress.channel import HTTPChannel
from waitress.server import BaseWSGIServer, create_server
from waitress.wasyncore import dispatcher

from relay.files import MAX_FILE
from relay.web.connections import LOOK_EVERY, keep_moving

MAX_REQUEST = 1024 * 1024  # bytes; the server itself refuses more, whatever the token
CONNECTIONS = 2000  # waitress's default is 100, and as many stalled clients would lock everybody out
OTHER_FILES = 100  # needed by the database, Slack and the log
THREADS = 32  # at most so many webhooks share a commit, which costs less the more they are
# Answers are shorter, so the loop sends them. If threads do, the loop spins, and they wait for it to release the
# interpreter: a quarter fewer answers per second.
SEND_BYTES = 18_000


def open_server(app: Flask, host: str, port: int, until: socket.socket | None = None) -> Any:
    """Bind `host:port` (0: any free port, see `effective_port`); `run()` serves until `until` can be read."""
    sockets: dict[int, Any] = {}
    server = create_server(
        app,
        map=sockets,
        host=host,
        port=port,
        threads=THREADS,
        max_request_body_size=MAX_REQUEST,
        connection_limit=connections_that_fit(),
        asyncore_use_poll=True,
        cleanup_interval=LOOK_EVERY,
        send_bytes=SEND_BYTES,
        ident="",
        clear_untrusted_proxy_headers=True,
        # A file is buffered completely, on disk: a client that is slow to receive it must not occupy a webhook thread.
        outbuf_high_watermark=MAX_FILE + 2**20,
    )
    for one in list(sockets.values()):  # a name with several addresses has several servers
        if isinstance(one, BaseWSGIServer):
            keep_moving(one, sockets)
    if until is not None:
        _End(until.dup(), sockets)  # the server closes all it has
    server.task_dispatcher.shutdown = partial(_finish, server.task_dispatcher.shutdown, sockets)  # type: ignore[method-assign]
    return server


class _End(dispatcher):
    """Ends the server's loop between two of its steps, and breaks none off."""

    def writable(self) -> bool:
        """It only listens."""
        return False

    def handle_read(self) -> None:
        """Somebody wants it to end."""
        raise SystemExit


def _finish(shutdown: Callable[..., bool], sockets: Mapping[int, Any], *args: Any, **rest: Any) -> bool:
    """Let the threads finish, and send their answers, because the loop has ended."""
    finished = shutdown(*args, **rest)
    for channel in list(sockets.values()):
        if isinstance(channel, HTTPChannel) and channel.writable():
            channel.handle_write()
    return finished


def connections_that_fit() -> int:
    """`CONNECTIONS`, or fewer if the process may not open as many files; raises its own limit as far as possible.

    Beyond that limit, accepting fails repeatedly, and so does opening the database.
    """
    wanted = CONNECTIONS + OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        more = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (more, hard))
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return (
        CONNECTIONS if allowed == resource.RLIM_INFINITY else max(OTHER_FILES, min(CONNECTIONS, allowed - OTHER_FILES))
    )
