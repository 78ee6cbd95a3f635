"""Durations, counted in buckets."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

BOUNDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0, 21600.0)
"""Upper bounds in seconds; what took longer than the last one stands under infinity."""

_SUM = "sum"
_bound = cache(float)  # there are few names, and a chart adds up thousands of histograms


@dataclass(slots=True)
class Histogram:
    """Counts of durations up to each bound and above the previous one; `total` is the sum of all durations, in
    seconds.
    """

    numbers: Counter[float] = field(default_factory=Counter)
    total: float = 0.0

    @property
    def count(self) -> int:
        """How many there are."""
        return self.numbers.total()

    def observe(self, seconds: float) -> None:
        """Count one duration."""
        place = bisect_left(BOUNDS, seconds)
        self.add(BOUNDS[place] if place < len(BOUNDS) else math.inf, 1, seconds)

    def add(self, bound: float, number: int, total: float) -> None:
        """Count several within a bound that took `total` seconds together; negative numbers subtract."""
        self.numbers[bound] += number
        self.total += total

    def merge(self, other: Histogram, sign: int = 1) -> None:
        """Add another histogram, or subtract it."""
        for bound, number in other.numbers.items():
            self.numbers[bound] += sign * number
        self.total += sign * other.total

    def merge_json(self, stored: Mapping[str, float]) -> None:
        """Add a stored histogram, keeping the bounds it was stored with."""
        for name, number in stored.items():
            if name == _SUM:
                self.total += number
            else:
                self.numbers[_bound(name)] += int(number)

    def as_json(self) -> dict[str, float]:
        """The form that is stored."""
        numbers = {str(bound): number for bound, number in sorted(self.numbers.items()) if number}
        return {**numbers, _SUM: round(self.total, 3)}

    @classmethod
    def from_json(cls, stored: Mapping[str, float]) -> Histogram:
        """A histogram from its stored form."""
        found = cls()
        found.merge_json(stored)
        return found


def percentile(histogram: Histogram, share: float) -> float | None:
    """Seconds within which this share ended (0.95: 95 of 100), interpolated between two bounds; None if empty.

    For durations above the last bound, the answer is the last bound.
    """
    if not histogram.count:
        return None
    rank, below, lower = share * histogram.count, 0, 0.0
    for bound in sorted({*BOUNDS, *histogram.numbers}):
        number = histogram.numbers[bound]
        if number and below + number >= rank:
            return lower if math.isinf(bound) else lower + (bound - lower) * max(0.0, rank - below) / number
        below, lower = below + number, bound
    return lower


def exact_percentile(seconds: Sequence[float], share: float) -> float | None:
    """The same of times that are all known, the shortest first: one of them; None of none."""
    return seconds[max(0, math.ceil(share * len(seconds)) - 1)] if seconds else None
