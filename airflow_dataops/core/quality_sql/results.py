"""Results of checks in the form Great Expectations writes them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Literal, get_args

from sqlglot import exp

from airflow_dataops.exceptions import BrokenCheckError

__all__ = ["Counts", "Found", "Level", "ResultFormat", "figure_result", "plain_value", "row_result"]

Level = Literal["NONE", "BOOLEAN_ONLY", "BASIC", "SUMMARY", "COMPLETE"]
PARTIAL_COUNT = 20


@dataclass(frozen=True, slots=True)
class ResultFormat:
    """How much a result tells.

    Args:
        level: Great Expectations' result format; "NONE" gives figures without any value out of a row.
        partial: How many failing values a result shows.
        values: Whether values may be told at all.
    """

    level: Level = "COMPLETE"
    partial: int = PARTIAL_COUNT
    values: bool = True

    @classmethod
    def of(cls, given: str | Mapping[str, Any] | ResultFormat) -> ResultFormat:
        """Return the format a user names as text or as Great Expectations' dict.

        Raises:
            BrokenCheckError: There is no such format. A retry does not help.
        """
        if isinstance(given, ResultFormat):
            return given
        options = {"result_format": given} if isinstance(given, str) else dict(given)
        level = str(options.get("result_format", "SUMMARY")).upper()
        if level not in get_args(Level):
            raise BrokenCheckError(
                f"Got the result format {level!r}; allowed are {', '.join(get_args(Level))}.", hint="choose one of them"
            )
        partial = options.get("partial_unexpected_count", PARTIAL_COUNT)
        return cls(level, int(partial), values=not options.get("exclude_unexpected_values", False))  # type: ignore[arg-type]

    @property
    def limit(self) -> int | None:
        """How many failing rows are fetched; None for all."""
        if self.level in {"NONE", "BOOLEAN_ONLY"} or not self.values:
            return 0
        return None if self.level == "COMPLETE" else self.partial


@dataclass(frozen=True, slots=True)
class Found:
    """What came of one check.

    Args:
        success: Whether it is met.
        result: Great Expectations' ``result``, plain JSON.
        failed: How many rows fail; 0 for a check on the whole table.
        predicate: Which rows of ``data`` fail, as SQL; None for a check on the whole table.
        exception: Why it could not be judged; empty when it could.
    """

    success: bool
    result: Mapping[str, Any] = field(default_factory=dict)
    failed: int = 0
    predicate: exp.Expression | None = None
    exception: str = ""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many rows a check on rows saw.

    Args:
        elements: Rows looked at.
        missing: Rows among them without a value; None for checks on missing values themselves.
        unexpected: Rows that fail.
    """

    elements: int
    missing: int | None
    unexpected: int


def row_result(
    counts: Counts, rows: Sequence[tuple[int, Any]], wanted: ResultFormat, *, with_positions: bool = True
) -> dict[str, Any]:
    """Return the result of a check that judges rows.

    Args:
        counts: How many rows it saw.
        rows: Position and value (a tuple's or dict's JSON form for several columns) of failing rows, in order.
        wanted: How much to tell.
        with_positions: Whether positions mean something, which in a table without an order they do not.
    """
    if wanted.level == "BOOLEAN_ONLY":
        return {}
    element_count, missing_count, unexpected_count = counts.elements, counts.missing, counts.unexpected
    judged = element_count - (missing_count or 0)
    result: dict[str, Any] = {
        "element_count": element_count,
        "unexpected_count": unexpected_count,
        "unexpected_percent": percent(unexpected_count, judged),
    }
    values = [plain_value(value) for _, value in rows]
    if wanted.values and wanted.level != "NONE":
        result["partial_unexpected_list"] = values[: wanted.partial]
    if missing_count is not None:
        result["missing_count"] = missing_count
        result["missing_percent"] = percent(missing_count, element_count)
        result["unexpected_percent_total"] = percent(unexpected_count, element_count)
        result["unexpected_percent_nonmissing"] = percent(unexpected_count, judged)
    if not wanted.values or wanted.level in {"NONE", "BASIC"}:
        return result
    counted = value_counts([value for _, value in rows], wanted.partial)
    if counted is not None:
        result["partial_unexpected_counts"] = counted
    if wanted.level == "COMPLETE":
        result["unexpected_list"] = values
    return {**result, **told_positions([position for position, _ in rows], wanted)} if with_positions else result


def told_positions(positions: list[int], wanted: ResultFormat) -> dict[str, Any]:
    """Return which rows fail, in as many words as are wanted."""
    told: dict[str, Any] = {"partial_unexpected_index_list": positions[: wanted.partial]}
    if wanted.level == "COMPLETE":
        told["unexpected_index_list"] = positions
        told["unexpected_index_query"] = f"df.filter(items={positions}, axis=0)"
    return told


def figure_result(observed: Any, wanted: ResultFormat, **more: Any) -> dict[str, Any]:
    """Return the result of a check on one figure."""
    if wanted.level == "BOOLEAN_ONLY":
        return {}
    return {"observed_value": plain_value(observed), **more}


def percent(part: int, whole: int) -> float | None:
    """Return a percentage; None of nothing."""
    return part / whole * 100 if whole else None


def value_counts(values: Sequence[Any], most: int) -> list[dict[str, Any]] | None:
    """Return how often each value occurs, of the most frequent ones; None where they cannot be sorted.

    Of several columns a missing value equals none, as Great Expectations counts not-a-number.
    """
    counted: dict[Any, list[Any]] = {}
    for value in values:
        entry = list(value.values()) if isinstance(value, Mapping) else value
        alone = isinstance(entry, list) and None in entry
        counted.setdefault(len(counted) if alone else repr(entry), [entry, 0])[1] += 1
    pairs = sorted(counted.values(), key=lambda pair: pair[1], reverse=True)[:most]
    try:
        pairs.sort(key=lambda pair: (-pair[1], sort_key(pair[0])))
    except TypeError:
        return None
    return [{"value": plain_value(value), "count": count} for value, count in pairs]


def sort_key(value: Any) -> Any:
    """Return what a value is sorted by; a missing one is a number that equals none, itself included."""
    if isinstance(value, list):
        return [float("nan") if entry is None else sort_key(entry) for entry in value]
    return float(value) if isinstance(value, Decimal) else value  # a decimal does not compare with NaN


def plain_value(value: Any) -> Any:  # noqa: PLR0911 - one line for each type
    """Return a value as JSON holds it: no NaN, no infinity, times in ISO 8601."""
    if isinstance(value, float):
        return value if math.isfinite(value) else (None if math.isnan(value) else str(value))
    if isinstance(value, Decimal):
        return plain_value(float(value))
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    if isinstance(value, Mapping):
        return {str(name): plain_value(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain_value(entry) for entry in value]
    return value
