"""One HTTP call within a total deadline, over pooled connections: sent at most once, and answered in time or abandoned.

The calling thread does everything itself, and each of its waits (connect, TLS handshake, send, read) ends with the
call's deadline, however slowly the other side answers. Only name look-ups use another thread, which sends nothing. So
once a call is over, nothing of it can still be sent.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPResponse
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from urllib3 import BaseHTTPResponse, PoolManager, ProxyManager, make_headers
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError
from urllib3.util import parse_url

from relay.clock import monotonic
from relay.errors import DeliveryFailed, Unreachable, Unsure
from relay.failpoints import failpoint
from relay.net.connections import connect, tls, under_way
from relay.net.names import addresses
from relay.spans import note
from relay.vocabulary import Vendor

MAX_RESPONSE = 4 * 1024 * 1024  # bytes; Slack's longest pages are well below
KEPT = 64  # connections kept for later calls
TRUSTED = 15.0  # seconds idle after which the other side may have closed a connection
USER_AGENT = "kommunicate-slack-relay"
_CHUNK = 65_536
CERTIFICATE, NO_NAME = "SSLCertVerificationError", "gaierror"
WHY = {
    NO_NAME: "its name cannot be resolved (DNS)",
    "ConnectionRefusedError": "nothing listens there",
    "ConnectionResetError": "it closes the connection",
    "TimeoutError": "it does not answer",
    CERTIFICATE: "this machine does not trust its certificate",
    "SSLError": "its TLS handshake fails",
    "OSError": "this machine has no route to it",
    "ProxyError": "the proxy of HTTPS_PROXY does not let it through",
}


@dataclass(frozen=True, slots=True)
class Response:
    """The complete answer. Header names are unchanged."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _UnderWay(threading.local):
    """The call that this thread is making."""

    fresh = False
    sent = False  # some of it may have been sent
    vendor = Vendor.SLACK


_call = _UnderWay()


class Caller:
    """Calls one vendor's API. Threads may share it; it follows no redirects, repeats nothing, and keeps no cookies."""

    def __init__(self, vendor: Vendor, base_url: str, headers: Mapping[str, str]) -> None:
        """`headers` are sent with every call; a path is appended to `base_url`."""
        self._vendor = vendor
        self._base_url = base_url
        self._headers = {**headers, "Accept-Encoding": "identity", "User-Agent": USER_AGENT}
        self._host = urlsplit(base_url).hostname
        self._pools = _pools(base_url)

    def call(
        self,
        method: str,
        path: str,
        body: bytes | Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        deadline: float,
        fresh: bool = False,
    ) -> Response:
        """Return the response within `deadline` seconds in total, or raise `DeliveryFailed`.

        `Unreachable`: nothing was sent, nor will be. `Unsure`: it may have arrived. `fresh` uses a new connection: one
        that the other side closes at this moment would leave the call's fate unknown. A body in pieces is requested
        piece by piece as it is sent; its `Content-Length` is among the headers.
        """
        under_way.ends = monotonic() + deadline
        _call.fresh, _call.sent, _call.vendor = fresh, False, self._vendor
        note(http_method=method, host=self._host)
        try:
            response = self._exchange(method, self._base_url + path, body, {**self._headers, **(headers or {})})
            note(http_status=response.status)
            return response
        except (HTTPError, OSError, ValueError) as error:  # ValueError: an answer that is no HTTP
            failure = self._failure(error)
        raise failure  # out here, because the library's exception quotes addresses, and would be attached

    def _exchange(
        self, method: str, url: str, body: bytes | Iterable[bytes] | None, headers: Mapping[str, str]
    ) -> Response:
        response = self._pools.urlopen(
            method, url, body=body, headers=headers, redirect=False, retries=False, preload_content=False,
            timeout=under_way.left(),
        )  # fmt: skip
        try:
            content = _read(response, self._vendor)
        except BaseException:
            response.close()  # the unread rest must not be taken for another call's answer
            raise
        response.release_conn()
        return Response(response.status, dict(response.headers), content)

    def _failure(self, error: Exception) -> DeliveryFailed:
        if not _call.sent:
            kind = _kind(error)
            return Unreachable(f"{self._vendor} cannot be reached: {why(kind)}", code="unreachable", kind=kind)
        if monotonic() >= under_way.ends:
            return Unsure(f"{self._vendor} did not answer in time", code="deadline")
        return Unsure(f"the connection to {self._vendor} broke ({_kind(error)})", code="connection_lost")


def why(kind: str) -> str:
    """Why a connection cannot be made, in words; `kind` is the system's or the library's name for it."""
    return WHY.get(kind, kind)


def _kind(error: Exception) -> str:
    """The underlying error: "gaierror" for an unknown host name."""
    while isinstance(error, HTTPError) and isinstance(error.__context__, Exception):
        error = error.__context__
    return type(error).__name__


def _read(response: BaseHTTPResponse, vendor: Vendor) -> bytes:
    body = bytearray()
    while chunk := response.read(_CHUNK):
        body += chunk
        if len(body) > MAX_RESPONSE:
            raise Unsure(f"{vendor}'s response is too large", code="too_large")
    return bytes(body)


class _Answer(HTTPResponse):
    """Reads past what may come before an answer (1xx): taken for it, it would leave it to the next call."""

    def _read_status(self) -> tuple[str, int, str]:
        version, status, reason = super()._read_status()  # type: ignore[misc]
        return version, HTTPStatus.CONTINUE if status < HTTPStatus.OK else status, reason


class _Connection(HTTPConnection):
    """Connects within the deadline, and records when something of a call may have been sent."""

    response_class = _Answer
    used_at = 0.0
    _connected = False

    def _new_conn(self) -> socket.socket:
        found = addresses(self._dns_host, self.port, under_way.left())
        return connect(found, self.socket_options or ())

    def connect(self) -> None:
        self._connected = False
        super().connect()
        self._connected = True

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        if self._connected:  # otherwise it asks a proxy to connect, which is not part of the call
            _call.sent = True
        super().send(data)

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]
        failpoint(f"{_call.vendor.name.lower()}.sent")
        response: HTTPResponse = super().getresponse()  # type: ignore[assignment]
        self.used_at = monotonic()
        return response


class _ConnectionOverTLS(_Connection, HTTPSConnection):
    """The same for https."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection  # type: ignore[assignment]

    def _get_conn(self, timeout: float | None = None) -> Any:
        connection = super()._get_conn(timeout)
        if _call.fresh or monotonic() - getattr(connection, "used_at", 0.0) > TRUSTED:
            connection.close()  # it reconnects by itself
        return connection


class _PoolOverTLS(_Pool, HTTPSConnectionPool):
    ConnectionCls = _ConnectionOverTLS  # type: ignore[assignment]


def _pools(base_url: str) -> PoolManager:
    """Connections to the vendor's host."""
    parts = urlsplit(base_url)
    context = tls() if parts.scheme == "https" else None
    pools: PoolManager
    proxy = proxy_to(parts.hostname or "", parts.scheme)
    if proxy is None:
        pools = PoolManager(1, maxsize=KEPT, ssl_context=context)
    else:
        auth = parse_url(proxy).auth
        headers = make_headers(proxy_basic_auth=auth) if auth else None
        pools = ProxyManager(proxy, 1, proxy_headers=headers, maxsize=KEPT, ssl_context=context)
    pools.pool_classes_by_scheme = {"http": _Pool, "https": _PoolOverTLS}
    return pools


def proxy_to(host: str, scheme: str) -> str | None:
    """The proxy that the environment names for this host; never one for this machine itself."""
    return None if _is_this_machine(host) or proxy_bypass(host) else getproxies().get(scheme)


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
