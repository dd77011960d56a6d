"""How the ledger's database is opened, and how its schema is brought up to date."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, column, create_engine, event, inspect, select, table
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, DataError, OperationalError
from sqlalchemy.pool import NullPool, StaticPool

from airflow_dataops.exceptions import BrokenCheckError, OutageError
from airflow_dataops.hooks import ledger_tables as tables

__all__ = [
    "HEAD_REVISION",
    "create_ledger_engine",
    "current_revision",
    "is_sqlite",
    "ledger_faults",
    "ledger_url",
    "shown_url",
    "upgrade",
    "upgrade_if_embedded",
]

HEAD_REVISION = "0001"
"""The newest migration; a test compares it with the migration scripts."""

URL_HINT = "use postgresql://… (pip install 'airflow-dataops[postgres]') or sqlite:///…"
AT_HINT = "write special characters of the password percent-encoded: '@' as %40, '/' as %2F, '%' as %25"
MIGRATIONS = Path(__file__).parent / "ledger_migrations"
SQLITE_WAIT_SECONDS = 30
CONNECT_TIMEOUT_SECONDS = 10


def create_ledger_engine(url: str) -> Engine:
    """Return an engine without a pool: tasks are short and processes are many.

    Raises:
        BrokenCheckError: The URL is not one of SQLite or PostgreSQL, or its driver is missing.
    """
    parsed = ledger_url(url)
    if parsed.drivername == "sqlite":
        return create_sqlite_engine(parsed)
    try:
        return create_engine(parsed, poolclass=NullPool, connect_args={"connect_timeout": CONNECT_TIMEOUT_SECONDS})
    except (ModuleNotFoundError, ArgumentError) as error:
        raise BrokenCheckError(
            f"The driver {parsed.drivername} of the ledger at {shown_url(url)} is not installed.",
            hint="pip install 'airflow-dataops[postgres]' and begin the URL with postgresql://",
        ) from error


def ledger_url(url: str) -> URL:
    """Return the parsed URL with the driver we ship; plain ``postgresql://`` means psycopg 3.

    Raises:
        BrokenCheckError: It is no URL, or that of another database.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        # What was given is not repeated: it may hold a password.
        raise BrokenCheckError("The ledger's URL cannot be read.", hint=URL_HINT) from error
    if parsed.get_backend_name() == "postgresql" and "@" in f"{parsed.host}{parsed.database}":
        raise BrokenCheckError("The ledger's URL cannot be read: it has more than one '@'.", hint=AT_HINT)
    drivers = {"postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg", "sqlite+pysqlite": "sqlite"}
    parsed = parsed.set(drivername=drivers.get(parsed.drivername, parsed.drivername))
    if parsed.get_backend_name() in {"sqlite", "postgresql"}:
        return parsed
    raise BrokenCheckError(
        f"The ledger cannot live at {shown_url(url)}: {parsed.get_backend_name()} is not supported.", hint=URL_HINT
    )


@contextmanager
def ledger_faults(url: str, conn_id: str | None = None) -> Iterator[None]:
    """Tell what a database's client says as one of our errors, with the address and without the password.

    Raises:
        OutageError: The database does not answer, or cannot be written just now. A retry helps.
        BrokenCheckError: What lies there is no ledger, or a value does not fit. A retry does not help.
    """
    try:
        yield
    except OperationalError as error:
        raise OutageError("The ledger", shown_url(url), conn_id, first_line(error)) from error
    except DataError as error:
        raise BrokenCheckError(
            f"The ledger at {shown_url(url)} cannot store a value: {first_line(error)}",
            hint="use shorter, plainer names",
        ) from error
    except DatabaseError as error:
        if type(error) is not DatabaseError:
            raise
        raise BrokenCheckError(
            f"What lies at {shown_url(url)} is not a whole ledger: {first_line(error)}",
            hint="restore the file from its backup, or name another",
        ) from error


def first_line(error: DatabaseError) -> str:
    """Return what the driver said, in one line and without the SQL."""
    return next(iter(str(error.orig).strip().splitlines()), "no reason given")


def create_sqlite_engine(url: URL) -> Engine:
    """Return an SQLite engine with WAL, a long wait for locks, and writers that queue from the start."""
    in_memory = not url.database or url.database == ":memory:"
    # "file:…?mode=ro" is SQLite's own kind of URL: whoever writes it has made the folder.
    if not in_memory and not str(url.database).startswith("file:"):
        Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url,
        poolclass=StaticPool if in_memory else NullPool,
        connect_args={"timeout": SQLITE_WAIT_SECONDS, "check_same_thread": False},
    )
    event.listen(engine, "connect", prepare_sqlite)
    event.listen(engine, "begin", begin_sqlite)
    return engine


def prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    """Take transactions out of the driver's hands and let readers pass the writer."""
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")


def begin_sqlite(connection: Connection) -> None:
    """Begin; writers lock at once, because an upgrade from read to write fails without waiting."""
    writes = connection.get_execution_options().get("dataops_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def is_sqlite(engine: Engine) -> bool:
    """Whether the ledger is the embedded one."""
    return engine.dialect.name == "sqlite"


def shown_url(url: str) -> str:
    """Return the URL without its password; drivers take one among the options too."""
    return make_url(url).set(query={}).render_as_string(hide_password=True)


def current_revision(engine: Engine) -> str | None:
    """Return the migration the database is at; None when it has none of our tables."""
    versions = table(tables.VERSION_TABLE, column("version_num"))
    with engine.connect() as connection:
        if not inspect(connection).has_table(tables.VERSION_TABLE):
            return None
        return connection.execute(select(versions.c.version_num)).scalar_one_or_none()


def upgrade_if_embedded(engine: Engine) -> None:
    """Bring SQLite up to date without being asked; a team's database is migrated by a person.

    Raises:
        BrokenCheckError: The database's schema is not this version's.
    """
    found = current_revision(engine)
    if found == HEAD_REVISION:
        return
    if is_sqlite(engine) and (found is None or found < HEAD_REVISION):
        upgrade(engine)
        return
    raise BrokenCheckError(
        f"The ledger at {shown_url(str(engine.url))} has schema {found or 'none'}, "
        f"but this version of airflow-dataops needs {HEAD_REVISION}.",
        hint="run `airflow-dataops ledger upgrade` once, as a user who may create tables",
    )


def upgrade(engine: Engine) -> str:
    """Run the missing migrations; safe to run twice, also at once. Returns the revision reached.

    Raises:
        OutageError: The database does not answer. A retry helps.
    """
    from alembic import command
    from alembic.config import Config

    config = Config()
    # The configuration reads a single '%' as the beginning of a reference.
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    with (
        ledger_faults(engine.url.render_as_string(hide_password=True)),
        engine.connect().execution_options(dataops_write=True) as connection,
        connection.begin(),
    ):
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return HEAD_REVISION
