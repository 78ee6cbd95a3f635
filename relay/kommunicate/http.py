"""One call under a total deadline, with a capped response and without redirects, retries or cookies."""

from __future__ import annotations

import io
import json
import queue
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.exceptions import ConnectionError, ConnectTimeout, InvalidHeader, InvalidSchema, InvalidURL, MissingSchema
from urllib3.exceptions import NewConnectionError

from relay.clock import monotonic
from relay.errors import DeliveryFailed, OperatorNeeded, Transient, Unsure
from relay.failpoints import failpoint

MAX_RESPONSE = 1_048_576  # bytes
MAX_ABANDONED = 8  # calls whose deadline has passed may still hold this many threads
_CHUNK = 16_384

_UNUSABLE = (InvalidHeader, InvalidSchema, InvalidURL, MissingSchema, UnicodeError)

Request = Callable[..., AbstractContextManager[requests.Response]]


@dataclass(frozen=True, slots=True)
class Response:
    """What came back, whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _Body(io.BytesIO):
    """A request's body, handed out only while somebody waits for the response.

    A thread that looks up a name or connects cannot be stopped: without this it might still send, long after its
    caller was told that it had not. It also knows for certain when nothing was sent.
    """

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self._lock = threading.Lock()
        self._begun = self._called_off = False

    def read(self, size: int | None = -1, /) -> bytes:
        with self._lock:
            if self._called_off:
                raise _unreachable()
            self._begun = True
        return super().read(size)

    def call_off(self) -> bool:
        """Return True if nothing of it has left; then nothing will."""
        with self._lock:
            self._called_off = not self._begun
        return self._called_off


class _OwnConnection(HTTPAdapter):
    """A connection for each call: one that the other side is slow to close, as it was asked to, is not used again."""

    def send(self, *args: Any, **rest: Any) -> requests.Response:
        return HTTPAdapter().send(*args, **rest)


class Caller:
    """Makes calls that end when their deadline does, whatever the other side drips."""

    def __init__(self, session: requests.Session) -> None:
        # A cookie could carry over for whom an earlier call acted.
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
        for scheme in ("http://", "https://"):
            session.mount(scheme, _OwnConnection())
        self._session = session
        self._slots = threading.BoundedSemaphore(MAX_ABANDONED)

    def post(self, url: str, payload: Any, headers: Mapping[str, str], *, deadline: float) -> Response:
        """Post JSON and return the response within `deadline` seconds in all; else raise `DeliveryFailed`.

        `Transient` means that nothing was sent, nor will be.
        """
        body = _Body(json.dumps(payload).encode())
        return self._call(partial(self._session.post, url, data=body, headers=dict(headers)), deadline, body)

    def patch(self, url: str, query: Mapping[str, str], headers: Mapping[str, str], *, deadline: float) -> Response:
        """Patch with query parameters alone, as `post` does but for one thing: what is `Unsure` may come late."""
        return self._call(partial(self._session.patch, url, params=dict(query), headers=dict(headers)), deadline)

    def _call(self, request: Request, deadline: float, body: _Body | None = None) -> Response:
        if not self._slots.acquire(blocking=False):
            raise Transient("Too many calls to Kommunicate are still waiting for an end")
        outcome: queue.SimpleQueue[Response | DeliveryFailed] = queue.SimpleQueue()
        ends = monotonic() + deadline
        # requests' own timeout is per read. A daemon thread, so that a dripping server cannot hold up the exit either.
        threading.Thread(target=self._run, args=(request, ends, body, outcome), daemon=True).start()
        try:
            result = outcome.get(timeout=max(deadline, 0))
        except queue.Empty:
            raise (_unreachable() if body is not None and body.call_off() else _too_late()) from None
        if isinstance(result, DeliveryFailed):
            raise result
        return result

    def _run(
        self, request: Request, ends: float, body: _Body | None, outcome: queue.SimpleQueue[Response | DeliveryFailed]
    ) -> None:
        try:
            outcome.put(_exchange(request, ends))
        except DeliveryFailed as error:
            outcome.put(error)
        except Exception as error:  # noqa: BLE001  # carried to the caller: a thread has nobody else to tell
            outcome.put(_failure(error, nothing_sent=body is not None and body.call_off()))
        finally:
            self._slots.release()


def _exchange(request: Request, ends: float) -> Response:
    timeout = max(ends - monotonic(), 0.001)
    # No redirects: the key must not leave its host.
    with request(timeout=timeout, allow_redirects=False, stream=True, hooks={"response": _stay}) as response:
        failpoint("kommunicate.sent")
        return Response(response.status_code, dict(response.headers), _read(response, ends))


def _stay(response: requests.Response, **_: Any) -> None:
    """Forget where a redirect leads: requests reads its whole body, however large, even if it is not to follow."""
    response.headers.pop("Location", None)


def _read(response: requests.Response, ends: float) -> bytes:
    body = bytearray()
    for chunk in response.iter_content(_CHUNK):
        body += chunk
        if len(body) > MAX_RESPONSE:
            raise Unsure("Kommunicate's response is too large", code="too_large")
        if monotonic() > ends:
            raise _too_late()
    return bytes(body)


def _failure(error: Exception, *, nothing_sent: bool) -> DeliveryFailed:
    """Return our word for what went wrong; the library's own text may hold the key, so it is not repeated."""
    if isinstance(error, _UNUSABLE):
        return OperatorNeeded("workspace", "KOMMUNICATE_API_URL or KOMMUNICATE_API_KEY cannot be used", code="unusable")
    if nothing_sent or isinstance(error, ConnectTimeout) or _never_connected(error):
        return _unreachable()
    if isinstance(error, requests.Timeout):
        return _too_late()
    return Unsure("The connection to Kommunicate broke", code="broken")


def _unreachable() -> Transient:
    return Transient("Kommunicate cannot be reached", code="unreachable")


def _too_late() -> Unsure:
    return Unsure("Kommunicate did not answer in time", code="timeout")


def _never_connected(error: Exception) -> bool:
    reason = getattr(error.args[0], "reason", None) if isinstance(error, ConnectionError) and error.args else None
    return isinstance(reason, NewConnectionError)
