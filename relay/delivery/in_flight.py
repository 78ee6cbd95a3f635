"""The attempts that a worker has under way: how many of each kind, and for which channels."""

from __future__ import annotations

import threading
from collections import Counter

from relay.delivery.attempt import Attempt
from relay.vocabulary import Lane

CROWDED = 24  # in flight; from there on
SHARE = 3  # a channel that has so many gets no more: so that those that hang leave room for the others


class InFlight:
    """The attempts under way."""

    def __init__(self) -> None:
        self._attempts: dict[int, tuple[Attempt, str]] = {}  # each with the channel it set out for: that may change
        self._by_lane: Counter[Lane] = Counter()
        self._by_channel: Counter[str] = Counter()
        self._changed = threading.Condition()

    def add(self, attempt: Attempt) -> None:
        """It has set out."""
        with self._changed:
            channel = attempt.channel
            self._attempts[id(attempt)] = (attempt, channel)
            self._by_lane[attempt.claim.lane] += 1
            self._by_channel[channel] += 1

    def remove(self, attempt: Attempt) -> None:
        """It is over."""
        with self._changed:
            found = self._attempts.pop(id(attempt), None)
            if found is not None:
                _, channel = found
                self._by_lane[attempt.claim.lane] -= 1
                self._by_channel[channel] -= 1
                self._by_channel += Counter()  # forgets those that have none
                self._changed.notify_all()

    def count(self, lane: Lane | None = None) -> int:
        """How many of this kind, or of all."""
        return len(self._attempts) if lane is None else self._by_lane[lane]

    def full_channels(self) -> list[str]:
        """The channels that have their share, once there are many in flight."""
        with self._changed:
            if len(self._attempts) < CROWDED:
                return []
            return [channel for channel, count in self._by_channel.items() if channel and count >= SHARE]

    def working_on(self) -> set[tuple[tuple[int, Lane], int]]:
        """The lanes and tokens of all of them."""
        with self._changed:
            return {(one.claim.lane_key, one.claim.token) for one, _ in self._attempts.values()}

    def wait_for_none(self, timeout: float) -> bool:
        """Wait until there are none, at most `timeout` seconds; False if there still are."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._attempts, timeout)
