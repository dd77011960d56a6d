"""Suites on data without a running Airflow, for tests and scripts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy

from airflow_dataops.core.quality_suite import expectations_of
from airflow_dataops.core.table import TableName
from airflow_dataops.exceptions import BrokenCheckError
from airflow_dataops.hooks import quality_gx, quality_run
from airflow_dataops.hooks.quality_duckdb import open_duckdb
from airflow_dataops.hooks.quality_spark import open_spark
from airflow_dataops.hooks.quality_sql import SqlTable, open_sql
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
    order_by: Sequence[str] = (),
) -> dict[str, Any]:
    """Carry out a suite and return the result as Great Expectations' validation result, in plain JSON.

    Args:
        suite: A suite as a dict in Great Expectations' form, or the path of a suite, contract or shorthand file.
        data: A pandas or polars frame, an arrow table, the path or address of a parquet, CSV or JSON file, a
            `SqlTable`, or a frame of Spark.
        engine: "duckdb"; "sql" for the database in which a `SqlTable` lies; "spark"; or "gx" for Great Expectations
            itself, on any of these.
        result_format: BOOLEAN_ONLY, BASIC, SUMMARY or COMPLETE, or Great Expectations' dict.
        memory_limit: What the engine may use, such as "300MB".
        threads: How many threads the engine may use.
        order_by: Columns that tell the rows of a table, or of a frame of Spark, apart and order them. Only with them
            do results tell which rows fail, and only then can checks on the order of rows be judged.

    Raises:
        BrokenCheckError: The suite, an argument or the data cannot be used. A retry does not help.
    """
    from airflow_dataops.core.quality_sql.results import ResultFormat

    wanted = ResultFormat.of(result_format)
    document, source = (suite, "the suite") if isinstance(suite, Mapping) else read_document(Path(suite))
    expectations = expectations_of(document, source)
    name = str(document.get("name") or source)
    with opened(data, engine, order_by, memory_limit, threads) as engine_:
        if engine == "gx":
            found = quality_gx.run(dict(enumerate(expectations)), engine_.frame(), wanted)
        else:
            found = quality_run.run(expectations, engine_, wanted)
    return quality_run.validation_result(name, expectations, found)


@contextmanager
def opened(
    data: Any, engine: str, order_by: Sequence[str], memory_limit: str | None, threads: int | None
) -> Iterator[quality_run.Engine]:
    """Open data in an engine.

    Raises:
        BrokenCheckError: There is no such engine, or it cannot read such data.
    """
    in_database, in_spark = isinstance(data, SqlTable), type(data).__module__.startswith("pyspark.")
    fitting = ["sql", "gx"] if in_database else ["spark", "gx"] if in_spark else ["duckdb", "gx", "spark"]
    if engine not in fitting:
        raise BrokenCheckError(
            f"Got the engine {engine!r} for {type(data).__name__}; allowed are {', '.join(fitting)}.",
            hint="choose one of them",
        )
    if isinstance(data, SqlTable):
        database = sqlalchemy.create_engine(data.url, poolclass=sqlalchemy.NullPool)
        with open_sql(database, TableName(data.name, data.schema), order_by) as table:
            yield table
    elif in_spark or engine == "spark":
        with open_spark(data, order_by=order_by) as spark:
            yield spark
    else:
        with open_duckdb(data, memory_limit=memory_limit, threads=threads) as files:
            yield files
