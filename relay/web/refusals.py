"""What a flood of refused requests may cost: an answer and a connection each, and few lines of the log.

Nobody is locked out for it. Kommunicate and Slack share their addresses with others, and behind a host's router all
requests come from one, so what an address did before says nothing about its next request: whoever has the token, or
the signature, is let in. What is refused is refused before it is parsed or touches the database.
"""

from __future__ import annotations

from collections import Counter
from threading import Lock

from relay.clock import monotonic

WINDOW = 60.0  # seconds
LINES = 10  # of the log for one address in that time
ADDRESSES = 100  # that have lines of their own in that time


class Refusals:
    """Decides which refusals are worth a line of the log."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._ends = 0.0
        self._seen: Counter[str] = Counter()
        self._left_out = 0

    def note(self, address: str) -> int | None:
        """None where this one is left out of the log; else how many were, since the last line."""
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
    """How a line of the log says what `note` told."""
    return {"left_out": left_out} if left_out else {}
