"""A server that answers whatever a test wants, byte by byte, and keeps what it heard."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Callable, Iterator

import requests

from relay.kommunicate.client import KommunicateClient

KEY = "key-1"
GROUP, ALEX, SAM = "123456", "alex@sandbox.test", "sam@sandbox.test"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)

Answer = Callable[[socket.socket, threading.Event], None]


class Wire:
    """Gives each connection to `answer` once its request is complete; `heard` is what came over each."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.heard: list[bytes] = []
        self.over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.05)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Wire:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self._listener.close()

    def _accept(self) -> None:
        while not self.over.is_set():
            with contextlib.suppress(OSError):
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            whole = self._hear(connection)
            if whole:
                self.answer(connection, self.over)

    def _hear(self, connection: socket.socket) -> bool:
        """Read one request; closing on unread bytes would reset the connection. False if it broke off."""
        request = b""
        while not _is_whole(request):
            piece = connection.recv(65536)
            request += piece
            if not piece:
                self.heard.append(request)
                return False
        self.heard.append(request)
        return True


def _is_whole(request: bytes) -> bool:
    head, end, body = request.partition(b"\r\n\r\n")
    length = _LENGTH.search(head)
    return bool(end) and len(body) >= (int(length[1]) if length else 0)


def say(body: bytes, head: bytes = HEAD) -> Answer:
    """One whole response."""
    return lambda connection, _: connection.sendall(head + b"Content-Length: %d\r\n\r\n%s" % (len(body), body))


def drip(first: bytes, piece: bytes = b"x") -> Answer:
    """One piece at a time, each well within any timeout per read, until the test is over."""

    def answer(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(first)
        while not over.wait(0.01):
            connection.sendall(piece)

    return answer


@contextlib.contextmanager
def client(base: str, key: str = KEY) -> Iterator[KommunicateClient]:
    """A client that goes there directly, whatever proxy the machine has."""
    with requests.Session() as session:
        session.trust_env = False
        yield KommunicateClient(key, base, session=session)


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
