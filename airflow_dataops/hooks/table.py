"""Tables of an Airflow connection: how they are reached, written, and how their faults are told."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import sqlalchemy
from sqlalchemy import BigInteger, Connection, Engine, event
from sqlalchemy.exc import DatabaseError, IntegrityError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import NullPool
from sqlalchemy.types import TypeEngine, UserDefinedType

from airflow_dataops.core.table import TableName
from airflow_dataops.exceptions import BrokenCheckError, JudgementError, OutageError, SourceError
from airflow_dataops.hooks.connection import existing_connection

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["TableDatabase", "open_tables"]

DIALECTS = {"postgresql": "postgres", "sqlite": "sqlite"}
LOCKED = {"55P03", "40P01", "40001"}
FULL = {"53100", "53200", "53300"}
NOT_THERE = {"42P01", "3F000"}
DENIED = {"42501", "25006"}


class TableDatabase:
    """The database of one connection, for work on whole tables.

    Args:
        conn_id: The Airflow connection, named in errors.
        engine: Opens its connections.
        lock_seconds: How long a change waits for others who use the table.
    """

    def __init__(self, conn_id: str, engine: Engine, lock_seconds: float = 5.0) -> None:
        self.conn_id, self.engine, self.lock_seconds = conn_id, engine, lock_seconds

    @property
    def is_postgres(self) -> bool:
        """Whether it is PostgreSQL, else it is SQLite."""
        return self.engine.dialect.name == "postgresql"

    @contextmanager
    def change(self, what: str) -> Iterator[Connection]:
        """Give one transaction that changes tables: all of it or nothing.

        Args:
            what: What is being changed, for messages.
        """
        with self.faults(what), self.engine.connect() as connection, connection.begin():
            if self.is_postgres:
                wait = sqlalchemy.text("SELECT set_config('lock_timeout', :wait, true)")
                connection.execute(wait, {"wait": f"{int(self.lock_seconds * 1000)}ms"})
            yield connection

    def name(self, table: TableName) -> str:
        """Return a table's quoted name, whatever characters it has."""
        return (
            self.quoted(table.name)
            if table.schema is None
            else f"{self.quoted(table.schema)}.{self.quoted(table.name)}"
        )

    def quoted(self, name: str) -> str:
        """Return a quoted identifier."""
        from sqlglot import exp

        return str(exp.to_identifier(name, quoted=True).sql(dialect=DIALECTS[self.engine.dialect.name]))

    def run(self, connection: Connection, statement: str) -> Any:
        """Run a statement of quoted names; a per cent sign in one of them is no placeholder."""
        # The option belongs to this statement alone: on the connection it would stay.
        return connection.exec_driver_sql(statement, execution_options={"no_parameters": True})

    def kind(self, connection: Connection, table: TableName) -> str:
        """Return "table", "view", "" where there is nothing, or what else it is."""
        if self.is_postgres:
            query = sqlalchemy.text(
                "SELECT CASE WHEN relispartition THEN 'partition' ELSE relkind::text END "
                "FROM pg_class WHERE oid = to_regclass(:name)"
            )
            found = connection.execute(query, {"name": self.name(table)}).scalar_one_or_none()
            kinds = {
                "r": "table",
                "v": "view",
                "p": "partitioned table",
                "m": "materialized view",
                "f": "foreign table",
            }
            return kinds.get(found or "", found or "")
        query = sqlalchemy.text("SELECT type FROM sqlite_master WHERE name = :name AND type IN ('table', 'view')")
        return str(connection.execute(query, {"name": table.name}).scalar_one_or_none() or "")

    def count(self, connection: Connection, table: TableName) -> int:
        """Return how many rows a table has."""
        return int(self.run(connection, f"SELECT count(*) FROM {self.name(table)}").scalar_one())  # noqa: S608 - quoted

    # -- writing -----------------------------------------------------------------------------------------

    def write(self, batches: pa.RecordBatchReader, staging: TableName, target: TableName) -> int:
        """Write all rows into a fresh staging table, in one transaction; return how many.

        Columns that the target has keep its types; the others get theirs from the data.
        """
        with self.change(f"the table {staging.words}") as connection:
            self.run(connection, f"DROP TABLE IF EXISTS {self.name(staging)}")
            known = self.types(connection, target)
            columns = [sqlalchemy.Column(f.name, known.get(f.name) or self.type_of(f.type)) for f in batches.schema]
            made = sqlalchemy.Table(staging.name, sqlalchemy.MetaData(), *columns, schema=staging.schema)
            connection.execute(sqlalchemy.schema.CreateTable(made))
            for batch in batches:
                self.insert(connection, made, staging, batch)
            return self.count(connection, staging)

    def types(self, connection: Connection, table: TableName) -> dict[str, TypeEngine[Any]]:
        """Return the types of a table's columns as the database spells them; empty where there is no table."""
        if self.is_postgres:
            query = sqlalchemy.text(
                "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
                "WHERE attrelid = to_regclass(:name) AND attnum > 0 AND NOT attisdropped"
            )
            named = {"name": self.name(table)}
        else:
            query, named = sqlalchemy.text("SELECT name, type FROM pragma_table_info(:name)"), {"name": table.name}
        return {name: Native(kind) for name, kind in connection.execute(query, named) if kind}

    def type_of(self, kind: pa.DataType) -> TypeEngine[Any]:
        """Return the type of a column of such values."""
        import pyarrow as pa

        types = pa.types
        for fits, made in (
            (types.is_boolean, sqlalchemy.Boolean()),
            (types.is_uint64, sqlalchemy.Numeric(20)),
            (types.is_integer, BigInteger()),
            (types.is_floating, sqlalchemy.Double()),
            (types.is_date, sqlalchemy.Date()),
            (types.is_time, sqlalchemy.Time()),
            (types.is_binary, sqlalchemy.LargeBinary()),
            (types.is_large_binary, sqlalchemy.LargeBinary()),
        ):
            if fits(kind):
                return made
        if types.is_timestamp(kind):
            return sqlalchemy.DateTime(timezone=kind.tz is not None)
        if types.is_decimal(kind):
            return sqlalchemy.Numeric(kind.precision, kind.scale)
        return sqlalchemy.Text()

    def insert(self, connection: Connection, made: sqlalchemy.Table, staging: TableName, batch: pa.RecordBatch) -> None:
        """Write one batch: COPY where psycopg 3 is the driver, else many rows at once."""
        rows = zip(*(plain_values(column.to_pylist()) for column in batch.columns), strict=True)
        names = [self.quoted(column.name) for column in made.columns]
        listed = ", ".join(names)
        cursor = connection.connection.cursor()
        try:
            if hasattr(cursor, "copy"):
                with (
                    raised_as_sqlalchemy(connection),
                    cursor.copy(f"COPY {self.name(staging)} ({listed}) FROM STDIN") as copy,
                ):
                    for row in rows:
                        copy.write_row(row)
                return
            mark = "%s" if self.is_postgres else "?"
            escaped = f"INSERT INTO {self.name(staging)} ({listed})"
            if self.is_postgres:
                escaped = escaped.replace("%", "%%")
            with raised_as_sqlalchemy(connection):
                cursor.executemany(f"{escaped} VALUES ({', '.join([mark] * len(names))})", list(sqlite_rows(rows)))
        finally:
            cursor.close()

    # -- faults ------------------------------------------------------------------------------------------

    @contextmanager
    def faults(self, what: str) -> Iterator[None]:
        """Tell what the database's client says as one of our errors; values of rows are not repeated.

        Raises:
            OutageError: It does not answer, is full, or somebody holds the table. A retry helps.
            BrokenCheckError: A grant or a table is missing, or rows do not fit. A retry does not help.
            JudgementError: Rows violate a constraint of the target. A retry does not help.
        """
        try:
            yield
        except IntegrityError as error:
            raise JudgementError(
                f"The rows of {what} violate a constraint of the table they are to replace: {said(error)}",
                hint="let a gate split such rows off, or change the constraint",
            ) from None
        except DatabaseError as error:
            raise self.told(error, what) from None
        except SQLAlchemyError as error:
            raise OutageError("The database", self.address, self.conn_id, type(error).__name__) from error

    @property
    def address(self) -> str:
        """Where the database is, without the password."""
        return self.engine.url.set(query={}).render_as_string(hide_password=True)

    def told(self, error: DatabaseError, what: str) -> Exception:
        """Return the error that a message of the driver means."""
        state, text = str(getattr(error.orig, "sqlstate", None) or getattr(error.orig, "pgcode", "") or ""), said(error)
        if state in LOCKED or "locked" in text:
            reason = f"others hold {what} for longer than {self.lock_seconds:g} seconds; nothing was changed ({text})"
            return OutageError("The database", self.address, self.conn_id, reason)
        if state in DENIED or "readonly database" in text:
            return BrokenCheckError(
                f"The user of connection {self.conn_id!r} may not change {what}: {text}", hint=self.grant(text)
            )
        if state in NOT_THERE or "no such table" in text:
            return BrokenCheckError(
                f"A table or schema vanished or never was while {what} was changed: {text}",
                hint="create the schema; if a staging table was dropped, clear the task that loads it",
            )
        outage = isinstance(error, OperationalError) and (self.is_postgres or "no such" not in text)
        if state in FULL or outage or state.startswith(("08", "57")):
            return OutageError("The database", self.address, self.conn_id, text)
        return SourceError(
            f"{what[:1].upper()}{what[1:]} cannot be changed as asked: {text}",
            hint="compare the columns and types of the data with those of the table",
        )

    def grant(self, text: str) -> str:
        """Return which grant helps."""
        user = self.quoted(self.engine.url.username or "the user")
        if "readonly" in text:
            return "make the database's file and folder writable for the worker"
        if "schema" in text:
            return f"GRANT USAGE, CREATE ON SCHEMA … TO {user} (the schema named above)"
        if "owner" in text:
            return f"GRANT the table's owner TO {user} (or ALTER TABLE … OWNER TO {user}): only owners may rename it"
        return f"GRANT SELECT, INSERT, UPDATE, DELETE ON the table named above TO {user}"


class Native(UserDefinedType[Any]):
    """A type as the database itself spells it."""

    cache_ok = True

    def __init__(self, spelled: str) -> None:
        self.spelled = spelled

    def get_col_spec(self, **_options: Any) -> str:
        """Return the type's spelling."""
        return self.spelled


@contextmanager
def open_tables(conn_id: str, lock_seconds: float = 5.0) -> Iterator[TableDatabase]:
    """Give the database of an Airflow connection.

    Raises:
        BrokenCheckError: There is no such connection, or it leads elsewhere. A retry does not help.
    """
    found = existing_connection(conn_id, "create it, or name another one as sql_conn_id")
    url = found.get_hook().get_sqlalchemy_engine().url
    if url.get_backend_name() not in DIALECTS:
        raise BrokenCheckError(
            f"The connection {conn_id!r} leads to {url.get_backend_name()}; PostgreSQL and SQLite are allowed."
        )
    engine = sqlalchemy.create_engine(url, poolclass=NullPool, connect_args=connect_arguments(url, lock_seconds))
    if url.get_backend_name() == "sqlite":
        event.listen(engine, "connect", prepare_sqlite)
        event.listen(engine, "begin", begin_sqlite)
    try:
        yield TableDatabase(conn_id, engine, lock_seconds)
    finally:
        engine.dispose()


def connect_arguments(url: sqlalchemy.URL, lock_seconds: float) -> dict[str, Any]:
    """Return how long the driver waits."""
    return {"timeout": lock_seconds} if url.get_backend_name() == "sqlite" else {"connect_timeout": 10}


def prepare_sqlite(connection: Any, _record: Any) -> None:
    """Take transactions out of the driver's hands; renaming a table leaves views, which go by name, alone."""
    connection.isolation_level = None
    connection.execute("PRAGMA legacy_alter_table=ON")
    connection.execute("PRAGMA foreign_keys=OFF")


def begin_sqlite(connection: Connection) -> None:
    """Lock at once: all our transactions write."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")


@contextmanager
def raised_as_sqlalchemy(connection: Connection) -> Iterator[None]:
    """Wrap what a raw cursor raises, as SQLAlchemy does for its own."""
    driver = connection.dialect.loaded_dbapi
    try:
        yield
    except driver.IntegrityError as error:
        raise IntegrityError(None, None, error) from error
    except driver.OperationalError as error:
        raise OperationalError(None, None, error) from error
    except driver.Error as error:
        raise DatabaseError(None, None, error) from error


def said(error: DatabaseError) -> str:
    """Return the driver's main message in one line; its details would show values."""
    main = getattr(getattr(error.orig, "diag", None), "message_primary", None)
    text = str(main or error.orig).strip().splitlines()
    line = text[0] if text else "no reason given"
    # What stands after the colon of these is the value itself.
    return line.split(": ", 1)[0] if line.startswith("invalid input syntax") else line


def plain_values(values: list[Any]) -> list[Any]:
    """Return values that every driver takes: lists and records as JSON text."""
    return [json.dumps(value, default=str) if isinstance(value, list | dict) else value for value in values]


def sqlite_rows(rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    """Yield rows with times, dates and decimals as text, which SQLite keeps them as."""
    for row in rows:
        yield tuple(v if v is None or isinstance(v, int | float | str | bytes) else str(v) for v in row)
