"""What one partition of a dataset holds, in figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["ColumnProfile", "PartitionProfile"]


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """One column of a partition.

    Args:
        kind: What it holds: boolean, integer, number, text, date, timestamp, other.
        rows: How many rows there are.
        missing: How many have no value.
        distinct: How many different values there are, about.
        least: The smallest value: a number, a text, a time in ISO's words; None where nothing is there.
        most: The largest value.
        quantiles: Of numbers the 1st, 50th and 99th percentile.
        lengths: Of texts the shortest and the longest.
        values: How often each value stands there; None where they are many.
        shapes: How often each shape of a text stands there ("AA-99"); None where they are many.
        formats: How many texts have a well-known form, by its name.
    """

    kind: str
    rows: int
    missing: int
    distinct: int
    least: Any = None
    most: Any = None
    quantiles: tuple[float, float, float] | None = None
    lengths: tuple[int, int] | None = None
    values: Mapping[Any, int] | None = None
    shapes: Mapping[str, int] | None = None
    formats: Mapping[str, int] = field(default_factory=dict)

    @property
    def present(self) -> int:
        """How many rows have a value."""
        return self.rows - self.missing


@dataclass(frozen=True, slots=True)
class PartitionProfile:
    """One partition.

    Args:
        name: How people call it.
        rows: How many rows it has.
        columns: Its columns, in order.
        unique: Whether a column, or several, tell rows apart, of those that were tried.
        rising: Whether a column's values rise from row to row, of those that were tried.
        disordered: In how many rows the first of two columns is above the second, of those that were tried.
    """

    name: str
    rows: int
    columns: Mapping[str, ColumnProfile]
    unique: Mapping[tuple[str, ...], bool] = field(default_factory=dict)
    rising: Mapping[str, bool] = field(default_factory=dict)
    disordered: Mapping[tuple[str, str], int] = field(default_factory=dict)
