"""Requests that servers and proxies read in different ways: refused, or read safely and nothing after them."""

from __future__ import annotations

import re
import socket

import pytest

from tests.harness import PATIENCE, raw
from tests.processes import RelayProcess
from tests.web.wire import GOOD, chunks

CHUNKED = "Transfer-Encoding: chunked"
BODY = raw("edge")


def ask(line: str, *headers: str, content: bytes = b"") -> bytes:
    """One request that does not ask for the connection to be closed."""
    return "".join(f"{one}\r\n" for one in (line, *headers)).encode("latin-1") + b"\r\n" + content


def post(*headers: str, content: bytes = b"", version: str = "1.1") -> bytes:
    return ask(f"POST /kommunicate/webhook HTTP/{version}", "Host: x", *GOOD, *headers, content=content)


NEXT = ask("GET /healthz HTTP/1.1", "Host: x")
LAST = ask("GET /healthz HTTP/1.1", "Host: x", "Connection: close")
WHOLE = post(f"Content-Length: {len(BODY)}", content=BODY)

# What comes on one connection -> the answers to it, after which the server closes it.
READ: dict[str, tuple[bytes, list[int]]] = {
    # pipelined requests are answered in their order
    "pipelined": (NEXT + WHOLE + NEXT + WHOLE + LAST, [200] * 5),
    "pipelined, one refused": (NEXT + ask("POST /kommunicate/webhook HTTP/1.1", "Host: x") + NEXT, [200, 401]),
    "blank lines between": (b"\r\n\r\n" + NEXT + b"\r\n" + LAST, [200, 200]),
    "after a body in chunks": (post(CHUNKED, content=chunks(BODY)) + LAST, [200, 200]),
    # two lengths that may differ: what follows is nobody's request
    "a length and chunks": (post("Content-Length: 3", CHUNKED, content=chunks(BODY)) + NEXT, [200]),
    "chunks and a length": (post(CHUNKED, f"Content-Length: {len(BODY)}", content=chunks(BODY)) + NEXT, [200]),
    "chunked twice": (post(CHUNKED, CHUNKED, content=chunks(BODY)) + NEXT, [200]),
    "chunked, chunked": (post("Transfer-Encoding: chunked, chunked", content=chunks(BODY)) + NEXT, [200]),
    "chunks in HTTP/1.0": (
        post(CHUNKED, "Connection: keep-alive", f"Content-Length: {len(BODY)}", content=BODY, version="1.0") + NEXT,
        [200],
    ),
    "chunked, in capitals": (post("TRANSFER-ENCODING:CHUNKED", content=chunks(BODY)) + LAST, [200, 200]),
    "not quite chunked": (post("Transfer-Encoding: xchunked", content=chunks(BODY)) + NEXT, [501]),
    "chunked, identity": (post("Transfer-Encoding: chunked, identity", content=chunks(BODY)) + NEXT, [501]),
    "two lengths": (post("Content-Length: 5", "Content-Length: 6", content=BODY) + NEXT, [400]),
    "one length twice": (post(*[f"Content-Length: {len(BODY)}"] * 2, content=BODY) + NEXT, [400]),
    "two lengths in one": (post("Content-Length: 5, 5", content=BODY) + NEXT, [400]),
    "a length with a sign": (post("Content-Length: +5", content=BODY) + NEXT, [400]),
    "a length in hex": (post("Content-Length: 0x5", content=BODY) + NEXT, [400]),
    "a length of 5,000 digits": (post("Content-Length: " + "9" * 5000) + NEXT, [400]),
    "no length": (post(content=BODY) + NEXT, [400, 400]),
    # headers that go on, or hide something
    "a folded header": (post("X: a", " b", f"Content-Length: {len(BODY)}", content=BODY) + NEXT, [400]),
    "a folded length": (post("Content-Length: 5", "\t0", content=BODY) + NEXT, [400]),
    "a folded coding": (post("Transfer-Encoding:", " chunked", content=chunks(BODY)) + NEXT, [400]),
    "NUL in a header": (ask("GET /healthz HTTP/1.1", "Host: x", "X: a\x00b") + NEXT, [400]),
    "NUL in its name": (ask("GET /healthz HTTP/1.1", "Host: x", "X\x00: a") + NEXT, [400]),
    "NUL in the path": (ask("GET /\x00 HTTP/1.1", "Host: x", "Connection: close"), [404]),
    "a lone line break in a header": (ask("GET /healthz HTTP/1.1", "Host: x", "X: a\nY: b") + NEXT, [400]),
    "a blank before the colon": (ask("GET /healthz HTTP/1.1", "Host : x") + NEXT, [400]),
    "no colon": (ask("GET /healthz HTTP/1.1", "Host") + NEXT, [400]),
    "no name": (ask("GET /healthz HTTP/1.1", ": x") + NEXT, [400]),
    # other versions
    "HTTP/1.0": (ask("GET /healthz HTTP/1.0") + NEXT, [200]),
    "HTTP/1.0, kept": (ask("GET /healthz HTTP/1.0", "Connection: keep-alive") + LAST, [200, 200]),
    "HTTP/0.9": (ask("GET /healthz") + NEXT, [200]),
    "HTTP/2's beginning": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + NEXT, [404]),
    "a version of letters": (ask("GET /healthz HTTP/x.y") + NEXT, [400]),
    "a method in small letters": (ask("get /healthz HTTP/1.1", "Host: x") + NEXT, [400]),
}


@pytest.mark.parametrize(("sent", "answers"), READ.values(), ids=READ)
def test_each_is_answered_once_and_nothing_hides_behind_it(web: RelayProcess, sent: bytes, answers: list[int]) -> None:
    assert statuses(web, sent) == answers


def test_whoever_asks_whether_to_go_on_is_told(web: RelayProcess) -> None:
    head = post(f"Content-Length: {len(BODY)}", "Expect: 100-continue", "Connection: close")
    with socket.create_connection(("127.0.0.1", web.port), PATIENCE) as connection:
        connection.sendall(head)
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(BODY)
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")


def statuses(relay: RelayProcess, sent: bytes) -> list[int]:
    """The statuses of all answers, until the server closes the connection."""
    received = b""
    with socket.create_connection(("127.0.0.1", relay.port), PATIENCE) as connection:
        connection.sendall(sent)
        while piece := connection.recv(65_536):
            received += piece
    return [int(status) for status in re.findall(rb"(?m)^HTTP/1\.[01] (\d{3}) ", received)]
