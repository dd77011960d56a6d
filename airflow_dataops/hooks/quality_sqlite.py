"""What SQLite lacks and checks need, as functions that its connection brings along."""

from __future__ import annotations

import math
import re
import sqlite3
import statistics
from functools import lru_cache

__all__ = ["bring_functions"]

search = lru_cache(256)(re.compile)


def bring_functions(connection: sqlite3.Connection) -> None:
    """Add Python's own patterns, exact sums, the spread and quantiles to a connection."""
    connection.create_function("dataops_matches", 2, is_matching, deterministic=True)
    for name, arguments, made in (
        ("dataops_fsum", 1, Total),
        ("dataops_whole_sum", 1, WholeTotal),
        ("dataops_stdev", 1, Spread),
        ("dataops_quantile", 2, Quantile),
    ):
        connection.create_aggregate(name, arguments, made)  # type: ignore[arg-type]


def is_matching(value: str | None, pattern: str) -> bool | None:
    """Whether a text holds a match."""
    return None if value is None else search(pattern).search(value) is not None


class Total:
    """The sum of numbers, stable against their order; null of nothing."""

    def __init__(self) -> None:
        self.values: list[float] = []

    def step(self, value: float | None) -> None:
        """Take one value."""
        if value is not None:
            self.values.append(value)

    def finalize(self) -> float | str | None:
        """Return the sum; what is no number as text, because SQLite makes it null."""
        try:
            return math.fsum(self.values) if self.values else None
        except OverflowError:  # more than a double holds
            return sum(self.values)
        except ValueError:  # infinities of both signs
            return "nan"


class WholeTotal:
    """The sum of whole numbers as text; null of nothing."""

    def __init__(self) -> None:
        self.total: int | None = None

    def step(self, value: int | None) -> None:
        """Take one value."""
        if value is not None:
            self.total = (self.total or 0) + int(value)

    def finalize(self) -> str | None:
        """Return the sum."""
        return None if self.total is None else str(self.total)


class Spread:
    """The standard deviation of a sample (n - 1); null of fewer than two values."""

    def __init__(self) -> None:
        self.values: list[float] = []

    def step(self, value: float | None) -> None:
        """Take one value."""
        if value is not None:
            self.values.append(value)

    def finalize(self) -> float | None:
        """Return the standard deviation."""
        if len(self.values) < 2:  # noqa: PLR2004 - a single value has no spread
            return None
        try:
            return statistics.stdev(self.values)
        except (OverflowError, AttributeError, ValueError):  # infinities
            return None


class Quantile:
    """A quantile, interpolated between neighbours: at q × (n - 1), as numpy's "linear"."""

    def __init__(self) -> None:
        self.values: list[float] = []
        self.share = 0.5

    def step(self, value: float | None, share: float) -> None:
        """Take one value."""
        self.share = share
        if value is not None:
            self.values.append(value)

    def finalize(self) -> float | None:
        """Return the quantile."""
        if not self.values:
            return None
        self.values.sort()
        place = self.share * (len(self.values) - 1)
        low = math.floor(place)
        first, second = self.values[low], self.values[math.ceil(place)]
        return first if first == second else first + (second - first) * (place - low)
