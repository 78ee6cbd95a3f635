"""Small charts as SVG, drawn here: bars over time, each with its number as a title."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from relay.web.status.text import clock, number

HEIGHT, STEP, GAP = 36, 6, 1  # of the drawing, which is stretched to the page
LEAST = 1.5  # height of a bar that is not nothing


@dataclass(frozen=True, slots=True)
class Bar:
    """How many there were from `start` on, in seconds since 1970."""

    start: float
    count: int


def bars(what: str, found: Sequence[Bar], *, per: str, style: str) -> Markup:
    """A chart of what came in one time after the other; a screen reader hears its sum and its highest bar."""
    highest = max((one.count for one in found), default=0)
    total = sum(one.count for one in found)
    told = f"{what}: {number(total)} in all, at most {number(highest)} in {per}"
    drawn = Markup("").join(_bar(place, one, highest) for place, one in enumerate(found))
    width = max(1, len(found)) * STEP
    begin = Markup('<svg class="chart {}" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">')
    return begin.format(style, width, HEIGHT, told) + _floor(width) + drawn + Markup("</svg>")


def _floor(width: int) -> Markup:
    line = Markup('<rect class="floor" x="0" y="{}" width="{}" height="1"></rect>')
    return line.format(HEIGHT - 1, width)


def _bar(place: int, one: Bar, highest: int) -> Markup:
    """A column that can be pointed at in its whole height; the part of it that is drawn shows how many there were."""
    if not one.count:
        return Markup("")
    height = max(LEAST, (HEIGHT - 1) * one.count / highest)
    title = escape(f"{clock(one.start)} UTC: {number(one.count)}")
    column = Markup('<g><title>{}</title><rect class="column" x="{}" y="0" width="{}" height="{}"></rect>')
    shown = Markup('<rect class="bar" x="{}" y="{}" width="{}" height="{}"></rect></g>')
    x = place * STEP
    return column.format(title, x, STEP, HEIGHT) + shown.format(
        x, f"{HEIGHT - height:.1f}", STEP - GAP, f"{height:.1f}"
    )
