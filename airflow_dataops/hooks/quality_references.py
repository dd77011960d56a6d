"""Other tables whose keys the data refer to, given to DuckDB."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from airflow_dataops.core.words import plain
from airflow_dataops.exceptions import SourceError
from airflow_dataops.hooks.quality_columns import duckdb_column

if TYPE_CHECKING:
    import duckdb

    from airflow_dataops.core.quality_sql.table import Table

__all__ = ["load_references"]

Loader: TypeAlias = "Callable[[duckdb.DuckDBPyConnection, Any, Sequence[str] | None], Table]"


def load_references(
    connection: duckdb.DuckDBPyConnection, references: Mapping[str, tuple[Any, Sequence[str]]], load: Loader
) -> dict[str, Table]:
    """Keep the keys of other tables in DuckDB, each once, and return what they look like.

    Args:
        connection: Holds no ``source`` yet: each table takes that name for a moment.
        references: By name: a frame, an arrow table, the path of a file, or a list of these as parts of one table;
            and which of its columns are needed.
        load: Makes ``source`` out of data.
    """
    return {
        name: load_reference(connection, name, given, place, load)
        for place, (name, given) in enumerate(references.items())
    }


def load_reference(
    connection: duckdb.DuckDBPyConnection, name: str, given: tuple[Any, Sequence[str]], place: int, load: Loader
) -> Table:
    """Keep the keys of one table and return what it looks like."""
    from sqlglot import exp

    from airflow_dataops.core.quality_sql.dialect import Dialect
    from airflow_dataops.core.quality_sql.table import Table

    data, columns = given
    parts = data if isinstance(data, list | tuple) else [data]
    kept = f"reference_{place}"
    if not parts:
        raise SourceError(f"The reference {plain(name)} has no data.", hint="give a frame, or the path of a file")
    for number, part in enumerate(parts):
        held = load(connection, Path(part) if isinstance(part, str | Path) else part, None).columns
        shown = ", ".join('"' + column.replace('"', '""') + '"' for column in columns if column in held) or "1 AS none"
        rows = f"SELECT DISTINCT {shown} FROM source"  # noqa: S608 - quoted
        connection.execute(f"INSERT INTO {kept} {rows}" if number else f"CREATE TEMP TABLE {kept} AS {rows}")
        connection.execute("DROP VIEW source")
    described = connection.execute(f"DESCRIBE {kept}").fetchall()
    known = {row[0]: duckdb_column(row[0], row[1]) for row in described}
    source = exp.alias_(exp.to_table(kept), "reference", table=True)
    return Table(known, Dialect(), source, exp.Literal.number(0))
