"""A snapshot split in two by the positions of its rows: every row lands exactly once, in its order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_dataops.exceptions import SourceError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["CHECKS_COLUMN", "ROW_COLUMN", "bad_batches", "good_batches"]

BATCH_ROWS = 100_000
ROW_COLUMN = "_dataops_row"
CHECKS_COLUMN = "_dataops_checks"


def good_batches(path: Path, bad: Mapping[int, Sequence[str]]) -> pa.RecordBatchReader:
    """Stream the rows that are not in `bad`; columns and types stay as they are."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    def stream() -> Iterator[pa.RecordBatch]:
        for start, batch in batches(path):
            kept = pa.array([position not in bad for position in range(start, start + batch.num_rows)])
            yield batch.filter(kept)

    return pa.RecordBatchReader.from_batches(pq.read_schema(path), filled(stream()))


def bad_batches(path: Path, bad: Mapping[int, Sequence[str]]) -> pa.RecordBatchReader:
    """Stream the rows in `bad`, each with its position and the checks it failed.

    Raises:
        SourceError: The data have columns of these names already. A retry does not help.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pq.read_schema(path)
    taken = sorted({ROW_COLUMN, CHECKS_COLUMN} & set(schema.names))
    if taken:
        raise SourceError(
            f"The data have a column {taken[0]!r}, which the quarantine needs for itself.",
            hint="these are rows out of a quarantine: drop that column before they go through the gate again",
        )
    schema = schema.append(pa.field(ROW_COLUMN, pa.int64())).append(pa.field(CHECKS_COLUMN, pa.list_(pa.string())))

    def stream() -> Iterator[pa.RecordBatch]:
        for start, batch in batches(path):
            positions = [position for position in range(start, start + batch.num_rows) if position in bad]
            taken = batch.take(pa.array([position - start for position in positions], pa.int64()))
            marks = [
                pa.array(positions, pa.int64()),
                pa.array([list(bad[p]) for p in positions], pa.list_(pa.string())),
            ]
            yield pa.RecordBatch.from_arrays([*taken.columns, *marks], schema=schema)

    return pa.RecordBatchReader.from_batches(schema, filled(stream()))


def batches(path: Path) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Yield the file's rows in pieces, each with the position of its first row."""
    import pyarrow.parquet as pq

    start = 0
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(BATCH_ROWS):
            yield start, batch
            start += batch.num_rows


def filled(stream: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Leave out pieces without rows."""
    return (batch for batch in stream if batch.num_rows)
