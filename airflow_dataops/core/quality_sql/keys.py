"""Uniqueness, of one column or of several together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlglot import exp

from airflow_dataops.core.quality_sql.column_values import column_rule
from airflow_dataops.core.quality_sql.compiler import Arguments, compiles
from airflow_dataops.core.quality_sql.dialect import conjunction, inner, negation
from airflow_dataops.core.quality_sql.key_places import KeyPlaces, key_places
from airflow_dataops.core.quality_sql.multicolumn import multicolumn_rule
from airflow_dataops.core.quality_sql.results import Found, ResultFormat
from airflow_dataops.core.quality_sql.rule import Answers, Ask, Facts, RowRule, Rule
from airflow_dataops.core.quality_sql.table import Kind

__all__ = ["KeyRule"]

FIRST_ROWS = 20_000


@compiles("expect_column_values_to_be_unique")
def unique(given: Arguments) -> Rule:
    """Fail all rows whose value occurs more than once; missing values are not compared."""
    return key_rule(given, column_rule(given, exp.false()))


@compiles("expect_compound_columns_to_be_unique")
def compound(given: Arguments) -> Rule:
    """Fail all rows whose key occurs more than once; missing values equal each other."""
    return key_rule(given, multicolumn_rule(given, exp.false()))


def key_rule(given: Arguments, rows: RowRule) -> Rule:
    """Return the rule; which of equal keys is first is told by an order."""
    keep = given.kwargs.get("keep", "none")
    if keep != "none":
        given.table.refuse_without_order()
    return KeyRule(rows, keep)


@dataclass(frozen=True, slots=True)
class KeyRule:
    """Judges keys by proof first: a group-by over the keys, and none where a part of the key is proven unique.

    Args:
        rows: The rule without its predicate: columns, domain, missing values.
        keep: Which row of equal keys counts as good when failing rows are split off: none, first or last.
    """

    rows: RowRule
    keep: str = "none"

    def figures(self) -> Mapping[str, exp.Expression]:
        """Ask for the counts of rows; not for the failing ones."""
        return self.rows.figures()

    def judge(self, answers: Answers, ask: Ask, facts: Facts, wanted: ResultFormat) -> Found:
        """Count rows with a key that is not alone."""
        proven = facts.unique & set(self.rows.shown)
        unexpected = 0 if proven or self.is_proven(answers, ask) else int(ask(self.count())[0][0] or 0)
        if not unexpected and len(self.rows.shown) == 1 and self.rows.domain is None and not answers.get("missing"):
            facts.unique.add(self.rows.shown[0])
        rule = replace(self.rows, unexpected=self.shares_its_key()) if unexpected else self.rows
        found = rule.judge({**answers, "unexpected": unexpected}, ask, facts, wanted)
        if self.keep == "none" or not unexpected:
            return found
        return replace(found, predicate=exp.and_(rule.predicate, negation(self.is_kept()), copy=False))

    def is_proven(self, answers: Answers, ask: Ask) -> bool:
        """Whether there are as many keys as rows that have one; cheaper than to look which keys are shared."""
        if self.is_kept_unique() or self.is_rising(answers, ask):
            return True
        counted = int(answers["elements"] or 0) - int(answers.get("missing") or 0)
        places = key_places(self.rows.table, self.rows.shown, counted, ask)
        if places is not None and places.count < counted:
            return False
        return int(ask(self.distinct(places))[0][0] or 0) == counted

    def distinct(self, places: KeyPlaces | None) -> exp.Select:
        """Return the query that counts the different keys: in a set of bits where they have places there."""
        present = self.present()
        if places is not None:
            marked = self.rows.table.select(places.distinct())
            return marked.where(present) if present is not None else marked
        keys = self.rows.table.select(*self.keys("data")).group_by(*self.keys("data"))
        grouped = keys.where(present) if present is not None else keys
        return exp.select(exp.Count(this=exp.Star())).from_(grouped.subquery("keys"))

    def is_kept_unique(self) -> bool:
        """Whether the database itself keeps the key unique; it lets keys with missing parts occur again."""
        table, names = self.rows.table, frozenset(self.rows.shown)
        complete = {name for name in names if table.known_missing.get(name) == 0}
        return any(key <= names and (key <= complete or len(names) == 1) for key in table.unique_keys)

    def is_rising(self, answers: Answers, ask: Ask) -> bool:
        """Whether each value is above the one before, as ids often are: then none occurs twice.

        The first rows are looked at before the others, so that a column in no order costs next to nothing.
        """
        table, name = self.rows.table, self.rows.shown[0]
        if len(self.rows.shown) > 1 or self.rows.domain is not None or answers.get("missing"):
            return False
        if not table.dialect.steps_through_rows:
            return False
        values = table.select(exp.alias_(table.value(name), "value", quoted=True))
        return not ask(falling(values.limit(FIRST_ROWS)))[0][0] and not ask(falling(values))[0][0]

    def keys(self, alias: str) -> list[exp.Expression]:
        """Return the parts of the key; numbers that are none are one missing value."""
        table = self.rows.table
        return [
            exp.Case().when(negation(table.missing(name, alias)), table.value(name, alias))
            if table.columns[name].kind is Kind.FLOAT and table.known_missing.get(name) != 0
            else table.value(name, alias)
            for name in self.rows.shown
        ]

    def present(self) -> exp.Expression | None:
        """Return which rows have a key."""
        missing = self.rows.missing
        told = missing if not isinstance(missing, exp.Boolean) else None
        return conjunction(self.rows.domain, negation(told) if told is not None else None)

    def shared(self, *shown: exp.Expression) -> exp.Select:
        """Return the keys that occur more than once, with what is to be shown of them."""
        query = self.rows.table.select(*shown).group_by(*self.keys("data"))
        several = exp.GT(this=exp.Count(this=exp.Star()), expression=exp.Literal.number(1))
        present = self.present()
        return (query.where(present) if present is not None else query).having(several)

    def count(self) -> exp.Select:
        """Return the query that counts rows with such a key."""
        counted = exp.alias_(exp.Count(this=exp.Star()), "n", quoted=True)
        return exp.select(exp.Sum(this=inner("shared", "n"))).from_(self.shared(counted).subquery("shared"))

    def shares_its_key(self) -> exp.Expression:
        """Return the predicate that a row's key occurs more than once."""
        names = [f"key_{number}" for number in range(len(self.rows.shown))]
        keys = [exp.alias_(key, name, quoted=True) for key, name in zip(self.keys("data"), names, strict=True)]
        if len(names) == 1:
            return exp.In(this=self.keys("data")[0], query=self.shared(*keys).subquery())
        dialect = self.rows.table.dialect
        if not dialect.joins_missing and self.rows.table.position is not None:
            return self.is_counted_twice()
        same = [
            dialect.rows_are(inner("shared", name), key) for name, key in zip(names, self.keys("data"), strict=True)
        ]
        # Inside, the table has another name, so that the outer row can be told from it.
        shared = self.shared(*keys).subquery("shared")
        inner_query = exp.select(exp.Literal.number(1)).from_(shared).where(exp.and_(*same, copy=False))
        return exp.Exists(this=inner_query)

    def is_counted_twice(self) -> exp.Expression:
        """Return the same predicate by counting along each row: engines that loop over joins on nulls sort instead."""
        table, present = self.rows.table, self.present()
        along = exp.Window(this=exp.Count(this=exp.Star()), partition_by=self.keys("data"))
        rows = table.select(exp.alias_(table.place(), "position", quoted=True), exp.alias_(along, "n", quoted=True))
        rows = rows.where(present) if present is not None else rows
        several = exp.GT(this=inner("counted", "n"), expression=exp.Literal.number(1))
        twice = exp.select(inner("counted", "position")).from_(rows.subquery("counted"))
        return exp.In(this=table.place(), query=twice.where(several).subquery())

    def is_kept(self) -> exp.Expression:
        """Return the predicate that a row is the first (last) of its key."""
        position = self.rows.table.place()
        chosen = exp.Min(this=position.copy()) if self.keep == "first" else exp.Max(this=position.copy())
        return exp.In(this=position, query=self.shared(chosen).subquery())


def falling(values: exp.Select) -> exp.Select:
    """Return the query that counts values that are not above the one before, in whatever order rows come."""
    value = inner("steps", "value")
    before = exp.Window(this=exp.Lag(this=inner("listed", "value")))
    steps = exp.select(inner("listed", "value"), exp.alias_(before, "before", quoted=True))
    above = exp.GT(this=value, expression=inner("steps", "before"))
    steps = steps.from_(values.subquery("listed"))
    return exp.select(exp.Count(this=exp.Star())).from_(steps.subquery("steps")).where(negation(above))
