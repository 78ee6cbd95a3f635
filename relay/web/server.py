"""Serves the app with waitress: one process, few threads; waitress's own loop reads requests."""

from __future__ import annotations

import resource
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from threading import Event
from typing import Any

from flask import Flask
from waitress.channel import HTTPChannel
from waitress.server import BaseWSGIServer, create_server
from waitress.task import ThreadedTaskDispatcher
from waitress.wasyncore import dispatcher

from relay.clock import monotonic
from relay.files import MAX_FILE
from relay.web.connections import LOOK_EVERY, keep_moving

MAX_REQUEST = 1024 * 1024  # bytes; the server itself refuses more, whatever the token
CONNECTIONS = 2000  # waitress's default is 100, and as many stalled clients would lock everybody out
OTHER_FILES = 300  # for calls to the vendors (180 at a time, and 64 connections that are kept), the database, the log
LEAST = 100  # connections, however few files there may be
THREADS = 32  # at most so many webhooks share a commit, which costs less the more they are
# Answers are shorter, so the loop sends them. If threads do, the loop spins, and they wait for it to release the
# interpreter: a quarter fewer answers per second.
SEND_BYTES = 18_000
FINISH_WITHIN = 5.0  # seconds at the end for requests that have been read


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
        inbuf_overflow=MAX_REQUEST,  # no file for each: `connections` keeps what is in memory small
        connection_limit=connections_that_fit(),
        asyncore_use_poll=True,
        cleanup_interval=LOOK_EVERY,
        send_bytes=SEND_BYTES,
        ident="",
        clear_untrusted_proxy_headers=True,
        # A file is buffered completely, on disk: a client that is slow to receive it must not occupy a webhook thread.
        outbuf_high_watermark=MAX_FILE + 2**20,
    )
    for one in _listening(sockets):
        keep_moving(one, sockets)
    if until is not None:
        _End(until.dup(), sockets)  # the server closes all it has
    threads = server.task_dispatcher
    threads.shutdown = partial(_finish, threads.shutdown, threads, sockets)  # type: ignore[method-assign]
    return server


class _End(dispatcher):
    """Ends the server's loop between two of its steps, and breaks none off."""

    def writable(self) -> bool:
        """It only listens."""
        return False

    def handle_read(self) -> None:
        """Somebody wants it to end."""
        raise SystemExit


def _finish(shutdown: Callable[..., bool], threads: ThreadedTaskDispatcher, sockets: Mapping[int, Any]) -> bool:
    """Answer what has been read, because the loop has ended, and hang up: whoever asks from now on is told at once."""
    ends = monotonic() + FINISH_WITHIN
    for one in _listening(sockets):
        if one.socket is not None:
            one.socket.close()
        # A thread that is late must not wake the loop: by then, its file's number may be the database's.
        one.pull_trigger = _nobody_to_wake  # type: ignore[method-assign]
    while threads.queue and monotonic() < ends:  # waitress itself would drop them
        Event().wait(0.01)
    finished = shutdown(timeout=max(0.0, ends - monotonic()))
    for channel in list(sockets.values()):
        if isinstance(channel, HTTPChannel):
            if channel.writable():
                channel.handle_write()
            if channel.socket is not None:  # it may be closed by now
                with suppress(OSError):
                    channel.socket.shutdown(socket.SHUT_WR)
    return finished


def _nobody_to_wake() -> None:
    """The loop has ended."""


def _listening(sockets: Mapping[int, Any]) -> list[BaseWSGIServer]:
    """The server; several of them, for a name with several addresses."""
    return [one for one in sockets.values() if isinstance(one, BaseWSGIServer)]


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
    return CONNECTIONS if allowed == resource.RLIM_INFINITY else max(LEAST, min(CONNECTIONS, allowed - OTHER_FILES))
