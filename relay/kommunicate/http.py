"""One POST of JSON under a total deadline, with a capped response and without redirects or retries."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import requests
from requests.exceptions import ConnectionError, ConnectTimeout, InvalidHeader, InvalidSchema, InvalidURL, MissingSchema
from urllib3.exceptions import NewConnectionError

from relay.clock import monotonic
from relay.errors import DeliveryFailed, OperatorNeeded, Transient, Unsure

MAX_RESPONSE = 1_048_576  # bytes
MAX_ABANDONED = 8  # calls whose deadline has passed may still hold this many threads
_CHUNK = 16_384

_UNUSABLE = (InvalidHeader, InvalidSchema, InvalidURL, MissingSchema, UnicodeError)


@dataclass(frozen=True, slots=True)
class Response:
    """What came back, whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Caller:
    """Makes calls that end when their deadline does, whatever the other side drips."""

    def __init__(self, session: requests.Session) -> None:
        self._session = session
        self._slots = threading.BoundedSemaphore(MAX_ABANDONED)

    def post(self, url: str, payload: Any, headers: Mapping[str, str], *, deadline: float) -> Response:
        """Return the response within `deadline` seconds in all; else raise `DeliveryFailed`."""
        if not self._slots.acquire(blocking=False):
            raise Transient("Too many calls to Kommunicate are still waiting for an end")
        outcome: queue.SimpleQueue[Response | DeliveryFailed] = queue.SimpleQueue()
        ends = monotonic() + deadline
        # requests' own timeout is per read. A daemon thread, so that a dripping server cannot hold up the exit either.
        work = threading.Thread(
            target=self._run, args=(lambda: self._exchange(url, payload, headers, ends), outcome), daemon=True
        )
        work.start()
        try:
            result = outcome.get(timeout=max(deadline, 0))
        except queue.Empty:
            raise _too_late() from None
        if isinstance(result, DeliveryFailed):
            raise result
        return result

    def _run(self, exchange: Callable[[], Response], outcome: queue.SimpleQueue[Response | DeliveryFailed]) -> None:
        try:
            outcome.put(exchange())
        except DeliveryFailed as error:
            outcome.put(error)
        except Exception as error:  # noqa: BLE001  # carried to the caller: a thread has nobody else to tell
            outcome.put(_failure(error))
        finally:
            self._slots.release()

    def _exchange(self, url: str, payload: Any, headers: Mapping[str, str], ends: float) -> Response:
        timeout = max(ends - monotonic(), 0.001)
        # No redirects: the key must not leave its host.
        with self._session.post(
            url, json=payload, headers=dict(headers), timeout=timeout, allow_redirects=False, stream=True
        ) as response:
            return Response(response.status_code, dict(response.headers), _read(response, ends))


def _read(response: requests.Response, ends: float) -> bytes:
    body = bytearray()
    for chunk in response.iter_content(_CHUNK):
        body += chunk
        if len(body) > MAX_RESPONSE:
            raise Unsure("Kommunicate's response is too large", code="too_large")
        if monotonic() > ends:
            raise _too_late()
    return bytes(body)


def _failure(error: Exception) -> DeliveryFailed:
    """Return our word for what went wrong; the library's own text may hold the key, so it is not repeated."""
    if isinstance(error, _UNUSABLE):
        return OperatorNeeded("workspace", "KOMMUNICATE_API_URL or KOMMUNICATE_API_KEY cannot be used", code="unusable")
    if isinstance(error, ConnectTimeout) or _never_connected(error):
        return Transient("Kommunicate cannot be reached", code="unreachable")
    if isinstance(error, requests.Timeout):
        return _too_late()
    return Unsure("The connection to Kommunicate broke", code="broken")


def _too_late() -> Unsure:
    return Unsure("Kommunicate did not answer in time", code="timeout")


def _never_connected(error: Exception) -> bool:
    reason = getattr(error.args[0], "reason", None) if isinstance(error, ConnectionError) and error.args else None
    return isinstance(reason, NewConnectionError)
