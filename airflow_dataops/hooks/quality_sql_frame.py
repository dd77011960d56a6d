"""Rows of a database as pandas would read them from parquet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from airflow_dataops.core.quality_sql.table import Column

__all__ = ["as_frame"]


def as_frame(columns: Sequence[Column], rows: Sequence[Sequence[Any]]) -> pd.DataFrame:
    """Return rows as a frame, each column with the type that its kind has in pandas."""
    import pandas as pd

    values = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
    found = {column.name: series_of(column, entries) for column, entries in zip(columns, values, strict=True)}
    return pd.DataFrame(found, columns=[column.name for column in columns])


def series_of(column: Column, values: Sequence[Any]) -> pd.Series[Any]:
    """Return one column."""
    import pandas as pd
    import pyarrow as pa

    types = {
        "BOOLEAN": pa.bool_(), "INTEGER": pa.int64(), "FLOAT": pa.float64(), "DECIMAL": pa.float64(),
        "TEXT": pa.string(), "DATE": pa.date32(), "TIMESTAMP": pa.timestamp("us"),
        "ZONED": pa.timestamp("us", "UTC"), "TIME": pa.time64("us"), "BINARY": pa.binary(),
    }  # fmt: skip
    if column.kind.name in types:
        plain = [float(v) if v is not None and "float" in column.native else v for v in values]
        plain = [bool(v) if v is not None else None for v in plain] if column.kind.name == "BOOLEAN" else plain
        return pa.array(plain, types[column.kind.name], from_pandas=True).to_pandas()  # type: ignore[no-any-return]
    series = pd.Series(list(values), dtype="object")
    if not column.aliases.isdisjoint({"date", "datetime", "timestamp"}):
        try:
            return pd.to_datetime(series, format="ISO8601").dt.as_unit("us")
        except (ValueError, TypeError):
            return series
    return series
