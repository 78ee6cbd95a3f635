"""Sockets whose every wait ends with what their thread does at the moment, and whom we trust over TLS."""

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
    """When the exchange that this thread makes is over, as `relay.clock.monotonic` counts."""

    ends = 0.0

    def left(self) -> float:
        """Seconds it may take yet; raises TimeoutError when there are none."""
        seconds = self.ends - monotonic()
        if seconds <= 0:
            raise TimeoutError
        return seconds


under_way = Deadline()


class InTime(socket.socket):
    """A socket whose every wait ends with the exchange; each use may be another one's."""

    def recv_into(self, *args: Any, **rest: Any) -> int:
        """As `socket.socket` does, in time."""
        self.settimeout(under_way.left())
        return super().recv_into(*args, **rest)

    def recv(self, *args: Any, **rest: Any) -> bytes:
        """As `socket.socket` does, in time."""
        self.settimeout(under_way.left())
        return super().recv(*args, **rest)

    def sendall(self, *args: Any, **rest: Any) -> None:
        """As `socket.socket` does, in time."""
        self.settimeout(under_way.left())
        super().sendall(*args, **rest)


class InTimeOverTLS(InTime, ssl.SSLSocket):
    """The same for what is encrypted."""


def connect(found: Sequence[Address], options: Iterable[Option] = ()) -> InTime:
    """A connection to the first of these addresses that answers, in time; raises OSError when none does."""
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
    """For connections that end in time."""
    context = trusting()
    context.sslsocket_class = InTimeOverTLS
    return context


def trusting() -> ssl.SSLContext:
    """Trusts whom the machine trusts; on one that knows of nobody, such as a bare container, whom Mozilla trusts."""
    context = ssl.create_default_context()
    known = ssl.get_default_verify_paths()
    if not (known.cafile or (known.capath and any(Path(known.capath).iterdir()))):
        context.load_verify_locations(certifi.where())
    return context
