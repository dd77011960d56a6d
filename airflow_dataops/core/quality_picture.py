"""How a column is distributed and which part of it fails: bars, axes on round figures, and what is allowed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

__all__ = ["Axis", "Bar", "Picture", "number_axis", "seconds_of", "time_axis"]

WANTED_BARS = 24
FARTHEST = 4
"""What is allowed is drawn where it lies within so many times the spread of the data."""
MINUTE, HOUR, DAY = 60, 3600, 86_400
TIME_STEPS = (
    *(1, 5, 15, 30, MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE),
    *(HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY, 28 * DAY, 91 * DAY, 182 * DAY, 365 * DAY),
)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DIGITS = 12
ROUNDING = 1e-9
HUGE = 1e300
"""Beyond it figures cannot be subtracted from one another."""


@dataclass(frozen=True, slots=True)
class Bar:
    """Rows that are alike.

    Args:
        label: What they share.
        rows: How many they are.
        failing: How many of them fail.
    """

    label: str
    rows: int
    failing: int = 0


@dataclass(frozen=True, slots=True)
class Axis:
    """Equal steps from a round figure on; what lies outside is counted at the ends.

    Args:
        start: Where the first bar begins.
        step: How wide a bar is.
        bars: How many there are.
        is_time: Whether figures are seconds since 1970.
    """

    start: float
    step: float
    bars: int
    is_time: bool = False

    @property
    def end(self) -> float:
        """Where the last bar ends."""
        return self.start + self.step * self.bars

    def place(self, value: float | None) -> float | None:
        """Return where a value lies, in bars from the start; None where it lies outside."""
        if value is None or not math.isfinite(value):
            return None
        place = (value - self.start) / self.step
        return place if 0 <= place <= self.bars else None

    def label(self, place: int) -> str:
        """Return what stands at the edge before a bar."""
        value = tidy(self.start + self.step * place)
        value = 0.0 if abs(value) < self.step * ROUNDING else value
        return time_label(value, self.step) if self.is_time else number_label(value)


@dataclass(frozen=True, slots=True)
class Picture:
    """The distribution of a column.

    Args:
        column: Its name.
        kind: What bars stand for: numbers, times, lengths of texts, values, or whether there is a value.
        bars: The bars in order; with an axis one for each of its steps.
        axis: Where the bars lie; None for bars with names of their own.
        below: Rows before the axis.
        above: Rows after it.
        missing: Rows without a value.
        allowed: From where to where values are allowed, as they are measured on the axis.
        of_sample: Whether only sampled rows were counted.
    """

    column: str
    kind: str
    bars: tuple[Bar, ...]
    axis: Axis | None = None
    below: Bar | None = None
    above: Bar | None = None
    missing: Bar | None = None
    allowed: tuple[float | None, float | None] = (None, None)
    of_sample: bool = False

    @property
    def everything(self) -> tuple[Bar, ...]:
        """All bars, the missing values last."""
        return tuple(bar for bar in (self.below, *self.bars, self.above, self.missing) if bar is not None)


def number_axis(low: float, high: float, bounds: Sequence[float | None], *, whole: bool = False) -> Axis:
    """Return an axis for numbers most of which lie from `low` to `high`, with what is allowed on it if it is near.

    Steps and ends are round, so that they tell no value of a row.
    """
    low, high = widened(min(max(low, -HUGE), HUGE), max(min(high, HUGE), -HUGE), bounds)
    rough = max((high - low) / WANTED_BARS, abs(low) * ROUNDING, abs(high) * ROUNDING, 1e-12)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    return axis_of(low, high, max(step, 1.0) if whole else step)


def time_axis(low: float, high: float, bounds: Sequence[float | None]) -> Axis:
    """Return an axis for points in time, given as seconds since 1970."""
    low, high = widened(min(max(low, -HUGE), HUGE), max(min(high, HUGE), -HUGE), bounds)
    rough = (high - low) / WANTED_BARS
    step = next((step for step in TIME_STEPS if step >= rough), 0) or math.ceil(rough / (365 * DAY)) * 365 * DAY
    return axis_of(low, high, step, is_time=True)


def axis_of(low: float, high: float, step: float, *, is_time: bool = False) -> Axis:
    """Return the axis of whole steps around a range; its end lies beyond `high`."""
    first = math.floor(low / step)
    last = max(math.floor(high / step + ROUNDING), first)
    return Axis(tidy(first * step), tidy(step), last + 1 - first, is_time)


def tidy(figure: float) -> float:
    """Return a figure without the noise of binary fractions."""
    return float(f"{figure:.{DIGITS}g}")


def widened(low: float, high: float, bounds: Sequence[float | None]) -> tuple[float, float]:
    """Return the range with the bounds that are near in it."""
    spread = max(high - low, abs(high) * 1e-6, 1e-9) * FARTHEST
    near = [value for value in bounds if value is not None and low - spread <= value <= high + spread]
    return max(min([low, *near]), -HUGE), min(max([high, *near]), HUGE)


def number_label(value: float) -> str:
    """Return a number as it stands at an axis: short."""
    size = abs(value)
    for limit, unit in ((1e12, ""), (1e9, "G"), (1e6, "M"), (1e4, "k")):
        if size >= limit:
            return f"{value:.3g}" if not unit else f"{value / SIZES[unit]:.4g}{unit}"
    return f"{value:.6g}"


SIZES = {"G": 1e9, "M": 1e6, "k": 1e3}


def time_label(seconds: float, step: float) -> str:
    """Return a point in time as it stands at an axis of such steps."""
    try:
        when = EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return ""
    if step >= DAY:
        return when.strftime("%Y-%m-%d")
    return when.strftime("%m-%d %H:%M" if step >= MINUTE else "%H:%M:%S")


def seconds_of(value: object) -> float | None:
    """Return a bound that is a point in time as seconds since 1970; None where it is none."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    if not isinstance(value, datetime):
        return None
    return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
