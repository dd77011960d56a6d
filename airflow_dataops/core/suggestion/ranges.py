"""Bounds that leave room for what has not been seen yet, in round numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Bounds", "bounds_of", "count_bounds", "median_bounds", "natural", "round_down", "round_up"]

ROOM = 0.1
FAR = 20
TAIL = 1.5
TAIL_ROOM = 0.25
BEYOND = 5
SMALLEST, LARGEST = 1e-290, 1e290
LEAST_PARTITIONS = 3


@dataclass(frozen=True, slots=True)
class Bounds:
    """A range.

    Args:
        low: Its lower end.
        high: Its upper end.
        far: Whether values lie so far outside of it that they look like mistakes.
    """

    low: float
    high: float
    far: bool = False


def step_of(width: float) -> float:
    """Return the largest round step that is at most a tenth of a width: 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(width / 10))
    return max(power * factor for factor in (1, 2, 5) if power * factor <= width / 10 * (1 + 1e-9))


def round_down(value: float, width: float) -> float:
    """Return the next round number below, as round as the width of its range asks for."""
    step = step_of(width)
    return tidy(math.floor(value / step + 1e-9) * step)


def round_up(value: float, width: float) -> float:
    """Return the next round number above."""
    step = step_of(width)
    return tidy(math.ceil(value / step - 1e-9) * step)


def tidy(value: float) -> float:
    """Return a number without the dust of its computation; a whole one as a whole number."""
    rounded = float(f"{value:.12g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 2**53 else rounded


def bounds_of(least: float, most: float, quantiles: Sequence[tuple[float, float, float]]) -> Bounds | None:
    """Return a range for values that are like those seen; None where they are all the same.

    Where the extremes lie near the bulk of the values, they get a tenth of its width as room. A long tail gets a
    quarter of its length. What lies twenty widths away looks like a mistake and does not count.

    Args:
        least: The smallest value of all.
        most: The largest.
        quantiles: Of each partition the 1st, 50th and 99th percentile.
    """
    first, last = min(q[0] for q in quantiles), max(q[2] for q in quantiles)
    bulk = last - first if last > first else most - least
    if not is_wide(bulk, least, most):
        return None
    low, far_low = end_of(first - least, bulk)
    high, far_high = end_of(most - last, bulk)
    lower, upper = first - low, last + high
    width = max(upper - lower, bulk)
    bottom, top = round_down(lower, width), round_up(upper, width)
    return Bounds(max(bottom, 0) if least >= 0 else bottom, min(top, 0) if most <= 0 else top, far_low or far_high)


def is_wide(width: float, *values: float) -> bool:
    """Whether one can reckon with a width and values: no infinity, nothing near the ends of what a number can be."""
    return SMALLEST < width < LARGEST and all(abs(value) < LARGEST for value in values)


def natural(ends: Sequence[float]) -> float | None:
    """Return a round number at which the values of most partitions end, such as 100 or 360: a limit by nature.

    >>> natural([360, 360, 350, 360])
    360
    >>> natural([4983, 4983, 4983]) is None
    True
    """
    outermost = max(ends, key=abs)
    often = len(ends) >= LEAST_PARTITIONS and sum(end == outermost for end in ends) * 2 > len(ends)
    if not often:
        return None
    return tidy(outermost) if outermost == 0 or round_up(abs(outermost), abs(outermost)) == abs(outermost) else None


def end_of(tail: float, bulk: float) -> tuple[float, bool]:
    """Return how far from the bulk a range ends, and whether values lie beyond it."""
    if tail > FAR * bulk:
        return BEYOND * bulk, True
    return tail + (ROOM * bulk if tail <= TAIL * bulk else TAIL_ROOM * tail), False


def median_bounds(quantiles: Sequence[tuple[float, float, float]]) -> tuple[float, float] | None:
    """Return between which values the median of the next partition is expected."""
    medians = [q[1] for q in quantiles]
    spread, bulk = max(medians) - min(medians), max(q[2] for q in quantiles) - min(q[0] for q in quantiles)
    room = max(spread / 4, bulk / 20)
    if not is_wide(room, *medians) or spread == 0:
        return None
    low, high = min(medians) - room, max(medians) + room
    bottom = round_down(low, high - low)
    return max(bottom, 0) if min(q[0] for q in quantiles) >= 0 else bottom, round_up(high, high - low)


def count_bounds(counts: Sequence[int]) -> tuple[int, int]:
    """Return how many rows the next partition may have: from two thirds of the fewest to half as many again."""
    low, high = min(counts) * 2 / 3, max(counts) * 1.5
    width = max(high - low, 10)
    return max(int(round_down(low, width)), 1), int(round_up(high, width))
