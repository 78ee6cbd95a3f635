"""Time as an argument: the only module that reads the clock."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Anything that tells the time, in seconds since 1970 (UTC)."""

    def now(self) -> float: ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        return time.time()


def monotonic() -> float:
    """Seconds for measuring how long something took; never jumps."""
    return time.monotonic()
