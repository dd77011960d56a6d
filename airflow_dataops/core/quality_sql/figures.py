"""Checks on figures of a column: smallest, largest, mean, spread, quantiles, counts."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from sqlglot import exp

from airflow_dataops.core.quality_sql.compiler import Arguments, compiles
from airflow_dataops.core.quality_sql.dialect import conjunction, inner, negation
from airflow_dataops.core.quality_sql.refusal import UncompilableError, UnfitError
from airflow_dataops.core.quality_sql.results import Found, ResultFormat, figure_result
from airflow_dataops.core.quality_sql.rule import Answers, Ask, FigureRule, QueryRule, Rule
from airflow_dataops.core.quality_sql.table import Column, Kind

__all__ = ["is_between", "mean_of", "only_present", "present", "quantile_linear", "standard_deviation_of"]


def chosen(given: Arguments) -> exp.Expression:
    """Return the column's values in the domain, null for all others and for what is missing."""
    name = given.column().name
    condition = conjunction(given.domain, negation(given.table.missing(name)))
    nulls_only = given.domain is None and given.column().kind is not Kind.FLOAT
    if condition is None or nulls_only:  # aggregates leave nulls out by themselves
        return given.table.value(name)
    return exp.Case().when(condition, given.table.value(name))


def present(given: Arguments) -> exp.Expression | None:
    """Return which rows of the domain have a value."""
    return conjunction(given.domain, negation(given.table.missing(given.column().name)))


def only_present(given: Arguments, query: exp.Select) -> exp.Select:
    """Return the query over those rows of the domain that have a value."""
    there = present(given)
    return query if there is None else query.where(there)


def numeric(given: Arguments) -> Column:
    """Return the column if one can calculate with it.

    Raises:
        UnfitError: It holds something else.
    """
    column = given.column()
    if column.kind in {Kind.BOOLEAN, Kind.TIME} or column.kind.is_time:
        raise UncompilableError(f"pandas calculates with {column.kind} in its own way")
    if not column.kind.is_number:
        raise UnfitError(f"the column {column.name} holds {column.kind} where numbers are needed")
    return column


def mean_of(given: Arguments) -> exp.Expression:
    """Return the mean, stable against the order of rows."""
    return given.table.dialect.mean(chosen(given))


def standard_deviation_of(given: Arguments) -> exp.Expression:
    """Return the sample's standard deviation (n - 1), as pandas."""
    return given.table.dialect.standard_deviation(chosen(given))


def quantile_linear(given: Arguments, share: float) -> exp.Expression:
    """Return the quantile that is interpolated between neighbours."""
    return given.table.dialect.quantile_linear(chosen(given), share)


def count_of(given: Arguments) -> exp.Expression:
    """Return how many values there are."""
    there = present(given)
    return exp.Count(this=exp.Star()) if there is None else given.table.dialect.count_if(there)


def is_between(value: Any, kwargs: Mapping[str, Any]) -> bool:
    """Whether a figure lies in the range a check gives; nothing lies in no range.

    Raises:
        UnfitError: The figure cannot be compared with the bounds.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return False
    low, high = like_value(kwargs.get("min_value"), value), like_value(kwargs.get("max_value"), value)
    try:
        above = low is None or (value > low if kwargs.get("strict_min") else value >= low)
        below = high is None or (value < high if kwargs.get("strict_max") else value <= high)
    except TypeError as error:
        raise UnfitError(f"a figure of type {type(value).__name__} cannot be compared with its bounds") from error
    return bool(above and below)


def like_value(bound: Any, value: Any) -> Any:
    """Return a bound as the kind of thing the figure is: times are written as text."""
    if isinstance(bound, str) and isinstance(value, date):
        try:
            parsed = datetime.fromisoformat(bound)
        except ValueError as error:
            raise UnfitError(f"the bound {bound!r} is no time in ISO 8601") from error
        if not isinstance(value, datetime):
            return parsed.date()
        if value.tzinfo is not None and parsed.tzinfo is None:
            return parsed.replace(tzinfo=UTC)
        return parsed
    return bound


def ranged(asked: Mapping[str, exp.Expression], kwargs: Mapping[str, Any], figure: Callable[[Answers], Any]) -> Rule:
    """Return the rule that one figure lies in the range of the check."""

    def decide(answers: Answers, wanted: ResultFormat) -> tuple[bool, Mapping[str, Any]]:
        value = figure(answers)
        return is_between(value, kwargs), figure_result(value, wanted)

    return FigureRule(asked, decide)


@compiles("expect_column_min_to_be_between", "expect_column_max_to_be_between")
def extreme(given: Arguments) -> Rule:
    """Judge the smallest or largest value."""
    if given.column().kind in {Kind.BOOLEAN, Kind.BINARY, Kind.TIME}:
        raise UncompilableError("pandas compares such values in its own way")
    smallest = given.kind == "expect_column_min_to_be_between"
    value = exp.Min(this=chosen(given)) if smallest else exp.Max(this=chosen(given))
    return ranged({"value": value}, given.kwargs, lambda answers: answers["value"])


@compiles("expect_column_mean_to_be_between")
def mean(given: Arguments) -> Rule:
    """Judge the mean."""
    numeric(given)
    return ranged({"value": mean_of(given)}, given.kwargs, lambda answers: number(answers["value"]))


@compiles("expect_column_sum_to_be_between")
def total(given: Arguments) -> Rule:
    """Judge the sum; the sum of nothing is 0, as in pandas."""
    whole = numeric(given).kind is Kind.INTEGER
    dialect, values = given.table.dialect, chosen(given)
    asked = {"value": dialect.whole_total(values) if whole else dialect.total(values)}
    kind = int if whole else plain_number
    return ranged(asked, given.kwargs, lambda answers: kind(answers["value"] or 0))


@compiles("expect_column_median_to_be_between")
def median(given: Arguments) -> Rule:
    """Judge the median."""
    numeric(given)
    return ranged({"value": quantile_linear(given, 0.5)}, given.kwargs, lambda answers: number(answers["value"]))


@compiles("expect_column_stdev_to_be_between")
def standard_deviation(given: Arguments) -> Rule:
    """Judge the standard deviation of the sample."""
    numeric(given)
    return ranged({"value": standard_deviation_of(given)}, given.kwargs, lambda answers: number(answers["value"]))


@compiles("expect_column_proportion_of_non_null_values_to_be_between")
def non_null_share(given: Arguments) -> Rule:
    """Judge the share of rows with a value; of no rows it is 0."""
    rows = given.table.dialect.count_if(given.domain) if given.domain is not None else exp.Count(this=exp.Star())
    asked = {"values": count_of(given), "rows": rows}
    return ranged(asked, given.kwargs, lambda answers: share(answers["values"], answers["rows"]))


@compiles("expect_column_unique_value_count_to_be_between", "expect_column_proportion_of_unique_values_to_be_between")
def distinct_count(given: Arguments) -> Rule:
    """Judge how many different values there are, or their share of all values."""
    as_share = "proportion" in given.kind
    kwargs = given.kwargs
    if not as_share:  # Great Expectations takes whole numbers only, and cuts off the rest
        kwargs = {name: int(value) if isinstance(value, float) else value for name, value in kwargs.items()}

    def decide(ask: Ask, wanted: ResultFormat) -> Found:
        counted = exp.alias_(exp.Count(this=exp.Star()), "n", quoted=True)
        column = given.table.value(given.column().name)
        groups = only_present(given, given.table.select(counted)).group_by(column).subquery("grouped")
        figures = [exp.Count(this=exp.Star()), exp.Sum(this=inner("grouped", "n"))]
        distinct, values = ask(exp.select(*figures).from_(groups))[0]
        figure = share(distinct, values) if as_share else int(distinct)
        return Found(is_between(figure, kwargs), figure_result(figure, wanted))

    return QueryRule(decide)


@compiles("expect_column_quantile_values_to_be_between")
def quantiles(given: Arguments) -> Rule:
    """Judge quantiles, which are values that occur: the nearest to q × (n - 1), halves to the even one."""
    numeric(given)
    ranges = given.kwargs["quantile_ranges"]
    shares, bounds = list(ranges["quantiles"]), list(ranges["value_ranges"])
    if given.kwargs.get("allow_relative_error"):
        raise UncompilableError("quantiles with allow_relative_error are interpolated as pandas does")

    def decide(ask: Ask, wanted: ResultFormat) -> Found:
        count = int(ask(given.table.select(count_of(given)))[0][0] or 0)
        if not count:
            values: list[Any] = [None for _ in shares]
        else:
            places = [round_half_even(one * (count - 1)) for one in shares]
            rows = only_present(given, given.table.select())
            value = given.table.value(given.column().name)
            found = given.table.dialect.values_at(value, rows, count, places, ask)
            values = [plain_number(found[place]) for place in places]
        details = [inside(value, *bound) for value, bound in zip(values, bounds, strict=True)]
        observed = {"quantiles": shares, "values": values}
        result = figure_result(observed, wanted, details={"success_details": details})
        return Found(all(details), result)

    return QueryRule(decide)


def inside(value: Any, low: Any, high: Any) -> bool:
    """Whether a quantile lies in its range; None is no bound."""
    return value is not None and (low is None or value >= low) and (high is None or value <= high)


def round_half_even(place: float) -> int:
    """Return the nearest whole number, as numpy rounds."""
    return round(place)


@compiles("expect_table_row_count_to_be_between", "expect_table_row_count_to_equal")
def row_count(given: Arguments) -> Rule:
    """Judge how many rows there are."""
    count_if = given.table.dialect.count_if
    asked = {"rows": exp.Count(this=exp.Star()) if given.domain is None else count_if(given.domain)}
    kwargs = given.kwargs
    if "value" in kwargs:
        kwargs = {"min_value": kwargs["value"], "max_value": kwargs["value"]}
    return ranged(asked, kwargs, lambda answers: int(answers["rows"] or 0))


def number(value: Any) -> float | None:
    """Return a figure as pandas has it."""
    return None if value is None else float(value)


def plain_number(value: Any) -> Any:
    """Return a whole number as it is, any other as a float."""
    return value if value is None or isinstance(value, int) else float(value)


def share(part: Any, whole: Any) -> float:
    """Return a share; of nothing it is 0."""
    return int(part or 0) / int(whole) if whole else 0
