"""Which rule a check becomes: a register of its types."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlglot import exp

from airflow_dataops.core.quality_sql.refusal import UncompilableError, UnfitError
from airflow_dataops.core.quality_sql.rule import Rule
from airflow_dataops.core.quality_sql.table import Column, Kind, Table

__all__ = ["COMPILERS", "Arguments", "compile_rule", "compiles"]

Compiler: TypeAlias = "Callable[[Arguments], Rule]"
COMPILERS: dict[str, Compiler] = {}
"""By type of check; filled by the modules that hold the types."""


@dataclass(frozen=True, slots=True)
class Arguments:
    """What a compiler gets.

    Args:
        kind: The type of the expectation.
        kwargs: The expectation's own arguments, as its suite writes them.
        table: The data.
        domain: Which rows are looked at, compiled from ``row_condition``; None for all.
    """

    kind: str
    kwargs: Mapping[str, Any]
    table: Table
    domain: exp.Expression | None

    @property
    def mostly(self) -> float:
        """The share of rows that must pass."""
        return float(self.kwargs.get("mostly", 1.0))

    def column(self, argument: str = "column") -> Column:
        """Return the column an argument names."""
        return self.known(str(self.kwargs[argument]))

    def columns(self) -> list[Column]:
        """Return the columns of ``column_list``."""
        return [self.known(str(name)) for name in self.kwargs["column_list"]]

    def known(self, name: str) -> Column:
        """Return a column by name.

        Raises:
            UnfitError: The data have no such column.
            UncompilableError: Its values are of a kind that SQL does not judge as pandas does.
        """
        if name not in self.table.columns:
            raise UnfitError(f'The column "{name}" does not exist.')
        column = self.table.columns[name]
        if column.kind is Kind.OTHER:
            raise UncompilableError(f"the column {name} holds {column.native}")
        return column


def compiles(*types: str) -> Callable[[Compiler], Compiler]:
    """Register the function that compiles these types."""

    def register(compiler: Compiler) -> Compiler:
        for kind in types:
            COMPILERS[kind] = compiler
        return compiler

    return register


def compile_rule(kind: str, kwargs: Mapping[str, Any], table: Table, domain: exp.Expression | None) -> Rule:
    """Return the rule of one check.

    Raises:
        UncompilableError: It must run in Great Expectations itself.
        UnfitError: The data are of another kind than the check needs.
    """
    if kind not in COMPILERS:
        raise UncompilableError(f"{kind} is not compiled")
    return COMPILERS[kind](Arguments(kind, kwargs, table, domain))
