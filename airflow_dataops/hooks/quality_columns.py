"""What a column of an engine holds, told from the name of its type."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_dataops.core.quality_sql.table import Column

__all__ = ["duckdb_column"]

PANDAS_NAMES = {
    "BOOLEAN": "bool", "TINYINT": "int8", "SMALLINT": "int16", "INTEGER": "int32", "BIGINT": "int64",
    "UTINYINT": "uint8", "USMALLINT": "uint16", "UINTEGER": "uint32", "UBIGINT": "uint64", "FLOAT": "float32",
    "DOUBLE": "float64", "VARCHAR": "str", "DATE": "object", "TIMESTAMP": "datetime64[us]",
    "TIMESTAMP_NS": "datetime64[ns]", "TIMESTAMP_MS": "datetime64[ms]", "TIMESTAMP_S": "datetime64[s]",
    "TIMESTAMP WITH TIME ZONE": "datetime64[us, UTC]", "TIME": "object", "BLOB": "object",
}  # fmt: skip
"""What pandas calls a column of this type when it reads one from parquet."""


def duckdb_column(name: str, kind: str, native: str | None = None) -> Column:
    """Return a column of DuckDB.

    Args:
        name: Its name.
        kind: DuckDB's name of its type.
        native: Its dtype in pandas, where the data are a frame.
    """
    from airflow_dataops.core.quality_sql.table import Column, Kind

    kinds = {
        r"BOOLEAN": Kind.BOOLEAN,
        r"U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)": Kind.INTEGER,
        r"FLOAT|DOUBLE": Kind.FLOAT,
        r"DECIMAL\(.*\)": Kind.DECIMAL,
        r"VARCHAR": Kind.TEXT,
        r"DATE": Kind.DATE,
        r"TIMESTAMP(_S|_MS|_NS)?": Kind.TIMESTAMP,
        r"TIMESTAMP WITH TIME ZONE": Kind.ZONED,
        r"TIME": Kind.TIME,
        r"BLOB": Kind.BINARY,
    }
    held = next((held for pattern, held in kinds.items() if re.fullmatch(pattern, kind)), Kind.OTHER)
    if native == "mixed":
        held = Kind.OTHER
    widens = native is None and held in {Kind.INTEGER, Kind.BOOLEAN}
    return Column(name, held, native or PANDAS_NAMES.get(kind, "object"), widens=widens)
