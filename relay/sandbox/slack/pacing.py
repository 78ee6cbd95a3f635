"""Slack's patience: about one message a second and channel."""

from __future__ import annotations

import math

from relay.sandbox.slack.values import SlackError

ROUNDING = 1e-6  # a post exactly one second later is in time, whatever floats make of it


class Pacing:
    """A token bucket per channel; `pace` is posts per second (0: no limit), `burst` what may come at once."""

    def __init__(self, pace: float, burst: int) -> None:
        self.pace = pace
        self.burst = burst
        self.refused = 0
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, channel: str, now: float) -> None:
        """Uses up one post, or raises `ratelimited` with whole seconds to wait."""
        if self.pace <= 0:
            return
        tokens, last = self._buckets.get(channel, (float(self.burst), now))
        tokens = min(float(self.burst), tokens + max(0.0, now - last) * self.pace)
        if tokens + ROUNDING < 1:
            self._buckets[channel] = (tokens, now)
            self.refused += 1
            wait = max(1, math.ceil((1 - tokens) / self.pace - ROUNDING))
            raise SlackError("ratelimited", status=429, retry_after=wait)
        self._buckets[channel] = (tokens - 1, now)
