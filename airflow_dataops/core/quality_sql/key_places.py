"""Keys of whole numbers as places in a set of bits: distinct keys counted exactly, a bit for each possible one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from airflow_dataops.core.quality_sql.rule import Ask
from airflow_dataops.core.quality_sql.table import Kind, Table

__all__ = ["KeyPlaces", "key_places"]

BITS_A_ROW = 16
"""A set of bits may take at most so many a row: two bytes, where a group-by takes more than forty."""
MOST_BITS = 1_000_000_000
SMALLEST, LARGEST = -(2**63), 2**63 - 1


@dataclass(frozen=True, slots=True)
class KeyPlaces:
    """A place from 0 for each key that lies between the smallest and the largest value of its columns.

    Args:
        place: The place of a row's key.
        count: How many places there are; more rows than that cannot all have keys of their own.
    """

    place: exp.Expression
    count: int

    def distinct(self) -> exp.Expression:
        """Return how many different keys there are; null without rows."""
        bounds = [exp.Literal.number(0), exp.Literal.number(self.count - 1)]
        marked = exp.Anonymous(this="bitstring_agg", expressions=[self.place.copy(), *bounds])
        return exp.Anonymous(this="bit_count", expressions=[marked])


def key_places(table: Table, names: Sequence[str], rows: int, ask: Ask) -> KeyPlaces | None:
    """Return the places of keys over these columns; None where the engine, their types or their spread forbid it.

    Args:
        table: The data.
        names: The key's columns; equal ones are missing together.
        rows: How many rows have a key.
        ask: Runs a query.
    """
    if not table.dialect.has_bit_sets or any(table.columns[name].kind is not Kind.INTEGER for name in names):
        return None
    values = [table.value(name) for name in names]
    ends = ask(table.select(*(end(this=value.copy()) for value in values for end in (exp.Min, exp.Max))))[0]
    if any(end is None or not SMALLEST <= end <= LARGEST for end in ends):
        return None
    # One place more than values, for those that are missing.
    spans = {name: (int(ends[2 * at]), int(ends[2 * at + 1])) for at, name in enumerate(names)}
    count = math.prod(high - low + 2 for low, high in spans.values())
    return KeyPlaces(place_of(table, spans), count) if count <= min(rows * BITS_A_ROW, MOST_BITS) else None


def place_of(table: Table, spans: Mapping[str, tuple[int, int]]) -> exp.Expression:
    """Return the place of a row's key among all keys within the columns' spans, as digits make up a number."""
    place: exp.Expression | None = None
    for name, (low, high) in spans.items():
        value = exp.cast(table.value(name), "bigint")
        digit: exp.Expression = exp.paren(exp.Sub(this=value, expression=table.dialect.literal(low)))
        if table.known_missing.get(name) != 0:
            digit = exp.func("COALESCE", digit, exp.Literal.number(high - low + 1))
        if place is not None:
            shifted = exp.Mul(this=exp.paren(place), expression=exp.Literal.number(high - low + 2))
            digit = exp.Add(this=shifted, expression=digit)
        place = digit
    return exp.Literal.number(0) if place is None else place
