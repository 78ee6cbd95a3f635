"""Downloads a file from an allowed host, and never from an internal address.

A stranger chose its address. So its host must be listed in the settings; its name is resolved once, all the addresses
found must be public, and the connection goes to exactly these. A redirect starts over.

No proxy is used, whatever the environment says: it would resolve the name itself, and reach what it can reach. A
machine that can only connect through a proxy cannot fetch files.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import BinaryIO
from urllib.parse import urljoin

from relay.clock import monotonic
from relay.errors import Permanent, Transient
from relay.net.asking import asked, attempt
from relay.net.connections import under_way
from relay.net.hosts import NOWHERE, Hosts
from relay.net.names import Address, addresses
from relay.net.places import Place, has_blanks, read_url
from relay.net.public import is_public
from relay.spans import Kind, note, part

REDIRECTS = 5  # redirects followed
CHUNK = 65_536
_MB = 1024 * 1024
_REDIRECTING = {301, 302, 303, 307, 308}
_LATER = {408, 425, 429}
_GONE, _FORBIDDEN = {404, 410}, {401, 403}
_TYPE = re.compile(r"\s*([\w!#$&^.+-]{1,100}/[\w!#$&^.+-]{1,100})\s*(?:;|$)", re.ASCII)
_PLAIN = {"Content-Encoding": ("identity", ""), "Transfer-Encoding": ("chunked",)}  # headers that change no byte
_LENGTH = re.compile(r"[0-9]{1,1000}")

Resolve = Callable[[str, int, float], Sequence[Address]]


@dataclass(frozen=True, slots=True)
class Fetched:
    """The result of a download."""

    size: int  # bytes
    content_type: str  # in lower case, without parameters; "" for none. The server's claim


@part("download", Kind.CALL)
def fetch(
    url: str,
    into: BinaryIO,
    *,
    hosts: Hosts,
    most: int,
    deadline: float,
    headers: Mapping[str, str] | None = None,
    headers_to: Hosts = NOWHERE,
    progress: Callable[[], None] = lambda: None,
    resolve: Resolve = addresses,
) -> Fetched:
    """Write the file at `url` into `into`, at most `most` bytes of it, within `deadline` seconds in total.

    `headers` are sent only where `headers_to` allows, over https or to an origin that `hosts` trusts. `progress` is
    called after each piece of at most 64 KiB; exceptions from it or from `into` propagate. After a failure, `into` may
    contain a part.

    Raises `Permanent` with code "bad_url", "not_https", "not_allowed_host", "inner_address", "too_many_redirects",
    "encoded", "too_large", "gone", "forbidden" or "http_400" (or another status), and `Transient` with "unreachable",
    "deadline", "connection_lost" or "http_503". No message quotes the URL.
    """
    under_way.ends = ends = monotonic() + deadline
    place, trusted = read_url(url), True
    for _ in range(REDIRECTS + 1):
        # A stranger's host must not redirect us to an internal one: trust ends at the first redirect elsewhere.
        trusted = trusted and hosts.trusts(place)
        found = _checked(place, hosts, resolve, trusted=trusted)
        credentials = headers if headers and headers_to.allows(place) else {}
        with asked(place, found, credentials) as response:
            note(http_method="GET", http_status=response.status)
            if response.status not in _REDIRECTING:
                return _take(response, into, most, progress, ends)
            place = _onward(place, response)
    raise Permanent("the file's address redirects too often", code="too_many_redirects")


def _checked(place: Place, hosts: Hosts, resolve: Resolve, *, trusted: bool) -> Sequence[Address]:
    """The addresses to connect to."""
    if not trusted and place.scheme != "https":
        raise Permanent("the file's address does not begin with https://", code="not_https")
    if not trusted and not hosts.lists(place):
        raise Permanent("files may not come from its address", code="not_allowed_host")
    found = attempt(lambda: resolve(place.host, place.port, under_way.left()), "unreachable")
    if trusted:
        return found
    if not all(is_public(str(address[0])) for *_, address in found):
        raise Permanent("its address leads into an internal network", code="inner_address")
    return [_pinned(str(address[0]), place.port) for *_, address in found]


def _pinned(numeric: str, port: int) -> Address:
    """Exactly what was checked, and nothing else that a look-up may return."""
    if ":" in numeric:
        return socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (numeric, port, 0, 0)
    return socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (numeric, port)


def _onward(place: Place, response: HTTPResponse) -> Place:
    """The target of a redirect."""
    locations = response.headers.get_all("Location", [])
    try:
        (location,) = (text.encode("latin-1").decode() for text in locations)  # UTF-8 unless it is ASCII
        url = "" if has_blanks(location) else urljoin(place.url, location)  # urljoin drops and repairs spaces
    except ValueError:  # none, or several, or not a URL
        url = ""
    return read_url(url)


def _take(response: HTTPResponse, into: BinaryIO, most: int, progress: Callable[[], None], ends: float) -> Fetched:
    _check_status(response.status)
    declared = _length(response)
    if declared is not None and declared > most:
        raise _too_large(most)
    size = 0
    while declared is None or size < declared:
        piece = _piece(response, CHUNK if declared is None else min(CHUNK, declared - size))
        if not piece:
            break
        size += len(piece)
        if size > most:
            raise _too_large(most)
        into.write(piece)
        progress()
        under_way.ends = ends  # the callback may have made another call
    if declared is not None and size < declared:
        raise Transient("the download ended early", code="connection_lost")
    kind = _TYPE.match(response.headers.get("Content-Type", ""))
    return Fetched(size, kind[1].lower() if kind else "")


def _piece(response: HTTPResponse, most: int) -> bytes:
    return attempt(lambda: response.read1(most))


def _check_status(status: int) -> None:
    if status == 200:
        return
    if status in _GONE:
        raise Permanent("the file no longer exists", code="gone")
    if status in _FORBIDDEN:
        raise Permanent("the server does not allow the download", code="forbidden")
    kind = Transient if status >= 500 or status in _LATER else Permanent
    raise kind(f"the file's server answered {status}", code=f"http_{status}")


def _length(response: HTTPResponse) -> int | None:
    """The bytes to come, None if not stated; raises if the answer is compressed or contradicts itself."""
    for name, plain in _PLAIN.items():
        if any(coding.strip().lower() not in plain for coding in response.headers.get_all(name, [])):
            raise Permanent("the server sent the file compressed", code="encoded")
    lengths = set(response.headers.get_all("Content-Length", []))
    if response.chunked or not lengths:  # chunks state their own end
        return None
    length = lengths.pop().strip()
    if lengths or not _LENGTH.fullmatch(length):
        raise Transient("the file's server does not state its size clearly", code="connection_lost")
    return int(length)


def _too_large(most: int) -> Permanent:
    unit = 1_000_000 if most % _MB else _MB  # settings count in either unit
    size = f"{most // unit} MB" if most >= unit else f"{most} bytes"
    return Permanent(f"the file is larger than {size}", code="too_large")
