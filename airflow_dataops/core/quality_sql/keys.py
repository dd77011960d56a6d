"""Uniqueness, of one column or of several together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlglot import exp

from airflow_dataops.core.quality_sql.column_values import column_rule
from airflow_dataops.core.quality_sql.compiler import Arguments, compiles
from airflow_dataops.core.quality_sql.dialect import conjunction, negation
from airflow_dataops.core.quality_sql.key_places import KeyPlaces, key_places
from airflow_dataops.core.quality_sql.multicolumn import multicolumn_rule
from airflow_dataops.core.quality_sql.results import Found, ResultFormat
from airflow_dataops.core.quality_sql.rule import Answers, Ask, Facts, RowRule, Rule

__all__ = ["KeyRule"]

FIRST_ROWS = 20_000


@compiles("expect_column_values_to_be_unique")
def unique(given: Arguments) -> Rule:
    """Fail all rows whose value occurs more than once; missing values are not compared."""
    return KeyRule(column_rule(given, exp.false()), given.kwargs.get("keep", "none"))


@compiles("expect_compound_columns_to_be_unique")
def compound(given: Arguments) -> Rule:
    """Fail all rows whose key occurs more than once; missing values equal each other."""
    return KeyRule(multicolumn_rule(given, exp.false()), given.kwargs.get("keep", "none"))


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
        if self.is_rising(answers, ask):
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
            exp.If(this=negation(table.missing(name, alias)), true=table.value(name, alias))
            if table.missing(name, alias).find(exp.IsNan)
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
        return exp.select(exp.Sum(this=exp.column("n", table="shared"))).from_(self.shared(counted).subquery("shared"))

    def shares_its_key(self) -> exp.Expression:
        """Return the predicate that a row's key occurs more than once."""
        names = [f"key_{number}" for number in range(len(self.rows.shown))]
        keys = [exp.alias_(key, name, quoted=True) for key, name in zip(self.keys("data"), names, strict=True)]
        if len(names) == 1:
            return exp.In(this=self.keys("data")[0], query=self.shared(*keys).subquery())
        dialect = self.rows.table.dialect
        same = [
            dialect.rows_are(exp.column(name, table="shared", quoted=True), key)
            for name, key in zip(names, self.keys("data"), strict=True)
        ]
        # Inside, the table has another name, so that the outer row can be told from it.
        inner = self.shared(*keys).subquery("shared")
        inner_query = exp.select(exp.Literal.number(1)).from_(inner).where(exp.and_(*same, copy=False))
        return exp.Exists(this=inner_query)

    def is_kept(self) -> exp.Expression:
        """Return the predicate that a row is the first (last) of its key."""
        position = self.rows.table.position
        chosen = exp.Min(this=position.copy()) if self.keep == "first" else exp.Max(this=position.copy())
        return exp.In(this=position.copy(), query=self.shared(chosen).subquery())


def falling(values: exp.Select) -> exp.Select:
    """Return the query that counts values that are not above the one before, in whatever order rows come."""
    value = exp.column("value", table="steps")
    before = exp.Window(this=exp.Lag(this=exp.column("value", table="rows")))
    steps = exp.select(exp.column("value", table="rows"), exp.alias_(before, "before", quoted=True))
    above = exp.GT(this=value, expression=exp.column("before", table="steps"))
    steps = steps.from_(values.subquery("rows"))
    return exp.select(exp.Count(this=exp.Star())).from_(steps.subquery("steps")).where(negation(above))
