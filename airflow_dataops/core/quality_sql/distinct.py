"""Checks on the different values of a column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlglot import exp

from airflow_dataops.core.quality_sql.column_values import alike, is_comparable
from airflow_dataops.core.quality_sql.compiler import Arguments, compiles
from airflow_dataops.core.quality_sql.dialect import inner
from airflow_dataops.core.quality_sql.divergence import divergence
from airflow_dataops.core.quality_sql.figures import only_present
from airflow_dataops.core.quality_sql.refusal import UncompilableError, UnfitError
from airflow_dataops.core.quality_sql.results import Found, ResultFormat, plain_value
from airflow_dataops.core.quality_sql.rule import Ask, QueryRule, Rule
from airflow_dataops.core.quality_sql.table import Column, Kind

__all__: list[str] = []

MOST_SHOWN = 20


def plain_column(given: Arguments) -> Column:
    """Return the column if its values are compared in SQL as in pandas."""
    column = given.column()
    if column.kind.is_time:
        raise UncompilableError("pandas reads times in a set in its own way")
    return column


@compiles(
    "expect_column_distinct_values_to_be_in_set",
    "expect_column_distinct_values_to_contain_set",
    "expect_column_distinct_values_to_equal_set",
)
def distinct_set(given: Arguments) -> Rule:
    """Judge which values occur: none outside of the set, all of the set, or both."""
    column, wanted_values = plain_column(given), unique_values(given.kwargs["value_set"])
    no_others = not given.kind.endswith("contain_set")
    all_there = not given.kind.endswith("be_in_set")

    def decide(ask: Ask, wanted: ResultFormat) -> Found:
        comparable = [alike(column.kind, value) for value in wanted_values if is_comparable(column.kind, value)]
        result: dict[str, Any] = {"observed_value": None}
        if no_others:
            others = others_than(given, comparable, ask)
            result |= {"unexpected_count": others[0], "partial_unexpected_list": plain_value(others[1])}
        if all_there:
            found = {row[0] for row in ask(among(given, comparable))} if comparable else set()
            missing = [value for value in wanted_values if value not in found]
            result |= {"missing_count": len(missing), "partial_missing_list": plain_value(missing[:MOST_SHOWN])}
        success = not result.get("unexpected_count") and not result.get("missing_count")
        return Found(success, shown(result, wanted))

    return QueryRule(decide)


def shown(result: Mapping[str, Any], wanted: ResultFormat) -> dict[str, Any]:
    """Return the result without values where none may be told."""
    if wanted.level == "BOOLEAN_ONLY":
        return {}
    bare = not wanted.values or wanted.level == "NONE" or wanted.partial == 0
    return {name: value for name, value in result.items() if not (bare and name.startswith("partial_"))}


def unique_values(values: Sequence[Any]) -> list[Any]:
    """Return the values of a set once each, in their order."""
    return list(dict.fromkeys(values))


def others_than(given: Arguments, values: Sequence[Any], ask: Ask) -> tuple[int, list[Any]]:
    """Return how many values occur that are none of these, and the first of them in their order."""
    column = given.table.value(given.column().name)
    query = only_present(given, given.table.select(column))
    if values:
        literals = [given.table.dialect.literal(value) for value in values]
        query = query.where(exp.Not(this=exp.In(this=column.copy(), expressions=literals)))
    groups = query.group_by(column.copy())
    count = ask(exp.select(exp.Count(this=exp.Star())).from_(groups.subquery("others")))[0][0]
    first = ask(groups.order_by(in_order(given)).limit(MOST_SHOWN))
    return int(count), [row[0] for row in first]


def in_order(given: Arguments) -> exp.Expression:
    """Return what to order the column's values by, so that they come as Python sorts them."""
    column = given.column()
    return given.table.dialect.in_order(given.table.value(column.name), is_text=column.kind is Kind.TEXT)


def among(given: Arguments, values: Sequence[Any]) -> exp.Select:
    """Return the query for those of the values that occur."""
    column = given.table.value(given.column().name)
    literals = [given.table.dialect.literal(value) for value in values]
    inside = exp.In(this=column.copy(), expressions=literals)
    return only_present(given, given.table.select(column)).where(inside).group_by(column.copy())


@compiles("expect_column_most_common_value_to_be_in_set")
def most_common(given: Arguments) -> Rule:
    """Judge the value that occurs most often; several may."""
    plain_column(given)

    def decide(ask: Ask, wanted: ResultFormat) -> Found:
        column = given.table.value(given.column().name)
        counted = exp.alias_(exp.Count(this=exp.Star()), "n", quoted=True)
        value = exp.alias_(column.copy(), "value", quoted=True)
        groups = only_present(given, given.table.select(value, counted)).group_by(column)
        most = exp.select(exp.Max(this=inner("most", "n"))).from_(groups.subquery("most")).subquery()
        modes = exp.select(inner("grouped", "value")).from_(groups.subquery("grouped"))
        rows = ask(modes.where(exp.EQ(this=inner("grouped", "n"), expression=most)))
        values = sorted(row[0] for row in rows)
        expected = set(given.kwargs["value_set"] or [])
        hits = len(expected.intersection(values))
        success = hits > 0 if given.kwargs.get("ties_okay") else len(values) == 1 and hits == 1
        result = {} if wanted.level == "BOOLEAN_ONLY" else {"observed_value": plain_value(values)}
        return Found(success, result)

    return QueryRule(decide)


@compiles("expect_column_kl_divergence_to_be_less_than")
def kullback_leibler(given: Arguments) -> Rule:
    """Judge how far the distribution is from an expected one of named values."""
    plain_column(given)
    expected = given.kwargs.get("partition_object")
    if not isinstance(expected, Mapping) or set(expected) != {"values", "weights"}:
        raise UncompilableError("a partition into ranges is compared by Great Expectations itself")
    if len(expected["values"]) != len(expected["weights"]) or given.kwargs.get("internal_weight_holdout"):
        raise UnfitError("Invalid partition object.")

    def decide(ask: Ask, wanted: ResultFormat) -> Found:
        column = given.table.value(given.column().name)
        counted = exp.alias_(exp.Count(this=exp.Star()), "n", quoted=True)
        query = only_present(given, given.table.select(column, counted)).group_by(column.copy())
        counts: dict[Any, int] = dict(ask(query.order_by(in_order(given))))
        success, result = divergence(counts, expected, given.kwargs)
        return Found(success, {} if wanted.level == "BOOLEAN_ONLY" else plain_value(result))

    return QueryRule(decide)
