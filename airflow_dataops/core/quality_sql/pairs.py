"""Checks that compare two columns of a row, with pandas' meaning of missing values."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from airflow_dataops.core.quality_sql.column_values import alike, is_comparable
from airflow_dataops.core.quality_sql.compiler import Arguments, compiles
from airflow_dataops.core.quality_sql.dialect import disjunction, every, negation
from airflow_dataops.core.quality_sql.refusal import UncompilableError, UnfitError
from airflow_dataops.core.quality_sql.rule import RowRule, Rule
from airflow_dataops.core.quality_sql.table import Column

__all__ = ["ignored_rows"]


def ignored_rows(given: Arguments, names: list[str], default: str) -> exp.Expression:
    """Return the rows that ``ignore_row_if`` leaves out; results count them as missing."""
    missing = [given.table.missing(name) for name in names]
    how = given.kwargs.get("ignore_row_if", default)
    if how in {"both_values_are_missing", "all_values_are_missing"}:
        return exp.paren(every(*missing))
    if how in {"either_value_is_missing", "any_value_is_missing"}:
        return exp.paren(disjunction(*missing))
    return exp.false()


def pair_rule(given: Arguments, unexpected: exp.Expression) -> RowRule:
    """Return the rule on a pair of columns; a row with one missing value is judged, too."""
    names = [given.column("column_A").name, given.column("column_B").name]
    ignored = ignored_rows(given, names, "both_values_are_missing")
    return RowRule(given.table, unexpected, tuple(names), given.domain, ignored, mostly=given.mostly)


def comparable_columns(given: Arguments) -> tuple[Column, Column]:
    """Return both columns if they can be compared.

    Raises:
        UnfitError: They hold different kinds of things.
    """
    first, second = given.column("column_A"), given.column("column_B")
    same = first.kind is second.kind or (first.kind.is_number and second.kind.is_number)
    if not same:
        raise UncompilableError(f"{first.name} holds {first.kind} and {second.name} holds {second.kind}")
    return first, second


def holds(given: Arguments, comparison: exp.Expression, names: list[str]) -> exp.Expression:
    """Return that a comparison is true and no value is missing, never null: comparing with nothing is false."""
    present = [negation(given.table.missing(name)) for name in names]
    return every(*present, comparison)


@compiles("expect_column_pair_values_a_to_be_greater_than_b")
def greater(given: Arguments) -> Rule:
    """Fail rows where A is not above B."""
    first, second = comparable_columns(given)
    compare = exp.GTE if given.kwargs.get("or_equal") else exp.GT
    above = compare(this=given.table.value(first.name), expression=given.table.value(second.name))
    return pair_rule(given, negation(holds(given, above, [first.name, second.name])))


@compiles("expect_column_pair_values_to_be_equal")
def equal(given: Arguments) -> Rule:
    """Fail rows where A is not B."""
    first, second = comparable_columns(given)
    same = exp.EQ(this=given.table.value(first.name), expression=given.table.value(second.name))
    return pair_rule(given, negation(holds(given, same, [first.name, second.name])))


@compiles("expect_column_pair_values_to_be_in_set")
def in_set(given: Arguments) -> Rule:
    """Fail rows whose pair is none of the set; None in the set stands for a missing value."""
    columns = (given.column("column_A"), given.column("column_B"))
    allowed = []
    for pair in given.kwargs["value_pairs_set"]:
        if len(pair) != len(columns):
            raise UnfitError("value_pairs_set holds something that is no pair")
        sides = [side(given, column, value) for column, value in zip(columns, pair, strict=True)]
        allowed.append(exp.paren(every(*sides)))
    return pair_rule(given, negation(disjunction(*allowed)))


def side(given: Arguments, column: Column, value: Any) -> exp.Expression:
    """Return that one column holds one value of a pair."""
    missing = given.table.missing(column.name)
    if value is None:
        return missing
    if not is_comparable(column.kind, value):
        return exp.false()
    if column.kind.is_time:
        raise UncompilableError("pairs with times are compared as pandas does")
    same = exp.EQ(
        this=given.table.value(column.name), expression=given.table.dialect.literal(alike(column.kind, value))
    )
    return every(negation(missing), same)
