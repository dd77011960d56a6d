"""Suites on data without a running Airflow, for tests and scripts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from airflow_dataops.core.quality_needs import prepared, reference_columns, unsupported_of
from airflow_dataops.core.quality_suite import expectations_of
from airflow_dataops.core.quality_types import OWN_TYPES
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
    references: Mapping[str, Any] | None = None,
    now: datetime | None = None,
) -> dict[str, Any]:
    """Carry out a suite and return the result as Great Expectations' validation result, in plain JSON.

    Args:
        suite: A suite as a dict in Great Expectations' form, or the path of a suite, contract or shorthand file.
        data: A pandas or polars frame, an arrow table, or the path of a parquet, CSV or JSON file.
        engine: "duckdb", or "gx" for Great Expectations itself; checks of ours that it lacks run in DuckDB.
        result_format: BOOLEAN_ONLY, BASIC, SUMMARY or COMPLETE, or Great Expectations' dict.
        memory_limit: What the engine may use, such as "300MB".
        threads: How many threads the engine may use.
        references: Tables that the data refer to, by the names that the contract uses: frames, paths, or lists of them.
        now: What counts as now for checks on freshness; by default it is now.

    Returns:
        The result; its ``meta.dataops.unsupported`` names the rules that were not checked, each with why.

    Raises:
        BrokenCheckError: The suite, an argument or the data cannot be used. A retry does not help.
    """
    from airflow_dataops.core.quality_sql.results import ResultFormat

    wanted = ResultFormat.of(result_format)
    document, source = (suite, "the suite") if isinstance(suite, Mapping) else read_document(Path(suite))
    document = prepared(document, source, now=now or datetime.now(UTC), references=references or {})
    expectations = expectations_of(document, source)
    name = str(document.get("name") or source)
    if engine not in {"duckdb", "gx"}:
        raise BrokenCheckError(f"Got the engine {engine!r}; allowed are duckdb and gx.", hint="choose one of them")
    columns = reference_columns(expectations)
    given = {name: (held, columns[name]) for name, held in (references or {}).items()}
    with open_duckdb(data, memory_limit=memory_limit, threads=threads, references=given) as opened:
        theirs = [n for n, one in enumerate(expectations) if engine == "gx" and one["type"] not in OWN_TYPES]
        ours = [n for n in range(len(expectations)) if n not in theirs]
        told = quality_run.run([expectations[n] for n in ours], opened, wanted)
        found = {number: told[place] for place, number in enumerate(ours)}
        if theirs:
            found |= quality_gx.run({n: expectations[n] for n in theirs}, opened.frame(), wanted)
    result = quality_run.validation_result(name, expectations, found)
    return {**result, "meta": {"dataops": {"unsupported": unsupported_of(document)}}}
