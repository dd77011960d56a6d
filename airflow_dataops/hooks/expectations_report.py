"""What Great Expectations found, in its own form, without values out of rows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from airflow_dataops.core.quality_check import Suite

__all__ = ["raised", "report"]

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
    "partial_unexpected_index_list",
)


def report(suite: Suite, found: Mapping[int, Any]) -> dict[str, Any]:
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
        "meta": {"great_expectations_version": engine_version()},
    }


def public_result(suite: Suite, number: int, found: Any) -> dict[str, Any]:
    """Return one result: figures and positions; no values, no messages of exceptions."""
    config = dict(suite.expectations[number])
    figures: dict[str, Any] = {}
    if found is not None:
        document = found.to_json_dict()["result"] if not raised(found) else {}
        shown = [*PUBLIC_FIGURES, *(["observed_value"] if config["type"].startswith(PUBLIC_OBSERVATIONS) else [])]
        figures = {name: finite(document[name]) for name in shown if name in document}
    return {
        "success": found is not None and bool(found.success),
        "expectation_config": config,
        "result": figures,
        "meta": {},
        "exception_info": {
            "raised_exception": found is not None and raised(found),
            "exception_message": None,
            "exception_traceback": None,
        },
    }


def finite(figure: Any) -> Any:
    """Return a figure as JSON can hold it: the mean of nothing is no number."""
    return None if isinstance(figure, float) and not math.isfinite(figure) else figure


def engine_version() -> str:
    """Return the version of Great Expectations."""
    from great_expectations import __version__

    return str(__version__)


def raised(found: Any) -> bool:
    """Whether the expectation ended in an exception; its form differs with how many metrics failed."""
    info = found.exception_info or {}
    inner = [value for value in info.values() if isinstance(value, Mapping)]
    return bool(info.get("raised_exception")) or any(value.get("raised_exception", True) for value in inner)
