"""Checks of contracts that judge rows and that Great Expectations does not have."""

from __future__ import annotations

from sqlglot import exp

from airflow_dataops.core.quality_sql.column_values import column_rule, membership
from airflow_dataops.core.quality_sql.compiler import Arguments, compiles
from airflow_dataops.core.quality_sql.dialect import disjunction, every
from airflow_dataops.core.quality_sql.refusal import UnfitError
from airflow_dataops.core.quality_sql.rule import RowRule, Rule
from airflow_dataops.core.quality_sql.table import Column, Kind, Table

__all__: list[str] = []

NEARLY = 1e-9
"""How far a quotient of floats may lie from a whole number, relative to itself."""


@compiles("dataops_column_values_to_be_present")
def present(given: Arguments) -> Rule:
    """Fail rows without a value, or with one that stands for none."""
    name = given.column().name
    absent = disjunction(given.table.missing(name), membership(given, list(given.kwargs["missing_values"])))
    return RowRule(given.table, absent, (name,), given.domain, counts_missing=False, mostly=given.mostly)


@compiles("dataops_column_values_to_be_multiple_of")
def multiple_of(given: Arguments) -> Rule:
    """Fail numbers that are no multiple of another; of floats nearly one is enough."""
    column, multiple = given.column(), given.kwargs["multiple"]
    if not column.kind.is_number:
        raise UnfitError(f"the column {column.name} holds {column.kind} where numbers are needed")
    value, literal = given.table.value(column.name), given.table.dialect.literal
    if column.kind is Kind.INTEGER and float(multiple).is_integer():
        rest = exp.Mod(this=value, expression=literal(int(multiple)))
        return column_rule(given, exp.NEQ(this=rest, expression=literal(0)))
    quotient = exp.paren(exp.Div(this=exp.cast(value, "double"), expression=literal(float(multiple))))
    gap = exp.Abs(this=exp.Sub(this=quotient, expression=exp.Round(this=quotient.copy())))
    allowed = exp.Mul(
        this=literal(NEARLY),
        expression=exp.Greatest(this=literal(1.0), expressions=[exp.Abs(this=quotient.copy())]),
    )
    infinite = exp.Is(this=gap.copy(), expression=exp.Null())
    unequal = exp.Not(this=exp.paren(exp.LTE(this=gap, expression=allowed)))
    return column_rule(given, exp.paren(disjunction(infinite, unequal)))


@compiles("dataops_columns_to_exist_in")
def exists_in(given: Arguments) -> Rule:
    """Fail rows whose key is not in another table; a key with a missing part refers to nothing and passes."""
    columns, reference = given.columns(), referred(given)
    keys = [referred_column(given, reference, name) for name in given.kwargs["reference_columns"]]
    if not columns or len(columns) != len(keys):
        raise UnfitError(f"{len(columns)} columns cannot refer to {len(keys)}")
    for column, key in zip(columns, keys, strict=True):
        if not comparable(column, key):
            raise UnfitError(f"the column {column.name} holds {column.kind}, but {key.name} it refers to {key.kind}")
    names = tuple(column.name for column in columns)
    missing = exp.paren(disjunction(*[given.table.missing(name) for name in names]))
    return RowRule(
        given.table,
        exp.Not(this=exp.paren(is_found(given, columns, reference, keys))),
        names,
        given.domain,
        missing,
        mostly=given.mostly,
        text_column=names[0] if len(names) == 1 and columns[0].kind is Kind.TEXT else None,
        missing_of=names[0] if len(names) == 1 else None,
        shown_as_mapping=len(names) > 1,
    )


def is_found(given: Arguments, columns: list[Column], reference: Table, keys: list[Column]) -> exp.Expression:
    """Return that a row's key is one of the reference's."""
    present = every(*[exp.Not(this=exp.paren(reference.missing(key.name, "reference"))) for key in keys])
    rows = exp.select(*[reference.value(key.name, "reference") for key in keys]).from_(reference.source.copy())
    if len(columns) == 1:
        return exp.In(this=given.table.value(columns[0].name), query=rows.where(present).subquery())
    same = [
        exp.EQ(this=reference.value(key.name, "reference"), expression=given.table.value(column.name))
        for column, key in zip(columns, keys, strict=True)
    ]
    found = exp.select(exp.Literal.number(1)).from_(reference.source.copy()).where(every(*same))
    return exp.Exists(this=found)


def referred(given: Arguments) -> Table:
    """Return the table that a check refers to.

    Raises:
        UnfitError: It was not given.
    """
    name = given.kwargs["reference"]
    if name not in given.table.references:
        raise UnfitError(f"its reference {name} was not given")
    return given.table.references[name]


def referred_column(given: Arguments, reference: Table, name: str) -> Column:
    """Return a column of the reference.

    Raises:
        UnfitError: It has none of this name, or one whose values cannot be compared.
    """
    if name not in reference.columns or reference.columns[name].kind is Kind.OTHER:
        raise UnfitError(f"its reference {given.kwargs['reference']} has no column {name} of plain values")
    return reference.columns[name]


def comparable(column: Column, key: Column) -> bool:
    """Whether values of two columns can be equal."""
    return column.kind is key.kind or (column.kind.is_number and key.kind.is_number)
