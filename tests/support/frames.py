"""Frames as tables of real databases."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pandas as pd
import sqlalchemy
from sqlalchemy import types

from airflow_dataops.testing import SqlTable

TYPES = {
    "int64": types.BigInteger(),
    "float64": types.Double(),
    "str": types.Text(),
    "bool": types.Boolean(),
    "datetime64[us]": types.DateTime(),
}


@contextmanager
def table_of(url: str, frame: pd.DataFrame, *, unique: str | None = None, name: str = "") -> Iterator[SqlTable]:
    """Write a frame into a table of its own; drop it at the end."""
    name = name or f"rows_{secrets.token_hex(6)}"
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    columns = [
        sqlalchemy.Column(column, TYPES[str(kind)], nullable=bool(frame[column].isna().any()))
        for column, kind in frame.dtypes.items()
    ]
    keys = [sqlalchemy.UniqueConstraint(unique)] if unique else []
    made = sqlalchemy.Table(name, sqlalchemy.MetaData(), *columns, *keys)
    made.create(engine)
    rows = [{name: plain(value) for name, value in row.items()} for row in frame.to_dict("records")]
    if rows:
        with engine.begin() as connection:
            connection.execute(made.insert(), rows)
    try:
        yield SqlTable(url, name)
    finally:
        made.drop(engine)


def plain(value: Any) -> Any:
    """Return a value as drivers take it."""
    if pd.isna(value):
        return None
    return value.to_pydatetime() if isinstance(value, pd.Timestamp) else value
