"""Finds which of ten thousand routes may match a conversation, without testing each.

A route is indexed by one of its conditions: a whole text, a range of numbers, or three consecutive letters of each text
with a `*`. A route without one of these (a pattern, hours, `any`, `not`) is always tested.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import Any

from relay.routing.facts import Facts
from relay.settings.conditions import Asks, Joined
from relay.settings.matchers import LOOKED_AT, Exact, Glob, Range, number_of

LETTERS = 3
_PLAIN = re.compile(rf"[^*?]{{{LETTERS},}}")

Places = defaultdict[str, defaultdict[str, list[int]]]


class Candidates:
    """An index over the conditions of routes."""

    def __init__(self, conditions: Sequence[Joined]) -> None:
        """The routes are identified by their positions in this sequence."""
        self._always: list[int] = []
        self._whole: Places = defaultdict(lambda: defaultdict(list))
        self._within: Places = defaultdict(lambda: defaultdict(list))
        self._ranges: defaultdict[str, list[tuple[int, int, int]]] = defaultdict(list)  # first, last, route
        for number, when in enumerate(conditions):
            if not any(self._add(number, part) for part in when.parts if isinstance(part, Asks)):
                self._always.append(number)
        for ranges in self._ranges.values():
            ranges.sort()

    def of(self, facts: Facts) -> Sequence[int]:
        """The routes that may match, in order; every matching route is among them."""
        found = set(self._always)
        for name, whole in self._whole.items():
            for value in facts.values(name):
                found.update(whole.get(str(value), ()))
        for name, within in self._within.items():
            for value in facts.values(name):
                for letters in _in_a_row(str(value)[:LOOKED_AT]):
                    found.update(within.get(letters, ()))
        for name, ranges in self._ranges.items():
            for value in facts.values(name):
                found.update(_containing(ranges, str(value)))
        return sorted(found)

    def _add(self, number: int, part: Asks) -> bool:
        """Index a route under one of its conditions; False if this condition cannot be indexed."""
        values: Sequence[Any] = part.values
        if all(isinstance(value, Exact) for value in values):
            for value in values:
                self._whole[part.name][value.written].append(number)
        elif all(isinstance(value, Range) for value in values):
            self._ranges[part.name] += [(value.first, value.last, number) for value in values]
        elif all(isinstance(value, Exact | Glob) for value in values) and all(
            letters := list(map(_letters_of, values))
        ):
            for each in letters:
                self._within[part.name][each].append(number)
        else:
            return False
        return True


def _containing(ranges: Sequence[tuple[int, int, int]], value: str) -> Iterator[int]:
    """The routes whose range contains this number, among ranges in order of their beginnings."""
    number = number_of(value)
    if number is not None:
        begun = bisect_right(ranges, number, key=itemgetter(0))
        yield from (route for _, last, route in ranges[:begun] if last >= number)


def _letters_of(value: Exact | Glob) -> str:
    """Consecutive letters that every matching text has: from the end of the literal part, because beginnings are often
    alike.
    """
    plain = [value.written[:LOOKED_AT]] if isinstance(value, Exact) else _PLAIN.findall(value.written)
    longest = max(plain, key=len, default="")
    return longest[-LETTERS:] if len(longest) >= LETTERS else ""


def _in_a_row(text: str) -> set[str]:
    return {text[first : first + LETTERS] for first in range(len(text) - LETTERS + 1)}
