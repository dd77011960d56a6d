"""How one engine says things that SQL dialects say differently. DuckDB's way is the default."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, TypeAlias

from sqlglot import exp

from airflow_dataops.core.quality_sql.refusal import UncompilableError
from airflow_dataops.core.quality_sql.regex import RE2

__all__ = ["Dialect", "conjunction", "disjunction", "every", "inner", "negation"]

Ask: TypeAlias = Callable[[exp.Query], list[tuple[Any, ...]]]


class Dialect:
    """DuckDB's way; other engines inherit and change what they say differently.

    A method that cannot keep the meaning in its engine raises `UncompilableError`; the check then runs elsewhere.
    """

    name = "duckdb"
    steps_through_rows = True
    """Whether comparing each row with the one before needs no sorting."""
    has_bit_sets = True
    """Whether whole numbers can be marked in a set of bits."""
    joins_missing = True
    """Whether a join on keys of which parts may be null is as quick as any other."""
    most_figures = 4_000
    """How many figures one query may ask."""

    def missing(self, value: exp.Expression, *, is_float: bool) -> exp.Expression:
        """Return the predicate that a value is missing; it is never null itself."""
        absent: exp.Expression = exp.Is(this=value, expression=exp.Null())
        if is_float:
            absent = exp.paren(disjunction(absent, self.is_nan(value.copy())))
        return absent

    def is_nan(self, value: exp.Expression) -> exp.Expression:
        """Return whether a number is none."""
        return exp.IsNan(this=value)

    def count_if(self, predicate: exp.Expression, weight: exp.Expression | None = None) -> exp.Expression:
        """Return how many rows meet a predicate that may be null; of grouped rows the sum of their weights."""
        if weight is not None:
            return exp.func("COALESCE", exp.Sum(this=exp.Case().when(predicate, weight.copy())), exp.Literal.number(0))
        return exp.Filter(this=exp.Count(this=exp.Star()), expression=exp.Where(this=predicate))

    def literal(self, value: Any) -> exp.Expression:  # noqa: C901, PLR0911 - one line for each type
        """Return a Python value as a literal of its own type; hostile texts are safe."""
        if value is None:
            return exp.Null()
        if isinstance(value, bool):
            return exp.Boolean(this=value)
        if isinstance(value, int):
            return integer_literal(value)
        if isinstance(value, float):
            return self.float_literal(value)
        if isinstance(value, Decimal):
            return exp.Literal.number(format(value, "f"))
        if isinstance(value, datetime):
            return exp.cast(
                exp.Literal.string(value.isoformat(sep=" ")), "timestamptz" if value.tzinfo else "timestamp"
            )
        if isinstance(value, date):
            return exp.cast(exp.Literal.string(value.isoformat()), "date")
        if isinstance(value, time):
            return exp.cast(exp.Literal.string(value.isoformat()), "time")
        if isinstance(value, str):
            return self.text_literal(value)
        raise UncompilableError(f"a value of type {type(value).__name__} has no literal in SQL")

    def float_literal(self, value: float) -> exp.Expression:
        """Return a number as DOUBLE: bare literals would be decimals, and 0.1 + 0.2 would be 0.3."""
        return exp.cast(exp.Literal.string(repr(value)), "double")

    def text_literal(self, value: str) -> exp.Expression:
        """Return a text."""
        if "\x00" in value:
            raise UncompilableError("a text with a zero byte has no literal in SQL")
        return exp.Literal.string(value)

    def length(self, value: exp.Expression) -> exp.Expression:
        """Return the length of a text in code points."""
        return exp.Length(this=value)

    def matches(self, value: exp.Expression, pattern: str) -> exp.Expression:
        """Return whether a text holds a match of one of Python's patterns."""
        return exp.Anonymous(this="regexp_matches", expressions=[value, self.text_literal(RE2.pattern(pattern))])

    def whole_total(self, value: exp.Expression) -> exp.Expression:
        """Return the sum of whole numbers, exact however large it is."""
        return exp.Sum(this=value)

    def total(self, value: exp.Expression) -> exp.Expression:
        """Return the sum of numbers, stable against their order."""
        return exp.Anonymous(this="fsum", expressions=[exp.cast(value, "double")])

    def mean(self, value: exp.Expression) -> exp.Expression:
        """Return the mean, stable against the order of rows."""
        return exp.Anonymous(this="favg", expressions=[exp.cast(value, "double")])

    def standard_deviation(self, value: exp.Expression) -> exp.Expression:
        """Return the standard deviation of a sample (n - 1); null for fewer than two values."""
        return exp.StddevSamp(this=exp.cast(value, "double"))

    def quantile_linear(self, value: exp.Expression, share: float) -> exp.Expression:
        """Return a quantile, interpolated between neighbours."""
        return exp.Anonymous(this="quantile_cont", expressions=[exp.cast(value, "double"), exp.Literal.number(share)])

    def values_at(
        self, column: exp.Expression, rows: exp.Select, count: int, places: Sequence[int], ask: Ask
    ) -> dict[int, Any]:
        """Return the values at places of the sorted column.

        Args:
            column: The value.
            rows: A query over the rows that have one; selects nothing yet.
            count: How many rows it has.
            places: Places from 0.
            ask: Runs a query.
        """
        # quantile_disc takes the value at ceil(share × n), so a share amid a place's interval hits it exactly.
        wanted = sorted(set(places))
        shares = exp.Array(expressions=[exp.Literal.number(repr((place + 0.5) / count)) for place in wanted])
        figure = exp.Anonymous(this="quantile_disc", expressions=[column.copy(), shares])
        return dict(zip(wanted, ask(rows.select(figure))[0][0], strict=True))

    def in_order(self, value: exp.Expression, *, is_text: bool) -> exp.Expression:
        """Return what to order by so that values come as Python sorts them: texts by code points."""
        return value

    def met(self, predicates: Mapping[str, exp.Expression]) -> exp.Expression:
        """Return the list of the names whose predicate a row meets."""
        none = exp.cast(exp.Array(expressions=[]), "varchar[]")
        lists = [
            exp.If(this=predicate.copy(), true=exp.Array(expressions=[self.text_literal(name)]), false=none.copy())
            for name, predicate in predicates.items()
        ]
        return exp.Anonymous(this="list_concat", expressions=[none, *lists])

    def rows_are(self, left: exp.Expression, right: exp.Expression) -> exp.Expression:
        """Return whether two values are equal where null equals null."""
        return exp.NullSafeEQ(this=left, expression=right)

    def sql(self, query: exp.Expression) -> str:
        """Return the text of a query."""
        return str(query.sql(dialect=self.name))


def inner(alias: str, name: str) -> exp.Column:
    """Return a column of a query of ours, quoted as it was named: Snowflake and others fold what is not."""
    return exp.column(exp.to_identifier(name, quoted=True), table=exp.to_identifier(alias))


def integer_literal(value: int) -> exp.Expression:
    """Return a whole number; SQL has signs as operators."""
    number = exp.Literal.number(str(abs(value)))
    return exp.paren(exp.Neg(this=number)) if value < 0 else number


def conjunction(*predicates: exp.Expression | None) -> exp.Expression | None:
    """Return all predicates joined by AND; None when there are none, or when all are true."""
    given = [predicate.copy() for predicate in predicates if predicate is not None and not is_constant(predicate, True)]
    if any(is_constant(predicate, False) for predicate in given):
        return exp.false()
    return exp.and_(*given, copy=False) if given else None


def every(*predicates: exp.Expression) -> exp.Expression:
    """Return the predicates joined by AND; true when there are none, or when all are true."""
    joined = conjunction(*predicates)
    return exp.true() if joined is None else joined


def disjunction(*predicates: exp.Expression) -> exp.Expression:
    """Return the predicates joined by OR; false when there are none, or when all are false."""
    given = [predicate.copy() for predicate in predicates if not is_constant(predicate, False)]
    if any(is_constant(predicate, True) for predicate in given):
        return exp.true()
    return exp.or_(*given, copy=False) if given else exp.false()


def negation(predicate: exp.Expression) -> exp.Expression:
    """Return the opposite of a predicate."""
    for value in (True, False):
        if is_constant(predicate, value):
            return exp.Boolean(this=not value)
    return exp.Not(this=exp.paren(predicate.copy()))


def is_constant(predicate: exp.Expression, value: bool) -> bool:
    """Whether a predicate is always true (false), so that engines need not compute it."""
    while isinstance(predicate, exp.Paren):
        predicate = predicate.this
    return isinstance(predicate, exp.Boolean) and bool(predicate.this) is value
