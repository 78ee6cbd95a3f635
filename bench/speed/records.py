"""Figures: one value for each round, their median and spread, and the ratio to a counterpart."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Value:
    """The result of one round: `measure` says what, in which `unit`, about which `subject`."""

    measure: str
    subject: str
    value: float
    unit: str
    round: int = 0


@dataclass(slots=True)
class Record:
    """The same over all rounds."""

    measure: str
    subject: str
    unit: str
    rounds: list[float] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)  # which rounds those are: a subject may have missed one

    @property
    def value(self) -> float:
        """The median."""
        return statistics.median(self.rounds)

    def as_json(self) -> dict[str, Any]:
        """A plain record."""
        return {
            "measure": self.measure,
            "subject": self.subject,
            "value": significant(self.value),
            "unit": self.unit,
            "rounds": [significant(one) for one in self.rounds],
        }


def gathered(values: Iterable[Value]) -> list[Record]:
    """One record for each measure and subject, in the order of their first appearance."""
    found: dict[tuple[str, str], Record] = {}
    for one in values:
        key = (one.measure, one.subject)
        record = found.setdefault(key, Record(one.measure, one.subject, one.unit))
        record.rounds.append(one.value)
        record.numbers.append(one.round or len(record.rounds))
    return list(found.values())


def significant(value: float) -> float:
    """The value with four digits."""
    return float(f"{value:.4g}")


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest of the values that this percentage of them does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -(-len(ordered) * int(percent * 10) // 1000) - 1))]


@dataclass(frozen=True, slots=True)
class Promise:
    """A promised ratio: the `measure` of subjects whose name begins with `subject`, divided by that of `against`.

    `limit` is the highest ratio, or with `at_least` the lowest. Without `against`, the value itself is meant.
    """

    number: str
    measure: str
    subject: str
    against: str
    limit: float
    at_least: bool = False

    def holds(self, ratio: float) -> bool:
        """True if the ratio is as promised."""
        return ratio >= self.limit if self.at_least else ratio <= self.limit


def table(records: Sequence[Record]) -> str:
    """All of them, one per line: median, lowest and highest round."""
    width = max((len(one.measure) for one in records), default=0)
    lines = []
    for one in records:
        spread = f"{number(min(one.rounds)):>8} .. {number(max(one.rounds)):<8}"
        lines.append(f"{one.measure:<{width}}  {one.subject:<24}{number(one.value):>9} {one.unit:<12}{spread}")
    return "\n".join(lines)


def verdicts(records: Sequence[Record], promises: Sequence[Promise]) -> list[dict[str, Any]]:
    """Each promise that these records are about, with its ratio in every round and the median of those."""
    found = []
    for promise in promises:
        base = _find(records, promise.measure, promise.against) if promise.against else None
        if promise.against and base is None:
            continue
        meant = (
            one
            for one in records
            if one.measure == promise.measure and one.subject.startswith(promise.subject) and one is not base
        )
        found += [_verdict(promise, one, base) for one in meant]
    return found


def _verdict(promise: Promise, one: Record, base: Record | None) -> dict[str, Any]:
    ratios = _ratios(one, base) if base else one.rounds
    ratio = statistics.median(ratios)
    return {
        "promise": promise.number,
        "measure": promise.measure,
        "subject": one.subject,
        "against": promise.against,
        "ratio": significant(ratio),
        "rounds": [significant(each) for each in ratios],
        "limit": promise.limit,
        "at_least": promise.at_least,
        "holds": promise.holds(ratio),
    }


def _ratios(one: Record, base: Record) -> list[float]:
    """The ratio in each round in which both took part."""
    theirs = dict(zip(base.numbers, base.rounds, strict=True))
    both = zip(one.numbers, one.rounds, strict=True)
    return [mine / theirs[at] for at, mine in both if theirs.get(at)] or [float("nan")]


def told(found: Sequence[dict[str, Any]]) -> str:
    """The verdicts, one per line."""
    lines = []
    for one in found:
        sign = ">=" if one["at_least"] else "<="
        against = f"{number(one['ratio'])} x {one['against']}" if one["against"] else number(one["ratio"])
        spread = f"{number(min(one['rounds']))} .. {number(max(one['rounds']))}"
        word = "holds" if one["holds"] else "MISSED"
        lines.append(
            f"{one['promise']:<13}{one['measure']:<44}{one['subject']:<24}"
            f"{against:<28}({spread}){'':<4}promised {sign} {one['limit']:g}   {word}"
        )
    return "\n".join(lines)


def number(value: float) -> str:
    """The number with three digits, formatted for reading."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _find(records: Sequence[Record], measure: str, subject: str) -> Record | None:
    return next((one for one in records if one.measure == measure and one.subject == subject), None)
