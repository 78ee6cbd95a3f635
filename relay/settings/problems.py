"""Collecting findings about one text, each with its place in it."""

from __future__ import annotations

from dataclasses import dataclass, field

from relay.findings import Finding, Level

Place = tuple[int, int]
"""Line and column, both from 1."""

Path = tuple[str | int, ...]
"""The way to a value: keys as written and positions in lists, such as `("routes", 0, "channel")`."""

START: Place = (1, 1)


@dataclass
class Problems:
    """What has been found so far in the text called `name`."""

    name: str
    found: list[tuple[Place, Finding]] = field(default_factory=list)

    def add(self, place: Place, code: str, message: str, hint: str, level: Level = "error") -> None:
        """Notes one problem."""
        where = f"{self.name}:{place[0]}:{place[1]}"
        self.found.append((place, Finding(code, level, message, hint, where)))

    def in_order(self) -> list[Finding]:
        """Every finding, first line first."""
        return [finding for _, finding in sorted(self.found, key=lambda pair: pair[0])]
