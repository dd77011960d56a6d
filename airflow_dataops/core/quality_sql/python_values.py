"""Rules that only Python can judge, judged on distinct values instead of on rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from airflow_dataops.core.quality_sql.dialect import conjunction, negation
from airflow_dataops.core.quality_sql.results import Found, ResultFormat
from airflow_dataops.core.quality_sql.rule import Answers, Ask, Facts, RowRule
from airflow_dataops.core.quality_sql.table import Table

__all__ = ["DistinctRule"]

MANY = 20_000


@dataclass(frozen=True, slots=True)
class DistinctRule:
    """Judges each distinct value of a column once.

    Args:
        table: The data.
        column: The column.
        passes: Whether a value is right.
        domain: Which rows are looked at; None for all.
        mostly: The share of judged rows that must pass.
    """

    table: Table
    column: str
    passes: Callable[[Any], bool]
    domain: exp.Expression | None
    mostly: float

    def figures(self) -> Mapping[str, exp.Expression]:
        """Ask for the counts that every rule on rows needs."""
        return self.row_rule(exp.false()).figures()

    def judge(self, answers: Answers, ask: Ask, facts: Facts, wanted: ResultFormat) -> Found:
        """Judge the distinct values, then tell which rows hold wrong ones."""
        value = self.table.value(self.column)
        present = conjunction(self.domain, negation(self.table.missing(self.column)))
        counted = exp.Count(this=exp.Star())
        query = self.table.select(value, counted).group_by(value.copy())
        query = query.where(present) if present is not None else query
        wrong = [(entry, count) for entry, count in ask(query) if not self.passes(entry)]
        unexpected = sum(count for _, count in wrong)
        rule = self.row_rule(self.holds([entry for entry, _ in wrong]))
        return rule.judge({**answers, "unexpected": unexpected}, ask, facts, wanted)

    def row_rule(self, unexpected: exp.Expression) -> RowRule:
        """Return the rule that fails rows meeting `unexpected`."""
        missing = self.table.missing(self.column)
        return RowRule(self.table, unexpected, (self.column,), self.domain, missing, mostly=self.mostly)

    def holds(self, values: list[Any]) -> exp.Expression:
        """Return the predicate that a row holds one of the values."""
        if not values:
            return exp.false()
        literals = [self.table.dialect.literal(value) for value in values]
        if len(values) <= MANY:
            return exp.In(this=self.table.value(self.column), expressions=literals)
        pieces = [literals[start : start + MANY] for start in range(0, len(literals), MANY)]
        return exp.or_(*[exp.In(this=self.table.value(self.column), expressions=piece) for piece in pieces], copy=False)
