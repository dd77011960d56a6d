"""DuckDB as the engine of checks: files and frames, embedded, with bounded memory."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_dataops.core.words import plain
from airflow_dataops.exceptions import BrokenCheckError
from airflow_dataops.hooks.duckdb_faults import engine_faults
from airflow_dataops.hooks.quality_columns import duckdb_column
from airflow_dataops.hooks.quality_frame import as_arrow
from airflow_dataops.hooks.quality_references import load_references
from airflow_dataops.hooks.quality_remote import brought, is_remote
from airflow_dataops.hooks.quality_source import batches_of, reader_of, refuse_reserved

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import pyarrow as pa
    import sqlglot.expressions as exp

    from airflow_dataops.core.quality_sql.table import Table

__all__ = ["POSITION", "DuckDBEngine", "open_duckdb"]

POSITION = "__dataops_position"
MAX_INLINE = 500
TRUSTS_STATISTICS = "statistics_propagation,filter_pushdown"
"""Optimizers that conclude from a parquet file's least and greatest value that none is NaN; NaN counts in neither.

Counts beside other figures are right all the same, so where no value is missing the optimizers may stay.
"""


class DuckDBEngine:
    """Runs compiled checks on one source.

    Args:
        connection: Holds the source as ``source``, with positions.
        table: What the source looks like.
        data: The source itself, for checks that run elsewhere.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, table: Table, data: Any) -> None:
        self.connection = connection
        self.table = table
        self.data = data
        self.remembered = 0

    def ask(self, query: exp.Query) -> list[tuple[Any, ...]]:
        """Run a query and return its rows."""
        import duckdb

        from airflow_dataops.core.quality_sql.refusal import UnfitError

        try:
            return list(self.connection.execute(self.table.dialect.sql(query)).fetchall())
        except (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException) as error:
            # Only a query of the user's own can name what is not there.
            raise UnfitError("the query cannot be run: it names what the data do not have") from error

    def rows(self) -> int:
        """Return how many rows there are."""
        from sqlglot import exp

        return int(self.ask(self.table.select(exp.Count(this=exp.Star())))[0][0])

    def count_failing(self, predicates: Sequence[exp.Expression]) -> int:
        """Return how many rows meet at least one of these predicates."""
        from airflow_dataops.core.quality_sql.dialect import disjunction

        return int(self.ask(self.table.select(self.table.dialect.count_if(disjunction(*predicates))))[0][0])

    def failing_rows(self, reasons: Mapping[str, exp.Expression]) -> pa.RecordBatchReader:
        """Stream the rows that meet at least one predicate, in the source's order.

        Args:
            reasons: Which rows fail, by the id of the check.

        Returns:
            The columns, then the position from 0 and the list of ids.
        """
        from airflow_dataops.core.quality_sql.failing import failing_query

        return batches_of(self.connection.sql(self.table.dialect.sql(failing_query(self.table, reasons))))

    def remember(self, positions: Sequence[int]) -> exp.Expression:
        """Return a predicate that is true of the rows at these positions, however many there are."""
        import pyarrow as pa
        from sqlglot import exp

        if len(positions) <= MAX_INLINE:
            numbers = [exp.Literal.number(position) for position in positions]
            return exp.In(this=self.table.place(), expressions=numbers) if numbers else exp.false()
        name = f"positions_{self.remembered}"
        self.remembered += 1
        self.connection.register(name, pa.table({"position": pa.array(positions, pa.int64())}))
        inner = exp.select(exp.column("position")).from_(exp.to_table(name))
        return exp.In(this=self.table.place(), query=inner.subquery())

    def frame(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Return all rows as pandas reads them, for checks that only Great Expectations can run."""
        import pandas as pd

        if isinstance(self.data, Path):
            return reader_of(self.data).frame(self.data)
        return self.data if isinstance(self.data, pd.DataFrame) else as_arrow(self.data)[0].to_pandas()


@contextmanager
def open_duckdb(
    data: Any,
    *,
    columns: Sequence[str] | None = None,
    memory_limit: str | None = None,
    threads: int | None = None,
    references: Mapping[str, tuple[Any, Sequence[str]]] | None = None,
) -> Iterator[DuckDBEngine]:
    """Open a source for checks.

    Args:
        data: A pandas or polars frame, an arrow table, the path of a parquet, CSV or JSON file, or its address in
            object storage.
        columns: The columns that checks read; None for all. Others are not loaded.
        memory_limit: What DuckDB may use, such as "300MB"; beyond it intermediate results go to disk.
        threads: How many threads it may use.
        references: Other tables that checks refer to, by name: the data, and which of their columns.

    Raises:
        SourceError: Missing, empty, of an unknown kind, or not what its name says. A retry does not help.
    """
    import duckdb

    with tempfile.TemporaryDirectory(prefix="dataops-duckdb-") as folder, duckdb.connect() as connection:
        settle(connection, folder, memory_limit, threads)
        data = brought(data, folder) if is_remote(data) else Path(data) if isinstance(data, str) else data
        with engine_faults(folder):
            referred = load_references(connection, references or {}, load)
            yield DuckDBEngine(connection, replace(load(connection, data, columns), references=referred), data)


def settle(connection: duckdb.DuckDBPyConnection, folder: str, memory_limit: str | None, threads: int | None) -> None:
    """Set limits; spill beside the system's temporary files."""
    connection.execute("SET temp_directory = ?", [folder])
    connection.execute("SET TimeZone = 'UTC'")
    if memory_limit:
        set_memory(connection, memory_limit)
    if threads:
        connection.execute("SET threads = ?", [threads])


def set_memory(connection: duckdb.DuckDBPyConnection, limit: str) -> None:
    """Bound the memory.

    Raises:
        BrokenCheckError: The limit is none. A retry does not help.
    """
    import duckdb

    try:
        connection.execute("SET memory_limit = ?", [limit])
    except duckdb.Error as error:
        raise BrokenCheckError(
            f"Got memory_limit={plain(limit)!r}; allowed is a number with a unit.", hint="for example 300MB or 2GB"
        ) from error


def load(connection: duckdb.DuckDBPyConnection, data: Any, columns: Sequence[str] | None) -> Table:
    """Make ``source`` out of the data and return what it looks like."""
    from sqlglot import exp

    from airflow_dataops.core.quality_sql.dialect import Dialect
    from airflow_dataops.core.quality_sql.table import Table

    if isinstance(data, Path):
        natives = reader_of(data).load(connection, data, POSITION, columns)
    else:
        arrow, natives = as_arrow(data)
        refuse_reserved(arrow.column_names)
        connection.register("frame", arrow)
        # Arrow has no row numbers; DuckDB computes them only where a query asks for positions.
        columns_and_position = f"*, row_number() OVER () - 1 AS {POSITION}"
        connection.execute(f"CREATE TEMP VIEW source AS SELECT {columns_and_position} FROM frame")  # noqa: S608 - ours
    described = connection.execute("DESCRIBE source").fetchall()
    known = {row[0]: duckdb_column(row[0], row[1], natives.get(row[0])) for row in described if row[0] != POSITION}
    source = exp.alias_(exp.to_table("source"), "data", table=True)
    distrust = None
    if isinstance(data, Path):
        distrust = partial(connection.execute, f"SET disabled_optimizers = '{TRUSTS_STATISTICS}'")
    return Table(known, Dialect(), source, exp.column(POSITION, table="data"), distrust=distrust)
