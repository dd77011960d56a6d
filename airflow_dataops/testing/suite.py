"""Suites on data without a running Airflow, for tests and scripts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from airflow_dataops.core.quality_suite import columns_read, expectations_of
from airflow_dataops.exceptions import BrokenCheckError
from airflow_dataops.hooks import quality_gx, quality_run
from airflow_dataops.hooks.quality_duckdb import open_duckdb
from airflow_dataops.hooks.suite import read_document

__all__ = ["run_suite"]


def run_suite(
    suite: Mapping[str, Any] | str | Path,
    data: Any,
    engine: str = "duckdb",
    result_format: str | Mapping[str, Any] = "COMPLETE",
    *,
    memory_limit: str | None = None,
    threads: int | None = None,
) -> dict[str, Any]:
    """Carry out a suite and return the result as Great Expectations' validation result, in plain JSON.

    Args:
        suite: A suite as a dict in Great Expectations' form, or the path of a suite, contract or shorthand file.
        data: A pandas or polars frame, an arrow table, or the path of a parquet, CSV or JSON file.
        engine: "duckdb", or "gx" for Great Expectations itself.
        result_format: BOOLEAN_ONLY, BASIC, SUMMARY or COMPLETE, or Great Expectations' dict.
        memory_limit: What the engine may use, such as "300MB".
        threads: How many threads the engine may use.

    Raises:
        BrokenCheckError: The suite, an argument or the data cannot be used. A retry does not help.
    """
    from airflow_dataops.core.quality_sql.results import ResultFormat

    wanted = ResultFormat.of(result_format)
    document, source = (suite, "the suite") if isinstance(suite, Mapping) else read_document(Path(suite))
    expectations = expectations_of(document, source)
    name = str(document.get("name") or source)
    if engine not in {"duckdb", "gx"}:
        raise BrokenCheckError(f"Got the engine {engine!r}; allowed are duckdb and gx.", hint="choose one of them")
    columns = columns_read(expectations)
    with open_duckdb(data, columns=columns, memory_limit=memory_limit, threads=threads) as opened:
        if engine == "gx":
            found = quality_gx.run(dict(enumerate(expectations)), opened.frame(), wanted)
        else:
            found = quality_run.run(expectations, opened, wanted)
    return quality_run.validation_result(name, expectations, found)
