"""Draws how costs grow, as an SVG with a background of its own: CPU and memory, by rows and by checks, log-log."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 960, 716
PANEL_WIDTH, PANEL_HEIGHT = 336, 234
LEFTS, TOPS = (84, 552), (112, 424)
COLOURS = ("#0a66c2", "#c2410c")
INK, FAINT, GRID, PAPER = "#1f2937", "#6b7280", "#e5e7eb", "#ffffff"
MILLION = 1_000_000
TITLE = "What a gate costs as rows and checks grow"
FIGURES = {"cpu": ("CPU seconds, whole process", "s"), "megabytes": ("Peak memory", "MB")}
ALONG = {"rows": "rows, 24 checks on 14 columns of parquet", "checks": "checks on 1 million rows of parquet"}


HEAD = f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" \
font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif">
<rect width="{WIDTH}" height="{HEIGHT}" rx="10" fill="{PAPER}" stroke="{GRID}"/>"""


@dataclass(frozen=True)
class Axis:
    """A logarithmic axis from `low` to `high`, drawn from `start` over `length` pixels."""

    low: float
    high: float
    start: float
    length: float

    def at(self, value: float) -> float:
        """Return where a value lies."""
        share = (math.log(value) - math.log(self.low)) / (math.log(self.high) - math.log(self.low))
        return self.start + share * self.length

    def ticks(self) -> list[float]:
        """Return round numbers within: 1, 3, 10, 30 …, and the end where none is near it."""
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        known = [step * 10.0**power for power in range(first, last + 1) for step in (1, 3)]
        within = [tick for tick in known if self.low * 0.999 <= tick <= self.high * 1.001]
        return [*within, self.high] if self.high > within[-1] * 1.5 else within


def draw(points: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw the points and write the file."""
    owners = list(dict.fromkeys(str(point["who"]) for point in points))
    parts = [
        HEAD,
        f"<title>{TITLE}</title>",
        f"<desc>{escape(description(points))}</desc>",
        text(30, 38, TITLE, size=20, weight=600),
        *legend(owners),
    ]
    for column, along in enumerate(ALONG):
        chosen = [point for point in points if point["along"] == along]
        for line, figure in enumerate(FIGURES):
            parts += Panel(chosen, along, figure, LEFTS[column], TOPS[line]).parts(owners)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*parts, "</svg>", ""]))


@dataclass(frozen=True)
class Panel:
    """One figure along one axis, drawn from a corner on."""

    points: Sequence[Mapping[str, Any]]
    along: str
    figure: str
    left: float
    top: float

    @property
    def across(self) -> Axis:
        """The axis of what grows."""
        counts = [point["count"] for point in self.points]
        return Axis(min(counts), max(counts), self.left, PANEL_WIDTH)

    @property
    def up(self) -> Axis:
        """The axis of the costs."""
        costs = [point[self.figure] for point in self.points]
        return Axis(floor_of(min(costs)), ceiling_of(max(costs)), self.top + PANEL_HEIGHT, -PANEL_HEIGHT)

    def parts(self, owners: Sequence[str]) -> list[str]:
        """Return the whole panel."""
        title, unit = FIGURES[self.figure]
        middle, below = self.left + PANEL_WIDTH / 2, self.top + PANEL_HEIGHT + 40
        return [
            text(self.left, self.top - 12, title, size=14, weight=600),
            *grid(self.across, self.up, unit),
            text(middle, below, ALONG[self.along], size=13, colour=FAINT, anchor="middle"),
            *[part for place, who in enumerate(owners) for part in self.curve(who, place)],
        ]

    def curve(self, who: str, place: int) -> list[str]:
        """Return one owner's line, its marks, and its last value."""
        own = [point for point in self.points if point["who"] == who]
        if not own:
            return []
        places = [(self.across.at(point["count"]), self.up.at(point[self.figure])) for point in own]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        said = amount(float(f"{own[-1][self.figure]:.2g}"), FIGURES[self.figure][1])
        x, y = places[-1]
        return [
            f'<polyline points="{path}" fill="none" stroke="{COLOURS[place]}" stroke-width="2.5"/>',
            *[mark(x, y, place) for x, y in places],
            text(x + 9, y + 4, said, colour=COLOURS[place], weight=600),
        ]


def description(points: Sequence[Mapping[str, Any]]) -> str:
    """Return the figures as text for those who cannot see the picture."""
    told = (f"{p['who']}, {p['count']} {p['along']}: {p['cpu']:.2f} CPU s, {p['megabytes']:.0f} MB" for p in points)
    return "; ".join(told)


def legend(owners: Sequence[str]) -> list[str]:
    """Return who is who."""
    parts, left = [], 28.0
    for place, owner in enumerate(owners):
        parts += [mark(left + 6, 60, place), text(left + 18, 65, owner, size=14, colour=COLOURS[place], weight=600)]
        left += 44 + 8.2 * len(owner)
    return parts


def floor_of(value: float) -> float:
    """Return the tick at or below."""
    power = 10.0 ** math.floor(math.log10(value))
    return 3 * power if value >= 3 * power else power


def ceiling_of(value: float) -> float:
    """Return the tick at or above."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(tick for tick in (power, 3 * power, 10 * power) if value <= tick)


def grid(across: Axis, up: Axis, unit: str) -> list[str]:
    """Return lines and numbers of both axes."""
    parts = []
    right, bottom, top = across.start + across.length, up.start, up.start + up.length
    for tick in up.ticks():
        y = up.at(tick)
        parts += [
            stroke(across.start, y, right, y),
            text(across.start - 8, y + 4, amount(tick, unit), anchor="end", colour=FAINT),
        ]
    for tick in across.ticks():
        x = across.at(tick)
        parts += [stroke(x, top, x, bottom), text(x, bottom + 18, number(tick), anchor="middle", colour=FAINT)]
    return parts


def mark(x: float, y: float, place: int) -> str:
    """Return a mark; owners differ in shape, too."""
    if place == 0:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="{COLOURS[0]}"/>'
    return f'<rect x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8" fill="{COLOURS[place]}"/>'


def stroke(x1: float, y1: float, x2: float, y2: float) -> str:
    """Return a line of the grid."""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{GRID}"/>'


def text(
    x: float, y: float, said: str, *, size: int = 12, colour: str = INK, anchor: str = "start", weight: int = 400
) -> str:
    """Return a text."""
    look = f'font-size="{size}" fill="{colour}" text-anchor="{anchor}" font-weight="{weight}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {look}>{escape(said)}</text>'


def number(value: float) -> str:
    """Return a number as people write it: 0.3 M for three hundred thousand."""
    return f"{value / MILLION:g} M" if value >= MILLION / 10 else f"{value:g}"


def amount(value: float, unit: str) -> str:
    """Return an amount with its unit: gigabytes from a thousand megabytes on."""
    return f"{value / 1000:g} GB" if unit == "MB" and value >= 1000 else f"{value:g} {unit}"
