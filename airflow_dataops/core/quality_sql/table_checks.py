"""Checks on what the table looks like: columns and their types."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from airflow_dataops.core.quality_sql.compiler import Arguments, compiles
from airflow_dataops.core.quality_sql.figures import is_between
from airflow_dataops.core.quality_sql.refusal import UncompilableError, UnfitError
from airflow_dataops.core.quality_sql.results import ResultFormat
from airflow_dataops.core.quality_sql.rule import Answers, ConstantRule, FigureRule, Rule
from airflow_dataops.core.quality_sql.table import Kind

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


@compiles("expect_column_values_to_be_of_type", "expect_column_values_to_be_in_type_list")
def values_type(given: Arguments) -> Rule:
    """Judge the type of a column by pandas' names for files and frames, by the database's own for tables."""
    listed = given.kwargs.get("type_list") if "list" in given.kind else given.kwargs["type_"]
    names = listed if isinstance(listed, list) else None if listed is None else [listed]

    def judge(actual: str) -> tuple[bool, Any]:
        return names is None or any(is_type(actual, name) for name in names), type_name(actual)

    return by_type(given, judge, names or [])


@compiles("expect_column_type_to_be")
def column_type(given: Arguments) -> Rule:
    """Judge the type of a column, with its unit and zone."""
    wanted = given.kwargs["type_"]

    def judge(actual: str) -> tuple[bool, Any]:
        generic = {"datetime64": "datetime64[", "timedelta64": "timedelta64["}.get(wanted)
        same = (generic is not None and actual.startswith(generic)) or same_dtype(actual, wanted)
        return same, actual

    return by_type(given, judge, [wanted])


KINDS = {
    "string": {Kind.TEXT},
    "integer": {Kind.INTEGER},
    "number": {Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL},
    "boolean": {Kind.BOOLEAN},
    "date": {Kind.DATE, Kind.TIMESTAMP},
    "timestamp": {Kind.TIMESTAMP, Kind.ZONED},
    "time": {Kind.TIME},
    "timestamp with time zone": {Kind.ZONED},
    "timestamp without time zone": {Kind.TIMESTAMP},
}
"""What a column of a contract's logical type may hold."""


@compiles("dataops_column_to_hold")
def column_holds(given: Arguments) -> Rule:
    """Judge what a column holds, by the logical types of data contracts, whatever it is called in pandas."""
    name, wanted = given.kwargs["column"], given.kwargs["kind"]
    if name not in given.table.columns:
        raise UnfitError(f'The column "{name}" does not exist.')
    if wanted not in KINDS:
        raise UnfitError(f"{wanted!r} is no logical type; allowed are {', '.join(KINDS)}")
    held = given.table.columns[name].kind
    return ConstantRule(held in KINDS[wanted], {"observed_value": held.value})


def by_type(given: Arguments, judge: Callable[[str], tuple[bool, Any]], names: Sequence[str]) -> Rule:
    """Return the rule on the type, which in pandas depends on whether a whole number is missing.

    Of a table in a database, its own names of the type (`names`) are right, too.
    """
    column = given.column()
    if column.native in {"object", "category"}:
        raise UncompilableError(f"the column {column.name} is of pandas' type {column.native}")
    asked = {"missing": given.table.dialect.count_if(given.table.missing(column.name))} if column.widens else {}

    def decide(answers: Answers, _: ResultFormat) -> tuple[bool, Mapping[str, Any]]:
        widened = {Kind.INTEGER: "float64", Kind.BOOLEAN: "object"}.get(column.kind)
        success, observed = judge(widened if widened and answers.get("missing") else column.native)
        return success or not column.aliases.isdisjoint(map(str.lower, names)), {"observed_value": observed}

    return FigureRule(asked, decide)


def is_type(actual: str, name: str) -> bool:
    """Whether a pandas type goes by a name: its own, a Python type's, or a shorter one of numpy's."""
    families = {"str": {"str"}, "int64": {"int", "long"}, "float64": {"float", "double"}, "bool": {"bool", "bool_"}}
    if type_name(actual) == "Timestamp":
        return name in {"Timestamp", "DatetimeTZDtype"}
    return name in {actual, type_name(actual), *families.get(actual, ())} or same_dtype(actual, name)


def type_name(actual: str) -> str:
    """Return what Great Expectations calls the type it saw."""
    zoned = actual.startswith("datetime64[") and "," in actual
    return "Timestamp" if zoned else actual.partition("[")[0]


def same_dtype(actual: str, name: str) -> bool:
    """Whether two names of types mean one type of numpy."""
    import numpy as np  # noqa: PLC0415 - only this check pays for it

    if actual == name:
        return True
    try:
        return bool(np.dtype(actual) == np.dtype(name))
    except TypeError:
        return False
