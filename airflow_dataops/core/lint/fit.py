"""Whether a check can be meant for a column of a logical type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["misfit"]

NUMBERS = ("integer", "number")
TIMES = ("date", "timestamp", "time")
TEXT_WORDS = ("regex", "value_lengths", "json", "like_pattern", "strftime", "dateutil")
NUMBER_WORDS = ("mean", "median", "stdev", "_sum_", "quantile", "z_score", "outliers")
SIMPLE = (*NUMBERS, *TIMES, "string", "boolean")


def misfit(kind: str, kwargs: Mapping[str, Any], logical: str) -> str:
    """Return in which way a check does not fit a logical type, as a clause; empty when it does.

    Texts are allowed where times are promised, because files of text hold times as text.
    """
    if logical not in SIMPLE:
        return ""
    if any(word in kind for word in TEXT_WORDS):
        return "" if logical in {"string", *TIMES} else "reads text"
    if any(word in kind for word in NUMBER_WORDS):
        return "" if logical in NUMBERS else "reckons with numbers"
    bounds = [kwargs.get("min_value"), kwargs.get("max_value")] if reads_values(kind) else []
    given = [*bounds, *listed(kwargs.get("value_set"))]
    kinds = {"text" if isinstance(one, str) else "numbers" for one in given if is_plain(one)}
    if kinds == {"text"} and logical in {*NUMBERS, "boolean"}:
        return "compares with text"
    if kinds == {"numbers"} and logical in {"string", *TIMES}:
        return "compares with numbers"
    return ""


def reads_values(kind: str) -> bool:
    """Whether the bounds of a check are values of its column, not counts or shares."""
    return kind in {
        "expect_column_values_to_be_between",
        "expect_column_min_to_be_between",
        "expect_column_max_to_be_between",
    }


def listed(value: Any) -> list[Any]:
    """Return a list as it is, and nothing for what is none."""
    return list(value) if isinstance(value, list | tuple) else []


def is_plain(value: Any) -> bool:
    """Whether a value is a text or a number."""
    return isinstance(value, str | int | float) and not isinstance(value, bool)
