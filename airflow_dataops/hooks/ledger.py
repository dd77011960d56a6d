"""The ledger as an Airflow connection."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException
from sqlalchemy.engine import URL

from airflow_dataops import settings
from airflow_dataops.exceptions import BrokenCheckError, DataOpsError
from airflow_dataops.hooks.ledger_store import LedgerStore

__all__ = ["LedgerHook"]


class LedgerHook(BaseHook):
    """Opens the ledger that a connection of type ``dataops_ledger`` names.

    Without such a connection ``[dataops] ledger_url`` counts, by default an SQLite file under AIRFLOW_HOME.
    The extra field ``sqlite_path`` of the connection names an SQLite file; otherwise host, port, schema
    (the database), login and password name a PostgreSQL database.

    Args:
        ledger_conn_id: The connection. None keeps a ledger in memory: history is forgotten when the task
            ends, which is enough for one gate without history.
    """

    conn_name_attr = "ledger_conn_id"
    default_conn_name = "dataops_ledger"
    conn_type = "dataops_ledger"
    hook_name = "DataOps Ledger"

    def __init__(self, ledger_conn_id: str | None = default_conn_name) -> None:
        super().__init__()
        self.ledger_conn_id = ledger_conn_id

    def get_conn(self) -> LedgerStore:
        """Return the open ledger.

        Raises:
            BrokenCheckError: SQLite where tasks run on several hosts, or a schema to be migrated first.
            OutageError: The database does not answer. A retry helps.
        """
        return self.store

    @cached_property
    def store(self) -> LedgerStore:
        """The open ledger, one per hook."""
        url = self.url()
        refuse_scattered_sqlite(url, settings.executor())
        return LedgerStore(url, conn_id=self.ledger_conn_id)

    def url(self) -> str:
        """Return the SQLAlchemy URL, with its password."""
        if self.ledger_conn_id is None:
            return "sqlite://"
        try:
            connection = self.get_connection(self.ledger_conn_id)
        except AirflowNotFoundException:
            if self.ledger_conn_id != self.default_conn_name:
                raise
            return settings.ledger_url()
        return connection_url(connection)

    def test_connection(self) -> tuple[bool, str]:
        """Open the ledger and read from it, for the Test button of the UI."""
        try:
            self.store.pointer("test")
        except DataOpsError as error:
            return False, str(error)
        return True, "The ledger answers and its schema is current."


def connection_url(connection: Any) -> str:
    """Return the database URL that a connection of type ``dataops_ledger`` or ``postgres`` stands for."""
    path = connection.extra_dejson.get("sqlite_path")
    if path:
        return f"sqlite:///{path}"
    url = URL.create(
        "postgresql",
        username=connection.login,
        password=connection.password,
        host=connection.host,
        port=connection.port,
        database=connection.schema,
    )
    return url.render_as_string(hide_password=False)


def refuse_scattered_sqlite(url: str, executor: str) -> None:
    """Refuse an SQLite file where tasks run on more than one host, for each would have its own."""
    on_file = url.startswith("sqlite:///")
    if on_file and "LocalExecutor" not in executor:
        raise BrokenCheckError(
            f"The ledger is an SQLite file, but the executor {executor} runs tasks on more than one host.",
            hint="create a PostgreSQL database, point the connection 'dataops_ledger' (or [dataops] ledger_url) "
            "at it and run `airflow-dataops ledger upgrade`",
        )
