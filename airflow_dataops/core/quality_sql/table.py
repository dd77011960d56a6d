"""What an engine tells of the data it holds: columns, their kinds, and where a row stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sqlglot import exp

from airflow_dataops.core.quality_sql.dialect import Dialect
from airflow_dataops.core.quality_sql.refusal import UncompilableError, UnfitError

__all__ = ["Column", "Kind", "Table"]


class Kind(StrEnum):
    """What a column holds, as far as checks care."""

    BOOLEAN = "truth values"
    INTEGER = "whole numbers"
    FLOAT = "numbers"
    DECIMAL = "decimal numbers"
    TEXT = "text"
    DATE = "dates"
    TIMESTAMP = "times"
    ZONED = "times with zone"
    TIME = "times of day"
    BINARY = "bytes"
    OTHER = "other things"

    @property
    def is_number(self) -> bool:
        """Whether one can calculate with it; truth values count as 0 and 1 in pandas, not here."""
        return self in {Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL}

    @property
    def is_time(self) -> bool:
        """Whether it is a point in time."""
        return self in {Kind.DATE, Kind.TIMESTAMP, Kind.ZONED}


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Args:
        name: As the data name it; may hold anything.
        kind: What it holds.
        native: The type's name in pandas' words for files and frames, else in the database's.
        widens: Whether pandas reads the column as another type when a value is missing, as it does from files.
        aliases: What else the type is called, such as "VARCHAR(20)" and "VARCHAR" in a database; lower case.
        stored: The type as the database writes it; empty for files and frames.
    """

    name: str
    kind: Kind
    native: str
    widens: bool = False
    aliases: frozenset[str] = frozenset()
    stored: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """The data a suite is run on, as SQL sees them.

    Args:
        columns: By name, in order.
        dialect: How the engine speaks.
        source: What stands after FROM; its alias is ``data``.
        position: What tells one row from another, unique in the table; None where nothing does.
        is_ordered: Whether positions count from 0 in an order that means something, so that results may tell them.
        known_missing: How many values of a column are missing, where that is known already.
        unique_keys: Columns that the database itself keeps unique together, nulls left out.
        references: Tables whose keys the data may refer to, by name.
        distrust: Tells the engine that statistics do not show whether a number is NaN; None where none do.
        stored: Whether the data lie in a database, so that columns have types of its own (`Column.stored`).
    """

    columns: Mapping[str, Column]
    dialect: Dialect
    source: exp.Expression
    position: exp.Expression | None
    is_ordered: bool = True
    known_missing: Mapping[str, int] = field(default_factory=dict)
    unique_keys: frozenset[frozenset[str]] = frozenset()
    references: Mapping[str, Table] = field(default_factory=dict)
    stored: bool = False
    distrust: Callable[[], object] | None = None

    def place(self) -> exp.Expression:
        """Return what tells one row from another.

        Raises:
            UncompilableError: Nothing does.
        """
        if self.position is None:
            raise UncompilableError("nothing tells the rows of this table apart: name an order")
        return self.position.copy()

    def refuse_without_order(self) -> None:
        """Refuse what depends on the order of rows where there is none.

        Raises:
            UnfitError: The rows are those of a table, and nobody said how they are ordered.
        """
        if not self.is_ordered:
            raise UnfitError("its rows have no order: name the columns that order them (order_by)")

    def value(self, name: str, alias: str = "data") -> exp.Column:
        """Return the column as an expression; quoted, so that any name is safe."""
        return exp.column(exp.to_identifier(name, quoted=True), table=exp.to_identifier(alias))

    def missing(self, name: str, alias: str = "data") -> exp.Expression:
        """Return the predicate that a value is missing: null, or not a number, as in pandas."""
        if self.known_missing.get(name) == 0:
            return exp.false()
        return self.dialect.missing(self.value(name, alias), is_float=self.columns[name].kind is Kind.FLOAT)

    def missing_count(self, name: str) -> exp.Expression:
        """Return how many values are missing; engines know the number of nulls from their statistics."""
        if name in self.known_missing:
            return exp.Literal.number(self.known_missing[name])
        value = self.value(name)
        nulls = exp.Sub(this=exp.Count(this=exp.Star()), expression=exp.Count(this=value))
        if self.columns[name].kind is not Kind.FLOAT:
            return nulls
        return exp.Add(this=nulls, expression=self.dialect.count_if(self.dialect.is_nan(value.copy())))

    def select(self, *expressions: exp.Expression) -> exp.Select:
        """Return a query over the data."""
        return exp.select(*expressions).from_(self.source.copy())
