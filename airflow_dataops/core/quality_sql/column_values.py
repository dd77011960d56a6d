"""Checks that judge the values of one column one by one."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from sqlglot import exp

from airflow_dataops.core.quality_sql.compiler import Arguments, compiles
from airflow_dataops.core.quality_sql.dialect import disjunction, negation
from airflow_dataops.core.quality_sql.refusal import UncompilableError, UnfitError
from airflow_dataops.core.quality_sql.rule import Answers, Proof, RowRule, Rule
from airflow_dataops.core.quality_sql.table import Column, Kind

__all__ = ["alike", "column_rule", "is_comparable"]


def column_rule(given: Arguments, unexpected: exp.Expression, proof: Proof | None = None) -> RowRule:
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
        missing_of=column.name,
        proof=proof,
    )


@compiles("expect_column_values_to_not_be_null")
def not_null(given: Arguments) -> Rule:
    """Fail rows without a value; no row counts as missing."""
    name = given.column().name
    missing = given.table.missing(name)
    return RowRule(
        given.table, missing, (name,), given.domain, counts_missing=False, mostly=given.mostly, missing_of=name
    )


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
    if column.kind.is_time or column.kind is Kind.BINARY:
        raise UncompilableError(f"pandas compares {column.kind} with a set in its own way")
    comparable = [alike(column.kind, value) for value in values if is_comparable(column.kind, value)]
    if not comparable:
        return exp.false()
    literals = [given.table.dialect.literal(value) for value in comparable]
    return exp.In(this=given.table.value(column.name), expressions=literals)


@compiles("expect_column_values_to_not_be_in_set")
def not_in_set(given: Arguments) -> Rule:
    """Fail rows whose value is one of the set."""
    return column_rule(given, membership(given, given.kwargs["value_set"]))


@compiles("expect_column_values_to_be_between")
def between(given: Arguments) -> Rule:
    """Fail values below the smallest or above the largest that is allowed."""
    column, kwargs = given.column(), given.kwargs
    low, high = bound(column, kwargs.get("min_value")), bound(column, kwargs.get("max_value"))
    if low is None and high is None:
        raise UnfitError("min_value and max_value cannot both be None")
    value, wrong = given.table.value(column.name), []
    if column.kind is Kind.BOOLEAN:
        value = exp.cast(value, "int")
    if low is not None:
        below = exp.LTE if kwargs.get("strict_min") else exp.LT
        wrong.append(below(this=value.copy(), expression=given.table.dialect.literal(low)))
    if high is not None:
        above = exp.GTE if kwargs.get("strict_max") else exp.GT
        wrong.append(above(this=value.copy(), expression=given.table.dialect.literal(high)))
    return column_rule(given, disjunction(*wrong), within(given, column, low, high))


def within(given: Arguments, column: Column, low: Any, high: Any) -> Proof | None:
    """Return the proof that the smallest and the largest value are allowed, so all are."""
    if given.domain is not None or not column.kind.is_number:
        return None
    value, strict_min, strict_max = given.table.value(column.name), *map(given.kwargs.get, ("strict_min", "strict_max"))

    def holds(answers: Answers) -> bool:
        least, most = answers["least"], answers["most"]
        if least is None or most is None or least != least or most != most:  # noqa: PLR0124 - not a number
            return False
        above = low is None or (least > low if strict_min else least >= low)
        below = high is None or (most < high if strict_max else most <= high)
        return bool(above and below)

    return Proof({"least": exp.Min(this=value), "most": exp.Max(this=value.copy())}, holds)


def bound(column: Column, given: Any) -> Any:
    """Return a bound as something that can be compared with the column's values.

    Raises:
        UnfitError: It cannot be compared with them.
    """
    if given is None:
        return None
    if isinstance(given, str) and column.kind.is_time:
        try:
            parsed = datetime.fromisoformat(given)
        except ValueError as error:
            raise UnfitError(f"the bound {given!r} is no time in ISO 8601") from error
        if column.kind is Kind.ZONED and parsed.tzinfo is None:
            return parsed.replace(tzinfo=UTC)
        return parsed
    if isinstance(given, date) and column.kind.is_time:
        return given
    if isinstance(given, int | float) and (column.kind.is_number or column.kind is Kind.BOOLEAN):
        return given
    raise UnfitError(f"the column {column.name} holds {column.kind}, which cannot be compared with {given!r}")


def is_comparable(kind: Kind, value: Any) -> bool:
    """Whether a value of the set can equal one of the column."""
    if value is None:
        return False
    if kind is Kind.TEXT:
        return isinstance(value, str)
    if kind is Kind.BINARY:
        return isinstance(value, bytes)
    if kind is Kind.BOOLEAN:
        return isinstance(value, bool | int | float) and value in {0, 1}
    return isinstance(value, bool | int | float) if kind.is_number else True


def alike(kind: Kind, value: Any) -> Any:
    """Return a comparable value as the kind the column holds: True is 1 to pandas, not to every database."""
    if kind is Kind.BOOLEAN:
        return bool(value)
    return int(value) if isinstance(value, bool) and kind.is_number else value
