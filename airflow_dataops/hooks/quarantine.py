"""Quarantined rows as files: exported for repair, read back, and merged with the good rows where they stood."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_dataops.core.words import plain
from airflow_dataops.exceptions import SourceError
from airflow_dataops.hooks.dataset_source import refuse_empty
from airflow_dataops.hooks.dataset_split import CHECKS_COLUMN, ROW_COLUMN, batches, filled, plain_type
from airflow_dataops.hooks.duckdb_faults import file_faults
from airflow_dataops.hooks.quality_source import batches_of

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

__all__ = ["SNAPSHOT_COLUMN", "data_columns", "export", "merged_batches", "read_quarantine", "repaired"]

SNAPSHOT_COLUMN = "_dataops_snapshot"
"""Names the quarantine a file was exported from, so that it is not put back into another one."""
OURS = (ROW_COLUMN, CHECKS_COLUMN, SNAPSHOT_COLUMN)
READERS = {
    ".parquet": "read_parquet(?)",
    ".csv": "read_csv(?, skip = 0, comment = '', header = true, all_varchar = true, nullstr = '', "
    "allow_quoted_nulls = false)",
}
MOST_NAMED = 5


def read_quarantine(path: Path) -> pa.Table:
    """Return quarantined rows with their positions and checks."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        return file.read()


def data_columns(rows: pa.Table) -> list[str]:
    """Return the names of the columns that are the data's own."""
    return [name for name in rows.column_names if name not in OURS]


def export(rows: pa.Table, columns: Sequence[str], version: str, target: Path) -> list[str]:
    """Write rows for repair, with positions, checks and the version they are of; return the columns written.

    CSV holds no lists, structures or bytes; such columns are left out of it and stay as they are when it comes back.

    Raises:
        SourceError: The file's name says neither parquet nor CSV, or it cannot be written. A retry does not help.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.csv
    import pyarrow.parquet as pq

    kind = kind_of(target)
    shown = [name for name in columns if kind == ".parquet" or is_flat(rows.schema.field(name).type)]
    checks = rows.column(CHECKS_COLUMN)
    names = [*shown, ROW_COLUMN, CHECKS_COLUMN, SNAPSHOT_COLUMN]
    marks = [rows.column(ROW_COLUMN), checks if kind == ".parquet" else pc.binary_join(checks, "; ")]
    version_column = pa.array([version] * rows.num_rows, pa.string())
    table = pa.table([*(rows.column(name) for name in shown), *marks, version_column], names=names)
    try:
        if kind == ".parquet":
            pq.write_table(table, target)
        else:
            pyarrow.csv.write_csv(table, target)
    except OSError as error:
        raise SourceError(
            f"{target} cannot be written: {error.strerror or error}.", hint="name a file in a folder of yours"
        ) from error
    return shown


def kind_of(path: Path) -> str:
    """Return whether a file is parquet or CSV, by its name."""
    kind = path.suffix.lower()
    if kind not in READERS:
        raise SourceError(
            f"{path} is of a kind we cannot use ({kind or 'no suffix'}); allowed: {', '.join(sorted(READERS))}.",
            hint="rename or convert the file",
        )
    return kind


def is_flat(kind: pa.DataType) -> bool:
    """Whether CSV can hold values of a type and give them back."""
    import pyarrow as pa

    odd = (pa.types.is_nested, pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary)
    return not any(test(kind) for test in (*odd, pa.types.is_duration, pa.types.is_null))


def repaired(path: Path, rows: pa.Table, version: str, *, drop: bool) -> tuple[pa.Table, int, int]:
    """Return quarantined rows with the values of a repaired file, how many it holds, and how many were dropped.

    Rows and columns that the file does not hold stay as they are, unless rows are to be dropped.

    Args:
        path: Parquet or CSV with `ROW_COLUMN` and columns of the data.
        rows: The quarantined rows.
        version: Which quarantine it is.
        drop: Whether rows that the file does not hold are dropped.

    Raises:
        SourceError: Unreadable, or not made from these rows. A retry does not help.
    """
    import numpy as np
    import pyarrow as pa

    given = read_repaired(path)
    columns = known_columns(path, given, rows)
    refuse_other_quarantine(path, given, version)
    places = places_of(path, given, rows)
    chosen = np.arange(rows.num_rows)
    chosen[places] = rows.num_rows + np.arange(given.num_rows)
    overlaid = rows
    for name in columns:
        field = rows.schema.field(name)
        new = cast_column(path, given.column(name), field, given.column(ROW_COLUMN))
        both = pa.chunked_array([*rows.column(name).chunks, *new.chunks], field.type)
        overlaid = overlaid.set_column(rows.schema.get_field_index(name), field, both.take(pa.array(chosen)))
    if not drop:
        return overlaid, given.num_rows, 0
    kept = np.sort(places)
    return overlaid.take(pa.array(kept)), given.num_rows, rows.num_rows - len(kept)


def read_repaired(path: Path) -> pa.Table:
    """Return what a repaired file holds; CSV as text."""
    import duckdb

    if not path.is_file():
        raise SourceError(f"There is no file at {path}.", hint="name the file that holds the repaired rows")
    kind = kind_of(path)
    refuse_empty(path)
    with file_faults(path), duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        relation = connection.sql(f"SELECT * FROM {READERS[kind]}", params=[str(path)])  # noqa: S608 - one of ours
        return batches_of(relation).read_all()


def known_columns(path: Path, given: pa.Table, rows: pa.Table) -> list[str]:
    """Return the columns that a file brings values of.

    Raises:
        SourceError: Rows have no position, or there are other columns than those of the data.
    """
    allowed = data_columns(rows)
    unknown = [name for name in given.column_names if name not in allowed and name not in OURS]
    if ROW_COLUMN not in given.column_names:
        raise SourceError(
            f"{path} has no column {ROW_COLUMN}, which says where each row stood.",
            hint="repair a file that `airflow-dataops quarantine show --output FILE` wrote, and leave that column",
        )
    if unknown:
        raise SourceError(
            f"{path} has the column {plain(unknown[0])!r}, which the data do not have; "
            f"they have {plain(', '.join(allowed), 400)}.",
            hint="take out columns that were added; a changed schema is a new delivery",
        )
    return [name for name in given.column_names if name in allowed]


def refuse_other_quarantine(path: Path, given: pa.Table, version: str) -> None:
    """Refuse rows that were exported from another quarantine."""
    if SNAPSHOT_COLUMN not in given.column_names:
        return
    others = sorted({str(value) for value in given.column(SNAPSHOT_COLUMN).unique().to_pylist()} - {version})
    if others:
        raise SourceError(
            f"{path} holds rows of the quarantine {plain(others[0])}, but {version} is to be repaired.",
            hint="name that version, or export this one and repair it",
        )


def places_of(path: Path, given: pa.Table, rows: pa.Table) -> np.ndarray[Any, Any]:
    """Return where the file's rows stand among the quarantined ones.

    Raises:
        SourceError: A row is named twice, or was not quarantined.
    """
    import numpy as np
    import pyarrow as pa

    field = pa.field(ROW_COLUMN, pa.int64())
    column = cast_column(path, given.column(ROW_COLUMN), field, given.column(ROW_COLUMN))
    if column.null_count:
        raise SourceError(
            f"{path} holds {column.null_count} rows without a position in {ROW_COLUMN}.",
            hint="rows cannot be added: deliver them as data of their own",
        )
    positions, quarantined = column.to_numpy(), rows.column(ROW_COLUMN).to_numpy()
    strange = np.setdiff1d(positions, quarantined)
    if len(strange):
        raise SourceError(
            f"{path} holds {len(strange)} rows that are not in this quarantine: {named(strange)}.",
            hint="rows cannot be added, and rows of another snapshot belong to its own quarantine",
        )
    unique, counts = np.unique(positions, return_counts=True)
    if len(unique) < len(positions):
        raise SourceError(f"{path} holds rows twice: {named(unique[counts > 1])}.", hint="keep one of each")
    places: np.ndarray[Any, Any] = np.searchsorted(quarantined, positions)
    return places


def named(numbers: np.ndarray[Any, Any]) -> str:
    """Return the first few row positions."""
    first = ", ".join(str(number) for number in numbers[:MOST_NAMED])
    return first if len(numbers) <= MOST_NAMED else f"{first} and {len(numbers) - MOST_NAMED} more"


def cast_column(path: Path, values: pa.ChunkedArray, field: pa.Field, positions: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return values in the type of the data, losing nothing.

    Raises:
        SourceError: Some are of another type; names their rows, not the values.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_integer(field.type) and pa.types.is_string(values.type):
        values = pc.replace_substring_regex(values, r"\.0+$", "")  # a table program's 3.0
    try:
        return values.cast(field.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
        bad = [row for row, value in zip(positions.to_pylist(), values, strict=True) if not is_castable(value, field)]
        where = ", ".join(str(row) for row in bad[:MOST_NAMED])
        raise SourceError(
            f"{path}: the column {plain(field.name)!r} has {len(bad)} values that are no {field.type}, "
            f"in {ROW_COLUMN} {where or 'all'}.",
            hint="correct them, or take the column out of the file to leave it as it was",
        ) from error


def is_castable(value: pa.Scalar, field: pa.Field) -> bool:
    """Whether one value has the type of the data."""
    import pyarrow as pa

    try:
        pa.array([value.as_py()], value.type).cast(field.type)
    except pa.ArrowException:
        return False
    return True


def merged_batches(good: Path, bad: np.ndarray[Any, Any], rows: pa.Table) -> pa.RecordBatchReader:
    """Stream good rows and repaired rows, each at the position it had before they were split.

    Args:
        good: The good rows.
        bad: The positions of all rows that were split off, in order.
        rows: Those that come back, with their positions.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pq.read_schema(good)
    columns = [as_type(rows.column(field.name), field.type) for field in schema]
    back = pa.table(columns, schema=schema)
    where = rows.column(ROW_COLUMN).to_numpy()
    before = bad - np.arange(len(bad))  # how many good rows stand before each bad one
    places = before[np.searchsorted(bad, where)]

    def stream() -> Iterator[pa.RecordBatch]:
        start = last = 0
        for start, batch in batches(good):
            first, last = np.searchsorted(places, [start, start + batch.num_rows])
            numbers = np.arange(start, start + batch.num_rows)
            numbers = numbers + np.searchsorted(before, numbers, side="right")
            yield from interleaved(batch, numbers, back.slice(first, last - first), where[first:last])
        yield from back.slice(last).combine_chunks().to_batches()

    return pa.RecordBatchReader.from_batches(schema, filled(stream()))


def interleaved(
    batch: pa.RecordBatch, numbers: np.ndarray[Any, Any], back: pa.Table, where: np.ndarray[Any, Any]
) -> Iterator[pa.RecordBatch]:
    """Yield rows of two sources in the order of their positions."""
    import numpy as np
    import pyarrow as pa

    if not back.num_rows:
        yield batch
        return
    both = pa.concat_tables([pa.Table.from_batches([batch]), back])
    order = np.argsort(np.concatenate([numbers, where]), kind="stable")
    yield from both.take(pa.array(order)).unify_dictionaries().combine_chunks().to_batches()


def as_type(values: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    """Return values in a type that may hold them in a dictionary."""
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        return values.cast(plain_type(kind)).dictionary_encode().cast(kind)
    return values.cast(kind)
