"""What a table has besides its rows: columns, indexes, constraints, grants, and what depends on it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, Row

from airflow_dataops.core.table import TableName, staging_name
from airflow_dataops.hooks.table import TableDatabase

__all__ = [
    "Column",
    "ask",
    "columns_of",
    "copy_key",
    "create_like",
    "finish_like",
    "hindrances",
    "identity",
    "index_names",
    "literal",
]

SQLITE_NAME = re.compile(r"""\s*("(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|'(?:[^']|'')*'|[^\s(]+)""")
COPIED = re.compile(r"__dataops_([0-9a-f]{12})$")


@dataclass(frozen=True, slots=True)
class Column:
    """A column as the database describes it.

    Args:
        name: Its name.
        kind: Its type as the database spells it; empty where SQLite knows none.
        default: Its default as an expression, if it has one.
    """

    name: str
    kind: str
    default: str | None = None


COLUMNS = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod), pg_get_expr(d.adbin, d.adrelid), a.attnotnull
FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = to_regclass(:name) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
INDEXES = """
SELECT c.relname AS name, i.indisunique AS is_unique, pg_get_constraintdef(o.oid) AS rule,
       pg_get_indexdef(i.indexrelid) AS definition,
       format('%I ON %I.%I ', c.relname, n.nspname, t.relname) AS beginning
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
JOIN pg_namespace n ON n.oid = t.relnamespace
LEFT JOIN pg_constraint o ON o.conindid = i.indexrelid AND o.conrelid = i.indrelid AND o.contype IN ('p', 'u', 'x')
WHERE i.indrelid = to_regclass(:name) AND i.indisvalid ORDER BY c.relname
"""
CONSTRAINTS = """
SELECT contype::text AS kind, conname AS name, pg_get_constraintdef(oid) AS rule FROM pg_constraint
WHERE conrelid = to_regclass(:name) AND contype IN ('c', 'f') ORDER BY contype, conname
"""
HINDRANCES = """
SELECT 'the view ' || r.ev_class::regclass FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid
WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass
AND d.refobjid = to_regclass(:name) AND r.ev_class <> d.refobjid
UNION SELECT 'the foreign key of ' || conrelid::regclass FROM pg_constraint
WHERE contype = 'f' AND confrelid = to_regclass(:name)
UNION SELECT 'the function ' || d.objid::regprocedure FROM pg_depend d JOIN pg_class c ON c.oid = to_regclass(:name)
WHERE d.classid = 'pg_proc'::regclass AND d.refobjid IN (c.oid, c.reltype)
UNION SELECT 'the trigger ' || tgname FROM pg_trigger WHERE tgrelid = to_regclass(:name) AND NOT tgisinternal
UNION SELECT 'the rule ' || rulename FROM pg_rewrite WHERE ev_class = to_regclass(:name) AND rulename <> '_RETURN'
UNION SELECT 'the policy ' || polname FROM pg_policy WHERE polrelid = to_regclass(:name)
UNION SELECT 'its row security' FROM pg_class WHERE oid = to_regclass(:name) AND relrowsecurity
UNION SELECT 'the table ' || inhrelid::regclass || ', which inherits from it' FROM pg_inherits
WHERE inhparent = to_regclass(:name)
UNION SELECT 'the table ' || inhparent::regclass || ', from which it inherits' FROM pg_inherits
WHERE inhrelid = to_regclass(:name)
UNION SELECT 'the generated column ' || attname FROM pg_attribute
WHERE attrelid = to_regclass(:name) AND (attidentity <> '' OR attgenerated <> '') AND NOT attisdropped
UNION SELECT 'the replication of ' || p.pubname FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid
WHERE r.prrelid = to_regclass(:name)
ORDER BY 1
"""
IDENTITY = """
SELECT c.oid::text, c.relkind::text, CASE WHEN c.relkind = 'v' THEN pg_get_viewdef(c.oid) END
FROM pg_class c WHERE c.oid = to_regclass(:name)
"""


def ask(database: TableDatabase, connection: Connection, query: str, table: TableName) -> list[Row[Any]]:
    """Return what the catalogue says of a table."""
    return list(connection.execute(sqlalchemy.text(query), {"name": database.name(table)}).all())


def sqlite_master(connection: Connection, table: TableName) -> list[Row[Any]]:
    """Return what SQLite remembers of a table, its indexes and its triggers."""
    query = "SELECT type, name, rootpage, sql FROM sqlite_master WHERE tbl_name = :name ORDER BY type, name"
    return list(connection.execute(sqlalchemy.text(query), {"name": table.name}).all())


def columns_of(database: TableDatabase, connection: Connection, table: TableName) -> list[Column]:
    """Return a table's columns in order; none where there is no table."""
    found: Sequence[Sequence[Any]]
    if database.is_postgres:
        found = ask(database, connection, COLUMNS, table)
    else:
        query = sqlalchemy.text("SELECT name, type, dflt_value FROM pragma_table_info(:name) ORDER BY cid")
        found = connection.execute(query, {"name": table.name}).all()
    return [Column(name, kind, default) for name, kind, default, *_ in map(tuple, found)]


def identity(database: TableDatabase, connection: Connection, table: TableName) -> str:
    """Return a digest that changes when somebody replaces or alters a table; empty where there is none."""
    if database.is_postgres:
        queries = (IDENTITY, COLUMNS, INDEXES, CONSTRAINTS)
        found = [tuple(row) for query in queries for row in ask(database, connection, query, table)]
    else:
        found = [tuple(row) for row in sqlite_master(connection, table)]
    return hashlib.sha256(repr(found).encode("utf-8", "surrogatepass")).hexdigest()[:16] if found else ""


def hindrances(database: TableDatabase, connection: Connection, table: TableName) -> list[str]:
    """Return what would stay with the old table if it were renamed, in words; empty when nothing would."""
    if database.is_postgres:
        return [str(row[0]) for row in ask(database, connection, HINDRANCES, table)]
    return [f"the trigger {row.name}" for row in sqlite_master(connection, table) if row.type == "trigger"]


def create_like(database: TableDatabase, connection: Connection, staging: TableName, model: TableName) -> None:
    """Create an empty table with the model's columns, defaults and checks; in SQLite also its keys."""
    if database.is_postgres:
        kept = ("DEFAULTS", "CONSTRAINTS", "COMMENTS", "STORAGE", "COMPRESSION", "STATISTICS")
        including = " ".join(f"INCLUDING {what}" for what in kept)
        database.run(connection, f"CREATE TABLE {database.name(staging)} (LIKE {database.name(model)} {including})")
        return
    table = next(row for row in sqlite_master(connection, model) if row.type == "table")
    database.run(
        connection, f"CREATE TABLE {database.name(staging)} {after_name(str(table.sql)[len('CREATE TABLE ') :])}"
    )


def finish_like(
    database: TableDatabase, connection: Connection, staging: TableName, model: TableName, key: str
) -> None:
    """Give a filled table the model's indexes, keys and comment, each index under a name of its own."""
    if not database.is_postgres:
        for row in sqlite_master(connection, model):
            if row.type == "index" and row.sql:
                database.run(connection, sqlite_index(database, row, staging, key))
        return
    for row in ask(database, connection, INDEXES, model):
        database.run(connection, postgres_index(database, row, staging, key))
    for row in ask(database, connection, CONSTRAINTS, model):
        if row.kind == "f":
            change = f"ADD CONSTRAINT {database.quoted(row.name)} {row.rule}"
            database.run(connection, f"ALTER TABLE {database.name(staging)} {change}")
    text = ask(database, connection, "SELECT obj_description(to_regclass(:name), 'pg_class')", model)[0][0]
    if text:
        database.run(connection, f"COMMENT ON TABLE {database.name(staging)} IS {literal(text)}")


def postgres_index(database: TableDatabase, row: Row[Any], staging: TableName, key: str) -> str:
    """Return the statement that copies an index, or the key it stands for."""
    name, place = database.quoted(copy_name(row.name, key)), database.name(staging)
    if row.rule:
        return f"ALTER TABLE {place} ADD CONSTRAINT {name} {row.rule}"
    head = f"CREATE {'UNIQUE ' if row.is_unique else ''}INDEX "
    return f"{head}{name} ON {place} {str(row.definition)[len(head) + len(row.beginning) :]}"


def sqlite_index(database: TableDatabase, row: Row[Any], staging: TableName, key: str) -> str:
    """Return the statement that copies an index."""
    unique = str(row.sql).startswith("CREATE UNIQUE")
    head = f"CREATE {'UNIQUE ' if unique else ''}INDEX "
    rest = after_name(after_name(str(row.sql)[len(head) :]).lstrip()[len("ON") :])
    name = database.quoted(copy_name(row.name, key))
    return f"{head}{name} ON {database.quoted(staging.name)} {rest}"


def after_name(text: str) -> str:
    """Return what follows the name at the beginning of a text, however it is quoted."""
    name = SQLITE_NAME.match(text)
    return text[name.end() :] if name else text


def copy_name(index: str, key: str) -> str:
    """Return what the copy of an index is called until it takes over the name."""
    return staging_name(COPIED.sub("", index), key)


def copy_key(index: str) -> str:
    """Return the key in the name of a copied index; empty in other names."""
    found = COPIED.search(index)
    return found.group(1) if found else ""


def index_names(database: TableDatabase, connection: Connection, table: TableName) -> list[str]:
    """Return the names of PostgreSQL's indexes of a table."""
    return [str(row.name) for row in ask(database, connection, INDEXES, table)]


def literal(text: str) -> str:
    """Return a text as a literal of PostgreSQL and SQLite."""
    from sqlglot import exp

    return str(exp.Literal.string(text).sql(dialect="postgres"))
