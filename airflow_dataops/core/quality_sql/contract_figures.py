"""Checks of contracts that judge one figure and that Great Expectations does not have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import sqlglot
from sqlglot import exp

from airflow_dataops.core.quality_sql.compiler import Arguments, compile_rule, compiles
from airflow_dataops.core.quality_sql.figures import chosen
from airflow_dataops.core.quality_sql.keys import KeyRule
from airflow_dataops.core.quality_sql.limits import within_limits
from airflow_dataops.core.quality_sql.refusal import UncompilableError, UnfitError
from airflow_dataops.core.quality_sql.results import Found, ResultFormat, figure_result
from airflow_dataops.core.quality_sql.rule import Answers, Ask, ConstantRule, Facts, FigureRule, QueryRule, Rule

__all__: list[str] = []

DAY = 86_400
HUNDRED = 100


def figure_of(count: int, rows: int, kwargs: Mapping[str, Any]) -> float:
    """Return a count as the limits mean it: as it is, or in per cent of all rows; of none it is 0."""
    if kwargs.get("unit") != "percent":
        return count
    return count / rows * HUNDRED if rows else 0.0


@dataclass(frozen=True, slots=True)
class FailingRowsRule:
    """Judges how many rows fail another check.

    Args:
        rows: The other check.
        kwargs: The limits and their unit.
    """

    rows: Rule
    kwargs: Mapping[str, Any]

    def figures(self) -> Mapping[str, exp.Expression]:
        """Ask what the other check asks."""
        return self.rows.figures()

    def judge(self, answers: Answers, ask: Ask, facts: Facts, wanted: ResultFormat) -> Found:
        """Count and compare."""
        found = self.rows.judge(answers, ask, facts, ResultFormat("NONE"))
        figure = figure_of(found.failed, int(found.result.get("element_count") or 0), self.kwargs)
        return Found(within_limits(figure, self.kwargs), figure_result(figure, wanted))


@compiles("dataops_failing_rows_to_be")
def failing_rows(given: Arguments) -> Rule:
    """Judge how many rows fail another check, where more than a largest number is said."""
    inner = given.kwargs["expectation"]
    try:
        return FailingRowsRule(compile_rule(inner["type"], inner["kwargs"], given.table, given.domain), given.kwargs)
    except UncompilableError as error:
        raise UnfitError(str(error)) from error


@compiles("dataops_duplicate_values_to_be")
def duplicate_values(given: Arguments) -> Rule:
    """Judge how many values, or combinations of values, occur more than once; each counts once."""
    names = list(given.kwargs["column_list"])
    single = len(names) == 1
    kind = "expect_column_values_to_be_unique" if single else "expect_compound_columns_to_be_unique"
    kwargs = {"column": names[0]} if single else {"column_list": names}
    try:
        keys = compile_rule(kind, kwargs, given.table, given.domain)
    except UncompilableError as error:
        raise UnfitError(str(error)) from error
    if not isinstance(keys, KeyRule):
        raise UnfitError("the columns are no key")
    shared = keys.shared(exp.alias_(exp.Count(this=exp.Star()), "n", quoted=True)).subquery("shared")

    def decide(ask: Ask, wanted: ResultFormat) -> Found:
        count = int(ask(exp.select(exp.Count(this=exp.Star())).from_(shared))[0][0])
        rows = int(ask(given.table.select(exp.Count(this=exp.Star())))[0][0])
        figure = figure_of(count, rows, given.kwargs)
        return Found(within_limits(figure, given.kwargs), figure_result(figure, wanted))

    return QueryRule(decide)


@compiles("dataops_column_to_be_fresh")
def fresh(given: Arguments) -> Rule:
    """Judge whether the newest time is not older than so many seconds; of dates, whole days count.

    Times without a zone are in UTC. A column without any time is not fresh.
    """
    column = given.column()
    if not column.kind.is_time:
        raise UnfitError(f"the column {column.name} holds {column.kind} where times are needed")
    now = instant(given.kwargs.get("now"))
    newest = exp.Max(this=chosen(given))

    def decide(answers: Answers, wanted: ResultFormat) -> tuple[bool, Mapping[str, Any]]:
        value = answers["newest"]
        if value is None:
            return False, figure_result(None, wanted)
        return age(value, now) <= given.kwargs["seconds"], figure_result(value, wanted)

    return FigureRule({"newest": newest}, decide)


def instant(text: Any) -> datetime:
    """Return the moment that counts as now.

    Raises:
        UnfitError: None was given, or it is no time.
    """
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError as error:
        raise UnfitError(f"its argument now is {text!r}, which is no time in ISO 8601") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def age(value: date, now: datetime) -> float:
    """Return how many seconds ago a time was; a date is as many whole days old."""
    if not isinstance(value, datetime):
        return (now.astimezone(UTC).date() - value).days * DAY
    return (now - (value if value.tzinfo else value.replace(tzinfo=UTC))).total_seconds()


@compiles("dataops_column_to_be_stored_as")
def stored_as(given: Arguments) -> Rule:
    """Judge the type that a column has in its database: its name and, where one is asked for, its size."""
    name, wanted = given.kwargs["column"], given.kwargs["physical_type"]
    if name not in given.table.columns:
        raise UnfitError(f'The column "{name}" does not exist.')
    if not given.table.stored:
        raise UnfitError("files and frames have no types of a database")
    dialect, held = given.table.dialect.name, given.table.columns[name].stored
    expected, actual = (data_type(text, dialect) for text in (wanted, held))
    same = expected == actual if expected.expressions else expected.this == actual.this
    return ConstantRule(same, {"observed_value": held})


def data_type(text: str, dialect: str) -> exp.DataType:
    """Return a database's type.

    Raises:
        UnfitError: The database knows none of this name.
    """
    try:
        return exp.DataType.build(text, dialect=dialect)
    except (sqlglot.errors.SqlglotError, ValueError) as error:
        raise UnfitError(f"{dialect} has no type {text}") from error
