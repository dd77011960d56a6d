"""A partition told in figures by DuckDB: one pass for all columns, and a small one where values are few."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from airflow_dataops.core.suggestion.columns import FEW_VALUES, FORMS
from airflow_dataops.core.suggestion.profile import ColumnProfile, PartitionProfile
from airflow_dataops.hooks import quality_run

if TYPE_CHECKING:
    import sqlglot.expressions as exp

    from airflow_dataops.hooks.quality_duckdb import DuckDBEngine

__all__ = ["Trials", "profile", "with_trials"]

MAX_SHAPES = 50
MAX_SHAPED = 64
KINDS = {
    "BOOLEAN": "boolean", "INTEGER": "integer", "FLOAT": "number", "DECIMAL": "number", "TEXT": "text",
    "DATE": "date", "TIMESTAMP": "timestamp", "ZONED": "timestamp",
}  # fmt: skip
KNOWN_FORMS = {
    **FORMS,
    "iban": r"^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$",
    "phone": r"^\+[0-9][0-9 ()/.-]{6,20}$",
}


def profile(engine: DuckDBEngine, name: str) -> PartitionProfile:
    """Return what a partition holds."""
    asked = {column: dict(figures(engine, column)) for column in engine.table.columns}
    flat = [expression for figure in asked.values() for expression in figure.values()]
    row = iter(engine.ask(engine.table.select(*flat))[0]) if flat else iter(())
    rows = engine.rows()
    columns = {}
    for column, wanted in asked.items():
        told = {label: next(row) for label in wanted}
        columns[column] = with_values(engine, column, column_profile(engine, column, told, rows))
    return PartitionProfile(name, rows, columns)


def figures(engine: DuckDBEngine, column: str) -> Iterator[tuple[str, exp.Expression]]:
    """Yield what is asked of a column, by name."""
    from sqlglot import exp

    from airflow_dataops.core.quality_sql.dialect import negation

    table, value, kind = engine.table, engine.table.value(column), engine.table.columns[column].kind
    yield "missing", table.missing_count(column)
    if kind.name not in KINDS:
        return
    present = exp.Case().when(negation(table.missing(column)), value.copy())
    yield "distinct", exp.ApproxDistinct(this=value.copy())
    number = kind.is_number
    for label, end in (("least", exp.Min(this=present.copy())), ("most", exp.Max(this=present.copy()))):
        text = exp.Left(this=end, expression=exp.Literal.number(MAX_SHAPED)) if kind.name == "TEXT" else end
        yield label, exp.cast(text, "double" if number and kind.name != "INTEGER" else text_or(kind.name))
    if number:
        hundred, sixty = exp.Literal.number(100), exp.Literal.number(60)
        below = exp.LT(this=exp.Mod(this=present.copy(), expression=hundred), expression=sixty)
        yield "clock", table.dialect.count_if(below)
        for share in (0.01, 0.5, 0.99):
            yield f"q{share}", table.dialect.quantile_linear(present.copy(), share)
    if kind.name == "TEXT":
        length = table.dialect.length(value.copy())
        yield "shortest", exp.Min(this=length)
        yield "longest", exp.Max(this=length.copy())
        for form, pattern in KNOWN_FORMS.items():
            yield form, table.dialect.count_if(table.dialect.matches(value.copy(), pattern))


def text_or(kind: str) -> str:
    """Return as what an extreme is fetched: times as text, for Python's own end in the year 9999."""
    return {"INTEGER": "hugeint", "BOOLEAN": "boolean"}.get(kind, "varchar")


def column_profile(engine: DuckDBEngine, column: str, told: Mapping[str, Any], rows: int) -> ColumnProfile:
    """Return a column out of what was told of it."""
    kind = KINDS.get(engine.table.columns[column].kind.name, "other")
    quantiles = tuple(told.get(f"q{share}") for share in (0.01, 0.5, 0.99))
    lengths = (told.get("shortest"), told.get("longest"))
    return ColumnProfile(
        kind,
        rows,
        int(told["missing"]),
        int(told.get("distinct") or 0),
        told.get("least"),
        told.get("most"),
        (quantiles[0], quantiles[1], quantiles[2]) if None not in quantiles else None,  # type: ignore[arg-type]
        (lengths[0], lengths[1]) if lengths[0] is not None and lengths[1] is not None else None,
        formats={form: int(told[form] or 0) for form in (*KNOWN_FORMS, "clock") if form in told},
    )


def with_values(engine: DuckDBEngine, column: str, known: ColumnProfile) -> ColumnProfile:
    """Return the profile of a column of texts with its values and shapes, where they are few."""
    from sqlglot import exp

    if known.kind != "text" or not known.present:
        return known
    value = engine.table.value(column)
    values = grouped(engine, value, FEW_VALUES) if known.distinct <= FEW_VALUES * 2 else None
    shape: exp.Expression = value
    for pattern, sign in (("[0-9]", "9"), ("[A-Z]", "A"), ("[a-z]", "a")):
        given = [shape.copy(), *(exp.Literal.string(text) for text in (pattern, sign, "g"))]
        shape = exp.Anonymous(this="regexp_replace", expressions=given)
    short = known.lengths is not None and known.lengths[1] <= MAX_SHAPED
    return replace(known, values=values, shapes=grouped(engine, shape, MAX_SHAPES) if short else None)


def grouped(engine: DuckDBEngine, value: exp.Expression, most: int) -> dict[Any, int] | None:
    """Return how often each value stands there; None where there are more than so many."""
    from sqlglot import exp

    present = exp.Not(this=exp.Is(this=value.copy(), expression=exp.Null()))
    query = engine.table.select(exp.alias_(value.copy(), "value"), exp.Count(this=exp.Star())).where(present)
    rows = engine.ask(query.group_by(exp.Literal.number(1)).limit(most + 1))
    return dict(rows) if len(rows) <= most else None


@dataclass(frozen=True, slots=True)
class Trials:
    """What is worth trying on each partition.

    Args:
        keys: Columns that may tell rows apart.
        rising: Columns whose values may rise.
        orders: Pairs of which the first may lie below the second.
    """

    keys: Sequence[tuple[str, ...]]
    rising: Sequence[str] = ()
    orders: Sequence[tuple[str, str]] = ()

    def __bool__(self) -> bool:
        return bool(self.keys or self.rising or self.orders)

    def survivors(self, tried: PartitionProfile) -> Trials:
        """Return what is still worth trying after one partition: a group of columns that failed is not."""
        keys = [columns for columns in self.keys if tried.unique[columns] or len(columns) == 1]
        return Trials(keys, self.rising, self.orders)


def with_trials(engine: DuckDBEngine, known: PartitionProfile, trials: Trials) -> PartitionProfile:
    """Return the profile with what came of trying."""
    from airflow_dataops.core.quality_sql.results import ResultFormat

    keys, rising, orders = trials.keys, trials.rising, trials.orders
    tried = [*map(key_trial, keys), *map(rising_trial, rising), *(order_trial(*pair) for pair in orders)]
    found = quality_run.run(tried, engine, ResultFormat("NONE"))
    ends = len(keys), len(keys) + len(rising)
    return replace(
        known,
        unique={**known.unique, **{columns: bool(found[n].success) for n, columns in enumerate(keys)}},
        rising={**known.rising, **{name: bool(found[ends[0] + n].success) for n, name in enumerate(rising)}},
        disordered={**known.disordered, **{pair: found[ends[1] + n].failed for n, pair in enumerate(orders)}},
    )


def key_trial(columns: tuple[str, ...]) -> dict[str, Any]:
    """Return the check that columns tell rows apart."""
    if len(columns) == 1:
        return {"type": "expect_column_values_to_be_unique", "kwargs": {"column": columns[0]}}
    return {"type": "expect_compound_columns_to_be_unique", "kwargs": {"column_list": list(columns)}}


def rising_trial(name: str) -> dict[str, Any]:
    """Return the check that values rise from row to row."""
    return {"type": "expect_column_values_to_be_increasing", "kwargs": {"column": name}}


def order_trial(low: str, high: str) -> dict[str, Any]:
    """Return the check that one column is not above another."""
    kwargs = {"column_A": high, "column_B": low, "or_equal": True, "ignore_row_if": "either_value_is_missing"}
    return {"type": "expect_column_pair_values_a_to_be_greater_than_b", "kwargs": kwargs}
