"""Messages with details that must be hidden, and others that only look so: `corpus.txt`, a line each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from relay.keys import without_invisible

ALL = ["payment_card", "iban", "email", "phone", "secret"]
_MARKED = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_HIDDEN = re.compile(r"\[[\w -]+[ -]hidden\]")


@dataclass(frozen=True)
class Example:
    """A message, and what of it must be hidden."""

    text: str
    details: tuple[str, ...]

    def leaked_in(self, shown: str) -> list[str]:
        """The details that can still be read in what is shown: whole, or a piece that tells them all the same."""
        seen = without_invisible(shown)
        return [one for one in self.details if any(piece in seen for piece in telling(one))]

    def is_shown_as_meant(self, shown: str) -> bool:
        """True where each detail is hidden, and every other word stands as it was written."""
        parts = [without_invisible(part) for part in _MARKED.split(self.marked)[::2]]
        return re.fullmatch(_HIDDEN.pattern.join(map(re.escape, parts)), without_invisible(shown)) is not None

    @property
    def marked(self) -> str:
        marked = self.text
        for one in self.details:
            marked = marked.replace(one, f"{{{{{one}}}}}", 1)
        return marked


def telling(detail: str) -> set[str]:
    """Return a detail as it was written, and what of it is long enough to be of use to somebody."""
    words = re.findall(r"[\w.@+-]{5,}", without_invisible(detail))
    return {without_invisible(detail), *(word for word in words if any(char.isdigit() or char == "@" for char in word))}


@cache
def examples() -> list[Example]:
    """All of them."""
    lines = (Path(__file__).parent / "corpus.txt").read_text(encoding="utf-8").splitlines()
    return [_example(line) for line in lines if line and not line.startswith("#")]


def leaked(said: str) -> list[str]:
    """Details that can be read there, but for those that could be anything: short ones, and what look-alikes say."""
    return [piece for piece in _certain() if piece in said]


@cache
def _certain() -> Sequence[str]:
    written = examples()
    alike = [one.text for one in written if not one.details]
    pieces = {piece for one in written for each in one.details for piece in telling(each) if len(piece) >= 7}
    return sorted(piece for piece in pieces if not any(piece in text for text in alike))


def group_of(number: int) -> str:
    """A chat's id, in letters: digits of one could be read as a PIN."""
    return "g" + "".join(chr(ord("a") + int(digit)) for digit in str(number))


def _example(line: str) -> Example:
    written = line.replace("⏎", "\n").replace("␣", "\u200b")
    return Example(written.replace("{{", "").replace("}}", ""), tuple(_MARKED.findall(written)))
