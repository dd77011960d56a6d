"""Checks on the order of values, and on values far from the others."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlglot import exp

from airflow_dataops.core.quality_sql.column_values import column_rule
from airflow_dataops.core.quality_sql.compiler import Arguments, compiles
from airflow_dataops.core.quality_sql.dialect import conjunction, inner, negation
from airflow_dataops.core.quality_sql.figures import mean_of, quantile_linear, standard_deviation_of
from airflow_dataops.core.quality_sql.refusal import UncompilableError, UnfitError
from airflow_dataops.core.quality_sql.results import Found, ResultFormat
from airflow_dataops.core.quality_sql.rule import Answers, Ask, Facts, RowRule, Rule
from airflow_dataops.core.quality_sql.table import Kind

__all__: list[str] = []


@compiles("expect_column_values_to_be_increasing", "expect_column_values_to_be_decreasing")
def ordered(given: Arguments) -> Rule:
    """Fail values that are below (above) the one before; missing values are stepped over."""
    column, table = given.column(), given.table
    table.refuse_without_order()
    if not (column.kind.is_number or column.kind.is_time):
        raise UncompilableError(f"the column {column.name} holds {column.kind}, which pandas cannot subtract")
    rising = given.kind.endswith("increasing")
    value, before = inner("steps", "value"), inner("steps", "before")
    high, low = (value, before) if rising else (before, value)
    compare = exp.LTE if given.kwargs.get("strictly") else exp.LT
    out_of_order = compare(this=high, expression=low)
    if column.kind is Kind.FLOAT:
        # From infinity to infinity is no number, which pandas lets pass.
        out_of_order = compare(this=exp.Sub(this=high, expression=low), expression=exp.Literal.number(0))
    steps = table.select(
        exp.alias_(table.place(), "position", quoted=True),
        exp.alias_(table.value(column.name), "value", quoted=True),
        exp.alias_(
            exp.Window(
                this=exp.Lag(this=table.value(column.name)),
                order=exp.Order(expressions=[exp.Ordered(this=table.place(), nulls_first=False)]),
            ),
            "before",
            quoted=True,
        ),
    )
    there = conjunction(given.domain, negation(table.missing(column.name)))
    steps = steps.where(there) if there is not None else steps
    wrong = exp.select(inner("steps", "position")).from_(steps.subquery("steps")).where(out_of_order)
    return SequenceRule(column_rule(given, exp.In(this=table.place(), query=wrong.subquery())), wrong)


@dataclass(frozen=True, slots=True)
class SequenceRule:
    """Counts steps in the wrong direction with a query of its own: the common pass has no order."""

    rows: RowRule
    wrong: exp.Select

    def figures(self) -> Mapping[str, exp.Expression]:
        """Ask for the counts of rows; not for the failing ones."""
        return replace(self.rows, unexpected=exp.false()).figures()

    def judge(self, answers: Answers, ask: Ask, facts: Facts, wanted: ResultFormat) -> Found:
        """Count the steps and judge."""
        query = exp.select(exp.Count(this=exp.Star())).from_(self.wrong.subquery("wrong"))
        return self.rows.judge({**answers, "unexpected": ask(query)[0][0]}, ask, facts, wanted)


@compiles("expect_column_value_z_scores_to_be_less_than")
def z_scores(given: Arguments) -> Rule:
    """Fail values further from the mean than so many standard deviations."""
    column = given.column()
    if not column.kind.is_number:
        raise UnfitError("Cannot complete Z-score calculations on a non-numerical column.")
    return SpreadRule(given, "std", float(given.kwargs["threshold"]), z_score=True)


@compiles("expect_column_values_to_not_be_outliers")
def outliers(given: Arguments) -> Rule:
    """Fail values outside Tukey's fences, or too many standard deviations from the mean."""
    column = given.column()
    if not column.kind.is_number:
        raise UnfitError("Cannot detect outliers in a non-numerical column.")
    return SpreadRule(given, given.kwargs.get("method", "iqr"), float(given.kwargs.get("multiplier", 1.5)))


@dataclass(frozen=True, slots=True)
class SpreadRule:
    """Judges values by their distance from the middle, which has to be known first."""

    given: Arguments
    method: str
    multiplier: float
    z_score: bool = False

    def figures(self) -> Mapping[str, exp.Expression]:
        """Ask for the middle and the spread."""
        base = column_rule(self.given, exp.false()).figures()
        if self.method == "iqr":
            quartiles = {f"q{q}": quantile_linear(self.given, q / 100) for q in (25, 75)}
            return {**base, **quartiles}
        return {**base, "mean": mean_of(self.given), "std": standard_deviation_of(self.given)}

    def judge(self, answers: Answers, ask: Ask, facts: Facts, wanted: ResultFormat) -> Found:
        """Count what lies outside."""
        rule = column_rule(self.given, self.outside(answers))
        counted = self.given.table.select(self.given.table.dialect.count_if(rule.predicate))
        return rule.judge({**answers, "unexpected": ask(counted)[0][0]}, ask, facts, wanted)

    def outside(self, answers: Answers) -> exp.Expression:
        """Return which values lie outside; none where the spread is unknown."""
        value = exp.cast(self.given.table.value(self.given.column().name), "double")
        literal = self.given.table.dialect.literal
        if self.method == "iqr":
            low, high = answers["q25"], answers["q75"]
            if low is None or high is None:
                return exp.false()
            reach = (float(high) - float(low)) * self.multiplier
            below = exp.LT(this=value, expression=literal(float(low) - reach))
            return exp.paren(exp.or_(below, exp.GT(this=value.copy(), expression=literal(float(high) + reach))))
        mean, spread = answers["mean"], answers["std"]
        # Of infinities there is none; databases may hold that any number is above it.
        unknown = mean is None or spread is None or math.isnan(float(spread))
        if unknown or (self.z_score and not spread):
            return exp.false()
        if not self.z_score and float(spread) * self.multiplier <= 0:
            return exp.NEQ(this=value, expression=literal(float(mean)))
        distance: exp.Expression = exp.paren(exp.Sub(this=value, expression=literal(float(mean))))
        if self.z_score:
            score: exp.Expression = exp.Div(this=distance, expression=literal(float(spread)))
            double = bool(self.given.kwargs.get("double_sided"))
            reach = abs(self.multiplier) if double else self.multiplier
            return exp.GTE(this=exp.Abs(this=score) if double else score, expression=literal(reach))
        return exp.GTE(this=exp.Abs(this=distance), expression=literal(float(spread) * self.multiplier))
