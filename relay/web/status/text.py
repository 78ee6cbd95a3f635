"""Times, numbers and strangers' words as the page shows them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from markupsafe import Markup, escape

NOTHING = "\u2013"
MOST_CHARACTERS = 4000  # of one text
# What is not seen, turns round what stands beside it, or cannot be written: it is shown by its number.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ud800-\udfff\ufeff\uffa0\ufff9-\ufffb\ufdd0-\ufdef\ufffe\uffff\U000e0000-\U000e0fff]"
)
_CODE = re.compile(r"`([^`\n]{1,200})`")
_UNITS = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"))


def seen(text: object, most: int = MOST_CHARACTERS) -> Markup:
    """Text from outside: nothing in it is markup, and whatever would hide or reorder it stands there as a number."""
    shown, left = _cut(text, most)
    return _marked(shown) + left


def prose(text: object, most: int = 400) -> Markup:
    """The same of a sentence of the relay's own, which has names of settings and commands between backticks."""
    shown, left = _cut(text, most)
    pieces = [_marked(piece) for piece in _CODE.split(shown)]  # every second one stood between backticks
    pieces[1::2] = [Markup("<code>{}</code>").format(piece) for piece in pieces[1::2]]
    return Markup("").join(pieces) + left


def _cut(text: object, most: int) -> tuple[str, Markup]:
    """As much as is shown, and what is said of the rest."""
    whole = str(text).replace("\r\n", "\n").replace("\r", "\n")
    left = len(whole) - most
    said = Markup('<span class="more"> … and {} more characters</span>')
    return whole[:most], said.format(number(left)) if left > 0 else Markup("")


def _marked(text: str) -> Markup:
    pieces, position = [], 0
    for found in _UNSEEN.finditer(text):
        pieces += [escape(text[position : found.start()]), _number_of(found[0])]
        position = found.end()
    return Markup("").join([*pieces, escape(text[position:])])


def line(text: object, most: int = 120) -> Markup:
    """The same in one line, cut where it is longer."""
    words = " ".join(str(text).split())
    return seen(words if len(words) <= most else words[: most - 1].rstrip() + "…")


def _number_of(char: str) -> Markup:
    return Markup('<span class="unseen" title="a character that does not show">U+{:04X}</span>').format(ord(char))


def age(seconds: float | None) -> str:
    """How long that is, in one unit: "12 s", "4 min", "3 h", "2 d"; a dash for None."""
    if seconds is None:
        return NOTHING
    seconds = max(0.0, seconds)
    for unit, name in _UNITS:
        if seconds >= unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:.0f} s"


def took(seconds: float | None) -> str:
    """A short time with as many digits as it is worth: "43 ms", "1.2 s", "75 s"; a dash for None."""
    if seconds is None:
        return NOTHING
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 10 else age(seconds) if seconds >= 120 else f"{seconds:.0f} s"


def number(value: float) -> str:
    """A whole number with a thin blank between thousands."""
    return f"{value:,.0f}".replace(",", "\u202f")


def moment(seconds: float | None) -> str:
    """A time as "27 Nov 15:24:07", in UTC; a dash for None."""
    found = _utc(seconds)
    return NOTHING if found is None else f"{found.day} {found:%b %H:%M:%S}"


def clock(seconds: float | None) -> str:
    """The time of day alone, in UTC."""
    found = _utc(seconds)
    return NOTHING if found is None else f"{found:%H:%M}"


def iso(seconds: float | None) -> str:
    """The same for machines; "" for None."""
    found = _utc(seconds)
    return "" if found is None else found.isoformat(timespec="seconds")


def _utc(seconds: float | None) -> datetime | None:
    try:
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):  # a time that no calendar has
        return None
