"""Against real sockets: the deadline is total, the response is capped, the key is never shown, nothing leaves late."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import Any

import pytest
import requests

from relay.errors import OperatorNeeded, Transient, Unsure
from relay.kommunicate.client import KommunicateClient
from relay.kommunicate.http import MAX_ABANDONED, MAX_RESPONSE
from tests.harness import PATIENCE, wait_for

from .wire import CALLS, HEAD, KEY, Answer, Wire, client, drip, say

DEADLINE = 1.0
DONE = b'{"status": "success", "response": {"messageKey": "5-a-1"}}'


def call(name: str, base: str, deadline: float = PATIENCE, key: str = KEY) -> object:
    with client(base, key) as kommunicate:
        return CALLS[name](kommunicate, deadline)


STALLS: dict[str, Answer] = {
    "silence": lambda connection, over: (over.wait(), None)[1],
    "dripping headers": drip(HEAD + b"X-Slow: "),
    "dripping body": drip(HEAD + b"Content-Length: 9999\r\n\r\n"),
    "dripping chunks": drip(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "dripping status": drip(b"HTTP/1.1 "),
    "dripping redirect": drip(b"HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 9999\r\n\r\n"),
}


@pytest.mark.parametrize("answer", STALLS.values(), ids=STALLS)
@pytest.mark.parametrize("name", ["send", "assign"])
def test_the_deadline_is_total(name: str, answer: Answer) -> None:
    with Wire(answer) as wire:
        begun = time.perf_counter()
        with pytest.raises(Unsure):
            call(name, wire.url, DEADLINE)
        assert time.perf_counter() - begun < DEADLINE * 5
        assert len(wire.heard) == 1


def test_a_good_answer_arrives() -> None:
    with Wire(say(b'[{"userId": "u1"}]\n')) as wire:
        assert call("people", wire.url)


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("status", [b"200 OK", b"302 Found\r\nLocation: /other"])
def test_a_response_is_not_read_beyond_its_cap(name: str, status: bytes) -> None:
    """Not even that of a redirect, which nobody follows."""
    flood = b"HTTP/1.1 " + status + b"\r\nContent-Length: 99999999\r\n\r\n" + b" " * (MAX_RESPONSE + 100_000)
    with Wire(lambda connection, over: connection.sendall(flood)) as wire, pytest.raises(Unsure, match="too large"):
        call(name, wire.url)


@pytest.mark.parametrize("name", CALLS)
def test_a_redirect_is_not_followed_so_the_key_stays(name: str) -> None:
    with Wire(say(DONE)) as elsewhere:
        moved = say(b"", b"HTTP/1.1 307 Moved\r\nLocation: " + elsewhere.url.encode() + b"\r\n")
        with Wire(moved) as wire, pytest.raises(OperatorNeeded, match="redirects"):
            call(name, wire.url)
        assert elsewhere.heard == []


@pytest.mark.parametrize("name", CALLS)
def test_a_connection_that_breaks_after_the_request_is_unsure(name: str) -> None:
    with Wire(lambda connection, over: None) as wire:
        with pytest.raises(Unsure, match="broke"):
            call(name, wire.url)
        assert len(wire.heard) == 1


@pytest.mark.parametrize("name", CALLS)
def test_a_closed_door_is_transient(name: str) -> None:
    with socket.socket() as taken:  # bound all the while, or somebody else might listen there
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(Transient, match="cannot be reached"):
            call(name, f"http://127.0.0.1:{taken.getsockname()[1]}")


def test_a_reply_whose_proxy_is_away_was_not_sent() -> None:
    with socket.socket() as taken, Wire(say(DONE)) as wire, requests.Session() as session:
        taken.bind(("127.0.0.1", 0))
        session.trust_env = False
        session.proxies = {"http": f"http://127.0.0.1:{taken.getsockname()[1]}"}
        with pytest.raises(Transient, match="cannot be reached"):
            CALLS["send"](KommunicateClient(KEY, wire.url, session=session), PATIENCE)
        assert wire.heard == []


def test_a_reply_that_could_not_leave_in_time_never_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking up a name cannot be stopped; what comes after it can."""
    found, look_up = threading.Event(), socket.getaddrinfo

    def slow(*args: Any, **rest: Any) -> Any:
        found.wait(PATIENCE)
        return look_up(*args, **rest)

    with Wire(say(DONE)) as wire:
        monkeypatch.setattr(socket, "getaddrinfo", slow)
        with pytest.raises(Transient, match="cannot be reached"):
            call("send", wire.url, 0.3)
        found.set()
        assert wait_for(lambda: bool(wire.heard))
        assert b"hello" not in wire.heard[0]


def test_a_reply_on_its_way_at_the_deadline_is_unsure() -> None:
    with Wire(STALLS["silence"]) as wire, pytest.raises(Unsure, match="in time"):
        call("send", wire.url, DEADLINE)


@pytest.mark.parametrize("name", CALLS)
def test_no_call_goes_out_on_an_old_connection_or_with_a_cookie(name: str) -> None:
    """Not even where the other side takes its time to close what it was asked to."""

    def answer(connection: socket.socket, over: threading.Event) -> None:
        say(DONE, HEAD + b"Set-Cookie: session=alex; Path=/\r\n")(connection, over)
        over.wait(1)

    with Wire(answer) as wire, client(wire.url) as kommunicate:
        for _ in range(2):
            with contextlib.suppress(Unsure):  # it is no list of people
                CALLS[name](kommunicate, PATIENCE)
        assert len(wire.heard) == 2
        assert all(b"connection: close\r\n" in request.lower() for request in wire.heard)
        assert not any(b"cookie" in request.lower() for request in wire.heard)


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(
    ("base", "key"),
    [("services.example.com", "key-1"), ("ftp://x", "key-1"), ("http://", "key-1"), ("http://127.0.0.1:9", "SECRET\n1"),
     ("http://127.0.0.1:9", "SECRET\u2603")],
)  # fmt: skip
def test_settings_that_cannot_be_used_are_an_operators_matter(name: str, base: str, key: str) -> None:
    with pytest.raises(OperatorNeeded) as caught:
        call(name, base, 5, key)
    assert "SECRET" not in repr(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_abandoned_calls_do_not_pile_up() -> None:
    with Wire(STALLS["dripping status"]) as wire, client(wire.url) as kommunicate:
        for _ in range(MAX_ABANDONED):
            with pytest.raises(Unsure):
                CALLS["assign"](kommunicate, 0.3)
        with pytest.raises(Transient, match="still waiting"):
            CALLS["send"](kommunicate, PATIENCE)
