"""Hides details in text before it is shown in Slack, sent, or stored for that.

Every text is searched for everything at once, and each find is replaced once: no rule applies to another rule's
replacement. Without rules there is no redactor at all.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote_plus

import structlog

from relay.keys import without_invisible
from relay.routing.views import hits, views
from relay.settings.matchers import compile_pattern
from relay.settings.redactions import Builtin, Redaction

log = structlog.get_logger()

Span = tuple[int, int]
Find = Callable[[str], Iterable[Span]]

MOST_FOUND = 300  # by one configured pattern in one text; beyond that, the whole text is hidden
MOST_STEPS = 8_000_000  # RE2 steps for one pattern and text, a tenth of a second; a longer text is hidden completely
MOST_ADDRESSES = 1000  # encoded URLs that are read in one text; everything after them is hidden
REMEMBERED, SHORT = 1024, 200  # cached texts with their results, and their maximum length

_ADDRESS = r"(?i)(?:https?://|www\.)[^\s<>\"]+"
_UNREADABLE = "message"
_BETWEEN = "\n;;\n"  # no detail spans it
_HOST = re.compile(r"(?:https?://)?[^/?#\s]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Redacted:
    """A text without the hidden details, and their number."""

    text: str
    count: int = 0


@dataclass(frozen=True, slots=True)
class _Found:
    start: int
    end: int
    label: str


class Redactor:
    """Hides what some rules name."""

    def __init__(self, rules: Sequence[Redaction]) -> None:
        builtins = {rule.builtin for rule in rules} - {None}
        self._finders = [found for name, found in _builtins().items() if name in builtins]
        self._finders += [(rule.name, _by_pattern(rule.pattern)) for rule in rules if rule.pattern]
        self._short = lru_cache(maxsize=REMEMBERED)(self._hide)

    def hide(self, text: str) -> Redacted:
        """The text with `[payment card hidden]` and the like; byte for byte unchanged if there is nothing to hide."""
        return self._short(text) if len(text) <= SHORT else self._hide(text)

    def hide_name(self, name: str) -> Redacted:
        """The same of a file's name, which may be the end of an address, with signs to be decoded."""
        found, read = self.hide(name), self.hide(_decoded(name)) if "%" in name else Redacted(name)
        return read if read.count > found.count else found

    def clean(self, text: str) -> str:
        """Only the text."""
        return self.hide(text).text

    def finds_in(self, text: str | None) -> bool:
        """True if some of it would be hidden."""
        return bool(text) and self.hide(text or "").count > 0

    def _hide(self, text: str) -> Redacted:
        try:
            return self._searched(text)
        except Exception as error:  # noqa: BLE001 - whatever a text does to a finder: unsearched, it goes nowhere
            log.error("redact.failed", error=type(error).__name__)
            return Redacted(f"[{_UNREADABLE} hidden]", 1)

    def _searched(self, text: str) -> Redacted:
        seen = without_invisible(text)
        addresses = list(hits(_ADDRESS, seen))
        found = _merged([*self._find(seen), *self._in_addresses(seen, addresses)])
        if not found:
            return Redacted(text)
        return Redacted("".join(_pieces(seen, found, addresses)), len(found))

    def _find(self, text: str) -> Iterator[_Found]:
        for view in views(text):
            for label, find in self._finders:
                for span in find(view.text):
                    start, end = view.place(*span)
                    yield _Found(start, _drawn_to(text, end), label)

    def _in_addresses(self, text: str, addresses: Sequence[Span]) -> Iterator[_Found]:
        """What URLs say once they are decoded: if that contains a detail, everything after the host is hidden."""
        rests: list[Span] = []
        ends: list[int] = []
        read = ""
        for start, end in addresses:
            host = _HOST.match(text, start, end)
            begin = host.end() if host else end
            if len(rests) >= MOST_ADDRESSES:
                yield _Found(begin, len(text), "link")
                break
            if "%" in text[begin:end] or "+" in text[begin:end]:
                rests.append((min(begin + 1, end), end))
                read += _decoded(text[begin:end])
                ends.append(len(read))
                read += _BETWEEN
        for one in self._find(read) if rests else ():
            yield _Found(*rests[min(bisect_left(ends, one.end), len(rests) - 1)], one.label)


@lru_cache(maxsize=256)
def redactor(rules: tuple[Redaction, ...]) -> Redactor | None:
    """The redactor for these rules, created once for each set of them; None without rules."""
    return Redactor(rules) if rules else None


def _decoded(text: str) -> str:
    for _ in range(3):
        before, text = text, unquote_plus(text)
        if text == before:
            break
    return text


def _drawn_to(text: str, end: int) -> int:
    """The end of the characters that are drawn together with the one before: keycaps, strokes."""
    while end < len(text) and not text[end].isascii() and unicodedata.category(text[end]) in ("Mn", "Me", "Cf"):
        end += 1
    return end


def _merged(found: list[_Found]) -> list[_Found]:
    """Overlapping finds become one, named after the first, or the longer of two that begin together."""
    merged: list[_Found] = []
    for one in sorted(found, key=lambda each: (each.start, -each.end)):
        if merged and one.start < merged[-1].end:
            last = merged[-1]
            merged[-1] = _Found(last.start, max(last.end, one.end), last.label)
        else:
            merged.append(one)
    return merged


def _pieces(text: str, found: Sequence[_Found], addresses: Sequence[Span]) -> Iterator[str]:
    position, coming = 0, iter((*addresses, (len(text), len(text))))
    start, end = next(coming)
    for one in found:
        while end <= one.start and start < len(text):
            start, end = next(coming)
        yield text[position : one.start]
        said = f"[{one.label} hidden]"
        yield said.replace(" ", "-") if start < one.start < end else said  # a space would end the link
        position = one.end
    yield text[position:]


def _builtins() -> dict[Builtin, tuple[str, Find]]:
    # imported here: only those who redact pay for it
    from relay.routing.credentials import emails, secrets
    from relay.routing.numbers import ibans, payment_cards
    from relay.routing.phones import phone_numbers

    return {
        Builtin.SECRET: ("secret", secrets),
        Builtin.PAYMENT_CARD: ("payment card", payment_cards),
        Builtin.IBAN: ("IBAN", ibans),
        Builtin.EMAIL: ("e-mail address", emails),
        Builtin.PHONE: ("phone number", phone_numbers),
    }


def _by_pattern(pattern: str) -> Find:
    """What a configured pattern finds, in time that grows linearly with the text, whatever both are."""
    compiled = compile_pattern(pattern)

    def find(text: str) -> Iterator[Span]:
        if compiled.programsize * len(text) > MOST_STEPS:
            yield 0, len(text)
            return
        for number, found in enumerate(compiled.finditer(text)):
            if number >= MOST_FOUND:
                yield 0, len(text)
                return
            if found.end() > found.start():
                yield found.span()

    return find
