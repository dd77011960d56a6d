"""Tables of an Airflow connection: how they are reached, written, and how their faults are told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DatabaseError, IntegrityError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from airflow_dataops.core.table import TableName
from airflow_dataops.exceptions import BrokenCheckError, JudgementError, OutageError, SourceError
from airflow_dataops.hooks.connection import existing_connection

__all__ = ["TableDatabase", "database_engine", "open_tables", "raised_as_sqlalchemy"]

DIALECTS = {"postgresql": "postgres", "sqlite": "sqlite"}
LOCKED = {"55P03", "40P01", "40001"}
FULL = {"53100", "53200", "53300"}
NOT_THERE = {"42P01", "3F000"}
BROKEN_DISK = ("unable to open", "disk", "full")
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
            self.wait_at_most(connection)
            yield connection

    @contextmanager
    def look(self, what: str) -> Iterator[Connection]:
        """Give one transaction that only reads, and holds up no writer of other tables."""
        with self.faults(what), self.reading() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give the same, with errors as the client says them: for queries that are not ours."""
        with self.engine.connect().execution_options(dataops_read=True) as connection, connection.begin():
            self.wait_at_most(connection)
            yield connection

    def wait_at_most(self, connection: Connection) -> None:
        """Let a transaction wait for locks only so long; SQLite was told when it was opened."""
        if self.is_postgres:
            wait = sqlalchemy.text("SELECT set_config('lock_timeout', :wait, true)")
            connection.execute(wait, {"wait": f"{int(self.lock_seconds * 1000)}ms"})

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
        outage = isinstance(error, OperationalError) and (self.is_postgres or any(word in text for word in BROKEN_DISK))
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


@contextmanager
def open_tables(conn_id: str, lock_seconds: float = 5.0) -> Iterator[TableDatabase]:
    """Give the database of an Airflow connection.

    Raises:
        BrokenCheckError: There is no such connection, or it leads elsewhere. A retry does not help.
    """
    engine = database_engine(conn_id, lock_seconds)
    if engine.dialect.name not in DIALECTS:
        raise BrokenCheckError(
            f"The connection {conn_id!r} leads to {engine.dialect.name}; PostgreSQL and SQLite are allowed."
        )
    try:
        yield TableDatabase(conn_id, engine, lock_seconds)
    finally:
        engine.dispose()


def database_engine(conn_id: str, lock_seconds: float = 5.0) -> Engine:
    """Return the database of an Airflow connection, whatever it is; nothing is connected yet.

    Raises:
        BrokenCheckError: There is no such connection. A retry does not help.
    """
    found = existing_connection(conn_id, "create it, or name another one as sql_conn_id")
    engine: Engine = found.get_hook().get_sqlalchemy_engine()
    if engine.dialect.name not in DIALECTS:
        return engine
    url = engine.url
    engine = sqlalchemy.create_engine(url, poolclass=NullPool, connect_args=connect_arguments(url, lock_seconds))
    if url.get_backend_name() == "sqlite":
        event.listen(engine, "connect", prepare_sqlite)
        event.listen(engine, "begin", begin_sqlite)
    return engine


def connect_arguments(url: sqlalchemy.URL, lock_seconds: float) -> dict[str, Any]:
    """Return how long the driver waits."""
    return {"timeout": lock_seconds} if url.get_backend_name() == "sqlite" else {"connect_timeout": 10}


def prepare_sqlite(connection: Any, _record: Any) -> None:
    """Take transactions out of the driver's hands; renaming a table leaves views, which go by name, alone."""
    connection.isolation_level = None
    connection.execute("PRAGMA legacy_alter_table=ON")
    connection.execute("PRAGMA foreign_keys=OFF")


def begin_sqlite(connection: Connection) -> None:
    """Lock at once, unless the transaction only reads: a lock that is taken later may be refused at once."""
    reads = connection.get_execution_options().get("dataops_read", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


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
