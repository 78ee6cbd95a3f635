"""A connection of Socket Mode that is kept open: lost, it is opened anew; what comes on it is handed on, one by one.

slack_sdk's client speaks the protocol: frames, pings, and the change to a new connection when Slack asks for it, with
the old one open meanwhile. Opening the first one, and another when one is lost, is ours, because the client would not
say why it cannot, and would ask every five seconds for ever.
https://docs.slack.dev/apis/events-api/using-socket-mode, https://docs.slack.dev/reference/methods/apps.connections.open
"""

from __future__ import annotations

import itertools
import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import structlog
from slack_sdk.socket_mode.builtin import SocketModeClient
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web import WebClient

from relay.errors import DeliveryFailed, RateLimited
from relay.net.call import proxy_to
from relay.net.connections import trusting
from relay.slack.api import Api, unreadable

OPEN = "apps.connections.open"
DEADLINE = 8.0  # seconds for that call
PING = 5.0  # seconds between pings; four without an answer, and the connection is given up
LOOK = 0.25  # seconds between looks whether it is still there
WAITS = (1.0, 2.0, 5.0, 15.0, 30.0, 60.0)  # seconds between attempts to connect; the last one repeats
CLOSING = 2.0  # seconds that an end waits for what is under way
BUFFER = 2**16  # bytes; the client goes one call deeper for each piece of a message

ADVICE = {
    "invalid_auth": "SLACK_APP_TOKEN is wrong or was revoked: copy it again from Basic Information, App-Level Tokens",
    "not_authed": "set SLACK_APP_TOKEN",
    "not_allowed_token_type": "SLACK_APP_TOKEN must be an app-level token; it begins with xapp-",
    "missing_scope": "SLACK_APP_TOKEN lacks the scope connections:write: make another one that has it",
    "token_revoked": "SLACK_APP_TOKEN was revoked: make another one",
    "account_inactive": "the app was removed from the workspace: install it again",
}

Acknowledge = Callable[[str, Mapping[str, Any] | None], None]
Take = Callable[[Mapping[str, Any], Acknowledge], None]

log = structlog.get_logger()
_SILENT = logging.Logger("socket-mode", logging.CRITICAL + 1)  # the client's lines quote addresses and bodies


class SocketMode:
    """Keeps a connection from `start` to `stop`; a context manager does both.

    `take` is given each message, in a thread of its own and one at a time, and acknowledges by the envelope's id what
    is stored. What it does not acknowledge Slack sends again.
    """

    def __init__(self, token: str, api_url: str, take: Take, *, ping: float = PING) -> None:
        self._api = Api(token, api_url, deadline=DEADLINE)
        self._take, self._ping = take, ping
        self._stopping, self._taking = threading.Event(), threading.Lock()
        self._client: _Client | None = None
        self._thread = threading.Thread(target=self._keep, name="socket-mode", daemon=True)

    def __enter__(self) -> SocketMode:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Connect in the background, again and again until it works."""
        self._thread.start()

    def stop(self) -> None:
        """Take nothing more, acknowledge what is being stored, and disconnect; takes a few seconds at most."""
        self._stopping.set()
        if self._taking.acquire(timeout=CLOSING):
            self._taking.release()
        self._thread.join(CLOSING)
        if self._client is not None:
            closing = threading.Thread(target=self._client.end, name="socket-mode-end", daemon=True)
            closing.start()
            closing.join(CLOSING)

    def _keep(self) -> None:
        self._client = client = _Client(self._open, self._hear, self._ping)
        waits = _waits()
        while not self._stopping.is_set():
            wait = self._connect(client, waits)
            if client.is_connected():
                waits = _waits()
                while client.is_there() and not self._stopping.wait(LOOK):
                    pass
                if not self._stopping.is_set():
                    log.warning("socket.lost")
            else:
                self._stopping.wait(wait)

    def _connect(self, client: _Client, waits: Iterator[float]) -> float:
        """Try once; returns the seconds to wait where that was in vain."""
        wait = next(waits)
        try:
            client.connect_to_new_endpoint()
        except DeliveryFailed as error:
            log.error("socket.refused", code=error.code, hint=ADVICE.get(error.code, ""))
            return max(wait, error.retry_after or 0.0) if isinstance(error, RateLimited) else wait
        if not client.is_connected():
            log.error("socket.refused", code="no_connection", hint="")
        return wait

    def _open(self) -> str:
        url = self._api.write(OPEN, {}).get("url")
        if not isinstance(url, str) or urlsplit(url).scheme not in ("wss", "ws"):
            raise unreadable(OPEN)
        return url

    def _hear(self, client: BaseSocketModeClient, message: dict[str, Any], _raw: str | None = None) -> None:
        if message.get("type") == "hello":
            log.info("socket.connected", connections=message.get("num_connections"))
        with self._taking:
            if not self._stopping.is_set():
                self._take(message, partial(_acknowledge, client))


def _acknowledge(client: BaseSocketModeClient, envelope_id: str, answer: Mapping[str, Any] | None) -> None:
    try:
        client.send_socket_mode_response(SocketModeResponse(envelope_id, None if answer is None else dict(answer)))
    except Exception as error:  # noqa: BLE001 - whatever the client has of it: Slack sends it again
        log.info("socket.not_acknowledged", error=type(error).__name__)


def _waits() -> Iterator[float]:
    return itertools.chain(WAITS, itertools.repeat(WAITS[-1]))


class _Client(SocketModeClient):
    """slack_sdk's, which asks us for the address to connect to; it never connects by itself unless Slack asks it to."""

    def __init__(self, open_url: Callable[[], str], hear: Any, ping: float) -> None:
        self._open_url = open_url
        super().__init__(
            app_token="",  # only whoever asks for the address needs it
            web_client=WebClient(ssl=trusting()),
            logger=_SILENT,
            auto_reconnect_enabled=False,
            ping_interval=ping,
            receive_buffer_size=BUFFER,
            concurrency=1,  # in the order in which it came
            on_error_listeners=[lambda _error: self.hang_up()],
            on_close_listeners=[lambda _code, _reason: self.hang_up()],
        )
        self.message_listeners.append(hear)

    def issue_new_wss_url(self) -> str:
        url = self._open_url()
        self.proxy = proxy_to(urlsplit(url).hostname or "", "https")
        return url

    def is_there(self) -> bool:
        """False once the connection is gone; one that Slack has closed the client itself would notice at a ping."""
        session = self.current_session
        if session is None or session.sock is None:
            return False
        if _has_ended(session.sock):
            self.hang_up()
        return self.is_connected()

    def hang_up(self) -> None:
        """End the connection: whoever reads from it wakes up, and lets go of it."""
        session = self.current_session
        if session is not None and session.sock is not None:
            with suppress(OSError, ValueError):
                session.sock.shutdown(socket.SHUT_RDWR)
            session.close()

    def end(self) -> None:
        """End the connection and all that is about it."""
        self.hang_up()
        self.close()


def _has_ended(connection: socket.socket) -> bool:
    """True when the other side has closed it and all that it sent was read; read without taking anything away."""
    try:
        with socket.socket(fileno=os.dup(connection.fileno())) as same:
            return same.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
