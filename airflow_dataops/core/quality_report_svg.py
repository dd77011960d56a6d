"""Pictures of columns as SVG: drawn with classes, so that the page's style gives light, dark and printed colours."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from airflow_dataops.core.quality_picture import Axis, Bar, Picture
from airflow_dataops.core.words import count_words, percent_words, plain

__all__ = ["picture_svg", "picture_words"]

WIDTH, HEIGHT = 480, 196
LEFT, RIGHT, TOP, BOTTOM = 44, 8, 12, 168
APART = 16
"""Between the axis and the bars at its ends."""
END_WIDTH = 30
NEAR = 34
"""So near to a bar at the end a figure at the axis would run into its label."""
LEAST = 2.5
"""However few rows fail, one sees them."""
LABELS = 5
ROW_HEIGHT, NAME_WIDTH, COUNT_WIDTH = 22, 168, 62


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a bar stands.

    Args:
        bar: The bar.
        x: Its left edge.
        width: How wide it is.
    """

    bar: Bar
    x: float
    width: float


def picture_svg(picture: Picture, number: int) -> str:
    """Return the picture as an SVG element; `number` tells it from others on the page."""
    if picture.axis is None:
        height = ROW_HEIGHT * len(picture.everything) + 8
        body = "".join(named_bars(picture.everything))
    else:
        height, body = HEIGHT, "".join(histogram(picture, picture.axis))
    words = escape(picture_words(picture))
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="picture-{number}">'
        f'<title id="picture-{number}">{words}</title>{body}</svg>'
    )


def picture_words(picture: Picture) -> str:
    """Return what the picture shows, for those who cannot see it."""
    bars = picture.everything
    rows, failing = sum(bar.rows for bar in bars), sum(bar.failing for bar in bars)
    shown = {"numbers": "values", "times": "points in time", "lengths": "lengths of texts", "values": "values"}
    what = f"Distribution of the {shown[picture.kind]}" if picture.kind in shown else "Rows with and without a value"
    counted = f"{count_words(failing)} of {count_words(rows)} {'sampled ' if picture.of_sample else ''}rows fail"
    missing = f", {count_words(picture.missing.rows)} have no value" if picture.missing else ""
    return f"{what} in {plain(picture.column)}: {counted}{missing}."


# -- histograms ------------------------------------------------------------------------------------------------


def histogram(picture: Picture, axis: Axis) -> Iterator[str]:
    """Yield the parts of a histogram: what is allowed, the grid, the bars and the labels."""
    slots, first, unit = placed(picture, axis)
    most = max((slot.bar.rows for slot in slots), default=0) or 1
    top = nice_ceiling(most)
    yield from allowed_band(picture, axis, first, unit)
    yield from grid(top)
    for slot in slots:
        yield from stacked(slot, top)
    apart = slots[axis.bars :]
    yield from axis_labels(axis, first, unit, [slot.x + slot.width / 2 for slot in apart])
    for slot in apart:
        yield text(slot.x + slot.width / 2, BOTTOM + 15, slot.bar.label, "end")


def placed(picture: Picture, axis: Axis) -> tuple[list[Slot], float, float]:
    """Return where the bars stand, where the axis begins, and how wide one of its bars is."""
    ends = [bar for bar in (picture.above, picture.missing) if bar is not None]
    first = LEFT + (END_WIDTH + APART if picture.below else 0)
    after = len(ends) * (END_WIDTH + APART)
    unit = (WIDTH - RIGHT - first - after) / axis.bars
    slots = [Slot(bar, first + n * unit + 0.5, max(unit - 1, 0.8)) for n, bar in enumerate(picture.bars)]
    if picture.below:
        slots.append(Slot(picture.below, LEFT, END_WIDTH))
    right = first + axis.bars * unit
    slots += [Slot(bar, right + APART + n * (END_WIDTH + APART), END_WIDTH) for n, bar in enumerate(ends)]
    return slots, first, unit


def stacked(slot: Slot, top: float) -> Iterator[str]:
    """Yield a bar: the rows that pass, and on top of them those that fail."""
    bar, room = slot.bar, BOTTOM - TOP
    fail = max(bar.failing / top * room, LEAST) if bar.failing else 0
    passing = bar.rows - bar.failing
    good = max(passing / top * room, 1) if passing else 0
    if good:
        yield rectangle((slot.x, BOTTOM - good, slot.width, good), "good", title(bar))
    if fail:
        yield rectangle((slot.x, BOTTOM - good - fail, slot.width, fail), "bad", title(bar))


def allowed_band(picture: Picture, axis: Axis, first: float, unit: float) -> Iterator[str]:
    """Yield the band of what is allowed, with a line at each end that lies on the axis."""
    low, high = picture.allowed
    if low is None and high is None:
        return
    places = (axis.place(low), axis.place(high))
    outside = (low is not None and low > axis.end) or (high is not None and high < axis.start)
    if outside:
        return
    left, right = (0 if places[0] is None else places[0]), (axis.bars if places[1] is None else places[1])
    yield rectangle((first + left * unit, TOP, max((right - left) * unit, 1), BOTTOM - TOP), "allowed")
    for place in places:
        if place is not None:
            x = first + place * unit
            yield f'<line class="bound" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{BOTTOM}"/>'


def grid(top: float) -> Iterator[str]:
    """Yield the lines that tell how many rows a bar stands for."""
    for part in (0, 0.5, 1):
        y = BOTTOM - part * (BOTTOM - TOP)
        kind = "grid" if part else "base"
        yield f'<line class="{kind}" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        if part == 1 or (part and top > 1):
            yield text(LEFT - 6, y + 4, short_count(top * part), "count")
    yield text(LEFT - 6, BOTTOM + 4, "0", "count")


def axis_labels(axis: Axis, first: float, unit: float, taken: Sequence[float]) -> Iterator[str]:
    """Yield some of the figures at the edges of bars, none where the label of another bar stands."""
    wide = 2 * NEAR if axis.is_time else NEAR
    for place in range(0, axis.bars + 1, max(math.ceil(axis.bars / LABELS), math.ceil(wide / unit))):
        x = first + place * unit
        yield f'<line class="base" x1="{x:.1f}" x2="{x:.1f}" y1="{BOTTOM}" y2="{BOTTOM + 4}"/>'
        if all(abs(x - other) > (NEAR + 15 if axis.is_time else NEAR) for other in taken):
            yield text(min(x, WIDTH - NEAR / 2), BOTTOM + 15, axis.label(place), "end")


# -- named bars ------------------------------------------------------------------------------------------------


def named_bars(bars: Sequence[Bar]) -> Iterator[str]:
    """Yield lying bars, each with its name and how many rows it stands for."""
    most = max((bar.rows for bar in bars), default=0) or 1
    room = WIDTH - NAME_WIDTH - COUNT_WIDTH
    for number, bar in enumerate(bars):
        y = 4 + number * ROW_HEIGHT
        fail = max(bar.failing / most * room, LEAST) if bar.failing else 0
        passing = bar.rows - bar.failing
        good = max(passing / most * room, 1) if passing else 0
        yield text(NAME_WIDTH - 8, y + 14, plain(bar.label, 26), "name")
        if good:
            yield rectangle((NAME_WIDTH, y + 3, good, ROW_HEIGHT - 7), "good", title(bar))
        if fail:
            yield rectangle((NAME_WIDTH + good, y + 3, fail, ROW_HEIGHT - 7), "bad", title(bar))
        yield text(NAME_WIDTH + good + fail + 6, y + 14, short_count(bar.rows), "beside")


# -- pieces ----------------------------------------------------------------------------------------------------


def rectangle(place: tuple[float, float, float, float], kind: str, inside: str = "") -> str:
    """Return a rectangle (left, top, width, height) of a class of the page's style."""
    x, y, width, height = (f"{figure:.1f}" for figure in place)
    return f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{height}">{inside}</rect>'


def text(x: float, y: float, words: str, kind: str) -> str:
    """Return a text of a class of the page's style."""
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{escape(plain(words))}</text>'


def title(bar: Bar) -> str:
    """Return what one reads when pointing at a bar."""
    fail = f", {count_words(bar.failing)} of them fail ({percent_words(bar.failing / bar.rows)})" if bar.failing else ""
    return f"<title>{escape(plain(bar.label))}: {count_words(bar.rows)} rows{fail}</title>"


def nice_ceiling(most: int) -> float:
    """Return a round number that is not below `most`."""
    power = 10.0 ** math.floor(math.log10(most))
    return next(factor * power for factor in (1, 1.2, 1.6, 2, 3, 4, 5, 6, 8, 10) if factor * power >= most)


def short_count(number: float) -> str:
    """Return a count in few letters."""
    for least, size, unit in ((1e9, 1e9, " G"), (1e6, 1e6, " M"), (1e4, 1e3, " k")):
        if number >= least:
            return f"{number / size:.3g}{unit}"
    return count_words(round(number)) if number == round(number) else f"{number:g}"
