"""One connection of Socket Mode, from the handshake to its end."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Ping, Request, TextMessage
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

if TYPE_CHECKING:
    from wsproto.events import Event

    from relay.sandbox.slack.sockets import Sockets

LOOK = 0.1  # seconds between checks whether the sandbox ends


class Socket:
    """A connected app; `silent` makes the connection answer nothing any more, as behind a dead router."""

    def __init__(self, sockets: Sockets, connection: socket.socket, headers: Mapping[str, str]) -> None:
        self.silent = self._dropped = False
        self._sockets, self._connection = sockets, connection
        self._protocol = WSConnection(ConnectionType.SERVER)
        pairs = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        self._protocol.initiate_upgrade_connection(pairs, b"/slack/link")
        self._writing = threading.Lock()
        self._text = ""

    def run(self) -> None:
        """Runs until either side ends it."""
        self._connection.settimeout(LOOK)
        try:
            while not (self._dropped or self._sockets.core.closing.is_set()):
                if not all(map(self._happened, self._protocol.events())):
                    return
                with suppress(TimeoutError):
                    self._protocol.receive_data(self._connection.recv(65536) or None)
        except (OSError, RemoteProtocolError):
            return
        finally:
            if self in self._sockets.open:
                self._sockets.open.remove(self)

    def say(self, message: Mapping[str, Any]) -> None:
        """Sends a JSON message; does nothing if the other side is gone."""
        self._send(TextMessage(json.dumps(message)))

    def drop(self) -> None:
        """Ends the connection with a reset, like a broken line."""
        with suppress(OSError):  # linger 0 makes the server's close a bare RST, see relay/sandbox/server.py
            self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._dropped = True

    def _happened(self, event: Event) -> bool:
        """False at the end of the connection."""
        match event:
            case Request():
                self._send(AcceptConnection())
                self._sockets.open.append(self)
                self._sockets.opened += 1
                self.say(self._sockets.greeting())
            case Ping() if not self.silent:
                self._send(event.response())
            case TextMessage() if not self.silent:
                self._text += event.data
                if event.message_finished:
                    self._sockets.hear(self._text)
                    self._text = ""
            case CloseConnection():
                return False
        return True

    def _send(self, event: Event) -> None:
        with self._writing, suppress(OSError, LocalProtocolError):
            self._connection.sendall(self._protocol.send(event))
