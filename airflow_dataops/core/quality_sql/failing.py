"""The rows that fail, as one query over the same predicates that counted them."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from airflow_dataops.core.quality_sql.dialect import disjunction
from airflow_dataops.core.quality_sql.table import Table

__all__ = ["CHECKS_COLUMN", "ROW_COLUMN", "failing_query"]

ROW_COLUMN = "_dataops_row"
CHECKS_COLUMN = "_dataops_checks"


def failing_query(table: Table, reasons: Mapping[str, exp.Expression]) -> exp.Select:
    """Return the query for rows that meet at least one predicate, in order, with their place and the ids they meet.

    Args:
        table: The data.
        reasons: Which rows fail, by the id of the check.
    """
    columns = [exp.alias_(table.value(name), name, quoted=True) for name in table.columns]
    row = exp.alias_(table.place(), ROW_COLUMN, quoted=True)
    met = exp.alias_(table.dialect.met(reasons), CHECKS_COLUMN, quoted=True)
    return table.select(*columns, row, met).where(disjunction(*reasons.values())).order_by(table.place())
