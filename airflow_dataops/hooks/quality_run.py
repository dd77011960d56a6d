"""A suite carried out: compiled where the meaning can be kept, by Great Expectations itself where not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from airflow_dataops.core.quality_suite import columns_read
from airflow_dataops.core.quality_types import OWN_TYPES
from airflow_dataops.hooks import quality_gx

if TYPE_CHECKING:
    import pandas as pd
    import sqlglot.expressions as exp

    from airflow_dataops.core.quality_sql.results import Found, ResultFormat
    from airflow_dataops.core.quality_sql.table import Table

__all__ = ["Engine", "run", "validation_result"]


class Engine(Protocol):
    """What runs compiled checks."""

    table: Table

    def ask(self, query: exp.Query) -> list[tuple[Any, ...]]:
        """Run a query and return its rows."""

    def remember(self, positions: Sequence[int]) -> exp.Expression | None:
        """Return a predicate that is true of the rows at these positions; None where that cannot be said."""

    def frame(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Return all rows as pandas reads them, with these columns at least."""


def run(expectations: Sequence[Mapping[str, Any]], engine: Engine, wanted: ResultFormat) -> dict[int, Found]:
    """Carry out expectations on an engine's data and return what came of each, by its number."""
    # Only gates that run pay for the compiler.
    from airflow_dataops.core.quality_sql.results import Found
    from airflow_dataops.core.quality_sql.session import judge_all

    found, refused = judge_all(expectations, engine.table, engine.ask, wanted)
    for number in [number for number in refused if expectations[number]["type"] in OWN_TYPES]:
        found[number] = Found(success=False, exception=refused.pop(number))  # nobody else knows our types
    if refused:
        left = {number: expectations[number] for number in refused}
        judged = quality_gx.run(left, engine.frame(columns_read(list(left.values()))), wanted, engine.remember)
        found |= judged if engine.table.is_ordered else {n: without_positions(one) for n, one in judged.items()}
    return found


def without_positions(found: Found) -> Found:
    """Return a result that does not tell where rows stand, for data whose rows stand nowhere."""
    return replace(found, result={name: told for name, told in found.result.items() if "_index_" not in name})


def validation_result(
    name: str, expectations: Sequence[Mapping[str, Any]], found: Mapping[int, Found]
) -> dict[str, Any]:
    """Return Great Expectations' validation result as plain JSON."""
    results = [one_result(expectation, found[number]) for number, expectation in enumerate(expectations)]
    met = sum(result["success"] for result in results)
    return {
        "success": met == len(results),
        "suite_name": name,
        "results": results,
        "statistics": {
            "evaluated_expectations": len(results),
            "successful_expectations": met,
            "unsuccessful_expectations": len(results) - met,
            "success_percent": 100 * met / len(results) if results else None,
        },
        "suite_parameters": {},
        "meta": {},
    }


def one_result(expectation: Mapping[str, Any], found: Found) -> dict[str, Any]:
    """Return the result of one expectation."""
    config = {
        "type": expectation["type"],
        "kwargs": dict(expectation["kwargs"]),
        "meta": dict(expectation.get("meta") or {}),
        "severity": expectation.get("severity") or "critical",
    }
    return {
        "success": found.success,
        "expectation_config": {**config, **({"id": expectation["id"]} if expectation.get("id") else {})},
        "result": dict(found.result),
        "meta": {},
        "exception_info": {
            "raised_exception": bool(found.exception),
            "exception_traceback": None,
            "exception_message": found.exception or None,
        },
    }
