"""Against real sockets: a file arrives whole or not at all, within its caps, its time and little memory."""

from __future__ import annotations

import gzip
import io
import socket
import struct
import threading
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.errors import DeliveryFailed, Permanent, Transient
from relay.net.connections import under_way
from relay.net.fetch import CHUNK, Fetched, fetch
from relay.net.hosts import Hosts
from tests.harness import PATIENCE

from .downloads import LookUps, Sink
from .tls import entry
from .wire import Answer, Wire, drip, hang_up, say, status_line

MB = 1024 * 1024
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
DEADLINE = 0.5


def load(url: str, into: Any = None, **how: Any) -> Fetched:
    """A fetch from the operator's own address."""
    how = {"hosts": Hosts((), [url]), "most": 25 * MB, "deadline": PATIENCE, "resolve": LookUps(["127.0.0.1"]), **how}
    return fetch(url, into or Sink(), **how)


def failure(answer: Answer, **how: Any) -> DeliveryFailed:
    """How a fetch fails whose server answers so."""
    with Wire(answer) as wire, pytest.raises(DeliveryFailed) as caught:
        load(f"{wire.url}/secret-words?key=1", **{"hosts": Hosts((), [wire.url]), **how})
    assert caught.value.__context__ is None
    assert not any(word in str(caught.value) for word in ("secret", "key=", "127"))
    return caught.value


def sends(*pieces: bytes) -> Answer:
    """These bytes and then the end."""

    def answer(connection: socket.socket, _: threading.Event) -> None:
        connection.sendall(b"".join(pieces))
        connection.shutdown(socket.SHUT_WR)

    return answer


def flood(head: bytes, piece: bytes, times: int) -> Answer:
    """The same piece again and again, which takes no memory."""

    def answer(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(head)
        for _ in range(times):
            if over.is_set():
                return
            connection.sendall(piece)

    return answer


def test_a_file_arrives_over_tls(wire_at: Callable[..., Wire]) -> None:
    """At the address that was found, under the name that was asked for."""
    into, look_ups = io.BytesIO(), LookUps(["127.0.0.1"])
    with wire_at(say(b"words", OK + b"Content-Type: Text/Plain; charset=utf-8\r\n")) as wire:
        url = f"{wire.url}/a%20b/ü?x=1&y=[2]#part"
        got = load(url, into, hosts=Hosts([entry(wire)]), resolve=look_ups)
    assert (got, into.getvalue(), look_ups.asked) == (Fetched(5, "text/plain"), b"words", ["files.example.com"])
    lines = wire.heard[0].decode().split("\r\n")
    assert lines[0] == "GET /a%20b/%C3%BC?x=1&y=[2] HTTP/1.1"
    assert {f"Host: {entry(wire)}", "Accept-Encoding: identity", "Connection: close"} <= set(lines)


def test_a_certificate_for_another_name_is_told_nothing(wire_at: Callable[..., Wire]) -> None:
    with wire_at(say(b"words"), "deep.files.example.com") as wire:
        with pytest.raises(Transient, match=r"cannot be reached \(SSLCertVerificationError\)"):
            load(wire.url, hosts=Hosts([entry(wire)]))
        assert wire.heard == []


def test_a_redirect_is_followed_to_a_listed_host_alone(wire_at: Callable[..., Wire]) -> None:
    with wire_at(say(b"words"), "cdn.example.com") as other:
        with wire_at(say(b"", status_line(302, Location=f"{other.url}/x"))) as wire:
            assert load(wire.url, hosts=Hosts([entry(wire), entry(other)])).size == 5
            with pytest.raises(Permanent, match="files may not come from its address"):
                load(wire.url, hosts=Hosts([entry(wire)]))
        assert len(other.heard) == 1


@pytest.mark.parametrize(("length", "code"), [(5, ""), (6, "too_many_redirects")])
def test_a_row_of_redirects_ends(length: int, code: str) -> None:
    answers = [say(b"", status_line(302, Location="../next")) for _ in range(length)] + [say(b"words")]
    with Wire(lambda connection, over: answers.pop(0)(connection, over)) as wire:
        try:
            assert (load(f"{wire.url}/a/b", hosts=Hosts((), [wire.url])).size, code) == (5, "")
        except Permanent as error:
            assert error.code == code  # noqa: PT017 - which of both it is, the case says
        assert len(wire.heard) == 6


@pytest.mark.parametrize("headers", [[], ["/a", "/b"], ["http://[x"], ["/a b"], ["/a\tb"], ["/a\\b"]])
def test_a_redirect_to_nowhere_is_refused(headers: list[str]) -> None:
    lines = "".join(f"Location: {place}\r\n" for place in headers)
    error = failure(say(b"", status_line(302) + lines.encode()))
    assert isinstance(error, Permanent)
    assert error.code == "bad_url"


def test_a_redirect_in_another_script_is_followed() -> None:
    answers = [say(b"", status_line(302) + "Location: /Āé\r\n".encode()), say(b"words")]
    with Wire(lambda connection, over: answers.pop(0)(connection, over)) as wire:
        load(wire.url)
    assert wire.heard[1].startswith(b"GET /%C4%80%C3%A9 ")


STATUSES = {404: (Permanent, "gone"), 410: (Permanent, "gone"), 401: (Permanent, "forbidden"),
            403: (Permanent, "forbidden"), 400: (Permanent, "http_400"), 204: (Permanent, "http_204"),
            206: (Permanent, "http_206"), 304: (Permanent, "http_304"), 408: (Transient, "http_408"),
            429: (Transient, "http_429"), 500: (Transient, "http_500"), 503: (Transient, "http_503")}  # fmt: skip


@pytest.mark.parametrize("status", STATUSES)
def test_an_answer_that_is_no_file_says_whether_to_come_again(status: int) -> None:
    error = failure(say(b"", status_line(status)))
    assert (type(error), error.code) == STATUSES[status]


TOO_LARGE = {
    "declared": flood(OK + b"Content-Length: %d\r\n\r\n" % (200 * MB), bytes(CHUNK), 3200),
    "declared beyond all reason": sends(OK + b"Content-Length: %s\r\n\r\n" % (b"9" * 40)),
    "chunked": flood(CHUNKED, b"%x\r\n%s\r\n" % (CHUNK, bytes(CHUNK)), 3200),
    "one chunk": flood(CHUNKED + b"%x\r\n" % (200 * MB), bytes(CHUNK), 3200),
    "until the end": flood(OK + b"\r\n", bytes(CHUNK), 3200),
}


@pytest.mark.parametrize("name", TOO_LARGE)
def test_a_file_above_the_cap_is_refused(name: str) -> None:
    sink = Sink()
    error = failure(TOO_LARGE[name], into=sink)
    assert (type(error), error.code, str(error)) == (Permanent, "too_large", "the file is larger than 25 MB")
    assert sink.size == 0 if name.startswith("declared") else sink.size <= 25 * MB


@pytest.mark.parametrize(("most", "size"), [(10 * MB, "10 MB"), (10_000_000, "10 MB"), (3, "3 bytes")])
def test_the_cap_is_named(most: int, size: str) -> None:
    assert str(failure(TOO_LARGE["declared"], most=most)) == f"the file is larger than {size}"


@pytest.mark.parametrize("body", [b"", b"words", b"x" * (CHUNK + 1)])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_file_as_large_as_the_cap_arrives(body: bytes, chunked: bool) -> None:
    pieces = b"%x\r\n%s\r\n" % (len(body), body) if body else b""
    answer = sends(CHUNKED, pieces, b"0\r\n\r\n") if chunked else say(body, OK)
    into = io.BytesIO()
    with Wire(answer) as wire:
        assert load(wire.url, into, most=len(body)) == Fetched(len(body), "")
    assert into.getvalue() == body


STALLS: dict[str, Answer] = {
    "silence": lambda connection, over: (over.wait(), None)[1],
    "dripping status": drip(b"HTTP/1.1 "),
    "dripping headers": drip(OK + b"X-Slow: "),
    "dripping body": drip(OK + b"Content-Length: 9999\r\n\r\n"),
    "dripping chunks": drip(CHUNKED, b"1\r\nx\r\n"),
    "dripping chunk size": drip(CHUNKED, b"0"),
    "dripping redirects": drip(b"HTTP/1.1 302 x\r\nLocation: "),
    "endless continuation": drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
}


@pytest.mark.parametrize("name", STALLS)
def test_the_deadline_is_total(name: str) -> None:
    begun = time.perf_counter()
    error = failure(STALLS[name], deadline=DEADLINE)
    assert (type(error), error.code) == (Transient, "deadline")
    assert DEADLINE <= time.perf_counter() - begun < DEADLINE * 10


def test_a_call_in_between_does_not_move_the_deadline() -> None:
    """Whoever is told of the progress may talk to somebody else, with a deadline of that call's own."""

    def talk() -> None:
        under_way.ends = time.monotonic() + PATIENCE

    assert failure(STALLS["dripping body"], deadline=DEADLINE, progress=talk).code == "deadline"


def test_progress_is_told_and_may_end_it() -> None:
    class Stop(Exception):
        pass

    def stop() -> None:
        raise Stop

    told: list[int] = []
    sink = Sink()
    with Wire(say(bytes(10 * CHUNK), OK)) as wire:
        load(wire.url, sink, progress=lambda: told.append(sink.size))
        with pytest.raises(Stop):
            load(wire.url, progress=stop)
    assert len(told) >= 10
    assert told[-1] == sink.size


def test_what_the_sink_raises_comes_through() -> None:
    class Full(Sink):
        def write(self, piece: bytes) -> int:
            raise OSError(28, "no space left")

    with Wire(say(b"words", OK)) as wire, pytest.raises(OSError, match="no space left"):
        load(wire.url, Full())


BOMB = gzip.compress(bytes(10 * MB))


@pytest.mark.parametrize("header", [b"Content-Encoding: gzip", b"content-encoding: identity\r\nContent-Encoding: br",
                                    b"Transfer-Encoding: gzip, chunked",
                                    b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked"])  # fmt: skip
def test_what_is_compressed_is_refused(header: bytes) -> None:
    sink = Sink()
    error = failure(say(BOMB, OK + header + b"\r\n"), into=sink)
    assert (type(error), error.code, sink.size) == (Permanent, "encoded", 0)


def reset(connection: socket.socket, _: threading.Event) -> None:
    connection.sendall(OK + b"Content-Length: 9999\r\n\r\nwords")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


BROKEN = {
    "hung up": hang_up,
    "reset": reset,
    "short": sends(OK + b"Content-Length: 9999\r\n\r\nwords"),
    "short chunk": sends(CHUNKED, b"99\r\nwords"),
    "no last chunk": sends(CHUNKED, b"5\r\nwords\r\n"),
    "no HTTP": sends(b"SSH-2.0-x\r\n"),
    "bad chunk": sends(CHUNKED, b"xyz\r\nwords"),
    "negative chunk": sends(CHUNKED, b"-%s\r\nwords" % (b"f" * 40)),
    "two lengths": sends(OK + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nwords"),
    "bad length": sends(OK + b"Content-Length: -5\r\n\r\nwords"),
    "endless header": sends(OK + b"X: " + bytes(100_000)),
    "many headers": sends(OK + b"X: y\r\n" * 1000 + b"\r\n"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_an_answer_that_breaks_off_may_be_asked_for_again(name: str) -> None:
    error = failure(BROKEN[name])
    assert (type(error), error.code) == (Transient, "connection_lost")


def test_a_name_that_nobody_knows_may_be_known_later() -> None:
    def unknown(host: str, port: int, seconds: float) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, host)

    for resolve in (unknown, LookUps([])):
        with pytest.raises(Transient) as caught:
            load("http://files.test/", resolve=resolve)
        assert caught.value.code == "unreachable"
        assert "files.test" not in str(caught.value)


def test_a_closed_door_may_open_later() -> None:
    with socket.socket() as taken:  # bound all the while, or somebody else might listen there
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(Transient) as caught:
            load(f"http://127.0.0.1:{taken.getsockname()[1]}/")
    assert caught.value.code == "unreachable"


def test_the_names_of_the_machine_are_looked_up() -> None:
    with Wire(say(b"words", OK)) as wire:
        url = wire.url.replace("127.0.0.1", "localhost")
        assert fetch(url, Sink(), hosts=Hosts((), [url]), most=MB, deadline=PATIENCE).size == 5


@pytest.mark.parametrize("name", ["declared", "chunked"])
def test_a_large_file_takes_little_memory(name: str) -> None:
    whole = {
        "declared": flood(OK + b"Content-Length: %d\r\n\r\n" % (50 * MB), bytes(CHUNK), 800),
        "chunked": flood(CHUNKED + b"%x\r\n" % (50 * MB), bytes(CHUNK), 800),
    }[name]

    def answer(connection: socket.socket, over: threading.Event) -> None:
        whole(connection, over)
        connection.sendall(b"\r\n0\r\n\r\n" if name == "chunked" else b"")

    sink = Sink()
    with Wire(answer) as wire:
        tracemalloc.start()
        try:
            load(wire.url, sink, most=50 * MB)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert (sink.size, peak < 2 * MB) == (50 * MB, True)


PIECES = st.sampled_from([OK, b"HTTP/1.1 ", b"302", b"\r\n", b"\r\n\r\n", b"Content-Length: ", b"5",
                          b"-", b"f" * 20, b"0", b"Transfer-Encoding: chunked\r\n", b"Location: ", b"/", b":", b"words",
                          b"\xff", b" "])  # fmt: skip


@given(said=st.lists(PIECES | st.binary(max_size=4), max_size=12).map(b"".join))
def test_whatever_is_answered_the_error_is_one_of_ours(said: bytes) -> None:
    with Wire(sends(said)) as wire:
        try:
            load(wire.url)
        except (Permanent, Transient) as error:
            assert error.code  # noqa: PT017 - some of it is a file
