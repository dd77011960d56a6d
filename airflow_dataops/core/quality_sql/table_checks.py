"""Checks on what the table looks like: columns and their types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_dataops.core.quality_sql.compiler import Arguments, compiles
from airflow_dataops.core.quality_sql.figures import is_between
from airflow_dataops.core.quality_sql.refusal import UncompilableError
from airflow_dataops.core.quality_sql.rule import ConstantRule, Rule

__all__: list[str] = []


@compiles("expect_column_to_exist")
def column_exists(given: Arguments) -> Rule:
    """Judge whether a column is there, at a place if one is given (0 is any place, as in Great Expectations)."""
    names = list(given.table.columns)
    name, index = given.kwargs["column"], given.kwargs.get("column_index")
    if index:
        inside = -len(names) <= index < len(names)
        return ConstantRule(inside and names[index] == name, {})
    return ConstantRule(name in names, {})


@compiles("expect_table_column_count_to_be_between", "expect_table_column_count_to_equal")
def column_count(given: Arguments) -> Rule:
    """Judge how many columns there are."""
    count, kwargs = len(given.table.columns), given.kwargs
    if "value" in kwargs:
        kwargs = {"min_value": kwargs["value"], "max_value": kwargs["value"]}
    return ConstantRule(is_between(count, kwargs), {"observed_value": count})


@compiles("expect_table_columns_to_match_set")
def columns_match_set(given: Arguments) -> Rule:
    """Judge which columns there are, whatever their order."""
    actual, expected = set(given.table.columns), set(given.kwargs.get("column_set") or ())
    exact = given.kwargs.get("exact_match", True)
    unexpected, missing = sorted(actual - expected), sorted(expected - actual)
    result: dict[str, Any] = {"observed_value": sorted(actual)}
    mismatched = {name: found for name, found in (("unexpected", unexpected), ("missing", missing)) if found}
    if mismatched:
        result["details"] = {"mismatched": mismatched}
    return ConstantRule(not (missing or (exact and unexpected)), result)


@compiles("expect_table_columns_to_match_ordered_list")
def columns_match_list(given: Arguments) -> Rule:
    """Judge which columns there are, and their order."""
    actual, expected = list(given.table.columns), given.kwargs.get("column_list")
    result: dict[str, Any] = {"observed_value": actual}
    if expected is None or list(expected) == actual:
        return ConstantRule(True, result)
    result["details"] = {"mismatched": mismatches(list(expected), actual)}
    return ConstantRule(False, result)


def mismatches(expected: list[str], actual: list[str]) -> list[Mapping[str, Any]]:
    """Return the places at which the lists differ."""
    length = max(len(expected), len(actual))
    padded = [[*names, *[None] * (length - len(names))] for names in (expected, actual)]
    return [
        {"Expected Column Position": place, "Expected": wanted, "Found": found}
        for place, (wanted, found) in enumerate(zip(*padded, strict=True))
        if wanted != found
    ]


@compiles("expect_column_values_to_be_of_type", "expect_column_values_to_be_in_type_list", "expect_column_type_to_be")
def column_type(given: Arguments) -> Rule:
    """Leave types to Great Expectations where a frame is judged; a colleague of pandas knows its names best."""
    raise UncompilableError(f"{given.kind} asks for pandas' own types")
