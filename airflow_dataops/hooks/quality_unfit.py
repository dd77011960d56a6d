"""Why a check and the data do not go together, in words that blame the data where they are to blame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_dataops.core.quality_check import Check
from airflow_dataops.core.words import plain

if TYPE_CHECKING:
    from airflow_dataops.core.quality_sql.table import Column

__all__ = ["kind_words", "unfit_reason"]

NUMBER_WORDS = ("mean", "median", "stdev", "sum", "quantile", "z_scores", "outliers", "kl_divergence")
TEXT_WORDS = ("regex", "value_lengths", "json", "strftime", "dateutil", "like_pattern")


def unfit_reason(check: Check, kwargs: Mapping[str, Any], columns: Mapping[str, Column]) -> str:
    """Return in which way the data are of another type than the check needs; empty when they are not."""
    needed = needed_kind(check.type, kwargs)
    held = {name: kind_words(column) for name, column in columns.items()}
    for name, kind in held.items():
        if needed and kind != needed:
            return f"the column {plain(name)} holds {kind} where {needed} are needed".replace("text are", "text is")
    if len(set(held.values())) > 1:
        listed = ", ".join(f"{plain(name)} holds {kind}" for name, kind in held.items())
        return f"columns that are compared are of different types: {listed}"
    return ""


def kind_words(column: Column) -> str:
    """Return what a column holds as people call it: all numbers are numbers, all times are times."""
    if column.kind.is_number:
        return "numbers"
    return "times" if column.kind.is_time or column.kind.name == "TIME" else column.kind.value


def needed_kind(kind: str, kwargs: Mapping[str, Any]) -> str:
    """Return what an expectation needs its columns to hold; empty when that cannot be told."""
    if any(word in kind for word in TEXT_WORDS):
        return "text"
    bounds = [kwargs.get("min_value"), kwargs.get("max_value")]
    numeric = any(isinstance(bound, int | float) for bound in bounds)
    return "numbers" if numeric or any(word in kind for word in NUMBER_WORDS) else ""
