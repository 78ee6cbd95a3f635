"""Business hours, such as `Mon-Fri 09:00-18:00 Europe/Berlin`: when a team is there, and time as it passes for it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator

from relay.settings.wrong import shown, wrong

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EXAMPLE = "Mon-Fri 09:00-18:00 Europe/Berlin"
_FORM = re.compile(
    r"(?P<days>[a-z, -]+?)\s+(?P<opens>\d{1,2}:\d\d)\s*-\s*(?P<closes>\d{1,2}:\d\d)\s+(?P<zone>\S+)", re.I
)
_LONGEST = 400  # days that are looked through: every week has a day on which somebody is there


@dataclass(frozen=True, slots=True)
class BusinessHours:
    """The same hours on each of some days of the week (Monday is 0), in one time zone."""

    days: frozenset[int]
    opens: time
    closes: time
    zone: ZoneInfo

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
    """Hours as the file says them; `always` is all of them."""
    if value == "always":
        return ALWAYS
    found = _FORM.fullmatch(value.strip()) if isinstance(value, str) else None
    days = _days(found["days"]) if found else frozenset()
    if found is None or not days:
        raise wrong("bad_hours", f"{shown(value)} are no business hours.", f"Write `{EXAMPLE}`, or `always`.")
    opens, closes = _time(found["opens"]), _time(found["closes"])
    if opens is None or closes is None or opens >= closes:
        hint = "Write the earlier time first, within one day: `09:00-18:00`."
        raise wrong("bad_hours", f"{shown(value)} do not open before they close.", hint)
    try:
        zone = ZoneInfo(found["zone"])
    except (ZoneInfoNotFoundError, ValueError, OSError):
        hint = "Write a name such as `Europe/Berlin`, `America/New_York` or `UTC`."
        raise wrong("bad_zone", f"{shown(found['zone'])} is no time zone.", hint) from None
    return BusinessHours(days, opens, closes, zone)


def _days(said: str) -> frozenset[int]:
    """Days and ranges of days; nothing where one of them is none."""
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


Hours = Annotated[BusinessHours, BeforeValidator(parse_hours)]
