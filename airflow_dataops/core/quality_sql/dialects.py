"""How databases say things: one portable way for all that sqlglot writes, and what single ones say better."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlglot import exp

from airflow_dataops.core.quality_sql.dialect import Ask, Dialect, inner
from airflow_dataops.core.quality_sql.refusal import UncompilableError
from airflow_dataops.core.quality_sql.regex import POSTGRES, RE2

__all__ = ["PortableDialect", "PostgresDialect", "SparkDialect", "SqliteDialect", "dialect_of"]

NAN_BY_FUNCTION = {"bigquery", "trino", "presto", "athena", "clickhouse"}
NAN_EQUALS_ITSELF = {"postgres", "redshift", "snowflake", "databricks"}
RE2_WORDS = {"bigquery", "trino", "presto", "athena"}
ORDERED_SETS = {"postgres", "redshift", "snowflake", "oracle", "databricks"}


class PortableDialect(Dialect):
    """SQL that every database understands, as sqlglot writes it for each.

    What has no exact counterpart (patterns of a dialect of their own, quantiles that are only estimated) is not
    compiled: Python judges it on distinct values, or the check is refused by name.

    Args:
        name: sqlglot's name of the dialect.
    """

    steps_through_rows = False
    joins_missing = False
    has_bit_sets = False
    most_figures = 500

    def __init__(self, name: str) -> None:
        self.name = name

    def is_nan(self, value: exp.Expression) -> exp.Expression:
        """Return whether a number is none; false where the database has no such value."""
        if self.name in NAN_BY_FUNCTION:
            return exp.IsNan(this=value)
        if self.name in NAN_EQUALS_ITSELF:
            return exp.EQ(this=value, expression=exp.cast(exp.Literal.string("NaN"), "double"))
        return exp.false()

    def count_if(self, predicate: exp.Expression, weight: exp.Expression | None = None) -> exp.Expression:
        """Return how many rows meet a predicate; conditional counting has many names, a sum has one."""
        counted = exp.Case().when(predicate, exp.Literal.number(1) if weight is None else weight.copy())
        return exp.func("COALESCE", exp.Sum(this=counted), exp.Literal.number(0))

    def matches(self, value: exp.Expression, pattern: str) -> exp.Expression:
        """Return whether a text holds a match, where the database has RE2's words."""
        if self.name not in RE2_WORDS:
            raise UncompilableError(f"{self.name} reads patterns in its own way")
        return exp.RegexpLike(this=value, expression=self.text_literal(RE2.pattern(pattern)))

    def total(self, value: exp.Expression) -> exp.Expression:
        """Return the sum of numbers."""
        return exp.Sum(this=exp.cast(value, "double"))

    def mean(self, value: exp.Expression) -> exp.Expression:
        """Return the mean."""
        return exp.Avg(this=exp.cast(value, "double"))

    def quantile_linear(self, value: exp.Expression, share: float) -> exp.Expression:
        """Return a quantile, where the database interpolates exactly."""
        if self.name not in ORDERED_SETS:
            raise UncompilableError(f"{self.name} has no exact quantiles")
        figure = exp.PercentileCont(this=exp.Literal.number(share))
        ordered = exp.Order(expressions=[exp.Ordered(this=exp.cast(value, "double"), nulls_first=False)])
        return exp.WithinGroup(this=figure, expression=ordered)

    def values_at(
        self, column: exp.Expression, rows: exp.Select, count: int, places: Sequence[int], ask: Ask
    ) -> dict[int, Any]:
        """Return the values at places of the sorted column, by numbering them."""
        ordered = exp.Order(expressions=[exp.Ordered(this=column.copy(), nulls_first=False)])
        number = exp.Window(this=exp.RowNumber(), order=ordered)
        numbered = rows.select(
            exp.alias_(column.copy(), "value", quoted=True), exp.alias_(number, "number", quoted=True)
        )
        wanted = [exp.Literal.number(place + 1) for place in sorted(set(places))]
        place, value = (inner("numbered", name) for name in ("number", "value"))
        query = exp.select(place, value).from_(numbered.subquery("numbered"))
        return {int(n) - 1: v for n, v in ask(query.where(exp.In(this=place.copy(), expressions=wanted)))}

    def met(self, predicates: Mapping[str, exp.Expression]) -> exp.Expression:
        """Return the names whose predicate a row meets, as a text with a line for each."""
        pieces = [
            exp.Case().when(predicate.copy(), self.text_literal(f"{name}\n")).else_(self.text_literal(""))
            for name, predicate in predicates.items()
        ]
        joined: exp.Expression = self.text_literal("")
        for piece in pieces:
            joined = exp.DPipe(this=joined, expression=exp.paren(piece))
        return joined


class PostgresDialect(PortableDialect):
    """PostgreSQL's way."""

    steps_through_rows = True
    most_figures = 1_500

    def __init__(self) -> None:
        super().__init__("postgres")

    def count_if(self, predicate: exp.Expression, weight: exp.Expression | None = None) -> exp.Expression:
        """Return how many rows meet a predicate."""
        return Dialect.count_if(self, predicate, weight)

    def matches(self, value: exp.Expression, pattern: str) -> exp.Expression:
        """Return whether a text holds a match, in PostgreSQL's own words for it."""
        return exp.RegexpLike(this=value, expression=self.text_literal(POSTGRES.pattern(pattern)))

    def values_at(
        self, column: exp.Expression, rows: exp.Select, count: int, places: Sequence[int], ask: Ask
    ) -> dict[int, Any]:
        """Return the values at places of the sorted column; the first whose share of rows reaches the place's."""
        wanted = sorted(set(places))
        shares = exp.Array(expressions=[self.float_literal((place + 0.5) / count) for place in wanted])
        ordered = exp.Order(expressions=[exp.Ordered(this=column.copy(), nulls_first=False)])
        figure = exp.WithinGroup(this=exp.PercentileDisc(this=shares), expression=ordered)
        return dict(zip(wanted, ask(rows.select(figure))[0][0], strict=True))

    def in_order(self, value: exp.Expression, *, is_text: bool) -> exp.Expression:
        """Return texts to be ordered by code points, whatever the database's locale is."""
        return exp.Collate(this=value, expression=exp.to_identifier("C", quoted=True)) if is_text else value


class SqliteDialect(PortableDialect):
    """SQLite's way; the engine brings patterns, the spread and quantiles along as functions of its own."""

    steps_through_rows = True
    most_figures = 1_500

    def __init__(self) -> None:
        super().__init__("sqlite")

    def float_literal(self, value: float) -> exp.Expression:
        """Return a number; SQLite has no word for infinity, but reads what is too large as that."""
        text = repr(value).replace("inf", "9e999")
        return exp.cast(exp.Literal.string(text), "double")

    def count_if(self, predicate: exp.Expression, weight: exp.Expression | None = None) -> exp.Expression:
        """Return how many rows meet a predicate."""
        return Dialect.count_if(self, predicate, weight)

    def matches(self, value: exp.Expression, pattern: str) -> exp.Expression:
        """Return whether a text holds a match, by Python itself."""
        return exp.Anonymous(this="dataops_matches", expressions=[value, self.text_literal(pattern)])

    def standard_deviation(self, value: exp.Expression) -> exp.Expression:
        """Return the standard deviation of a sample."""
        return exp.Anonymous(this="dataops_stdev", expressions=[exp.cast(value, "double")])

    def total(self, value: exp.Expression) -> exp.Expression:
        """Return the sum of numbers, stable against their order."""
        return exp.Anonymous(this="dataops_fsum", expressions=[exp.cast(value, "double")])

    def whole_total(self, value: exp.Expression) -> exp.Expression:
        """Return the sum of whole numbers as text: SQLite's own ends at 64 bits."""
        return exp.Anonymous(this="dataops_whole_sum", expressions=[value])

    def quantile_linear(self, value: exp.Expression, share: float) -> exp.Expression:
        """Return a quantile, interpolated between neighbours."""
        return exp.Anonymous(this="dataops_quantile", expressions=[exp.cast(value, "double"), self.literal(share)])


class SparkDialect(PortableDialect):
    """Spark's way; its patterns are Java's, which understands RE2's words."""

    joins_missing = True

    def __init__(self) -> None:
        super().__init__("spark")

    def is_nan(self, value: exp.Expression) -> exp.Expression:
        """Return whether a number is none."""
        return exp.IsNan(this=value)

    def count_if(self, predicate: exp.Expression, weight: exp.Expression | None = None) -> exp.Expression:
        """Return how many rows meet a predicate."""
        return Dialect.count_if(self, predicate, weight)

    def whole_total(self, value: exp.Expression) -> exp.Expression:
        """Return the sum of whole numbers, beyond 64 bits too."""
        return exp.Sum(this=exp.cast(value, "decimal(38, 0)"))

    def matches(self, value: exp.Expression, pattern: str) -> exp.Expression:
        """Return whether a text holds a match."""
        return exp.RegexpLike(this=value, expression=self.text_literal(RE2.pattern(pattern)))

    def quantile_linear(self, value: exp.Expression, share: float) -> exp.Expression:
        """Return a quantile, interpolated between neighbours."""
        return exp.Anonymous(this="percentile", expressions=[exp.cast(value, "double"), self.float_literal(share)])


def dialect_of(name: str) -> Dialect:
    """Return how a database speaks, by sqlglot's name of its dialect."""
    own = {"duckdb": Dialect, "postgres": PostgresDialect, "sqlite": SqliteDialect, "spark": SparkDialect}
    return own[name]() if name in own else PortableDialect(name)
