"""Against real sockets: the deadline is total, the answer is capped, the key never shown, and nothing leaves late."""

from __future__ import annotations

import gzip
import resource
import socket
import ssl
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from relay.errors import DeliveryFailed, SettingsError, Transient, Unsure
from relay.kommunicate.client import KommunicateClient
from relay.net import call
from relay.net.call import MAX_RESPONSE, Caller
from relay.slack.client import SlackClient
from relay.vocabulary import Vendor
from tests.harness import PATIENCE, wait_for

from .wire import CALLS, HEAD, KEY, Answer, Wire, certify, drip, hang_up, say, status_line

DEADLINE = 1.0
WORDS = b"the customer's words"


def caller(url: str) -> Caller:
    return Caller(Vendor.KOMMUNICATE, url, {"Api-Key": KEY})


def post(url: str, deadline: float = PATIENCE, **how: Any) -> call.Response:
    """One call that says something."""
    return caller(url).call("POST", "/path", WORDS, deadline=deadline, **how)


STALLS: dict[str, Answer] = {
    "silence": lambda connection, over: (over.wait(), None)[1],
    "dripping headers": drip(HEAD + b"X-Slow: "),
    "dripping body": drip(HEAD + b"Content-Length: 9999\r\n\r\n"),
    "dripping chunks": drip(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "dripping status": drip(b"HTTP/1.1 "),
    "dripping redirect": drip(b"HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 9999\r\n\r\n"),
}


@pytest.mark.parametrize("answer", STALLS.values(), ids=STALLS)
def test_the_deadline_is_total(answer: Answer) -> None:
    with Wire(answer) as wire:
        begun = time.perf_counter()
        with pytest.raises(Unsure, match="in time"):
            post(wire.url, DEADLINE)
        assert DEADLINE <= time.perf_counter() - begun < DEADLINE * 5
        assert len(wire.heard) == 1


def test_a_call_that_was_given_up_leaves_no_thread_behind() -> None:
    """The thread that made it is the only one there ever was."""
    with Wire(STALLS["dripping headers"]) as wire:
        before = threading.active_count()
        for _ in range(5):
            with pytest.raises(Unsure):
                post(wire.url, 0.1)
        assert wait_for(lambda: threading.active_count() <= before + 5)  # the server's own, one for each connection


def test_a_good_answer_arrives() -> None:
    with Wire(say(b"yes", status_line(201, X_Kind="good"))) as wire:
        response = post(wire.url)
    assert (response.status, response.headers["X-Kind"], response.body) == (201, "good", b"yes")


@pytest.mark.parametrize("before", [b"100 Continue", b"103 Early Hints\r\nLink: </x>", b"199 Whatever"])
def test_what_comes_before_an_answer_is_not_taken_for_it(before: bytes) -> None:
    """Else each answer would be taken for that of the next call on its connection."""

    def twice(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 %s\r\n\r\n" % before * 2)
        say(b"%d" % len(wire.heard))(connection, over)

    with Wire(twice) as wire:
        one = caller(wire.url)
        assert [one.call("POST", "/", WORDS, deadline=PATIENCE).body for _ in range(3)] == [b"1", b"2", b"3"]
        assert {number for number, _ in wire.requests} == {1}


def test_an_answer_that_a_proxy_packed_is_unpacked() -> None:
    """We ask for none; not everybody on the way listens."""
    with Wire(say(gzip.compress(b"yes"), HEAD + b"Content-Encoding: gzip\r\n")) as wire:
        assert post(wire.url).body == b"yes"


def test_a_packed_answer_that_is_broken_is_unsure() -> None:
    with Wire(say(b"no gzip", HEAD + b"Content-Encoding: gzip\r\n")) as wire, pytest.raises(Unsure, match="broke"):
        post(wire.url)


def test_a_packed_answer_is_capped_by_what_is_in_it() -> None:
    bomb = gzip.compress(bytes(50 * MAX_RESPONSE))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with Wire(say(bomb, HEAD + b"Content-Encoding: gzip\r\n")) as wire, pytest.raises(Unsure, match="too large"):
        post(wire.url)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024  # kilobytes


@pytest.mark.parametrize("status", [b"200 OK", b"302 Found\r\nLocation: /other"])
def test_an_answer_without_end_costs_no_memory(status: bytes) -> None:
    """Not even that of a redirect, which nobody follows."""
    gone: list[int] = []

    def flood(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 " + status + b"\r\nContent-Length: 400000000\r\n\r\n")
        try:
            while not over.is_set():
                gone.append(connection.send(b" " * 65536))
        except OSError:
            over.set()

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with Wire(flood) as wire, pytest.raises(Unsure, match="too large"):
        post(wire.url)
    assert sum(gone) < 10 * MAX_RESPONSE
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024  # kilobytes


@pytest.mark.parametrize("name", CALLS)
def test_a_redirect_is_not_followed_so_the_key_stays(name: str) -> None:
    with Wire(say(b"")) as elsewhere:
        with Wire(say(b"", status_line(307, Location=elsewhere.url))) as wire, pytest.raises(DeliveryFailed):
            CALLS[name](KommunicateClient(KEY, wire.url), PATIENCE)
        assert elsewhere.heard == []


def test_a_connection_that_breaks_after_the_request_is_unsure_and_asked_once() -> None:
    with Wire(hang_up) as wire:
        with pytest.raises(Unsure, match="broke"):
            post(wire.url)
        assert len(wire.heard) == 1


def closed_door() -> Iterator[str]:
    with socket.socket() as taken:  # bound all the while, or somebody else might listen there
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


closed = pytest.fixture(closed_door, name="closed")


def test_a_closed_door_is_transient(closed: str) -> None:
    with pytest.raises(Transient, match="cannot be reached"):
        post(closed)


def test_a_name_that_nobody_knows_is_transient(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(host: str, *_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(Transient, match=r"cannot be reached: its name cannot be resolved \(DNS\)"):
        post("http://nobody.test")


def test_a_call_whose_proxy_is_away_was_not_sent(closed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, closed)
    monkeypatch.delenv("no_proxy", raising=False)
    for url in ("http://vendor.test", "https://vendor.test"):
        with pytest.raises(Transient, match="cannot be reached"):
            post(url)


def test_a_proxy_that_refuses_the_tunnel_was_told_nothing_of_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    with Wire(say(b"", status_line(403))) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url.replace("http://", "http://user:pass@"))
        monkeypatch.delenv("no_proxy", raising=False)
        with pytest.raises(Transient):
            post("https://vendor.test")
        (heard,) = proxy.heard
    assert heard.startswith(b"CONNECT vendor.test:443 ")
    assert b"proxy-authorization: Basic" in heard
    assert KEY.encode() not in heard


def test_this_machine_is_asked_without_a_proxy(closed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", closed)
    monkeypatch.delenv("no_proxy", raising=False)
    with Wire(say(b"yes")) as wire:
        assert post(wire.url).body == b"yes"


def test_what_could_not_leave_in_time_never_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look-up that stalls for longer than the deadline: once it is over, nothing goes on."""
    found, done, look_up = threading.Event(), threading.Event(), socket.getaddrinfo

    def slow(host: str, port: int, *args: Any, flags: int = 0, **rest: Any) -> Any:
        if flags & socket.AI_NUMERICHOST:
            return look_up(host, port, *args, flags=flags, **rest)
        found.wait(PATIENCE)
        try:
            return look_up("127.0.0.1", port, *args, **rest)
        finally:
            done.set()

    with Wire(say(b"yes")) as wire:
        monkeypatch.setattr(socket, "getaddrinfo", slow)
        url = wire.url.replace("127.0.0.1", "vendor.test")
        for _ in range(3):
            with pytest.raises(Transient, match="cannot be reached"):
                post(url, 0.1)
        found.set()
        assert done.wait(PATIENCE)
        assert post(url).body == b"yes"
        assert len(wire.heard) == 1


def test_a_connection_is_used_again_and_cookies_are_not() -> None:
    """Not after a rest, and not for what must not meet a connection that is just being closed."""
    with Wire(say(b"yes", HEAD + b"Set-Cookie: session=alex; Path=/\r\n")) as wire:
        one = caller(wire.url)
        for how in ({}, {}, {"fresh": True}, {}):
            assert one.call("POST", "/", WORDS, deadline=PATIENCE, **how).body == b"yes"
        assert [number for number, _ in wire.requests] == [1, 1, 2, 2]
        assert not any(b"cookie" in request.lower() for request in wire.heard)


def test_a_connection_that_has_rested_too_long_is_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    with Wire(say(b"yes")) as wire:
        one = caller(wire.url)
        one.call("POST", "/", WORDS, deadline=PATIENCE)
        monkeypatch.setattr(call, "TRUSTED", 0.0)
        one.call("POST", "/", WORDS, deadline=PATIENCE)
        assert [number for number, _ in wire.requests] == [1, 2]


def test_a_connection_that_was_closed_meanwhile_is_not_used() -> None:
    def once(connection: socket.socket, over: threading.Event) -> None:
        say(b"yes")(connection, over)
        connection.shutdown(socket.SHUT_RDWR)

    with Wire(once) as wire:
        one = caller(wire.url)
        for _ in range(3):
            assert one.call("POST", "/", WORDS, deadline=PATIENCE).body == b"yes"
            assert wait_for(lambda: wire.open == 0)


def test_what_is_left_of_an_answer_is_nobody_elses() -> None:
    """A connection whose answer was not read to its end is closed."""
    with Wire(say(b" " * (MAX_RESPONSE + 1))) as wire:
        one = caller(wire.url)
        with pytest.raises(Unsure):
            one.call("POST", "/", WORDS, deadline=PATIENCE)
        wire.answer = say(b"yes")
        assert one.call("POST", "/", WORDS, deadline=PATIENCE).body == b"yes"


def test_it_serves_threads_side_by_side() -> None:
    """Each with a deadline of its own."""
    with Wire(say(b"yes")) as good, Wire(STALLS["silence"]) as silent:
        one, other, results = caller(good.url), caller(silent.url), []

        def ask(who: Caller, deadline: float) -> None:
            try:
                results.append(who.call("POST", "/", WORDS, deadline=deadline).body)
            except Unsure:
                results.append(b"unsure")

        threads = [threading.Thread(target=ask, args=(one, PATIENCE)) for _ in range(8)]
        threads += [threading.Thread(target=ask, args=(other, DEADLINE)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(results) == [b"unsure"] * 8 + [b"yes"] * 8


@pytest.mark.parametrize("make", [KommunicateClient, SlackClient])
@pytest.mark.parametrize("key", ["", "SECRET\n1", "SECRET\u2603", "SECRET 1"])
def test_a_key_that_no_header_can_carry_is_a_matter_of_the_settings(make: Callable[..., Any], key: str) -> None:
    """The error for such a header would quote it."""
    with pytest.raises(SettingsError) as caught:
        make(key, "http://127.0.0.1:9/")
    assert "SECRET" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("base", ["http://", "http://a..b", f"http://{'a' * 70}.test"])
def test_an_address_that_cannot_be_used_is_one_of_our_errors(base: str) -> None:
    with pytest.raises(Transient) as caught:
        post(base, 5.0)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a vendor on this machine."""
    path = tmp_path_factory.mktemp("tls") / "vendor.pem"
    certify(path, "localhost")
    return path


@pytest.fixture
def encrypted(certificate: Path) -> Callable[[Answer], Wire]:
    """A wire that speaks TLS under the name localhost."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return lambda answer: Wire(answer, tls=context)


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))


@pytest.mark.usefixtures("trusted")
def test_an_encrypted_answer_arrives(encrypted: Callable[[Answer], Wire]) -> None:
    with encrypted(say(b"yes")) as wire:
        one = caller(wire.url)
        for _ in range(2):
            assert one.call("POST", "/", WORDS, deadline=PATIENCE).body == b"yes"
        assert [number for number, _ in wire.requests] == [1, 1]


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("stall", ["silence", "dripping headers", "dripping body"])
def test_the_deadline_is_total_when_it_is_encrypted(encrypted: Callable[[Answer], Wire], stall: str) -> None:
    with encrypted(STALLS[stall]) as wire:
        begun = time.perf_counter()
        with pytest.raises(Unsure, match="in time"):
            post(wire.url, DEADLINE)
        assert time.perf_counter() - begun < DEADLINE * 5


def test_a_certificate_that_nobody_vouches_for_is_told_nothing(encrypted: Callable[[Answer], Wire]) -> None:
    with encrypted(say(b"yes")) as wire:
        with pytest.raises(Transient, match="this machine does not trust its certificate"):
            post(wire.url)
        assert wire.heard == []


def test_a_handshake_that_never_comes_ends_in_time() -> None:
    """Nothing of the call has left."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        begun = time.perf_counter()
        with pytest.raises(Transient):
            post(f"https://localhost:{mute.getsockname()[1]}", DEADLINE)
        assert time.perf_counter() - begun < DEADLINE * 5
