"""What a conversation's value is compared with: exact text, text with `*` and `?`, `/a pattern/`, numbers, hours.

RE2 runs patterns, in time proportional to the product of pattern and text at worst; both are bounded, so that no
pattern and no message can block the relay.
"""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from typing import Any, Protocol

from relay.settings.hours import BusinessHours, parse_days, parse_opening
from relay.settings.wrong import looks_secret, shown, wrong

ROLES, YES_OR_NO = ("customer", "agent", "bot"), ("true", "false")
LOOKED_AT = 4000  # characters of a text that a pattern searches
MAX_PROGRAM = 1000  # steps of RE2's program: with as many characters, some 50 ms at worst
_PATTERN = re.compile(r"/(?P<pattern>.+)/(?P<ignore_case>i?)", re.DOTALL)
_NUMBER = re.compile(r"[0-9]{1,18}")
_ENDLESS = 10**18
_RANGE = re.compile(r"(?P<first>[0-9]{1,18})-(?P<last>[0-9]{1,18})?")


class Matcher(Protocol):
    """One value that a route tests for; `written` is its form in the file."""

    @property
    def written(self) -> str:
        """Its form in the file."""

    def matches(self, value: str | float) -> bool:
        """True if a conversation's value matches."""


@dataclass(frozen=True, slots=True)
class Exact:
    """Exactly this text, case sensitive."""

    written: str

    def matches(self, value: str | float) -> bool:
        """True for the same text."""
        return value == self.written


@dataclass(frozen=True, slots=True)
class Glob:
    """A whole text in which `*` stands for any characters and `?` for one."""

    written: str

    def matches(self, value: str | float) -> bool:
        """True if the whole text matches."""
        # Brackets are common in the names of groups, so they have no special meaning. `re` caches compiled patterns.
        pattern = fnmatch.translate(self.written.replace("[", "[[]"))
        return isinstance(value, str) and re.match(pattern, value[:LOOKED_AT]) is not None


@dataclass(frozen=True, slots=True)
class Regex:
    """A text that contains the pattern anywhere."""

    written: str
    program: Any = field(repr=False)

    def matches(self, value: str | float) -> bool:
        """True if the pattern occurs in the text's first characters."""
        # RE2 does not accept lone surrogates, which JSON can contain.
        return isinstance(value, str) and self.program.search(_whole_characters(value[:LOOKED_AT])) is not None


@dataclass(frozen=True, slots=True)
class Range:
    """Whole numbers from the first to the last, inclusive; without a last one, all that follow."""

    written: str
    first: int
    last: int

    def matches(self, value: str | float) -> bool:
        """True for a number between the two."""
        number = number_of(value)
        return number is not None and self.first <= number <= self.last


@dataclass(frozen=True, slots=True)
class Language:
    """A language such as `de`, with all its countries, or one with its country, such as `de-AT`."""

    written: str

    def matches(self, value: str | float) -> bool:
        """True for this language; `de_AT` and `de-at` are the same."""
        asked, has = (re.sub("_", "-", str(one)).casefold() for one in (self.written, value))
        return has == asked or has.startswith(asked + "-")


@dataclass(frozen=True, slots=True)
class Within:
    """Moments within these hours."""

    written: str
    hours: BusinessHours

    def matches(self, value: str | float) -> bool:
        """True for a moment, in seconds since 1970."""
        return self.hours.include(float(value))


def _whole_characters(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def number_of(value: str | float) -> int | None:
    """A whole number written in digits; None for anything else."""
    return int(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else None


def parse_matcher(value: Any) -> Matcher:
    """Exact text, text with `*` or `?`, or a pattern between slashes."""
    if not isinstance(value, str) or not value.strip():
        raise wrong("not_text", f"{shown(value)} is not allowed here; this must be text.", "Write one piece of text.")
    if found := _PATTERN.fullmatch(value):
        return Regex(value, compile_pattern(found["pattern"], ignore_case=bool(found["ignore_case"]), over_lines=True))
    if "*" in value or "?" in value:
        return Glob(value)
    return Exact(value)


def parse_group(value: Any) -> Matcher:
    """A group's id, a range of them, or any text matcher."""
    found = _RANGE.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        return parse_matcher(value)
    first, last = int(found["first"]), int(found["last"] or _ENDLESS)
    if last < first:
        raise wrong("empty_range", f"{shown(value)} ends before it begins.", f"Write `{last}-{first}`.")
    return Range(value.strip(), first, last)


def parse_language(value: Any) -> Language:
    """A language code, optionally with a country."""
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*", value):
        return Language(value)
    raise wrong("bad_language", f"{shown(value)} is not a language.", "Write its code, such as `de` or `pt-BR`.")


def parse_within(value: Any) -> Within:
    """Hours, optionally on some days."""
    return Within(value, parse_opening(value))


def parse_day(value: Any) -> Within:
    """Days of the week."""
    return Within(value, parse_days(value))


def parse_role(value: Any) -> Exact:
    """Who wrote first."""
    return Exact(_one_of(value, ROLES))


def parse_yes(value: Any) -> Exact:
    """True or false."""
    return Exact(_one_of(value, YES_OR_NO))


def _one_of(value: Any, choices: tuple[str, ...]) -> str:
    if isinstance(value, str) and value.lower() in choices:
        return value.lower()
    message = f"{shown(value)} is not allowed here; it can be {' or '.join(choices)}."
    close = get_close_matches(str(value)[:40].lower(), choices, n=1, cutoff=0.5)
    raise wrong("wrong_value", message, f"Did you mean `{close[0]}`?" if close else f"Write `{choices[0]}`.")


def compile_pattern(pattern: str, *, ignore_case: bool = False, over_lines: bool = False) -> Any:
    """RE2's program for a pattern; raises for an invalid one, or one that may be slow. `over_lines`: a dot also matches
    a line break.
    """
    compiled, complaint = _compile(pattern, ignore_case=ignore_case, over_lines=over_lines)
    if complaint:
        hint = "Patterns use RE2 syntax: no look-around and no back-references; see github.com/google/re2/wiki/Syntax."
        why = "" if looks_secret(pattern) else f": {complaint}"  # it repeats part of the pattern
        raise wrong("bad_pattern", f"{shown(pattern)} is not a pattern{why}.", hint)
    if compiled.programsize > MAX_PROGRAM:
        message = f"{shown(pattern)} is too large a pattern: {compiled.programsize:,} steps, {MAX_PROGRAM:,} at most."
        raise wrong("large_pattern", message, "Repeat less often, as in `{1,20}`, or write several patterns.")
    return compiled


@cache
def _compile(pattern: str, *, ignore_case: bool, over_lines: bool) -> tuple[Any, str]:
    import re2  # imported here: most files have no pattern, and it is a library to load

    options = re2.Options()
    options.case_sensitive, options.log_errors, options.dot_nl = not ignore_case, False, over_lines
    try:
        return re2.compile(pattern, options), ""
    except re2.error as error:
        said = error.args[0] if error.args else ""
        return None, said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
