"""Limits the cost of a flood of refused requests: an answer and a connection each, and few log lines.

Nobody is locked out. Kommunicate and Slack share their addresses with others, and behind a host's router all requests
come from one address, so earlier requests from it say nothing about the next: whoever has the token, or the signature,
is let in. Refusals happen before parsing and before any database access.
"""

from __future__ import annotations

from collections import Counter
from threading import Lock

from relay.clock import monotonic

WINDOW = 60.0  # seconds
LINES = 10  # log lines for one address in that time
ADDRESSES = 100  # addresses that are logged separately in that time


class Refusals:
    """Decides which refusals are logged."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._ends = 0.0
        self._seen: Counter[str] = Counter()
        self._left_out = 0

    def note(self, address: str) -> int | None:
        """None if this one is not logged; otherwise how many were skipped since the last line."""
        with self._lock:
            now = monotonic()
            if now >= self._ends:
                self._ends = now + WINDOW
                self._seen.clear()
            known = address in self._seen or len(self._seen) < ADDRESSES
            if not known or self._seen[address] >= LINES:
                self._left_out += 1
                return None
            self._seen[address] += 1
            left_out, self._left_out = self._left_out, 0
            return left_out


def as_field(left_out: int) -> dict[str, int]:
    """The field of a log line for the result of `note`."""
    return {"left_out": left_out} if left_out else {}
