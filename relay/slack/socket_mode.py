"""Keeps a Socket Mode connection open: if it is lost, it is opened again; its messages are passed on one by one.

slack_sdk's client handles the protocol: frames, pings, and the switch to a new connection when Slack asks for it, while
the old one stays open. We open the first connection, and another after a loss, because the client would not say why it
cannot, and would retry every five seconds for ever. https://docs.slack.dev/apis/events-api/using-socket-mode,
https://docs.slack.dev/reference/methods/apps.connections.open
"""

from __future__ import annotations

import itertools
import json
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import structlog
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.response import SocketModeResponse

from relay.clock import monotonic
from relay.errors import DeliveryFailed, RateLimited, Transient
from relay.slack.api import Api, unreadable
from relay.slack.socket_client import SocketClient

OPEN = "apps.connections.open"
DEADLINE = 8.0  # seconds for that call
PING = 5.0  # seconds between pings; after four without an answer, the connection is given up
LOOK = 0.25  # seconds between checks whether it is still open
WAITS = (1.0, 2.0, 5.0, 15.0, 30.0, 60.0)  # seconds between attempts to connect; the last one repeats
OFTEN, WITHIN, PAUSE = 5, 60.0, 15.0  # after this many connections within so many seconds, the next one waits
CLOSING = 2.0  # seconds that stopping waits for work in progress
SHORT = 2000  # characters; Slack's messages about the connection are shorter

SWITCHED_OFF = "link_disabled"
APP_TOKEN = "SLACK_APP_TOKEN"  # noqa: S105  the variable
ADVICE = {
    "invalid_auth": "{variable} is wrong or was revoked: copy it again from Basic Information, App-Level Tokens",
    "not_authed": "set {variable}",
    "not_allowed_token_type": "{variable} must be an app-level token; it begins with xapp-",
    "missing_scope": "{variable} lacks the scope connections:write: make another one that has it",
    "token_revoked": "{variable} was revoked: make another one",
    "account_inactive": "the app was removed from the workspace: install it again",
    SWITCHED_OFF: "Socket Mode is off: turn it on in the app's settings, under Socket Mode",
}

Acknowledge = Callable[[str, Mapping[str, Any] | None], None]
Take = Callable[[Mapping[str, Any], Acknowledge], None]

log = structlog.get_logger()


class SocketMode:
    """Keeps a connection from `start` to `stop`; a context manager does both.

    `take` receives each message, in its own thread and one at a time, and acknowledges by the envelope's id what is
    stored. Slack sends again what it does not acknowledge.
    """

    def __init__(self, token: str, api_url: str, take: Take, *, variable: str = APP_TOKEN, ping: float = PING) -> None:
        """`variable` is where the token comes from."""
        self._api = Api(token, api_url, deadline=DEADLINE, variable=variable)
        self._take, self._ping = take, ping
        self._stopping, self._taking = threading.Event(), threading.Lock()
        self._opened: deque[float] = deque(maxlen=OFTEN)  # when, on the monotonic clock
        self._client: SocketClient | None = None
        self._thread = threading.Thread(target=self._keep, name="socket-mode", daemon=True)

    def __enter__(self) -> SocketMode:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Connect in the background, retrying until it works."""
        self._thread.start()

    def stop(self) -> None:
        """Accept nothing more, acknowledge what is being stored, and disconnect; takes a few seconds at most."""
        self._stopping.set()
        if self._taking.acquire(timeout=CLOSING):
            self._taking.release()
        self._thread.join(CLOSING)
        if self._client is not None:
            closing = threading.Thread(target=self._client.end, name="socket-mode-end", daemon=True)
            closing.start()
            closing.join(CLOSING)

    def _keep(self) -> None:
        self._client = client = SocketClient(self._open, self._hear, self._look, self._ping)
        waits = _waits()
        while not self._stopping.is_set():
            wait = self._connect(client, waits)
            if client.is_connected():
                waits = _waits()
                while client.is_there() and not self._stopping.wait(LOOK):
                    pass
                if not self._stopping.is_set():
                    log.warning("socket.lost", variable=self._api.variable)
            else:
                self._stopping.wait(wait)

    def _connect(self, client: SocketClient, waits: Iterator[float]) -> float:
        """Try once; returns the seconds to wait after a failure."""
        wait = next(waits)
        try:
            client.connect_to_new_endpoint()
        except DeliveryFailed as error:
            self._tell_refused(error.code)
            return max(wait, error.retry_after or 0.0) if isinstance(error, RateLimited) else wait
        except Exception as error:  # noqa: BLE001 - whatever it is: the next attempt may fare better
            self._tell_refused(type(error).__name__)
            return wait
        if not client.is_connected():
            self._tell_refused("no_connection")
        return wait

    def _open(self) -> str:
        """The address to connect to; delayed if connections keep failing."""
        if len(self._opened) == OFTEN and monotonic() - self._opened[0] < WITHIN:
            self._stopping.wait(PAUSE)
        if self._stopping.is_set():
            raise Transient("the relay ends", code="ending")
        self._opened.append(monotonic())
        url = self._api.write(OPEN, {}).get("url")
        if not isinstance(url, str) or urlsplit(url).scheme not in ("wss", "ws"):
            raise unreadable(OPEN)
        return url

    def _hear(self, client: BaseSocketModeClient, message: dict[str, Any], _raw: str | None = None) -> None:
        with self._taking:
            if not self._stopping.is_set():
                self._take(message, partial(_acknowledge, client))

    def _look(self, text: str) -> None:
        """What Slack says of the connection itself, for the log."""
        if len(text) > SHORT:
            return
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            return
        match message:
            case {"type": "hello"}:
                log.info("socket.connected", variable=self._api.variable, connections=message.get("num_connections"))
            case {"type": "disconnect", "reason": "link_disabled"}:
                self._tell_refused(SWITCHED_OFF)
            case {"type": "disconnect"}:
                log.info("socket.changing", variable=self._api.variable, reason=str(message.get("reason")))

    def _tell_refused(self, code: str) -> None:
        hint = ADVICE.get(code, "").replace("{variable}", self._api.variable)
        log.error("socket.refused", variable=self._api.variable, code=code, hint=hint)


def _acknowledge(client: BaseSocketModeClient, envelope_id: str, answer: Mapping[str, Any] | None) -> None:
    try:
        client.send_socket_mode_response(SocketModeResponse(envelope_id, None if answer is None else dict(answer)))
    except Exception as error:  # noqa: BLE001 - whatever the client has of it: Slack sends it again
        log.info("socket.not_acknowledged", error=type(error).__name__)


def _waits() -> Iterator[float]:
    return itertools.chain(WAITS, itertools.repeat(WAITS[-1]))
