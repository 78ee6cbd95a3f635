"""How long calls took, by method and outcome, until that is stored."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum

from relay.clock import monotonic
from relay.errors import DeliveryFailed, RateLimited, Transient, Unsure
from relay.histogram import Histogram


class CallStatus(StrEnum):
    """How a call ended."""

    OK = "ok"
    LIMITED = "rate_limited"
    REFUSED = "refused"  # the vendor said no
    FAILED = "failed"  # certainly not done, but may be later
    UNSURE = "unsure"  # no answer, or an unreadable one


Times = Mapping[tuple[str, str], Histogram]  # by method and status


class CallTimes:
    """For one process; threads may share it."""

    def __init__(self) -> None:
        self._times: dict[tuple[str, str], Histogram] = {}
        self._lock = threading.Lock()

    @contextmanager
    def measured(self, method: str) -> Iterator[None]:
        """Measure the call made inside the block."""
        begun, status = monotonic(), CallStatus.OK
        try:
            yield
        except DeliveryFailed as error:
            status = status_of(error)
            raise
        finally:
            self.observe(method, status, monotonic() - begun)

    def observe(self, method: str, status: CallStatus, seconds: float) -> None:
        """Count one call."""
        with self._lock:
            self._times.setdefault((method, status.value), Histogram()).observe(seconds)

    def take(self) -> Times:
        """Everything counted since the last time; the caller stores it."""
        with self._lock:
            taken, self._times = self._times, {}
        return taken

    def put_back(self, taken: Times) -> None:
        """Return what could not be stored."""
        with self._lock:
            for which, histogram in taken.items():
                self._times.setdefault(which, Histogram()).merge(histogram)


def status_of(error: DeliveryFailed) -> CallStatus:
    """How a call that failed with this error ended."""
    match error:
        case RateLimited():
            return CallStatus.LIMITED
        case Transient():
            return CallStatus.FAILED
        case Unsure():
            return CallStatus.UNSURE
    return CallStatus.REFUSED


def merged(*several: Times) -> Times:
    """All of them together."""
    found: dict[tuple[str, str], Histogram] = defaultdict(Histogram)
    for one in several:
        for which, histogram in one.items():
            found[which].merge(histogram)
    return dict(found)
