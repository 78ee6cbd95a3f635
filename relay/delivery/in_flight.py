"""The attempts of a worker that are in flight: how many of each kind, and for which channels."""

from __future__ import annotations

import threading
from collections import Counter

from relay.delivery.attempt import Attempt
from relay.vocabulary import Lane

CROWDED = 24  # in flight, from which channels have a share
SHARE = 3  # attempts per channel: those that hang leave room for others


class InFlight:
    """The attempts in flight."""

    def __init__(self) -> None:
        self._attempts: dict[int, tuple[Attempt, str]] = {}  # each with the channel it started for, which may change
        self._by_lane: Counter[Lane] = Counter()
        self._by_channel: Counter[str] = Counter()
        self._changed = threading.Condition()

    def add(self, attempt: Attempt) -> None:
        """It has started."""
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
                self._by_channel += Counter()  # drops channels without attempts
                self._changed.notify_all()

    def count(self, lane: Lane | None = None) -> int:
        """How many of this kind, or in total."""
        return len(self._attempts) if lane is None else self._by_lane[lane]

    def full_channels(self) -> list[str]:
        """The channels that have used up their share, once many attempts are in flight."""
        with self._changed:
            if len(self._attempts) < CROWDED:
                return []
            return [channel for channel, count in self._by_channel.items() if channel and count >= SHARE]

    def working_on(self) -> set[tuple[tuple[int, Lane], int]]:
        """The lanes and tokens of all of them."""
        with self._changed:
            return {(one.claim.lane_key, one.claim.token) for one, _ in self._attempts.values()}

    def wait_for_none(self, timeout: float) -> bool:
        """Wait at most `timeout` seconds until there are none; False if there still are."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._attempts, timeout)
