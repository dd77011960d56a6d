"""Which rows a check looks at: ``row_condition`` of Great Expectations as SQL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlglot import exp

from airflow_dataops.core.quality_sql.refusal import UncompilableError
from airflow_dataops.core.quality_sql.table import Table

__all__ = ["domain_of"]


def domain_of(kwargs: Mapping[str, Any], table: Table) -> exp.Expression | None:
    """Return the predicate of the rows that a check looks at; None for all rows.

    Raises:
        UncompilableError: The condition is written in a way that only pandas understands.
    """
    condition = kwargs.get("row_condition")
    if condition is None:
        return None
    raise UncompilableError(f"its row_condition on {len(table.columns)} columns is not compiled")
