"""slack_sdk's Socket Mode client, with two additions: a closed connection is noticed at once, and nothing is logged."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from slack_sdk.socket_mode.builtin import SocketModeClient
from slack_sdk.socket_mode.builtin.connection import Connection
from slack_sdk.web import WebClient

from relay.net.call import proxy_to
from relay.net.connections import trusting

BUFFER = 2**16  # bytes; the client recurses once for each piece of a message
_SILENT = logging.Logger("socket-mode", logging.CRITICAL + 1)  # the client's log lines quote addresses and bodies


class SocketClient(SocketModeClient):
    """Connects when told to, and again when Slack asks for it; `open_url` returns the address, or raises.

    `hear` receives each message, one at a time; `look` its text, as soon as it arrives.
    """

    def __init__(self, open_url: Callable[[], str], hear: Any, look: Callable[[str], None], ping: float) -> None:
        self._open_url = open_url
        super().__init__(
            app_token="",  # only the request for the address needs it
            web_client=WebClient(ssl=trusting()),
            logger=_SILENT,
            auto_reconnect_enabled=False,
            ping_interval=ping,
            receive_buffer_size=BUFFER,
            concurrency=1,  # in order of arrival
            on_message_listeners=[look],
            on_error_listeners=[self._give_up],
        )
        self.message_listeners.append(hear)

    def issue_new_wss_url(self) -> str:
        """Returns the address to connect to."""
        url = self._open_url()
        self.proxy = proxy_to(urlsplit(url).hostname or "", "https")
        return url

    def connect(self) -> None:
        """Opens a connection, and drops the previous one."""
        super().connect()
        session = self.current_session
        if session is not None:  # the client closes it when it switches to another one
            session.close = partial(_close, session)  # type: ignore[method-assign]
        if self.closed:
            self.hang_up()

    def is_there(self) -> bool:
        """False once the connection is gone; the client itself would notice a close by Slack only at a ping."""
        session = self.current_session
        if session is None or session.sock is None:
            return False
        if _has_ended(session.sock):
            self.hang_up()
        return self.is_connected()

    def hang_up(self) -> None:
        """Ends the connection."""
        if self.current_session is not None:
            _close(self.current_session)

    def end(self) -> None:
        """Ends the connection and everything around it."""
        self.closed = True
        self.enqueue_message(None)  # type: ignore[arg-type]  # wakes whoever waits for the next one, for a second
        self.hang_up()
        self.close()

    def _give_up(self, error: Exception) -> None:
        """After an unreadable message, nobody knows where the next one begins; a broken connection ends by itself."""
        if not isinstance(error, OSError):
            self.hang_up()


def _close(session: Connection) -> None:
    """Wakes the reader, for which the client would wait three seconds."""
    connection = session.sock
    if connection is not None:
        with suppress(OSError, ValueError):
            connection.shutdown(socket.SHUT_RDWR)
    session.disconnect()


def _has_ended(connection: socket.socket) -> bool:
    """True if the other side has closed it and everything it sent was read; consumes nothing."""
    try:
        with socket.socket(fileno=os.dup(connection.fileno())) as same:
            return same.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
