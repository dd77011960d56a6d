"""Suites on data without a running Airflow, for tests and scripts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_dataops.core.quality_needs import prepared, reference_columns, unsupported_of
from airflow_dataops.core.quality_suite import columns_read, expectations_of
from airflow_dataops.core.quality_types import OWN_TYPES, validate
from airflow_dataops.core.table import SqlTable, TableName
from airflow_dataops.core.words import plain
from airflow_dataops.exceptions import BrokenCheckError
from airflow_dataops.hooks import quality_gx, quality_run
from airflow_dataops.hooks.quality_duckdb import open_duckdb
from airflow_dataops.hooks.suite import read_document

if TYPE_CHECKING:
    from airflow_dataops.core.quality_sql.results import Found, ResultFormat

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
    references: Mapping[str, Any] | None = None,
    now: datetime | None = None,
) -> dict[str, Any]:
    """Carry out a suite and return the result as Great Expectations' validation result, in plain JSON.

    Args:
        suite: A suite as a dict in Great Expectations' form, or the path of a suite, contract or shorthand file.
        data: A frame of pandas, polars or Spark, an arrow table, the path or address of a parquet, CSV or JSON file,
            or a `SqlTable`.
        engine: "duckdb"; "sql" for the database in which a `SqlTable` lies; "spark"; or "gx" for Great Expectations
            itself, on any of these; checks of ours that it lacks run in the data's own engine.
        result_format: BOOLEAN_ONLY, BASIC, SUMMARY or COMPLETE, or Great Expectations' dict.
        memory_limit: What the engine may use, such as "300MB".
        threads: How many threads the engine may use.
        order_by: Columns that order the rows of a table or of a frame of Spark; without them results do not tell
            which rows fail, and checks on order cannot be judged.
        references: Tables that the data refer to, by the names that the contract uses: frames, paths, or lists of
            them; of a `SqlTable` the names of tables in its database.
        now: What counts as now for checks on freshness; by default it is now.

    Returns:
        The result; its ``meta.dataops.unsupported`` names the rules that were not checked, each with why.

    Raises:
        BrokenCheckError: The suite, an argument or the data cannot be used. A retry does not help.
    """
    from airflow_dataops.core.quality_sql.results import ResultFormat

    wanted = ResultFormat.of(result_format)
    document, source = (suite, "the suite") if isinstance(suite, Mapping) else read_document(Path(suite))
    now, stored = now or datetime.now(UTC), isinstance(data, SqlTable)
    document = prepared(document, source, now=now, references=references or {}, stored=stored)
    expectations = expectations_of(document, source)
    refuse_wrong(expectations, source)
    columns = reference_columns(expectations)
    given = {name: (held, columns[name]) for name, held in (references or {}).items()}
    limits = {"columns": columns_read(expectations), "memory_limit": memory_limit, "threads": threads}
    with opened(data, engine, order_by, given, limits) as chosen:
        found = judged(expectations, chosen, wanted, by_gx=engine == "gx")
    result = quality_run.validation_result(str(document.get("name") or source), expectations, found)
    return {**result, "meta": {"dataops": {"unsupported": unsupported_of(document)}}}


def refuse_wrong(expectations: Sequence[Mapping[str, Any]], source: str) -> None:
    """Refuse unknown types and arguments, as a gate does."""
    for number, one in enumerate(expectations, start=1):
        validate(one["type"], one["kwargs"], f"{source}, expectation {number} ({plain(one['type'])})")


def judged(
    expectations: Sequence[Mapping[str, Any]], engine: quality_run.Engine, wanted: ResultFormat, *, by_gx: bool
) -> dict[int, Found]:
    """Return what came of each expectation; those of types of our own run in the engine in any case."""
    theirs = [n for n, one in enumerate(expectations) if by_gx and one["type"] not in OWN_TYPES]
    ours = [n for n in range(len(expectations)) if n not in theirs]
    told = quality_run.run([expectations[n] for n in ours], engine, wanted)
    found = {number: told[place] for place, number in enumerate(ours)}
    if theirs:
        found |= quality_gx.run({n: expectations[n] for n in theirs}, engine.frame(), wanted)
    return found


@contextmanager
def opened(
    data: Any, engine: str, order_by: Sequence[str], references: Mapping[str, Any], limits: Mapping[str, Any]
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
        # Only tables pay for the database's libraries.
        import sqlalchemy

        from airflow_dataops.hooks.quality_sql import open_sql

        database = sqlalchemy.create_engine(data.url, poolclass=sqlalchemy.NullPool)
        with open_sql(database, TableName(data.name, data.schema), order_by, references=references) as table:
            yield table
    elif in_spark or engine == "spark":
        from airflow_dataops.hooks.quality_spark import open_spark

        with open_spark(data, order_by=order_by, references=references) as spark:
            yield spark
    else:
        with open_duckdb(data, references=references, **limits) as files:
            yield files
