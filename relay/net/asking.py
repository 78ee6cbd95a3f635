"""One GET over its own connection to addresses that were checked before."""

from __future__ import annotations

import functools
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import TypeVar

from relay.clock import monotonic
from relay.errors import Transient
from relay.net.connections import connect, tls, under_way
from relay.net.names import Address
from relay.net.places import Place

T = TypeVar("T")


class _Once(HTTPConnection):
    """Never connects by itself, which would look the name up again."""

    auto_open = 0


@contextmanager
def asked(place: Place, found: Sequence[Address], headers: Mapping[str, str]) -> Iterator[HTTPResponse]:
    """The beginning of the answer from one of the addresses `found`, within the deadline; raises `Transient`.

    The rest can be read with `attempt`; what is not read is discarded.
    """
    with closing(_Once(place.host, place.port)) as connection:
        connection.sock = attempt(lambda: _connected(place, found), "unreachable")
        with closing(attempt(lambda: _ask(connection, place, headers))) as response:
            yield response


def _connected(place: Place, found: Sequence[Address]) -> socket.socket:
    plain = connect(found)
    if place.scheme == "http":
        return plain
    try:
        return _context().wrap_socket(plain, server_hostname=place.host)
    except BaseException:
        plain.close()
        raise


@functools.cache
def _context() -> ssl.SSLContext:
    return tls()


def _ask(connection: HTTPConnection, place: Place, headers: Mapping[str, str]) -> HTTPResponse:
    ours = {
        "Host": place.authority,
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        "User-Agent": "kommunicate-slack-relay",
        "Connection": "close",
    }
    connection.putrequest("GET", place.target, skip_host=True, skip_accept_encoding=True)
    for name, value in {**headers, **ours}.items():
        connection.putheader(name, value)
    connection.endheaders()
    return connection.getresponse()


def attempt(work: Callable[[], T], code: str = "connection_lost") -> T:
    """The result of `work`; raises `Transient` ("deadline", or `code`) on a network failure."""
    try:
        return work()
    except (HTTPException, OSError, ValueError, OverflowError) as error:  # the last two: an answer that is not HTTP
        failure = _failure(type(error).__name__, code)
    raise failure  # out here, because the library's exception may quote headers, and would be attached


def _failure(kind: str, code: str) -> Transient:
    if monotonic() >= under_way.ends:
        return Transient("the file did not arrive in time", code="deadline")
    if code == "unreachable":
        return Transient(f"the file's server cannot be reached ({kind})", code=code)
    return Transient(f"the connection to the file's server broke ({kind})", code=code)
