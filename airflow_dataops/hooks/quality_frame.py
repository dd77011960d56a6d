"""Frames as arrow tables, column by column, so that one odd column does not spoil the others."""

from __future__ import annotations

import warnings
from collections import Counter
from typing import TYPE_CHECKING, Any

from airflow_dataops.core.words import plain
from airflow_dataops.exceptions import SourceError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["as_arrow", "refuse_doubles"]


def as_arrow(data: Any) -> tuple[pa.Table, dict[str, str]]:
    """Return a frame as an arrow table, and pandas' name of each column's type ("mixed" where SQL cannot hold it).

    Args:
        data: A pandas or polars frame, or an arrow table.

    Raises:
        SourceError: The data are something else, or two columns have one name. A retry does not help.
    """
    import pyarrow as pa

    if isinstance(data, pa.Table):
        refuse_doubles(data.column_names)
        return data, {}
    if type(data).__module__.partition(".")[0] == "polars":
        return data.to_arrow(), {}
    if hasattr(data, "dtypes") and hasattr(data, "columns"):
        refuse_doubles([str(name) for name in data.columns])
        return arrow_of_pandas(data)
    raise SourceError(
        f"Got {type(data).__name__}; allowed are a pandas or polars DataFrame, an arrow Table, and the path of a file.",
        hint="convert it to one of these",
    )


def refuse_doubles(names: list[str]) -> None:
    """Refuse data in which a name is not enough to tell a column."""
    folded = Counter(name.lower() for name in names)  # DuckDB does not tell upper from lower case
    twice = [name for name in names if folded[name.lower()] > 1]
    if twice:
        raise SourceError(
            f"The data have more than one column named {plain(twice[0])!r}; upper and lower case are the same.",
            hint="rename one of them in the source",
        )


def arrow_of_pandas(frame: pd.DataFrame) -> tuple[pa.Table, dict[str, str]]:
    """Return a pandas frame as an arrow table; NaN becomes null, as Great Expectations sees it."""
    import pyarrow as pa

    arrays, natives = {}, {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pyarrow asks pandas for zoned times in a way that pandas deprecates
        for name in frame.columns:
            try:
                arrays[str(name)] = pa.array(frame[name], from_pandas=True)
                natives[str(name)] = str(frame[name].dtype)
            except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
                arrays[str(name)] = pa.nulls(len(frame))
                natives[str(name)] = "mixed"
    return pa.table(arrays), natives
