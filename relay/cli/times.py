"""Times and ages as people read them, and as scripts do."""

from __future__ import annotations

from datetime import UTC, datetime

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
_UNITS = ((2 * DAY, DAY, "d"), (2 * HOUR, HOUR, "h"), (MINUTE, MINUTE, "min"), (0.0, 1.0, "s"))


def in_words(seconds: float) -> str:
    """An age: `12 s`, `3 min`, `5 h`, `2 d`."""
    unit, name = next((unit, name) for least, unit, name in _UNITS if seconds >= least or not least)
    return f"{max(0, int(seconds // unit))} {name}"


def readable(moment: float) -> str:
    """A time, in seconds since 1970, in this machine's zone: `2026-11-27 15:03:12`."""
    return f"{datetime.fromtimestamp(moment, UTC).astimezone():%Y-%m-%d %H:%M:%S}"


def iso(moment: float) -> str:
    """The same as ISO 8601 has it, in UTC: `2026-11-27T15:03:12.250Z`."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
