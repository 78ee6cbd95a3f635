"""Hours of the week, such as `Mon-Fri 09:00-18:00 Europe/Berlin`: when a team works, and how its time passes."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, PlainValidator, WithJsonSchema

from relay.settings.wrong import shown, wrong

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EXAMPLE = "Mon-Fri 09:00-18:00 Europe/Berlin"
_FORM = re.compile(
    r"(?:(?P<days>[a-z, -]+?)\s+)?(?P<opens>\d{1,2}:\d\d)\s*-\s*(?P<closes>\d{1,2}:\d\d)\s+(?P<zone>\S+)", re.I
)
_DAYS_FORM = re.compile(r"(?P<days>[a-z, -]+?)\s+(?P<zone>\S+)", re.I)
_MOMENT = re.compile(r"(?P<moment>\d{4}-\d\d-\d\d[ T]\d\d:\d\d)\s+(?P<zone>\S+)")
EVERY_DAY = frozenset(range(7))
_LONGEST = 400  # days that are searched: every week has a working day


@dataclass(frozen=True, slots=True)
class BusinessHours:
    """The same hours on each of some days of the week (Monday is 0), in one time zone.

    Hours that end before they begin span midnight; those that end when they begin are the whole day.
    """

    days: frozenset[int]
    opens: time
    closes: time
    zone: ZoneInfo

    def include(self, moment: float) -> bool:
        """True for a moment, in seconds since 1970, within the hours of one of the days."""
        try:
            now = datetime.fromtimestamp(moment, self.zone)
        except (ValueError, OverflowError):  # outside the calendar's range: the zone's year is 0 or 10000
            return False
        if self.opens < self.closes:
            return now.weekday() in self.days and self.opens <= now.time() < self.closes
        if now.time() >= self.opens:
            return now.weekday() in self.days
        return now.time() < self.closes and (now.weekday() - 1) % 7 in self.days

    def later(self, moment: float, seconds: float) -> float:
        """Return when `seconds` of business time have passed after `moment`; both in seconds since 1970."""
        now, left = datetime.fromtimestamp(moment, self.zone), seconds
        day = now.date()
        for _ in range(_LONGEST):
            if day.weekday() in self.days:
                opens = datetime.combine(day, self.opens, self.zone).timestamp()
                closes = datetime.combine(day, self.closes, self.zone).timestamp()
                begins = max(moment, opens)
                if closes - begins >= left:
                    return begins + left
                left -= max(0.0, closes - begins)
            day += timedelta(days=1)
        return moment + seconds


ALWAYS = BusinessHours(frozenset(range(7)), time.min, time.max, ZoneInfo("UTC"))


def parse_hours(value: Any) -> BusinessHours:
    """A team's hours as the file gives them: days, two times within one day, a time zone; `always` is all of them."""
    if value == "always":
        return ALWAYS
    found = _FORM.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None or not found["days"]:
        raise wrong("bad_hours", f"{shown(value)} are no business hours.", f"Write `{EXAMPLE}`, or `always`.")
    hours = parse_opening(value)
    if hours.opens >= hours.closes:
        hint = "Write the earlier time first, within one day: `09:00-18:00`."
        raise wrong("bad_hours", f"{shown(value)} do not open before they close.", hint)
    return hours


def parse_opening(value: Any) -> BusinessHours:
    """Any hours: optional days (default: every day), two times, which may span midnight, a time zone."""
    found = _FORM.fullmatch(value.strip()) if isinstance(value, str) else None
    days = EVERY_DAY if found and not found["days"] else _days(found["days"]) if found else frozenset()
    opens, closes = (_time(found["opens"]), _time(found["closes"])) if found else (None, None)
    if found is None or not days or opens is None or closes is None:
        raise wrong("bad_hours", f"{shown(value)} are no hours.", f"Write `{EXAMPLE}`.")
    return BusinessHours(days, opens, closes, _zone(found["zone"]))


def parse_days(value: Any) -> BusinessHours:
    """Whole days: their names and a time zone."""
    found = _DAYS_FORM.fullmatch(value.strip()) if isinstance(value, str) else None
    days = _days(found["days"]) if found else frozenset()
    if found is None or not days:
        raise wrong("bad_days", f"{shown(value)} are no days.", "Write `Sat-Sun Europe/Berlin`, with the time zone.")
    return BusinessHours(days, time(0), time(0), _zone(found["zone"]))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        hint = "Write a name such as `Europe/Berlin`, `America/New_York` or `UTC`."
        raise wrong("bad_zone", f"{shown(name)} is not a time zone.", hint) from None


def _days(said: str) -> frozenset[int]:
    """Days and ranges of days; nothing if one of them is invalid."""
    days: set[int] = set()
    for part in said.lower().split(","):
        first, _, last = (one.strip()[:3] for one in part.partition("-"))
        if first not in DAYS or (last or first) not in DAYS:
            return frozenset()
        begin, end = DAYS.index(first), DAYS.index(last or first)
        days |= {number % 7 for number in range(begin, end + 1 if end >= begin else end + 8)}
    return frozenset(days)


def _time(said: str) -> time | None:
    hour, minute = map(int, said.split(":"))
    return time(hour, minute) if hour < 24 and minute < 60 else None


def parse_moment(value: Any) -> float:
    """A date, a time and a time zone, as seconds since 1970."""
    found = _MOMENT.fullmatch(value.strip()) if isinstance(value, str) else None
    if found:
        zone = _zone(found["zone"])
        with suppress(ValueError):  # the 31st of February
            return datetime.fromisoformat(found["moment"]).replace(tzinfo=zone).timestamp()
    hint = "Write `2026-11-28 23:00 Europe/Berlin`."
    raise wrong("bad_moment", f"{shown(value)} is not a day and a time.", hint)


HOURS_PATTERN = r"[0-9]{1,2}:[0-9]{2}\s*-\s*[0-9]{1,2}:[0-9]{2}\s+\S+$"
_SCHEMA = {"anyOf": [{"type": "string", "pattern": HOURS_PATTERN}, {"const": "always"}]}
Hours = Annotated[BusinessHours, PlainValidator(parse_hours), WithJsonSchema(_SCHEMA)]
Moment = Annotated[float, BeforeValidator(parse_moment), WithJsonSchema({"type": "string"})]
