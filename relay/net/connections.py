"""Sockets whose every wait ends with their thread's current deadline, and the trusted TLS certificates."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import certifi

from relay.clock import monotonic
from relay.net.names import Address

Option = tuple[int, int, int | bytes]


class Deadline(threading.local):
    """When this thread's exchange must be over, on `relay.clock.monotonic`."""

    ends = 0.0

    def left(self) -> float:
        """Seconds left; raises TimeoutError if there are none."""
        seconds = self.ends - monotonic()
        if seconds <= 0:
            raise TimeoutError
        return seconds


under_way = Deadline()


class InTime(socket.socket):
    """A socket whose every wait ends with the exchange; each use may be another one's."""

    def recv_into(self, *args: Any, **rest: Any) -> int:
        """As in `socket.socket`, within the deadline."""
        self.settimeout(under_way.left())
        return super().recv_into(*args, **rest)

    def recv(self, *args: Any, **rest: Any) -> bytes:
        """As in `socket.socket`, within the deadline."""
        self.settimeout(under_way.left())
        return super().recv(*args, **rest)

    def sendall(self, *args: Any, **rest: Any) -> None:
        """As in `socket.socket`, within the deadline."""
        self.settimeout(under_way.left())
        super().sendall(*args, **rest)


class InTimeOverTLS(InTime, ssl.SSLSocket):
    """The same for TLS."""


def connect(found: Sequence[Address], options: Iterable[Option] = ()) -> InTime:
    """A connection to the first of these addresses that answers in time; raises OSError if none does."""
    failure: OSError = OSError("no address")
    for number, (family, kind, protocol, _, address) in enumerate(found):
        connection = InTime(family, kind, protocol)
        try:
            for option in options:
                connection.setsockopt(*option)
            connection.settimeout(under_way.left() / (len(found) - number))  # a dead address leaves time for the next
            connection.connect(address)
            connection.settimeout(under_way.left())
        except OSError as error:
            connection.close()
            failure = error
        else:
            return connection
    raise failure


def tls() -> ssl.SSLContext:
    """For connections with deadlines."""
    context = trusting()
    context.sslsocket_class = InTimeOverTLS
    return context


def trusting() -> ssl.SSLContext:
    """Trusts the machine's certificate authorities; if it has none, like a bare container, Mozilla's."""
    context = ssl.create_default_context()
    known = ssl.get_default_verify_paths()
    if not (known.cafile or (known.capath and any(Path(known.capath).iterdir()))):
        context.load_verify_locations(certifi.where())
    return context
