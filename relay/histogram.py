"""How long things took: how many of them ended within which bounds."""

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
_bound = cache(float)  # of its name: there are few, and thousands of histograms are added up for a chart


@dataclass(slots=True)
class Histogram:
    """How many took no more than each bound, and more than the one before it; `total` is all their seconds."""

    numbers: Counter[float] = field(default_factory=Counter)
    total: float = 0.0

    @property
    def count(self) -> int:
        """How many there are in all."""
        return self.numbers.total()

    def observe(self, seconds: float) -> None:
        """Count one more."""
        place = bisect_left(BOUNDS, seconds)
        self.add(BOUNDS[place] if place < len(BOUNDS) else math.inf, 1, seconds)

    def add(self, bound: float, number: int, total: float) -> None:
        """Count so many more within a bound, which took `total` seconds together; fewer, where they are below 0."""
        self.numbers[bound] += number
        self.total += total

    def merge(self, other: Histogram, sign: int = 1) -> None:
        """Add all of another one, or take it away."""
        for bound, number in other.numbers.items():
            self.numbers[bound] += sign * number
        self.total += sign * other.total

    def merge_json(self, stored: Mapping[str, float]) -> None:
        """Add what was stored; bounds that the code had then stay as they were."""
        for name, number in stored.items():
            if name == _SUM:
                self.total += number
            else:
                self.numbers[_bound(name)] += int(number)

    def as_json(self) -> dict[str, float]:
        """What can be stored."""
        numbers = {str(bound): number for bound, number in sorted(self.numbers.items()) if number}
        return {**numbers, _SUM: round(self.total, 3)}

    @classmethod
    def from_json(cls, stored: Mapping[str, float]) -> Histogram:
        """What was stored, as a histogram."""
        found = cls()
        found.merge_json(stored)
        return found


def percentile(histogram: Histogram, share: float) -> float | None:
    """Seconds within which this share of them ended (0.95: 95 of 100), evenly spread between two bounds; None of none.

    Of what took longer than the last bound nobody knows how much longer: the answer is then the last bound.
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
