"""What checks found in the form of Great Expectations' validation result, without values out of rows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_dataops.core.quality_check import Suite

if TYPE_CHECKING:
    from airflow_dataops.core.quality_sql.results import Found

__all__ = ["report"]

PUBLIC_OBSERVATIONS = (
    "expect_table_",
    "expect_column_mean_",
    "expect_column_stdev_",
    "expect_column_sum_",
    "expect_column_proportion_",
    "expect_column_unique_value_count_",
    "expect_column_values_to_be_of_type",
    "expect_column_values_to_be_in_type_list",
    "expect_column_type_to_be",
)
"""Expectations whose observed value is a figure about the data; of others it can be a value out of a row."""
PUBLIC_FIGURES = (
    "element_count",
    "unexpected_count",
    "unexpected_percent",
    "unexpected_percent_total",
    "unexpected_percent_nonmissing",
    "missing_count",
    "missing_percent",
)


def report(suite: Suite, found: Mapping[int, Found]) -> dict[str, Any]:
    """Return the results in the form Great Expectations writes them, without values out of rows."""
    results = [public_result(suite, number, found.get(number)) for number in range(len(suite.checks))]
    met = sum(result["success"] for result in results)
    return {
        "success": met == len(results),
        "suite_name": suite.name,
        "results": results,
        "statistics": {
            "evaluated_expectations": len(results),
            "successful_expectations": met,
            "unsuccessful_expectations": len(results) - met,
            "success_percent": 100 * met / len(results),
        },
        "suite_parameters": {},
        "meta": {"dataops_suite": dict(suite.about)} if suite.about else {},
    }


def public_result(suite: Suite, number: int, found: Found | None) -> dict[str, Any]:
    """Return one result: figures; no values, no messages of exceptions."""
    config = dict(suite.expectations[number])
    figures: dict[str, Any] = {}
    if found is not None:
        shown = [*PUBLIC_FIGURES, *(["observed_value"] if config["type"].startswith(PUBLIC_OBSERVATIONS) else [])]
        figures = {name: finite(found.result[name]) for name in shown if name in found.result}
    return {
        "success": found is not None and found.success,
        "expectation_config": config,
        "result": figures,
        "meta": {},
        "exception_info": {
            "raised_exception": found is not None and bool(found.exception),
            "exception_message": None,
            "exception_traceback": None,
        },
    }


def finite(figure: Any) -> Any:
    """Return a figure as JSON can hold it: the mean of nothing is no number."""
    return None if isinstance(figure, float) and not math.isfinite(figure) else figure
