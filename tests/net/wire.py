"""A server that answers whatever a test wants, byte by byte, and keeps what it heard."""

from __future__ import annotations

import contextlib
import itertools
import re
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

from relay.kommunicate.client import KommunicateClient

KEY = "key-1"
GROUP, ALEX, SAM = "123456", "alex@sandbox.test", "sam@sandbox.test"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)

Answer = Callable[[socket.socket, threading.Event], None]


class Wire:
    """Gives each connection to `answer` once a request is complete, again and again.

    `requests` is what came over which connection, whole or not; `open` counts the connections that are.
    """

    def __init__(self, answer: Answer, tls: ssl.SSLContext | None = None) -> None:
        self.answer = answer
        self.requests: list[tuple[int, bytes]] = []
        self.open = 0
        self.over = threading.Event()
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.05)
        port = self._listener.getsockname()[1]
        self.url = f"https://localhost:{port}" if tls else f"http://127.0.0.1:{port}"

    @property
    def heard(self) -> list[bytes]:
        """What came, request by request."""
        return [request for _, request in self.requests]

    def __enter__(self) -> Wire:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self._listener.close()

    def _accept(self) -> None:
        for number in itertools.count(1):
            connection = self._next()
            if connection is None:
                return
            self.open += 1
            threading.Thread(target=self._serve, args=(connection, number), daemon=True).start()

    def _next(self) -> socket.socket | None:
        while not self.over.is_set():
            with contextlib.suppress(OSError):
                connection, _ = self._listener.accept()
                return self._tls.wrap_socket(connection, server_side=True) if self._tls else connection
        return None

    def _serve(self, connection: socket.socket, number: int) -> None:
        with connection, contextlib.suppress(OSError):
            while self._hear(connection, number):
                self.answer(connection, self.over)
        self.open -= 1

    def _hear(self, connection: socket.socket, number: int) -> bool:
        """Read one request; closing on unread bytes would reset the connection. False if it broke off."""
        request = b""
        while not _is_whole(request):
            piece = connection.recv(65536)
            request += piece
            if not piece:
                if request:
                    self.requests.append((number, request))
                return False
        self.requests.append((number, request))
        return True


def _is_whole(request: bytes) -> bool:
    head, end, body = request.partition(b"\r\n\r\n")
    length = _LENGTH.search(head)
    return bool(end) and len(body) >= (int(length[1]) if length else 0)


def certify(path: Path, *names: str) -> None:
    """Write a certificate for these names, with its key; whoever is to believe it must be told to."""
    made = f"openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=test -keyout {path} -out {path}.crt"
    alternatives = ",".join(f"DNS:{name}" for name in names)
    subprocess.run([*made.split(), "-addext", f"subjectAltName={alternatives}"], check=True, capture_output=True)
    path.write_text(path.read_text() + Path(f"{path}.crt").read_text())


def say(body: bytes, head: bytes = HEAD) -> Answer:
    """One whole response."""
    return lambda connection, _: connection.sendall(head + b"Content-Length: %d\r\n\r\n%s" % (len(body), body))


def hang_up(connection: socket.socket, _: threading.Event) -> None:
    """No response: the connection ends."""
    connection.shutdown(socket.SHUT_RDWR)


def status_line(status: int, **headers: str) -> bytes:
    """The head of a response, but for its length."""
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([f"HTTP/1.1 {status} x", *lines, ""]).encode()


def drip(first: bytes, piece: bytes = b"x") -> Answer:
    """One piece at a time, each well within any timeout per read, until the test is over."""

    def answer(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(first)
        while not over.wait(0.01):
            connection.sendall(piece)

    return answer


# One call of each kind, with a deadline.
CALLS: dict[str, Callable[[KommunicateClient, float], object]] = {
    "people": lambda client, deadline: client.people(["u1"], deadline=deadline),
    "send": lambda client, deadline: client.send(GROUP, "hello", sender=ALEX, relay_id="r1", deadline=deadline),
    "assign": lambda client, deadline: client.assign(
        GROUP, SAM, acting=ALEX, take_over_from_bot=True, notify=True, deadline=deadline
    ),
    "status": lambda client, deadline: client.set_status(
        GROUP, "resolved", acting=ALEX, notify=True, deadline=deadline
    ),
}
PATHS = {
    "people": ("POST", "/rest/ws/user/v2/detail"),
    "send": ("POST", "/rest/ws/message/v2/send"),
    "assign": ("PATCH", "/rest/ws/group/assignee/change"),
    "status": ("PATCH", "/rest/ws/group/status/change"),
}
