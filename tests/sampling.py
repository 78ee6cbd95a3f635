"""What `make test` leaves to `make test-long`: the marker `long`.

In the short run a test of both databases meets each value of each of its parameters, but not all their combinations:
most run on one of the databases, in turns. Which are chosen is the same at each run. What takes long by itself is
marked where it stands.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

ENGINES = {"sqlite", "postgres"}
NAMES = ("database_url", "engine")  # what the parameter is called that says on which database a test runs

Value = tuple[str, str]  # a parameter and what it is
Case = frozenset[Value]


def mark_long(items: Sequence[pytest.Item]) -> None:
    """Mark those of the tests on both databases that are not in the sample."""
    used: dict[Path, Counter[Any]] = defaultdict(Counter)
    for (path, _), cases in _on_both_databases(items).items():
        chosen = sample([case_of(item) for item in cases], used[path])
        for item in cases:
            if case_of(item) not in chosen:
                item.add_marker(pytest.mark.long)


def sample(cases: Sequence[Case], used: Counter[Any]) -> list[Case]:
    """As many as it takes to have each value once, on databases and in company that were `used` the least."""
    chosen: list[Case] = []
    missing = {value for case in cases for value in case if value[0] not in NAMES}
    while missing or not chosen:

        def new_ones_first(case: Case, missing: set[Value] = missing) -> tuple[int, int, int]:
            return -len(missing & case), sum(used[pair] for pair in _pairs(case)), sum(used[value] for value in case)

        chosen.append(min(cases, key=new_ones_first))
        used.update([*chosen[-1], *_pairs(chosen[-1])])
        missing -= chosen[-1]
    return chosen


def sampled(values: Iterable[Any], *short: Any) -> list[Any]:
    """Values for a parameter that takes long by itself: `make test` has some of them."""
    return [pytest.param(value, marks=() if value in short else pytest.mark.long) for value in values]


def case_of(item: pytest.Function) -> Case:
    """The values that a test has in this case."""
    return frozenset((name, repr(value)) for name, value in item.callspec.params.items())


def _pairs(case: Case) -> Iterator[frozenset[Value]]:
    return map(frozenset, combinations(case, 2))


def _on_both_databases(items: Sequence[pytest.Item]) -> dict[tuple[Path, str], list[pytest.Function]]:
    """Each test that runs on both, with all its cases but those that are long anyway."""
    tests: dict[tuple[Path, str], list[pytest.Function]] = defaultdict(list)
    for item in items:
        if isinstance(item, pytest.Function) and hasattr(item, "callspec") and not item.get_closest_marker("long"):
            tests[item.path, item.originalname].append(item)
    return {
        test: cases
        for test, cases in tests.items()
        if any({case.callspec.params.get(name) for case in cases} == ENGINES for name in NAMES)
    }
