"""Against real sockets: the deadline is total, the response is capped, the key is never shown."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
import requests

from relay.errors import OperatorNeeded, Transient, Unsure
from relay.kommunicate.client import KommunicateClient
from relay.kommunicate.http import MAX_ABANDONED, MAX_RESPONSE
from tests.harness import PATIENCE

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
DEADLINE = 0.5

Answer = Callable[[socket.socket, threading.Event], None]


@contextlib.contextmanager
def server(answer: Answer) -> Iterator[str]:
    """A server on this machine that gives each connection to `answer`, and an event that tells when all is over."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        threading.Thread(target=_accept, args=(listener, answer, over), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            over.set()


def _accept(listener: socket.socket, answer: Answer, over: threading.Event) -> None:
    while not over.is_set():
        with contextlib.suppress(OSError):
            connection, _ = listener.accept()
            threading.Thread(target=_serve, args=(connection, answer, over), daemon=True).start()


def _serve(connection: socket.socket, answer: Answer, over: threading.Event) -> None:
    with connection, contextlib.suppress(OSError):
        # Closing on unread bytes would reset the connection: the request ends with its JSON.
        while (piece := connection.recv(65536)) and not piece.endswith(b"}"):
            pass
        answer(connection, over)


def drip(first: bytes, piece: bytes = b"x") -> Answer:
    """One piece at a time, each well within any timeout per read, until the test is over."""

    def answer(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(first)
        while not over.wait(0.01):
            connection.sendall(piece)

    return answer


def ask(base: str, deadline: float = DEADLINE, key: str = "key-1") -> object:
    with requests.Session() as session:
        session.trust_env = False
        return KommunicateClient(key, base, session=session).people(["u1"], deadline=deadline)


STALLS: dict[str, Answer] = {
    "silence": lambda connection, over: over.wait(),
    "dripping headers": drip(HEAD + b"X-Slow: "),
    "dripping body": drip(HEAD + b"Content-Length: 9999\r\n\r\n"),
    "dripping chunks": drip(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "dripping status": drip(b"HTTP/1.1 "),
}


@pytest.mark.parametrize("answer", STALLS.values(), ids=STALLS)
def test_the_deadline_is_total(answer):
    with server(answer) as base:
        begun = time.perf_counter()
        with pytest.raises(Unsure):
            ask(base)
        assert time.perf_counter() - begun < DEADLINE * 5


def test_a_good_answer_arrives():
    answer = HEAD + b"Content-Length: 19\r\n\r\n" + b'[{"userId": "u1"}]\n'
    with server(lambda connection, over: connection.sendall(answer)) as base:
        assert ask(base, PATIENCE)


def test_a_response_is_not_read_beyond_its_cap():
    flood = HEAD + b"Content-Length: 99999999\r\n\r\n" + b" " * (MAX_RESPONSE + 100_000)
    with server(lambda connection, over: connection.sendall(flood)) as base, pytest.raises(Unsure, match="too large"):
        ask(base, PATIENCE)


def test_a_connection_that_breaks_after_the_request_is_unsure():
    with server(lambda connection, over: None) as base, pytest.raises(Unsure, match="broke"):
        ask(base, PATIENCE)


def test_a_closed_door_is_transient():
    with socket.socket() as taken:  # bound all the while, or somebody else might listen there
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(Transient, match="cannot be reached"):
            ask(f"http://127.0.0.1:{taken.getsockname()[1]}", PATIENCE)


@pytest.mark.parametrize(
    ("base", "key"),
    [("services.example.com", "key-1"), ("ftp://x", "key-1"), ("http://", "key-1"), ("http://127.0.0.1:9", "SECRET\n1"),
     ("http://127.0.0.1:9", "SECRET\u2603")],
)  # fmt: skip
def test_settings_that_cannot_be_used_are_an_operators_matter(base, key):
    with pytest.raises(OperatorNeeded) as caught:
        ask(base, 5, key)
    assert "SECRET" not in repr(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_abandoned_calls_do_not_pile_up():
    with server(STALLS["dripping status"]) as base, requests.Session() as session:
        session.trust_env = False
        client = KommunicateClient("k", base, session=session)
        for _ in range(MAX_ABANDONED):
            with pytest.raises(Unsure):
                client.people(["u1"], deadline=0.3)
        with pytest.raises(Transient, match="still waiting"):
            client.people(["u1"], deadline=0.3)
