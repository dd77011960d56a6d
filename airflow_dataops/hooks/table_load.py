"""Rows into a staging table that is made like the table it is to replace."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy
from sqlalchemy import BigInteger, Connection
from sqlalchemy.types import TypeEngine

from airflow_dataops.core.table import MAX_NAME_BYTES, TableName, current_of, version_name
from airflow_dataops.core.words import count_words, plain
from airflow_dataops.exceptions import BrokenCheckError, JudgementError
from airflow_dataops.hooks.table import TableDatabase, raised_as_sqlalchemy
from airflow_dataops.hooks.table_book import PublicationBook
from airflow_dataops.hooks.table_shape import Column, columns_of, create_like, finish_like

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["load_table", "parquet_batches"]

BATCH_ROWS = 50_000


@contextmanager
def parquet_batches(path: Path) -> Iterator[pa.RecordBatchReader]:
    """Stream the rows of a snapshot's file in their order."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        yield pa.RecordBatchReader.from_batches(file.schema_arrow, file.iter_batches(BATCH_ROWS))


def load_table(
    database: TableDatabase, batches: pa.RecordBatchReader, staging: TableName, target: TableName, key: str
) -> int:
    """Write all rows into a fresh staging table, in one transaction; return how many it has.

    Columns that the target has keep its types, defaults and checks, and its keys and indexes are copied once the
    rows are in; the other columns get their types from the data.

    Args:
        database: Where.
        batches: The rows, streamed.
        staging: The table to make; one of that name is dropped.
        target: The table it is to replace.
        key: Digest of the run key; names the copies of indexes.

    Raises:
        BrokenCheckError: A column of the target is missing in the data. A retry does not help.
        JudgementError: Rows violate a constraint of the target. A retry does not help.
        OutageError: The database does not answer. A retry helps.
    """
    with database.change(f"the table {staging.words}") as connection:
        database.run(connection, f"DROP TABLE IF EXISTS {database.name(staging)}")
        model = model_of(database, connection, target)
        create(database, connection, (staging, target, model), batches.schema)
        for batch in batches:
            insert(database, connection, staging, batch)
        if model is not None:
            finish_like(database, connection, staging, model, key)
        settle(database, connection, staging)
        return database.count(connection, staging)


def settle(database: TableDatabase, connection: Connection, staging: TableName) -> None:
    """Give PostgreSQL figures for its plans; look at SQLite's foreign keys, which our connections leave unchecked.

    Raises:
        JudgementError: A row refers to one that is not there. A retry does not help.
    """
    if database.is_postgres:
        database.run(connection, f"ANALYZE {database.name(staging)}")
        return
    lost = database.run(connection, f"PRAGMA foreign_key_check({database.quoted(staging.name)})").all()
    if lost:
        raise JudgementError(
            f"{count_words(len(lost))} rows of the table {staging.words} violate a constraint of the table they are to "
            f"replace: a foreign key to {plain(str(lost[0][2]))}.",
            hint="let a gate split such rows off, or deliver what they refer to first",
        )


def model_of(database: TableDatabase, connection: Connection, target: TableName) -> TableName | None:
    """Return the table whose make is kept: the target, or the version that a view of ours shows."""
    if database.kind(connection, target) == "table":
        return target
    current = current_of(PublicationBook(database, connection, target).versions())
    shown = None if current is None else target.beside(version_name(target.name, current.version))
    return shown if shown is not None and database.kind(connection, shown) == "table" else None


def create(
    database: TableDatabase,
    connection: Connection,
    tables: tuple[TableName, TableName, TableName | None],
    schema: pa.Schema,
) -> None:
    """Create the empty staging table: the target's columns in its order, then those that are new.

    Args:
        database: Where.
        connection: The transaction.
        tables: The staging table, the target, and the table whose make is kept.
        schema: Columns of the data.
    """
    staging, target, model = tables
    refuse_long_names(schema.names)
    wanted = columns_of(database, connection, target)
    refuse_lost_columns(wanted, columns_of(database, connection, model) if model else [], target, schema.names)
    if model is not None:
        create_like(database, connection, staging, model)
    known = {column.name for column in columns_of(database, connection, staging)}
    kinds = {c.name: c.kind for c in wanted}
    kinds |= {f.name: kind_of(database, f.type) for f in schema if f.name not in kinds}
    written = [f"{database.quoted(name)} {kind}" for name, kind in kinds.items() if name not in known]
    if model is None:
        database.run(connection, f"CREATE TABLE {database.name(staging)} ({', '.join(written)})")
        return
    for column in written:
        database.run(connection, f"ALTER TABLE {database.name(staging)} ADD COLUMN {column}")


def refuse_long_names(names: Iterable[str]) -> None:
    """Refuse columns whose names PostgreSQL would cut silently.

    Raises:
        BrokenCheckError: There is one. A retry does not help.
    """
    for name in names:
        if len(name.encode("utf-8", "replace")) > MAX_NAME_BYTES:
            raise BrokenCheckError(
                f"The column {plain(repr(name))} has a name of more than {MAX_NAME_BYTES} bytes.",
                hint="rename it where the snapshot is taken",
            )


def refuse_lost_columns(
    wanted: Iterable[Column], made: Iterable[Column], target: TableName, given: Iterable[str]
) -> None:
    """Refuse data without a column that readers of the table use, unless a default fills it.

    Raises:
        BrokenCheckError: There is one. A retry does not help.
    """
    filled = {*given, *(column.name for column in made if column.default is not None)}
    lost = [column.name for column in wanted if column.name not in filled]
    if lost:
        raise BrokenCheckError(
            f"The data have no column {plain(repr(lost[0]))}, which {target.words} has and its readers may use.",
            hint="deliver it again; or, if nobody needs it, drop it from the table first or give it a default",
        )


def insert(database: TableDatabase, connection: Connection, staging: TableName, batch: pa.RecordBatch) -> None:
    """Write one batch: COPY where psycopg 3 is the driver, else many rows at once."""
    rows = zip(*(plain_values(column.to_pylist()) for column in batch.columns), strict=True)
    place = f"{database.name(staging)} ({', '.join(map(database.quoted, batch.schema.names))})"
    cursor = connection.connection.cursor()
    try:
        with raised_as_sqlalchemy(connection):
            if hasattr(cursor, "copy"):
                # Frozen: a reader whose transaction is older than these rows sees them too, never an empty table.
                with cursor.copy(f"COPY {place} FROM STDIN (FREEZE)") as copy:
                    for row in rows:
                        copy.write_row(row)
                return
            mark = "%s" if database.is_postgres else "?"
            marks = ", ".join([mark] * batch.num_columns)
            escaped = place.replace("%", "%%") if database.is_postgres else place
            written = list(rows) if database.is_postgres else list(sqlite_rows(rows))
            cursor.executemany(f"INSERT INTO {escaped} VALUES ({marks})", written)  # noqa: S608 - quoted
    finally:
        cursor.close()


def kind_of(database: TableDatabase, kind: pa.DataType) -> str:
    """Return the type of a column of such values as the database spells it."""
    return str(type_of(kind).compile(database.engine.dialect))


def type_of(kind: pa.DataType) -> TypeEngine[Any]:
    """Return the type of a column of such values."""
    import pyarrow as pa

    types = pa.types
    for fits, made in (
        (types.is_boolean, sqlalchemy.Boolean()),
        (types.is_uint64, sqlalchemy.Numeric(20)),
        (types.is_integer, BigInteger()),
        (types.is_floating, sqlalchemy.Double()),
        (types.is_date, sqlalchemy.Date()),
        (types.is_time, sqlalchemy.Time()),
        (types.is_binary, sqlalchemy.LargeBinary()),
        (types.is_large_binary, sqlalchemy.LargeBinary()),
    ):
        if fits(kind):
            return made
    if types.is_timestamp(kind):
        return sqlalchemy.DateTime(timezone=kind.tz is not None)
    if types.is_decimal(kind):
        return sqlalchemy.Numeric(kind.precision, kind.scale)
    return sqlalchemy.Text()


def plain_values(values: list[Any]) -> list[Any]:
    """Return values that every driver takes: lists and records as JSON text."""
    return [json.dumps(value, default=str) if isinstance(value, list | dict) else value for value in values]


def sqlite_rows(rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    """Yield rows with times, dates and decimals as text, which SQLite keeps them as."""
    for row in rows:
        yield tuple(v if v is None or isinstance(v, int | float | str | bytes) else str(v) for v in row)
