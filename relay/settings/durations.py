"""Durations and numbers as people write them, as seconds and counts."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from relay.settings.wrong import shown, wrong

UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
LONGEST = 3650 * UNITS["d"]
MOST = 1_000_000

NUMBER = r"(?:0|[1-9][0-9]{0,11})(?:\.[0-9]{1,6})?"
_DURATION = re.compile(rf"({NUMBER})([smhd]?)")
_NEARLY = re.compile(r"[+]?0*([0-9]{1,9}(?:[.,][0-9]{1,6})?)\s*([a-z]*)\.?", re.IGNORECASE)
_WORDS = re.compile(r"s(ec(ond)?s?)?|m(in(ute)?s?)?|h(ou)?(rs?)?|d(ays?)?", re.IGNORECASE)
NEVER = "never"
_FORMS = "Write `30s`, `10m`, `72h`, `7d`, or a number of seconds."


def parse_duration(value: Any) -> float:
    """Seconds from `30s`, `10m`, `1.5h`, `7d` or a number of seconds, at most ten years."""
    if isinstance(value, str):
        value = _seconds(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise wrong("bad_duration", f"{shown(value)} is not a duration.", _FORMS)
    if value < 0:
        raise wrong("bad_duration", "A duration cannot be negative.", _FORMS)
    if not value <= LONGEST:
        raise wrong("bad_duration", "That is longer than ten years.", _FORMS)
    return float(value)


def parse_rate(value: Any) -> float:
    """A number above 0."""
    number = _number(value)
    if number is None or number <= 0:
        raise wrong("bad_number", f"{shown(value)} is not a number above 0.", "Write `1` or `0.5`.")
    return number


def parse_count(value: Any) -> int:
    """A whole number of at least 1."""
    number = _number(value)
    if number is None or number < 1 or number != int(number):
        raise wrong("bad_number", f"{shown(value)} is not a whole number of at least 1.", "Write `1` or `3`.")
    return int(number)


def _number(value: Any) -> float | None:
    if isinstance(value, str) and re.fullmatch(NUMBER, value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= MOST else None


def _seconds(text: str) -> float:
    if match := _DURATION.fullmatch(text):
        return float(match[1]) * UNITS[match[2]]
    if text.startswith("-"):
        raise wrong("bad_duration", f"A duration cannot be negative: {shown(text)}.", _FORMS)
    raise wrong("bad_duration", f"{shown(text)} is not a duration.", _nearest(text))


def _nearest(text: str) -> str:
    match = _NEARLY.fullmatch(text.strip())
    if match is None or (match[2] and not _WORDS.fullmatch(match[2])):
        return _FORMS
    return f"Did you mean `{match[1].replace(',', '.')}{match[2][:1].lower()}`? {_FORMS}"


def _above_zero(value: float) -> float:
    if value <= 0:
        raise wrong("must_be_positive", "This must be more than 0.", "Leave the key out to get the default.")
    return value


def parse_wait(value: Any) -> Any:
    """Seconds above 0, or `never`."""
    return value if value == NEVER else _above_zero(parse_duration(value))


_SCHEMA = {"anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": rf"^{_DURATION.pattern}$"}]}
Duration = Annotated[float, BeforeValidator(parse_duration), WithJsonSchema(_SCHEMA)]
Wait = Annotated[Duration, AfterValidator(_above_zero)]
_OR_NEVER = {"anyOf": [*_SCHEMA["anyOf"], {"const": NEVER}]}
WaitOrNever = Annotated[float | Literal["never"], BeforeValidator(parse_wait), WithJsonSchema(_OR_NEVER)]
Rate = Annotated[float, BeforeValidator(parse_rate)]
Count = Annotated[int, BeforeValidator(parse_count)]
