"""What belongs to a table's name rather than to its rows: owner, grants, sequences and the names of indexes."""

from __future__ import annotations

from sqlalchemy import Connection

from airflow_dataops.core.table import TableName, staging_name, version_name
from airflow_dataops.hooks.table import TableDatabase
from airflow_dataops.hooks.table_shape import ask, columns_of, copy_key, index_names

__all__ = ["carry_grants", "carry_index_names", "carry_sequences"]

GRANTS = """
SELECT CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END AS grantee,
       a.privilege_type AS privilege, a.is_grantable AS may_grant, NULL AS attname
FROM pg_class c, aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) a
WHERE c.oid = to_regclass(:name) AND a.grantee <> c.relowner
UNION SELECT CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END,
       a.privilege_type, a.is_grantable, t.attname
FROM pg_class c JOIN pg_attribute t ON t.attrelid = c.oid AND t.attnum > 0 AND NOT t.attisdropped,
       aclexplode(t.attacl) a
WHERE c.oid = to_regclass(:name) AND a.grantee <> c.relowner
"""
OWNER = "SELECT quote_ident(pg_get_userbyid(relowner)) FROM pg_class WHERE oid = to_regclass(:name)"
SEQUENCES = """
SELECT s.oid::regclass::text AS sequence, a.attname FROM pg_depend d
JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'a'
AND d.refobjid = to_regclass(:name)
"""


def carry_grants(database: TableDatabase, connection: Connection, old: TableName, new: TableName) -> None:
    """Give the new table the old one's owner and grants, no more and no fewer."""
    if not database.is_postgres:
        return
    place = database.name(new)
    for grantee in {row.grantee for row in ask(database, connection, GRANTS, new)}:
        database.run(connection, f"REVOKE ALL ON {place} FROM {grantee}")
    there = {column.name for column in columns_of(database, connection, new)}
    for row in ask(database, connection, GRANTS, old):
        if row.attname is not None and row.attname not in there:
            continue
        what = row.privilege if row.attname is None else f"{row.privilege} ({database.quoted(row.attname)})"
        option = " WITH GRANT OPTION" if row.may_grant else ""
        database.run(connection, f"GRANT {what} ON {place} TO {row.grantee}{option}")
    owner = ask(database, connection, OWNER, old)[0][0]
    if owner != ask(database, connection, OWNER, new)[0][0]:
        database.run(connection, f"ALTER TABLE {place} OWNER TO {owner}")


def carry_sequences(database: TableDatabase, connection: Connection, old: TableName, new: TableName) -> None:
    """Let sequences that fill the old table's columns belong to the new one; else they would go with the old."""
    if not database.is_postgres:
        return
    there = {column.name for column in columns_of(database, connection, new)}
    for row in ask(database, connection, SEQUENCES, old):
        if row.attname in there:
            column = f"{database.name(new)}.{database.quoted(row.attname)}"
            database.run(connection, f"ALTER SEQUENCE {row.sequence} OWNED BY {column}")


def carry_index_names(
    database: TableDatabase, connection: Connection, old: TableName, new: TableName, numbers: tuple[int, int | None]
) -> None:
    """Give the new table's indexes the names of the old one's, which are named after its version from then on.

    SQLite cannot rename an index: there copies keep names of their own.

    Args:
        database: Where.
        connection: The transaction.
        old: The table that is current.
        new: The one that is to be.
        numbers: The versions of both; None for one that was just loaded.
    """
    if not database.is_postgres:
        return
    copies = index_names(database, connection, new)
    for name in index_names(database, connection, old):
        rename_index(database, connection, old, name, version_name(name, numbers[0]))
        for copy in copies:
            key = copy_key(copy)
            is_copy = numbers[1] is not None and copy == version_name(name, numbers[1])
            if is_copy or (key and copy == staging_name(name, key)):
                rename_index(database, connection, new, copy, name)


def rename_index(database: TableDatabase, connection: Connection, table: TableName, old: str, new: str) -> None:
    """Give an index another name; the key it stands for follows."""
    found = database.name(table.beside(old))
    database.run(connection, f"ALTER INDEX {found} RENAME TO {database.quoted(new)}")
