"""S19: clients that never end a request are cut off and keep nobody out; refusals cost little more than an answer."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import pytest
import requests

from bench.hostile_clients import Clients, drip
from tests.harness import PATIENCE, body, wait_for
from tests.processes import Forked, RelayProcess
from tests.web.wire import GOOD, exchange, lone_environment, request, sized, webhook

ROOM = 100  # connections: what a process takes in at least, however few files it may open
PLACE = "relay.web.connections"
Begin = Callable[..., RelayProcess]


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    """Start a relay with other limits: `begin(REQUEST_WITHIN=1.0)`."""
    with ExitStack() as stack:

        def start(room: int = ROOM, password: str = "", **limits: float) -> RelayProcess:
            shorter = {f"{PLACE}.{name}": value for name, value in limits.items()}
            env = lone_environment(f"sqlite:///{tmp_path}/relay.db", RELAY_ADMIN_PASSWORD=password)
            shorter["relay.web.server.CONNECTIONS"] = room
            relay = RelayProcess("serve", "--no-worker", cwd=tmp_path, env=env, start=partial(Forked, shorter=shorter))
            stack.callback(relay.kill)
            relay.wait_ready()
            return relay

        yield start


HEAD = webhook("Content-Length: 100000")
DRIPS = {
    "in the first line": (b"", b"G"),
    "in the headers": (HEAD[:-2] + b"X: ", b"x"),
    "in the body": (HEAD, b"x"),
    "in a chunk": (webhook("Transfer-Encoding: chunked") + b"ffff\r\n", b"x"),
    "blank lines": (b"", b"\r\n"),
}


@pytest.mark.parametrize(("beginning", "piece"), DRIPS.values(), ids=DRIPS)
def test_a_request_has_its_time_however_it_drips(begin: Begin, beginning: bytes, piece: bytes) -> None:
    relay = begin(REQUEST_WITHIN=1.0)
    with socket.create_connection(("127.0.0.1", relay.port), PATIENCE) as connection:
        connection.sendall(beginning)
        with dripping(connection, piece):
            assert is_closed(connection)


def test_whoever_has_been_answered_has_its_time_anew(begin: Begin) -> None:
    """A connection that is kept lives on, with one request after the other."""
    relay = begin(REQUEST_WITHIN=1.0)
    with requests.Session() as session:
        ends = threading.Event()
        for _ in range(4):
            assert session.get(f"{relay.url}/healthz", timeout=PATIENCE).status_code == 200
            ends.wait(0.6)
        assert len(session.get_adapter("http://").poolmanager.pools) == 1


def test_whoever_rests_is_let_go(begin: Begin) -> None:
    relay = begin(QUIET=1.0)
    with socket.create_connection(("127.0.0.1", relay.port), PATIENCE) as connection:
        assert is_closed(connection)


def test_more_clients_than_there_is_room_for_keep_nobody_out(begin: Begin) -> None:
    """Twice as many, who come again whenever they are cut off."""
    relay = begin()
    clients = Clients(relay.port, 2 * ROOM, drip, every=0.2)
    with clients.at_work():
        assert wait_for(lambda: clients.cut > ROOM)
        for number in range(50):
            assert relay.post(body(f"k{number}")).status_code == 200


def test_those_who_hold_connections_that_were_good_keep_nobody_out(begin: Begin) -> None:
    relay = begin()
    with ExitStack() as stack:
        for _ in range(ROOM + 20):
            session = stack.enter_context(requests.Session())
            assert session.get(f"{relay.url}/healthz", timeout=PATIENCE).status_code == 200
        for number in range(10):
            assert relay.post(body(f"k{number}")).status_code == 200


def test_who_never_sent_a_request_goes_before_who_did(begin: Begin) -> None:
    """A router's connection, which rests, is still there after the crowd."""
    relay = begin()
    with requests.Session() as session, ExitStack() as stack:
        kept = local_port(session, relay)
        for number in range(ROOM + 20):
            stack.enter_context(socket.create_connection(("127.0.0.1", relay.port), PATIENCE))
            if number == ROOM // 2:
                threading.Event().wait(1.0)  # until some of them have kept the server waiting
        assert exchange(relay, request("GET /healthz"))[0] == 200
        assert local_port(session, relay) == kept


def test_bodies_that_never_end_do_not_fill_the_memory(begin: Begin) -> None:
    """Two megabytes of them are kept. Who came last ends theirs, and is answered; a small one is none of them."""
    relay = begin(UNFINISHED=2 * 2**20)
    head, half = webhook(*GOOD, "Content-Length: 250000"), sized(250_000)[:200_000]
    with ExitStack() as stack:
        begun = [stack.enter_context(socket.create_connection(("127.0.0.1", relay.port), PATIENCE)) for _ in range(16)]
        small = stack.enter_context(socket.create_connection(("127.0.0.1", relay.port), PATIENCE))
        small.sendall(webhook(*GOOD, "Content-Length: 250000"))
        for one in begun:
            one.sendall(head + half)
        assert relay.post(body("k1")).status_code == 200
        assert all(is_closed(one) for one in begun[:5])
        for one in (begun[-1], small):
            one.sendall(sized(250_000)[200_000:] if one is not small else sized(250_000, "k2"))
            assert one.recv(1000).startswith(b"HTTP/1.1 200")


def test_a_flood_of_refused_requests_fills_no_log_and_locks_nobody_out(begin: Begin, tmp_path: Path) -> None:
    """Kommunicate may share its address with whoever that is."""
    relay = begin()
    for _ in range(300):
        assert exchange(relay, webhook("Content-Length: 2", content=b"{}"))[0] == 401
    assert relay.post(body("k1")).status_code == 200
    log = (tmp_path / "relay.log").read_text()
    assert 0 < len(re.findall(r"request\.rejected", log)) <= 10
    assert exchange(relay, request("GET /healthz"))[0] == 200


@pytest.mark.parametrize("tries", [1, 6])
def test_a_refused_password_ends_its_connection(begin: Begin, tries: int) -> None:
    """Also one that came too early."""
    relay = begin(password="canary")
    with requests.Session() as session:
        for _ in range(tries):
            token = session.get(f"{relay.url}/login", timeout=PATIENCE).cookies["relay_login"]
            form = {"token": token, "password": "no"}
            answer = session.post(f"{relay.url}/login", data=form, timeout=PATIENCE)
    assert answer.status_code == (401 if tries == 1 else 429)
    assert answer.headers["Connection"] == "close"


def local_port(session: requests.Session, relay: RelayProcess) -> int:
    """Where a kept connection begins: another number is another connection."""
    answer = session.get(f"{relay.url}/healthz", timeout=PATIENCE, stream=True)
    try:
        return int(answer.raw.connection.sock.getsockname()[1])
    finally:
        answer.content  # noqa: B018 - read to its end, so that the connection is kept


@contextmanager
def dripping(connection: socket.socket, piece: bytes) -> Iterator[None]:
    """Send a piece now and then."""
    over = threading.Event()

    def send() -> None:
        while not over.wait(0.1):
            try:
                connection.sendall(piece)
            except OSError:
                return

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def is_closed(connection: socket.socket) -> bool:
    """True once the server has closed it without an answer."""
    try:
        return connection.recv(1000) == b""
    except ConnectionError:
        return True
