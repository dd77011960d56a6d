"""Checks that judge the values of one column one by one."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from airflow_dataops.core.quality_sql.compiler import Arguments, compiles
from airflow_dataops.core.quality_sql.dialect import negation
from airflow_dataops.core.quality_sql.rule import RowRule, Rule
from airflow_dataops.core.quality_sql.table import Kind

__all__ = ["column_rule"]


def column_rule(given: Arguments, unexpected: exp.Expression) -> RowRule:
    """Return the rule that fails rows whose value is there and meets `unexpected`."""
    column = given.column()
    return RowRule(
        given.table,
        unexpected,
        (column.name,),
        given.domain,
        given.table.missing(column.name),
        mostly=given.mostly,
        text_column=column.name if column.kind is Kind.TEXT else None,
    )


@compiles("expect_column_values_to_not_be_null")
def not_null(given: Arguments) -> Rule:
    """Fail rows without a value; no row counts as missing."""
    name = given.column().name
    missing = given.table.missing(name)
    return RowRule(given.table, missing, (name,), given.domain, counts_missing=False, mostly=given.mostly)


@compiles("expect_column_values_to_be_null")
def null(given: Arguments) -> Rule:
    """Fail rows with a value."""
    name = given.column().name
    present = negation(given.table.missing(name))
    return RowRule(given.table, present, (name,), given.domain, counts_missing=False, mostly=given.mostly)


@compiles("expect_column_values_to_be_in_set")
def in_set(given: Arguments) -> Rule:
    """Fail rows whose value is none of the set."""
    return column_rule(given, negation(membership(given, given.kwargs["value_set"])))


def membership(given: Arguments, values: list[Any]) -> exp.Expression:
    """Return whether the value is one of `values`, compared as pandas does: 1 is 1.0 and True, never '1'."""
    column = given.column()
    comparable = [value for value in values if value is not None and is_comparable(column.kind, value)]
    if not comparable:
        return exp.false()
    literals = [given.table.dialect.literal(value) for value in comparable]
    return exp.In(this=given.table.value(column.name), expressions=literals)


def is_comparable(kind: Kind, value: Any) -> bool:
    """Whether a value of the set can equal one of the column."""
    if kind is Kind.TEXT:
        return isinstance(value, str)
    if kind.is_number or kind is Kind.BOOLEAN:
        return isinstance(value, bool | int | float)
    return True
