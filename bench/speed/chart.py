"""Draws the figures as an SVG: bars with the spread of their rounds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from bench.speed.records import Record, number

PANEL_WIDTH, MARGIN, GAP = 560, 28, 36
LABEL, BAR, STEP, HEAD, FOOT = 176, 17, 27, 64, 56  # pixels
OURS, THEIRS, INK, FAINT, PAPER = "#2563a8", "#a9b4c2", "#1f2933", "#e4e8ed", "#ffffff"
FONT = "font-family='Helvetica, Arial, sans-serif'"


@dataclass(frozen=True, slots=True)
class Panel:
    """One measure of several subjects; `better` says which direction is better, `log` is for values of different
    magnitude.
    """

    title: str
    measure: str
    axis: str
    better: str
    log: bool = False


def draw(panels: Sequence[Panel], records: Sequence[Record], caption: str) -> str:
    """The picture, two panels side by side; panels without figures are left out."""
    shown = [(panel, found) for panel in panels if (found := [one for one in records if one.measure == panel.measure])]
    rows = [shown[at : at + 2] for at in range(0, len(shown), 2)]
    width = 2 * PANEL_WIDTH + GAP + 2 * MARGIN
    top, parts = MARGIN + 30, []
    for row in rows:
        for column, (panel, found) in enumerate(row):
            parts.append(_panel(panel, found, MARGIN + column * (PANEL_WIDTH + GAP), top))
        top += HEAD + FOOT + STEP * max(len(found) for _, found in row)
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {top}' width='{width}' height='{top}' {FONT}>"
        f"<rect width='100%' height='100%' fill='{PAPER}'/>"
        f"{_text(MARGIN, MARGIN + 8, caption, 13, fill='#52606d')}{''.join(parts)}</svg>\n"
    )


def _panel(panel: Panel, records: Sequence[Record], left: float, top: float) -> str:
    scale = Scale.of(panel, records, left + LABEL, PANEL_WIDTH - LABEL - 70)
    bottom = top + HEAD + STEP * len(records)
    parts = [_text(left, top + 20, panel.title, 16, weight="bold"), _text(left, top + 38, panel.better, 12, "#52606d")]
    for tick in scale.ticks():
        x = scale.x(tick)
        parts.append(f"<line x1='{x:.1f}' y1='{top + HEAD - 8}' x2='{x:.1f}' y2='{bottom}' stroke='{FAINT}'/>")
        parts.append(_text(x, bottom + 15, number(tick), 11, "#52606d", anchor="middle"))
    parts.append(
        _text(
            left + LABEL + (PANEL_WIDTH - LABEL - 70) / 2,
            bottom + 31,
            panel.axis + (", logarithmic" if panel.log else ""),
            12,
            anchor="middle",
        )
    )
    parts += [_bar(one, scale, left, top + HEAD + STEP * at) for at, one in enumerate(records)]
    return "".join(parts)


def _bar(one: Record, scale: Scale, left: float, top: float) -> str:
    middle, start, end = top + BAR / 2, scale.x(scale.low), scale.x(one.value)
    least, most = scale.x(min(one.rounds)), scale.x(max(one.rounds))
    ours = one.subject.startswith("relay")
    spread = (
        f"<path d='M{least:.1f} {middle}H{most:.1f}M{least:.1f} {middle - 4}v8M{most:.1f} {middle - 4}v8' "
        f"stroke='{INK}' fill='none' stroke-width='1.2'/>"
        if most - least > 1
        else ""
    )
    return (
        _text(left + LABEL - 10, middle + 4, one.subject, 13, anchor="end", weight="bold" if ours else "normal")
        + f"<rect x='{start:.1f}' y='{top}' width='{max(1.0, end - start):.1f}' height='{BAR}' rx='2' "
        f"fill='{OURS if ours else THEIRS}'/>{spread}" + _text(max(end, most) + 8, middle + 4, number(one.value), 12)
    )


@dataclass(frozen=True, slots=True)
class Scale:
    """Maps values from `low` to `high` onto `width` pixels."""

    low: float
    high: float
    left: float
    width: float
    log: bool

    @classmethod
    def of(cls, panel: Panel, records: Sequence[Record], left: float, width: float) -> Scale:
        """A scale with room for every round."""
        most = max(max(one.rounds) for one in records) or 1.0
        if not panel.log:
            step = _step(most)
            return cls(0.0, step * math.ceil(most / step), left, width, log=False)
        least = min(min(one.rounds) for one in records) or most / 10
        return cls(10.0 ** math.floor(math.log10(least)), 10.0 ** math.ceil(math.log10(most)), left, width, log=True)

    def x(self, value: float) -> float:
        """The position of a value."""
        if self.log:
            value = max(value, self.low)
            return self.left + self.width * math.log(value / self.low) / math.log(self.high / self.low)
        return self.left + self.width * (value - self.low) / (self.high - self.low)

    def ticks(self) -> list[float]:
        """The values that are marked."""
        if self.log:
            first, last = round(math.log10(self.low)), round(math.log10(self.high))
            return [10.0**power for power in range(first, last + 1)]
        step = _step(self.high)
        return [step * at for at in range(round(self.high / step) + 1)]


def _step(most: float) -> float:
    """1, 2 or 5 times a power of ten: gives about five steps up to `most`."""
    rough = most / 5
    power: float = 10.0 ** math.floor(math.log10(rough))
    return next(step for step in (power, 2 * power, 5 * power, 10 * power) if step >= rough)


def _text(
    x: float, y: float, words: str, size: int, fill: str = INK, *, anchor: str = "start", weight: str = ""
) -> str:
    bold = f" font-weight='{weight}'" if weight else ""
    place = f"x='{x:.1f}' y='{y:.1f}' font-size='{size}' fill='{fill}' text-anchor='{anchor}'"
    return f"<text {place}{bold}>{escape(words)}</text>"
