"""Tables published as a view over their versions."""

from __future__ import annotations

from sqlalchemy import Connection

from airflow_dataops.core.table import TableName
from airflow_dataops.hooks.table import TableDatabase
from airflow_dataops.hooks.table_shape import columns_of

__all__ = ["show"]


def show(database: TableDatabase, connection: Connection, view: TableName, table: TableName) -> None:
    """Let a view show a table; grants on the view, and other views over it, stay.

    The view keeps its columns in their order; one that the table does not have is null, one that is new comes last.
    """
    there = [column.name for column in columns_of(database, connection, table)]
    before = columns_of(database, connection, view)
    known = {column.name for column in before}
    wanted = [
        database.quoted(column.name)
        if column.name in there
        else f"CAST(NULL AS {column.kind or 'TEXT'}) AS {database.quoted(column.name)}"
        for column in before
    ]
    wanted += [database.quoted(name) for name in there if name not in known]
    query = f"SELECT {', '.join(wanted)} FROM {database.name(table)}"  # noqa: S608 - quoted
    if database.is_postgres:
        database.run(connection, f"CREATE OR REPLACE VIEW {database.name(view)} AS {query}")
        return
    database.run(connection, f"DROP VIEW IF EXISTS {database.name(view)}")
    database.run(connection, f"CREATE VIEW {database.name(view)} AS {query}")
