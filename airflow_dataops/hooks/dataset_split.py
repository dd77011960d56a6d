"""A snapshot split in two: every row lands exactly once, in its order, by the predicates that counted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_dataops.exceptions import SourceError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

__all__ = [
    "CHECKS_COLUMN",
    "ROW_COLUMN",
    "bad_batches",
    "batches",
    "filled",
    "good_batches",
    "plain_type",
    "positions_in",
]

BATCH_ROWS = 100_000
ROW_COLUMN = "_dataops_row"
CHECKS_COLUMN = "_dataops_checks"


def good_batches(path: Path, bad: np.ndarray[Any, Any]) -> pa.RecordBatchReader:
    """Stream the rows that are not in `bad`; columns and types stay as they are.

    Args:
        path: The snapshot.
        bad: Positions from 0, in order.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    def stream() -> Iterator[pa.RecordBatch]:
        for start, batch in batches(path):
            first, last = np.searchsorted(bad, [start, start + batch.num_rows])
            kept = np.ones(batch.num_rows, dtype=bool)
            kept[bad[first:last] - start] = False
            yield batch.filter(pa.array(kept))

    return pa.RecordBatchReader.from_batches(pq.read_schema(path), filled(stream()))


def bad_batches(path: Path, failing: pa.RecordBatchReader) -> pa.RecordBatchReader:
    """Stream failing rows in the snapshot's own types, each with its position and the checks it failed.

    Args:
        path: The snapshot.
        failing: Its failing rows as an engine tells them.

    Raises:
        SourceError: The data have columns of these names already. A retry does not help.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([pa.field(field.name, plain_type(field.type)) for field in pq.read_schema(path)])
    taken = sorted({ROW_COLUMN, CHECKS_COLUMN} & set(schema.names))
    if taken:
        raise SourceError(
            f"The data have a column {taken[0]!r}, which the quarantine needs for itself.",
            hint="these are rows out of a quarantine: drop that column before they go through the gate again",
        )
    schema = schema.append(pa.field(ROW_COLUMN, pa.int64())).append(pa.field(CHECKS_COLUMN, pa.list_(pa.string())))

    def stream() -> Iterator[pa.RecordBatch]:
        for batch in failing:
            yield from pa.Table.from_batches([batch]).cast(schema).to_batches()

    return pa.RecordBatchReader.from_batches(schema, filled(stream()))


def positions_in(path: Path) -> np.ndarray[Any, Any]:
    """Return the positions of the rows in a file of bad rows, in order: what was written, not what is asked anew."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        positions: np.ndarray[Any, Any] = file.read(columns=[ROW_COLUMN]).column(ROW_COLUMN).to_numpy()
    return positions


def plain_type(kind: pa.DataType) -> pa.DataType:
    """Return the type of the values where they are held in a dictionary."""
    import pyarrow as pa

    return kind.value_type if pa.types.is_dictionary(kind) else kind


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
