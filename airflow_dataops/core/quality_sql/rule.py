"""The shapes a check can take once it is compiled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from sqlglot import exp

from airflow_dataops.core.quality_sql.dialect import conjunction, negation
from airflow_dataops.core.quality_sql.results import Counts, Found, ResultFormat, row_result
from airflow_dataops.core.quality_sql.table import Table

__all__ = [
    "Answers",
    "Ask",
    "ConstantRule",
    "Facts",
    "FigureRule",
    "Proof",
    "QueryRule",
    "RowRule",
    "Rule",
    "fetch_failing",
]

Ask: TypeAlias = Callable[[exp.Query], list[tuple[Any, ...]]]
"""Runs a query and returns its rows."""
Answers: TypeAlias = Mapping[str, Any]
"""Figures of the common pass, by the key under which they were asked for."""


@dataclass(slots=True)
class Facts:
    """What earlier checks proved about the whole table.

    Args:
        unique: Columns of which no value is missing or occurs twice; every key that holds one is unique.
        kept: Answers of follow-up queries that several checks need, by their SQL.
    """

    unique: set[str] = field(default_factory=set)
    kept: dict[str, Any] = field(default_factory=dict)


class Rule(Protocol):
    """A compiled check: it names figures for the common pass and judges the answers."""

    def figures(self) -> Mapping[str, exp.Expression]:
        """Return aggregates over ``data``, each under a key; equal expressions are asked once."""

    def judge(self, answers: Answers, ask: Ask, facts: Facts, wanted: ResultFormat) -> Found:
        """Return what came of it; may ask more."""


@dataclass(frozen=True, slots=True)
class Proof:
    """Figures that engines know almost for nothing, from which it may follow that no row fails.

    Args:
        asked: Aggregates by key, such as the smallest and the largest value.
        holds: Whether it follows from the answers; a no leaves the question open.
    """

    asked: Mapping[str, exp.Expression]
    holds: Callable[[Answers], bool]


@dataclass(frozen=True, slots=True)
class RowRule:
    """Judges rows one by one.

    Args:
        table: The data.
        unexpected: Which rows fail; asked only of rows in the domain whose value is there; null counts as no.
        shown: Columns whose values a result shows: one, or several as a list.
        domain: Which rows are looked at; None for all.
        missing: Rows of the domain without a value, which pass; None where the check is about missing values
            (then results tell no missing count) or `counts_missing` says 0.
        counts_missing: Whether the result tells of missing values.
        mostly: The share of judged rows that must pass, 0..1.
        text_column: The one text column `unexpected` depends on, so that it can be judged on distinct values.
        missing_of: The one column whose missing values `missing` means, so that they can be counted cheaply.
        proof: What may show at once that no row fails.
        shown_as_mapping: Show several columns as {name: value}, as Great Expectations does for more than two.
    """

    table: Table
    unexpected: exp.Expression
    shown: tuple[str, ...]
    domain: exp.Expression | None = None
    missing: exp.Expression | None = None
    counts_missing: bool = True
    mostly: float = 1.0
    text_column: str | None = None
    missing_of: str | None = None
    proof: Proof | None = None
    shown_as_mapping: bool = False

    @property
    def on_one_text(self) -> str | None:
        """The text column that alone decides, so that its distinct values are enough; None where there is none."""
        return self.text_column if self.domain is None else None

    @property
    def predicate(self) -> exp.Expression:
        """Which rows of the table fail; may be null, which is no."""
        judged = conjunction(self.domain, negation(self.missing) if self.missing is not None else None, self.unexpected)
        return judged if judged is not None else exp.true()

    def figures(self) -> Mapping[str, exp.Expression]:
        """Return the counts: rows looked at, rows without a value, rows that fail."""
        count_if = self.table.dialect.count_if
        asked = {
            "elements": exp.Count(this=exp.Star()) if self.domain is None else count_if(self.domain.copy()),
            "unexpected": count_if(self.predicate),
        }
        if self.missing_of is not None and self.domain is None:
            missing = self.table.missing_count(self.missing_of)
            return {**asked, "missing": missing} if self.missing is not None else {**asked, "unexpected": missing}
        if self.missing is not None:
            absent = conjunction(self.domain, self.missing)
            asked["missing"] = count_if(absent) if absent is not None else exp.Literal.number(0)
        return asked

    def judge(self, answers: Answers, ask: Ask, facts: Facts, wanted: ResultFormat) -> Found:
        """Compare the share of rows that pass with the share that must."""
        elements, unexpected = int(answers["elements"] or 0), int(answers["unexpected"] or 0)
        missing = int(answers.get("missing") or 0)
        judged = elements - missing
        success = judged == 0 or (judged - unexpected) / judged >= self.mostly
        rows = fetch_failing(self, ask, wanted) if unexpected and wanted.limit != 0 else []
        counts = Counts(elements, missing if self.counts_missing else None, unexpected)
        result = row_result(counts, rows, wanted, with_positions=self.table.is_ordered)
        return Found(success, result, unexpected, self.predicate)


def fetch_failing(rule: RowRule, ask: Ask, wanted: ResultFormat) -> list[tuple[int, Any]]:
    """Return position and shown values of failing rows, in the table's order where it has one."""
    columns = [rule.table.value(name) for name in rule.shown]
    position = exp.null() if rule.table.position is None else rule.table.position.copy()
    query = rule.table.select(exp.alias_(position, "position", quoted=True), *columns).where(rule.predicate)
    if rule.table.position is not None:
        query = query.order_by(rule.table.position.copy())
    if wanted.limit is not None:
        query = query.limit(wanted.limit)
    rows = ask(query)
    if len(rule.shown) == 1 and not rule.shown_as_mapping:
        return [(row[0], row[1]) for row in rows]
    if rule.shown_as_mapping:
        return [(row[0], dict(zip(rule.shown, row[1:], strict=True))) for row in rows]
    return [(row[0], list(row[1:])) for row in rows]


@dataclass(frozen=True, slots=True)
class FigureRule:
    """Judges figures about a column or the whole table.

    Args:
        asked: Aggregates over ``data`` by key.
        decide: Makes success and ``result`` out of the answers.
    """

    asked: Mapping[str, exp.Expression]
    decide: Callable[[Answers, ResultFormat], tuple[bool, Mapping[str, Any]]]

    def figures(self) -> Mapping[str, exp.Expression]:
        """Return the aggregates."""
        return self.asked

    def judge(self, answers: Answers, ask: Ask, facts: Facts, wanted: ResultFormat) -> Found:
        """Decide on the answers."""
        success, result = self.decide(answers, wanted)
        return Found(bool(success), {} if wanted.level == "BOOLEAN_ONLY" else result)


@dataclass(frozen=True, slots=True)
class QueryRule:
    """Judges by queries of its own, after the common pass.

    Args:
        decide: Asks and returns what came of it.
    """

    decide: Callable[[Ask, ResultFormat], Found]

    def figures(self) -> Mapping[str, exp.Expression]:
        """Ask for nothing in the common pass."""
        return {}

    def judge(self, answers: Answers, ask: Ask, facts: Facts, wanted: ResultFormat) -> Found:
        """Ask and decide."""
        return self.decide(ask, wanted)


@dataclass(frozen=True, slots=True)
class ConstantRule:
    """Judged already by what is known of the table: its columns and types."""

    success: bool
    result: Mapping[str, Any]

    def figures(self) -> Mapping[str, exp.Expression]:
        """Ask for nothing."""
        return {}

    def judge(self, answers: Answers, ask: Ask, facts: Facts, wanted: ResultFormat) -> Found:
        """Say what is known."""
        return Found(self.success, {} if wanted.level == "BOOLEAN_ONLY" else self.result)
