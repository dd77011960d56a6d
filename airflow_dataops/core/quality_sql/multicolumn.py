"""Checks that look at several columns of a row."""

from __future__ import annotations

from itertools import combinations

from sqlglot import exp

from airflow_dataops.core.quality_sql.compiler import Arguments, compiles
from airflow_dataops.core.quality_sql.dialect import disjunction, every, negation
from airflow_dataops.core.quality_sql.pairs import ignored_rows
from airflow_dataops.core.quality_sql.refusal import UncompilableError
from airflow_dataops.core.quality_sql.rule import RowRule, Rule
from airflow_dataops.core.quality_sql.table import Column

__all__ = ["multicolumn_rule"]


def multicolumn_rule(given: Arguments, unexpected: exp.Expression) -> RowRule:
    """Return the rule on the columns of ``column_list``."""
    names = [column.name for column in given.columns()]
    ignored = ignored_rows(given, names, "all_values_are_missing")
    return RowRule(
        given.table, unexpected, tuple(names), given.domain, ignored, mostly=given.mostly, shown_as_mapping=True
    )


def alike(columns: list[Column]) -> list[Column]:
    """Return the columns if their values can be compared.

    Raises:
        UncompilableError: They hold different kinds of things, which pandas compares in its own way.
    """
    if len({column.kind for column in columns}) > 1 and not all(column.kind.is_number for column in columns):
        raise UncompilableError("the columns hold different kinds of things")
    return columns


@compiles("expect_multicolumn_sum_to_equal")
def sum_to_equal(given: Arguments) -> Rule:
    """Fail rows whose values do not add up; a missing value adds up to nothing."""
    columns = given.columns()
    if not all(column.kind.is_number for column in columns):
        raise UncompilableError("pandas adds things other than numbers in its own way")
    total: exp.Expression = exp.cast(given.table.value(columns[0].name), "double")
    for column in columns[1:]:
        total = exp.Add(this=total, expression=exp.cast(given.table.value(column.name), "double"))
    present = [negation(given.table.missing(column.name)) for column in columns]
    same = exp.EQ(this=total, expression=given.table.dialect.literal(float(given.kwargs["sum_total"])))
    return multicolumn_rule(given, negation(every(*present, same)))


@compiles("expect_multicolumn_values_to_be_equal")
def values_equal(given: Arguments) -> Rule:
    """Fail rows whose values differ; missing values equal each other."""
    columns = alike(given.columns())
    different = [negation(same(given, columns[0], column)) for column in columns[1:]]
    return multicolumn_rule(given, disjunction(*different))


@compiles("expect_select_column_values_to_be_unique_within_record")
def unique_within_record(given: Arguments) -> Rule:
    """Fail rows in which a value occurs in two columns; missing values equal each other."""
    twice = [same(given, first, second) for first, second in combinations(alike(given.columns()), 2)]
    return multicolumn_rule(given, disjunction(*twice))


def same(given: Arguments, first: Column, second: Column) -> exp.Expression:
    """Return that two values are equal, or both missing; never null."""
    both = [given.table.missing(column.name) for column in (first, second)]
    equal = exp.EQ(this=given.table.value(first.name), expression=given.table.value(second.name))
    present = [negation(missing) for missing in both]
    return exp.paren(disjunction(every(*both), every(*present, equal)))
