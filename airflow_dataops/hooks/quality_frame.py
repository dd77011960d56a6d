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

MASKED = {f"{name}Dtype" for name in ("Boolean", "Float32", "Float64")} | {
    f"{sign}Int{bits}Dtype" for sign in ("", "U") for bits in (8, 16, 32, 64)
}
"""Pandas' types that hold missing values beside numbers and truth values."""


def as_arrow(data: Any) -> tuple[pa.Table, dict[str, str]]:
    """Return a frame as an arrow table, and pandas' name of each column's type ("mixed" where SQL cannot hold it).

    Args:
        data: A pandas or polars frame, or an arrow table.

    Raises:
        SourceError: The data are something else, or two columns have one name. A retry does not help.
    """
    import pyarrow as pa

    if isinstance(data, pa.Table):
        refuse_unnamed(data.column_names)
        return widened(data), {}
    if type(data).__module__.partition(".")[0] == "polars":
        refuse_unnamed(data.columns)
        return widened(data.to_arrow()), {}
    if hasattr(data, "dtypes") and hasattr(data, "columns"):
        refuse_unnamed([str(name) for name in data.columns])
        table, natives = arrow_of_pandas(data)
        return widened(table), natives
    raise SourceError(
        f"Got {type(data).__name__}; allowed are a pandas or polars DataFrame, an arrow Table, and the path of a file.",
        hint="convert it to one of these",
    )


def refuse_unnamed(names: list[str]) -> None:
    """Refuse data without a column, and those of which a name is not enough to tell one."""
    if not names:
        raise SourceError("The data have no column.", hint="was the right file or frame given?")
    refuse_doubles(names)


def widened(table: pa.Table) -> pa.Table:
    """Return numbers of 16 bits, which DuckDB does not know, as those of 32."""
    import pyarrow as pa

    for place, field in enumerate(table.schema):
        if pa.types.is_float16(field.type):
            table = table.set_column(place, field.name, table.column(place).cast(pa.float32()))
    return table


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
                held = pa.array(frame[name], from_pandas=True)
                plain_type = not isinstance(held.type, pa.BaseExtensionType)  # periods would become whole numbers
                arrays[str(name)] = held if plain_type else pa.nulls(len(frame))
                natives[str(name)] = native_of(frame[name].dtype) if plain_type else "mixed"
            except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
                arrays[str(name)] = pa.nulls(len(frame))
                natives[str(name)] = "mixed"
            except UnicodeError:
                raise SourceError(
                    f"The column {plain(str(name))!r} holds text that is no Unicode: half a pair of surrogates.",
                    hint="read the source in its right encoding",
                ) from None
    return pa.table(arrays), natives


def native_of(kind: Any) -> str:
    """Return what Great Expectations calls a type of pandas; of one that holds missing values, that of its values."""
    import pandas as pd

    holds_missing = isinstance(kind, pd.StringDtype | pd.ArrowDtype) or type(kind).__name__ in MASKED
    return str(kind.type.__name__) if holds_missing else str(kind)
