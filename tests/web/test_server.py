"""What only sockets can show: lengths that lie, bodies in chunks, clients that stall."""

from __future__ import annotations

import resource
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
import requests

from relay.delivery.worker import AT_MOST
from relay.net.call import KEPT
from relay.store.db.engine import CONNECTIONS as DATABASES
from tests.harness import PATIENCE, ROOT, body, raw
from tests.processes import RelayProcess
from tests.web.wire import GOOD, JSON_HEADER, TOKEN_HEADER, chunks, exchange, lone_environment, request, sized, webhook

LIMIT = 262_144
MIB = 1024 * 1024
CHUNKED = "Transfer-Encoding: chunked"


def length(number: object) -> str:
    return f"Content-Length: {number}"


# Bytes on the wire -> the response's status, and the beginning of its body.
WIRE: dict[str, tuple[bytes, int, bytes]] = {
    "exactly the limit": (webhook(*GOOD, length(LIMIT), content=sized(LIMIT, "a")), 200, b'{"status"'),
    "one more": (webhook(*GOOD, length(LIMIT + 1), content=sized(LIMIT + 1, "b")), 413, b'{"error":"too_large"'),
    "one more, no token": (webhook(JSON_HEADER, length(LIMIT + 1), content=sized(LIMIT + 1)), 401, b'{"error":"unau'),
    "above a MiB, never sent": (webhook(*GOOD, length(MIB + 1)), 413, b"Request Entity Too Large"),
    "above a MiB, no token": (webhook(length(MIB + 1)), 413, b"Request Entity Too Large"),
    "a length of 30 digits": (webhook(*GOOD, length("9" * 30)), 413, b"Request Entity Too Large"),
    "chunked": (webhook(*GOOD, CHUNKED, content=chunks(raw("c"), 7)), 200, b'{"status"'),
    "chunked, the limit": (webhook(*GOOD, CHUNKED, content=chunks(sized(LIMIT, "d"))), 200, b'{"status"'),
    "chunked, one more": (webhook(*GOOD, CHUNKED, content=chunks(sized(LIMIT + 1))), 413, b'{"error":"too_large"'),
    "chunked, above a MiB": (webhook(*GOOD, CHUNKED, content=chunks(b"x" * 2 * MIB)), 413, b"Request Entity"),
    "chunked and a length": (webhook(*GOOD, length(3), CHUNKED, content=chunks(raw("e"))), 200, b'{"status"'),
    "an endless chunk size": (webhook(*GOOD, CHUNKED, content=b"1" * 2 * MIB), 413, b"Request Entity"),
    "a chunk size of letters": (webhook(*GOOD, CHUNKED, content=b"zz\r\n"), 400, b"Bad Request"),
    "gzip as transfer": (webhook(*GOOD, "Transfer-Encoding: gzip, chunked", content=b"0\r\n\r\n"), 501, b"Not Impl"),
    "no length at all": (webhook(*GOOD, content=raw()), 400, b'{"error":"bad_json"'),
    "a negative length": (webhook(*GOOD, length(-1), content=raw()), 400, b"Bad Request"),
    "a length of words": (webhook(*GOOD, length("ten"), content=raw()), 400, b"Bad Request"),
    "a length of 5,000 digits": (webhook(*GOOD, length("9" * 5000)), 400, b"Bad Request"),
    "half an address": (request("GET http://[::1/x"), 400, b"Bad Request"),
    "two lengths": (webhook(*GOOD, length(5), length(6), content=raw()), 400, b"Bad Request"),
    "a length too short": (webhook(*GOOD, length(9), content=raw()), 400, b'{"error":"bad_json"'),
    "two tokens": (webhook(TOKEN_HEADER, *GOOD, length(2), content=b"{}"), 401, b'{"error":"unauthorized"'),
    "two types": (webhook(*GOOD, JSON_HEADER, length(2), content=b"{}"), 415, b'{"error":"unsupported'),
    "a token of bytes": (webhook("Authentication: Basic \xff", length(2), content=b"{}"), 401, b'{"error":"unau'),
    "huge headers": (webhook("X: " + "x" * 300_000), 431, b"Request Header"),
    "a path of bytes": (request("GET /\xff"), 400, b"Bad Request"),
    "a strange host": (request("GET /healthz", "Host: ["), 200, b'{"status"'),
    "not HTTP": (b"\x16\x03\x01\x00\x00\r\n\r\n", 400, b"Bad Request"),
}


@pytest.mark.parametrize(("sent", "status", "begins"), WIRE.values(), ids=WIRE)
def test_it_answers_whatever_comes_down_the_wire(web: RelayProcess, sent: bytes, status: int, begins: bytes) -> None:
    """S5 among them: over the limit is 413, chunked or not, above 1 MiB without reading it all."""
    found, content = exchange(web, sent)
    assert (found, content[: len(begins)]) == (status, begins)


def test_it_reads_no_more_than_a_mib_of_an_endless_body(web: RelayProcess) -> None:
    """S5: whoever goes on writing is cut off long before the end."""
    sent, piece = 0, chunks(b"x" * 60_000)[:-5]
    with socket.create_connection(("127.0.0.1", web.port), PATIENCE) as connection, suppress(OSError):
        connection.sendall(webhook(*GOOD, CHUNKED))
        while sent < 200 * MIB:
            connection.sendall(piece)
            sent += len(piece)
    assert sent < 20 * MIB


def test_it_tells_nothing_about_its_software(web: RelayProcess) -> None:
    assert "Server" not in requests.get(f"{web.url}/healthz", timeout=PATIENCE).headers


@contextmanager
def open_files(limit: int) -> Iterator[None]:
    """Another limit of open files for this process and those it starts."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextmanager
def stalled(relay: RelayProcess, beginning: bytes, count: int) -> Iterator[None]:
    """`count` clients that begin a request and then say nothing more."""
    with ExitStack() as connections:
        for _ in range(count):
            connection = connections.enter_context(socket.create_connection(("127.0.0.1", relay.port), PATIENCE))
            connection.sendall(beginning)
        yield


IN_HEADERS = b"POST /kommunicate/webhook HTTP/1.1\r\nHost: x\r\n"
IN_BODY = webhook(*GOOD, length(1000), content=b'{"key":')


def slowest(relay: RelayProcess, seconds: float) -> float:
    """The 99th percentile of more than fifty good requests' durations, one after the other for `seconds` at least."""
    taken: list[float] = []
    ends = time.monotonic() + seconds
    while time.monotonic() < ends or len(taken) <= 50:
        begun = time.monotonic()
        assert relay.post(body(f"k{len(taken)}-{begun}")).status_code == 200
        taken.append(time.monotonic() - begun)
    return sorted(taken)[len(taken) * 99 // 100]


def test_clients_that_stall_hold_up_nobody(web: RelayProcess) -> None:
    """S7: 500 in their headers, 100 in their bodies, for ten seconds."""
    with open_files(2000), stalled(web, IN_HEADERS, 500), stalled(web, IN_BODY, 100):
        assert slowest(web, seconds=10) < 5 * 1


def test_it_raises_its_own_limit_of_open_files(tmp_path: Path) -> None:
    """256, the default of some machines, would not do: beyond it nobody gets in and no file opens."""
    with open_files(256):
        relay = RelayProcess("serve", "--no-worker", cwd=tmp_path, env=lone_environment("sqlite:///relay.db"))
    try:
        relay.wait_ready()
        with open_files(2000), stalled(relay, IN_HEADERS, 400):
            assert relay.post(body("k1")).status_code == 200
    finally:
        relay.kill()


def test_calls_have_files_of_their_own() -> None:
    """However many clients there are: without one, Slack would seem to be out of reach."""
    told = "from relay.web.server import connections_that_fit as fit; print(fit())"
    command = f"ulimit -n 1024; exec {sys.executable} -c '{told}'"
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, check=True)
    assert 1024 - int(done.stdout) >= sum(AT_MOST.values()) + KEPT + 2 * DATABASES
