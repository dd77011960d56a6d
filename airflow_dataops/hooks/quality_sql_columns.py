"""What the tables of a database hold: kinds of columns, keys that the database keeps, and what tells rows apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import sqlalchemy
from sqlalchemy import types
from sqlalchemy.dialects import postgresql

from airflow_dataops.core.table import TableName

if TYPE_CHECKING:
    from airflow_dataops.core.quality_sql.table import Column

__all__ = ["Described", "describe"]

PANDAS_NAMES = {
    "BOOLEAN": "bool", "INTEGER": "int64", "FLOAT": "float64", "DECIMAL": "float64", "TEXT": "str", "DATE": "object",
    "TIMESTAMP": "datetime64[us]", "ZONED": "datetime64[us, UTC]", "TIME": "object", "BINARY": "object",
}  # fmt: skip
"""What pandas calls a column of this kind when it reads one from a database."""
KINDS: tuple[tuple[type[Any], str], ...] = (
    (types.Boolean, "BOOLEAN"),
    (types.Integer, "INTEGER"),
    (types.Float, "FLOAT"),
    (types.Numeric, "DECIMAL"),
    (types.String, "TEXT"),
    (types.Uuid, "TEXT"),
    (postgresql.CITEXT, "TEXT"),
    (types.Date, "DATE"),
    (types.DateTime, "TIMESTAMP"),
    (types.Time, "TIME"),
    (types.LargeBinary, "BINARY"),
)
COMPARED_ELSEWISE = (types.Uuid, types.Enum, types.CHAR, postgresql.CITEXT)
"""Types whose values are texts but are compared in a way of their own: they are cast."""
TIMES = ("DATE", "TIMESTAMP", "TIME")


@dataclass(frozen=True, slots=True)
class Described:
    """What a table looks like.

    Args:
        columns: By name, in order.
        as_text: Columns to be cast to text.
        complete: Columns of which no value is missing, because the database does not let one be.
        unique: Columns that the database keeps unique together.
        row: What tells its rows apart where they lie, such as ``ctid``; empty where nothing does.
    """

    columns: Mapping[str, Column]
    as_text: frozenset[str]
    complete: frozenset[str]
    unique: frozenset[frozenset[str]]
    row: str


def describe(connection: sqlalchemy.Connection, table: TableName) -> Described | None:
    """Return what a table or view looks like; None where there is none."""
    inspector = sqlalchemy.inspect(connection)
    try:
        reflected = inspector.get_columns(table.name, schema=table.schema)
        key = inspector.get_pk_constraint(table.name, schema=table.schema)["constrained_columns"]
        unique = [one["column_names"] for one in inspector.get_unique_constraints(table.name, schema=table.schema)]
    except sqlalchemy.exc.NoSuchTableError:
        return None
    except NotImplementedError:  # a database that does not tell of its keys
        key, unique = [], []
    told = {str(one["name"]): base_type(one["type"]) for one in reflected}
    columns = {name: column_of(name, kind, connection.dialect) for name, kind in told.items()}
    if connection.dialect.name == "sqlite":
        columns = {name: as_stored(connection, table, column) for name, column in columns.items()}
    keys = {frozenset(map(str, names)) for names in (key, *unique) if names and is_told_truly(connection, table)}
    complete = {str(one["name"]) for one in reflected if not one["nullable"]}
    return Described(
        columns,
        frozenset(name for name, kind in told.items() if isinstance(kind, COMPARED_ELSEWISE)),
        frozenset(name for name in complete if columns[name].kind.name not in {"FLOAT", "DECIMAL", "OTHER"}),
        frozenset(keys),
        row_of(connection, table, columns),
    )


def base_type(kind: types.TypeEngine[object]) -> types.TypeEngine[object]:
    """Return the type below a domain of PostgreSQL."""
    return base_type(kind.data_type) if isinstance(kind, postgresql.DOMAIN) else kind


def column_of(name: str, kind: types.TypeEngine[object], dialect: sqlalchemy.Dialect) -> Column:
    """Return a column by its declared type."""
    from airflow_dataops.core.quality_sql.table import Column, Kind

    held = next((held for known, held in KINDS if isinstance(kind, known)), "OTHER")
    if held == "TIMESTAMP" and getattr(kind, "timezone", False):
        held = "ZONED"
    if isinstance(kind, postgresql.INTERVAL | postgresql.ARRAY | postgresql.JSON):
        held = "OTHER"
    widens = held in {"INTEGER", "BOOLEAN"}
    stored = spelled(kind, dialect)
    aliases = frozenset({stored, stored.partition("(")[0].strip(), type(kind).__name__.lower()})
    return Column(name, Kind[held], PANDAS_NAMES.get(held, "object"), widens, aliases, stored)


def spelled(kind: types.TypeEngine[object], dialect: sqlalchemy.Dialect) -> str:
    """Return the type as the database writes it, in lower case."""
    try:
        return kind.compile(dialect).lower()
    except sqlalchemy.exc.CompileError:
        return type(kind).__name__.lower()


def as_stored(connection: sqlalchemy.Connection, table: TableName, column: Column) -> Column:
    """Return a column of SQLite by what it really holds: a declared type there is no more than a wish."""
    from airflow_dataops.core.quality_sql.table import Kind

    quote = connection.dialect.identifier_preparer
    name = quote.quote_identifier(column.name)
    held = f"SELECT DISTINCT typeof({name}) FROM {quote.quote_identifier(table.name)}"  # noqa: S608 - quoted
    stored = {row[0] for row in connection.exec_driver_sql(held)} - {"null"}
    if column.kind.name in {*TIMES, "ZONED"}:
        return replace(column, kind=Kind.OTHER, native="object")  # times are texts or numbers there
    if not stored or (column.kind is Kind.BOOLEAN and stored == {"integer"}):
        return column
    kinds = {
        frozenset({"integer"}): "INTEGER",
        frozenset({"real"}): "FLOAT",
        frozenset({"integer", "real"}): "FLOAT",
        frozenset({"text"}): "TEXT",
        frozenset({"blob"}): "BINARY",
    }
    kind = kinds.get(frozenset(stored), "OTHER")
    native = PANDAS_NAMES.get(kind, "object")
    return replace(column, kind=Kind[kind], native=native, widens=kind == "INTEGER")


def is_told_truly(connection: sqlalchemy.Connection, table: TableName) -> bool:
    """Whether constraints hold of all rows: in PostgreSQL those of an inherited table do not bind its children."""
    if connection.dialect.name != "postgresql":
        return True
    query = sqlalchemy.text(
        "SELECT c.relkind = 'r' AND NOT c.relhassubclass OR c.relkind = 'p' FROM pg_class c "
        "JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE c.relname = :name AND n.nspname = coalesce(:schema, current_schema())"
    )
    return bool(connection.execute(query, {"name": table.name, "schema": table.schema}).scalar())


def row_of(connection: sqlalchemy.Connection, table: TableName, columns: Mapping[str, Column]) -> str:
    """Return the name of what tells rows apart where they lie."""
    if connection.dialect.name == "postgresql":
        query = sqlalchemy.text(
            "SELECT c.relkind = 'r' AND NOT c.relhassubclass FROM pg_class c "
            "JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE c.relname = :name AND n.nspname = coalesce(:schema, current_schema())"
        )
        plain = connection.execute(query, {"name": table.name, "schema": table.schema}).scalar()
        return "ctid" if plain else ""
    if connection.dialect.name != "sqlite":
        return ""
    taken = {name.lower() for name in columns}
    free = [name for name in ("rowid", "oid", "_rowid_") if name not in taken]
    query = sqlalchemy.text("SELECT wr FROM pragma_table_list(:name) WHERE type = 'table'")
    without = connection.execute(query, {"name": table.name}).scalar()
    return free[0] if free and without == 0 else ""
