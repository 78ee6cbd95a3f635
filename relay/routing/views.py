"""A text in searchable form: the same words whatever digits, widths and marks they were written with."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

NOTHING = "*"  # stands for what is not read: formatting marks, accents, joiners, control characters
_HALVES = re.compile("[\ud800-\udfff]")
_MARKS = re.compile(r"[*_~`]+")


@dataclass(frozen=True, slots=True)
class View:
    """Characters to be searched; `at` gives the position of each in the text, None for the same position."""

    text: str
    at: tuple[int, ...] | None = None

    def place(self, start: int, end: int) -> tuple[int, int]:
        """The position of this part of the view in the text."""
        return (start, end) if self.at is None else (self.at[start], self.at[end - 1] + 1)


def views(text: str) -> Iterator[View]:
    """Yield the text in plain digits and letters; and again without marks, if there are any."""
    folded = text if text.isascii() and text.isprintable() else text.translate(_FOLD)
    yield View(folded)
    if _MARKS.search(folded):
        kept = tuple(index for index, char in enumerate(folded) if char not in "*_~`")
        yield View("".join(map(folded.__getitem__, kept)), kept)


def hits(pattern: str, text: str) -> Iterator[tuple[int, int]]:
    """Yield where RE2 finds a pattern, as candidates for a closer look: fast, and linear for any text."""
    return (found.span() for found in matches(pattern, text))


def matches(pattern: str, text: str) -> Iterator[Any]:
    """Yield RE2's matches of a pattern; it cannot process lone surrogates."""
    whole = text if text.isascii() else _HALVES.sub("\ufffd", text)
    found: Iterator[Any] = _compiled(pattern).finditer(whole)
    return found


@cache
def _compiled(pattern: str) -> Any:
    import re2  # imported here: only those who redact pay for it

    return re2.compile(pattern)


class _Fold(dict[int, str]):
    """Each character as the ASCII character it is read as: full-width, Arabic, bold, circled."""

    def __missing__(self, code: int) -> str:
        self[code] = _plain(chr(code))
        return self[code]


def _plain(char: str) -> str:
    if char in "\n\r\t":
        return char
    kind, same = unicodedata.category(char), unicodedata.normalize("NFKC", char)
    if kind in ("Mn", "Me", "Cc", "Cf", "Cs") or char == "\ufffd":
        return NOTHING
    if (digit := unicodedata.digit(char, None)) is not None:
        return str(digit)
    if kind in ("Pd", "Zs", "Zl", "Zp") or char == "\u2212":
        return "-" if kind in ("Pd", "Sm") else " "
    return same if len(same) == 1 and same.isascii() else char


_FOLD = _Fold()
