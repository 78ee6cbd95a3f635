"""Slack's rate limits: about one message per second per channel, and for some methods a number of calls per minute."""

from __future__ import annotations

import math

from relay.sandbox.slack.values import SlackError

PER_MINUTE = {"chat.delete": 50, "files.delete": 50}  # Tier 3, https://docs.slack.dev/apis/web-api/rate-limits
ROUNDING = 1e-6  # a post exactly one second later is in time, despite rounding


class Pacing:
    """A token bucket per channel; `pace` is posts per second (0: no limit), `burst` is how many may come at once."""

    def __init__(self, pace: float, burst: int) -> None:
        self.pace = pace
        self.burst = burst
        self.refused = 0
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, channel: str, now: float) -> None:
        """Counts one post, or raises `ratelimited` with whole seconds to wait."""
        self._take(channel, now, self.pace, float(self.burst))

    def take_call(self, method: str, now: float) -> None:
        """The same for one call of a method, over all channels; a whole minute's calls may come at once."""
        if self.pace > 0:
            self._take(method, now, PER_MINUTE[method] / 60, float(PER_MINUTE[method]))

    def _take(self, name: str, now: float, pace: float, burst: float) -> None:
        if pace <= 0:
            return
        tokens, last = self._buckets.get(name, (burst, now))
        tokens = min(burst, tokens + max(0.0, now - last) * pace)
        if tokens + ROUNDING < 1:
            self._buckets[name] = (tokens, now)
            self.refused += 1
            wait = max(1, math.ceil((1 - tokens) / pace - ROUNDING))
            raise SlackError("ratelimited", status=429, retry_after=wait)
        self._buckets[name] = (tokens - 1, now)
