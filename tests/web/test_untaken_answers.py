"""Clients that ask for large answers and do not take them hold no thread, and fill neither memory nor disk."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress

import pytest
import requests
from flask import Flask

from relay.web import connections, server
from relay.web.server import THREADS, open_server
from tests.harness import PATIENCE

SIZE = 2**20  # bytes of a large answer; a system takes a few of them by itself
WHOLE = 8 * SIZE  # and of one that no system takes
pytestmark = pytest.mark.filterwarnings("ignore:send_bytes")
LARGE, SMALL = b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n", b"GET /small HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture(autouse=True)
def smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are of a megabyte at most."""
    monkeypatch.setattr(server, "MAX_FILE", SIZE)


@contextmanager
def serving(size: int = SIZE) -> Iterator[int]:
    """The relay's server with two answers, a large one and a small one; yields its port."""
    app = Flask("answers")
    app.add_url_rule("/large", "large", lambda: b"x" * size)
    app.add_url_rule("/small", "small", lambda: b"small")
    opened = open_server(app, "127.0.0.1", 0)

    def run() -> None:
        with suppress(OSError):  # its sockets are closed under it at the end
            opened.run()

    threading.Thread(target=run, daemon=True).start()
    with closing(opened):
        yield int(opened.effective_port)


@contextmanager
def asking(port: int, sent: bytes) -> Iterator[socket.socket]:
    """A client that asks and takes no more of the answers than its system does by itself."""
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(PATIENCE)
        client.connect(("127.0.0.1", port))
        client.sendall(sent)
        yield client


def test_who_asks_for_more_before_taking_a_large_answer_holds_no_thread() -> None:
    with serving() as port, ExitStack() as stack:
        for _ in range(2 * THREADS):
            stack.enter_context(asking(port, LARGE * 16))
        for _ in range(3 * THREADS):
            assert requests.get(f"http://127.0.0.1:{port}/small", timeout=PATIENCE).content == b"small"


def test_small_answers_come_to_all_that_was_asked_at_once() -> None:
    with serving() as port, asking(port, SMALL * 9 + LARGE) as client:
        came = b""
        while len(came) < SIZE:
            came += client.recv(2**20)
    assert came.count(b"200 OK") == 10


def test_what_nobody_takes_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has taken nothing for longest goes; the others have theirs."""
    monkeypatch.setattr(connections, "UNTAKEN", 2 * WHOLE)
    monkeypatch.setattr(server, "MAX_FILE", WHOLE)
    with serving(WHOLE) as port, ExitStack() as stack:
        clients = []
        for _ in range(6):
            clients.append(stack.enter_context(asking(port, LARGE)))
            assert clients[-1].recv(1) == b"H"
        taken = [len(_all_of(client)) >= WHOLE for client in clients]
    assert taken[0] is False
    assert taken[-1] is True


def _all_of(client: socket.socket) -> bytes:
    came = bytearray()
    with suppress(ConnectionError):
        while len(came) <= WHOLE and (piece := client.recv(2**20)):
            came += piece
    return bytes(came)
