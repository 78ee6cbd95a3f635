"""What tests of downloads share: look-ups that find what a test says, sinks, and an eye on every connection."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

from relay.net.names import Address

HERE = ("127.0.0.1", "::1")


class LookUps:
    """Stands in for the look-up of names: finds these addresses; with several rows, one after the other."""

    def __init__(self, *rows: Sequence[str]) -> None:
        self.asked: list[str] = []
        self._rows = list(rows)

    def __call__(self, host: str, port: int, seconds: float) -> Sequence[Address]:
        self.asked.append(host)
        row = self._rows.pop(0) if len(self._rows) > 1 else self._rows[0]
        return [found(numeric, port) for numeric in row]


def found(numeric: str, port: int) -> Address:
    """One address as a look-up returns it."""
    if ":" in numeric:
        return socket.AF_INET6, socket.SOCK_STREAM, 6, "", (numeric, port, 0, 0)
    return socket.AF_INET, socket.SOCK_STREAM, 6, "", (numeric, port)


class Sink:
    """Keeps how much came, and nothing of it."""

    size = 0

    def write(self, piece: bytes) -> int:
        self.size += len(piece)
        return len(piece)


@contextmanager
def watching() -> Iterator[list[tuple[str, int]]]:
    """Every address that anybody tries to connect to; beyond this machine nobody gets."""
    tried: list[tuple[str, int]] = []
    connect = socket.socket.connect

    def watched(connection: socket.socket, address: Any) -> None:
        tried.append(address[:2])
        if address[0] not in HERE:
            raise ConnectionRefusedError
        connect(connection, address)

    with mock.patch.object(socket.socket, "connect", watched):
        yield tried


class Doors:
    """Listens at this machine's addresses, at the same port of each, and counts who comes."""

    def __init__(self) -> None:
        with ExitStack() as opened:
            first = opened.enter_context(socket.create_server((HERE[0], 0)))
            self.port: int = first.getsockname()[1]
            second = opened.enter_context(socket.create_server((HERE[1], self.port), family=socket.AF_INET6))
            self._listeners = (first, second)
            for listener in self._listeners:
                listener.setblocking(False)
            self._opened = opened.pop_all()

    def __enter__(self) -> Doors:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def knocks(self) -> int:
        """How many connections there have been since the last question."""
        return sum(_came(listener) for listener in self._listeners)


def _came(listener: socket.socket) -> int:
    count = 0
    while True:
        try:
            connection, _ = listener.accept()
        except BlockingIOError:
            return count
        connection.close()
        count += 1


def public(*numeric: str) -> Callable[[str], bool]:
    """A judgement by which only these addresses are on the open internet."""
    return lambda text: text in numeric
