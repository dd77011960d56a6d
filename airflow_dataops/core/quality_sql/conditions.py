"""Which rows a check looks at: ``row_condition`` of Great Expectations as SQL."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from sqlglot import exp

from airflow_dataops.core.quality_sql.dialect import disjunction, every, negation
from airflow_dataops.core.quality_sql.refusal import UncompilableError, UnfitError
from airflow_dataops.core.quality_sql.table import Kind, Table

__all__ = ["domain_of"]

COMPARISONS = {"==": exp.EQ, "!=": exp.NEQ, "<": exp.LT, "<=": exp.LTE, ">": exp.GT, ">=": exp.GTE}
OPERATORS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
    ast.In: "IN", ast.NotIn: "NOT_IN",
}  # fmt: skip


def domain_of(kwargs: Mapping[str, Any], table: Table) -> exp.Expression | None:
    """Return the predicate of the rows that a check looks at, never null; None for all rows.

    Raises:
        UncompilableError: The condition is written in a way that only pandas understands.
    """
    condition = kwargs.get("row_condition")
    if not condition:
        return None
    if isinstance(condition, str):
        return of_text(condition, table)
    if isinstance(condition, Mapping):
        return of_document(condition, table)
    raise UncompilableError("its row_condition is neither text nor a mapping")


def of_document(condition: Mapping[str, Any], table: Table) -> exp.Expression:
    """Return the predicate of a condition as Great Expectations 1.x saves it."""
    kind = condition.get("type")
    if kind == "pass_through":
        return of_text(str(condition["pass_through_filter"]), table)
    if kind in {"and", "or"}:
        parts = [of_document(part, table) for part in condition["conditions"]]
        joined = every(*parts) if kind == "and" else disjunction(*parts)
        return exp.paren(joined)
    if kind == "nullity":
        missing = table.missing(known(condition["column"]["name"], table))
        return missing if condition["is_null"] else negation(missing)
    if kind == "comparison":
        return compared(condition["column"]["name"], str(condition["operator"]), condition["parameter"], table)
    raise UncompilableError(f"its row_condition is of the unknown kind {kind!r}")


def known(name: str, table: Table) -> str:
    """Return the name of a column that is there."""
    if name not in table.columns:
        raise UnfitError(f"its row_condition names {name}, which is no column of the data")
    if table.columns[name].kind is Kind.OTHER:
        raise UncompilableError(f"its row_condition names {name}, which SQL cannot judge")
    return name


def compared(name: str, operator: str, value: Any, table: Table) -> exp.Expression:
    """Return the comparison of a column with a value; with a missing value it is false, but != is true."""
    column = table.columns[known(name, table)]
    values = value if isinstance(value, list | tuple) else [value]
    if not all(fits(column.kind, one) for one in values):
        raise UncompilableError(f"its row_condition compares {column.kind} with something else")
    literals = [table.dialect.literal(one) for one in values]
    present = negation(table.missing(name))
    if operator in {"IN", "NOT_IN"}:
        inside = every(present, exp.In(this=table.value(name), expressions=literals))
        return exp.paren(inside) if operator == "IN" else negation(inside)
    if operator not in COMPARISONS or len(literals) != 1:
        raise UncompilableError(f"its row_condition has the unknown operator {operator!r}")
    comparison = COMPARISONS[operator](this=table.value(name), expression=literals[0])
    if operator == "!=":
        return exp.paren(disjunction(table.missing(name), comparison))
    return exp.paren(every(present, comparison))


def fits(kind: Kind, value: Any) -> bool:
    """Whether a column can be compared with a value as pandas does."""
    if kind is Kind.TEXT:
        return isinstance(value, str)
    if kind.is_number:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return kind is Kind.BOOLEAN and isinstance(value, bool)


def of_text(text: str, table: Table) -> exp.Expression:
    """Return the predicate of a condition written for `pandas.DataFrame.query`."""
    if "`" in text or "@" in text:
        raise UncompilableError("its row_condition is written for pandas alone")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError) as error:
        raise UncompilableError("its row_condition is no expression") from error
    return of_tree(tree, table)


def of_tree(tree: ast.expr, table: Table) -> exp.Expression:
    """Return the predicate of a parsed condition."""
    if isinstance(tree, ast.BoolOp):
        parts = [of_tree(value, table) for value in tree.values]
        joined = every(*parts) if isinstance(tree.op, ast.And) else disjunction(*parts)
        return exp.paren(joined)
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.Not):
        return negation(of_tree(tree.operand, table))
    if isinstance(tree, ast.Compare) and len(tree.ops) == 1:
        operator, left, right = OPERATORS.get(type(tree.ops[0])), tree.left, tree.comparators[0]
        if operator and isinstance(left, ast.Name):
            return compared(left.id, operator, constant(right), table)
    raise UncompilableError("its row_condition is written for pandas alone")


def constant(tree: ast.expr) -> Any:
    """Return the value that a part of a condition is."""
    try:
        return ast.literal_eval(tree)
    except ValueError as error:
        raise UncompilableError("its row_condition compares with something that is no value") from error
