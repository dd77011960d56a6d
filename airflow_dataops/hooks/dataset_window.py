"""Rows of published snapshots before and after a moment: what a model may see, and what judges it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from airflow_dataops.core.dataset import Snapshot
from airflow_dataops.exceptions import BrokenCheckError
from airflow_dataops.hooks.dataset import DatasetHook
from airflow_dataops.hooks.dataset_source import arrow_table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["is_later", "rows_before", "rows_digest", "rows_from"]


def rows_before(store: DatasetHook, snapshots: Iterable[Snapshot], column: str, moment: str) -> pd.DataFrame:
    """Return the rows of all snapshots that happened before `moment`; rows without a time are left out.

    Raises:
        BrokenCheckError: The column is missing or holds no times, or `moment` is none. A retry does not help.
    """
    import pandas as pd

    frames = []
    for snapshot in snapshots:
        frame = store.frame(snapshot)
        times, cut = comparable(frame, column, moment, snapshot.name)
        frames.append(frame.loc[times < cut])
    whole: pd.DataFrame = pd.concat(frames, ignore_index=True)
    return whole


def rows_from(store: DatasetHook, snapshot: Snapshot, column: str, moment: str) -> pd.DataFrame:
    """Return the snapshot's rows that happened at `moment` or later."""
    import pandas as pd

    frame = store.frame(snapshot)
    times, cut = comparable(frame, column, moment, snapshot.name)
    return pd.DataFrame(frame.loc[times >= cut]).reset_index(drop=True)


def comparable(frame: pd.DataFrame, column: str, moment: str, name: str) -> tuple[Any, Any]:
    """Return the column as times and the moment as a time that compares with them."""
    import pandas as pd

    if column not in frame.columns:
        some = ", ".join(map(str, frame.columns[:20]))
        raise BrokenCheckError(f"{name} has no column {column!r}.", hint=f"its columns are {some}")
    times = as_times(frame[column], name)
    try:
        cut = pd.Timestamp(moment)
    except ValueError as error:
        raise BrokenCheckError(
            f"holdout_from is {moment!r}, which is no moment.", hint="give a date or a time, such as 2013-03-22"
        ) from error
    zone = times.dt.tz
    if zone is None:
        return times, cut if cut.tz is None else cut.tz_convert("UTC").tz_localize(None)
    return times, cut.tz_localize(zone) if cut.tz is None else cut


def is_later(moment: str, other: str) -> bool:
    """Whether a moment lies after another; one without a zone counts as UTC."""
    import pandas as pd

    first, second = (pd.to_datetime(value, utc=True) for value in (moment, other))
    return bool(first > second)


def as_times(values: pd.Series[Any], name: str) -> pd.Series[Any]:
    """Return a column of times, dates or ISO texts as times."""
    import pandas as pd

    no_times = BrokenCheckError(
        f"The column {values.name!r} of {name} is of type {values.dtype} and holds no times.",
        hint="name a column of timestamps, dates, or texts such as 2013-03-22",
    )
    if pd.api.types.is_numeric_dtype(values):
        # Numbers would be read as nanoseconds since 1970.
        raise no_times
    if pd.api.types.is_datetime64_any_dtype(values):
        return values
    try:
        return pd.Series(pd.to_datetime(values, format="ISO8601"))
    except (ValueError, TypeError):
        # The cause would show a raw value.
        raise no_times from None


def rows_digest(frame: pd.DataFrame) -> str:
    """Return the SHA-256 of rows, column names and types; the same rows in the same order are equal."""
    import pyarrow as pa

    table = arrow_table(frame).replace_schema_metadata(None).combine_chunks()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return hashlib.sha256(memoryview(sink.getvalue())).hexdigest()
