"""The ledger as an Airflow connection."""

from __future__ import annotations

import asyncio
import re
from functools import cached_property
from typing import Any, Self

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException
from sqlalchemy.engine import URL

from airflow_dataops import settings
from airflow_dataops.exceptions import BrokenCheckError, DataOpsError
from airflow_dataops.hooks.ledger_engine import ledger_url
from airflow_dataops.hooks.ledger_store import LedgerStore

__all__ = ["LedgerHook"]

LOCAL_EXECUTOR = re.compile(r"(^|[.=])LocalExecutor(:\w+)?$")
"""Airflow may list several executors, by name or by path, for teams and with aliases."""

IN_MEMORY = "sqlite://"


class LedgerHook(BaseHook):
    """Opens the ledger that a connection of type ``dataops_ledger`` names.

    Without such a connection ``[dataops] ledger_url`` counts, by default an SQLite file under AIRFLOW_HOME.
    The extra field ``sqlite_path`` of the connection names an SQLite file; otherwise host, port, schema
    (the database), login and password name a PostgreSQL database, and the extra fields ``sslmode``,
    ``sslrootcert``, ``sslcert`` and ``sslkey`` how it is proved to be the right one.

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

    @classmethod
    async def opened_async(cls, ledger_conn_id: str | None = default_conn_name) -> Self:
        """Return a hook whose ledger is open; for triggers, which must not ask for connections in a thread."""
        hook = cls(ledger_conn_id)
        hook.store = await asyncio.to_thread(hook.open, await hook.url_async())
        return hook

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
        return self.open(self.url())

    def open(self, url: str) -> LedgerStore:
        """Return the ledger at a URL."""
        refuse_scattered_sqlite(url, settings.executor())
        return LedgerStore(url, conn_id=self.ledger_conn_id)

    def url(self) -> str:
        """Return the SQLAlchemy URL, with its password."""
        if self.ledger_conn_id is None:
            return IN_MEMORY
        try:
            return connection_url(self.get_connection(self.ledger_conn_id))
        except AirflowNotFoundException:
            return self.default_url()

    async def url_async(self) -> str:
        """Return the SQLAlchemy URL, asked for without blocking the triggerer."""
        if self.ledger_conn_id is None:
            return IN_MEMORY
        try:
            return connection_url(await self.aget_connection(self.ledger_conn_id))
        except AirflowNotFoundException:
            return self.default_url()

    def default_url(self) -> str:
        """Return the configured URL, if it is the default connection that does not exist."""
        if self.ledger_conn_id == self.default_conn_name:
            return settings.ledger_url()
        raise BrokenCheckError(
            f"There is no connection {self.ledger_conn_id!r}.",
            hint="create it with the type 'DataOps Ledger', or leave ledger_conn_id out to use [dataops] ledger_url",
        )

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
        query={name: str(value) for name, value in connection.extra_dejson.items() if name.startswith("ssl") and value},
    )
    return url.render_as_string(hide_password=False)


def refuse_scattered_sqlite(url: str, executor: str) -> None:
    """Refuse an SQLite file where tasks run on more than one host, for each would have its own."""
    parsed = ledger_url(url)
    on_file = parsed.get_backend_name() == "sqlite" and parsed.database
    local = all(LOCAL_EXECUTOR.search(name.strip()) for name in re.split(r"[,;]", executor))
    if on_file and not local:
        raise BrokenCheckError(
            f"The ledger is an SQLite file, but the executor {executor} runs tasks on more than one host.",
            hint="create a PostgreSQL database, point the connection 'dataops_ledger' (or [dataops] ledger_url) "
            "at it and run `airflow-dataops ledger upgrade`",
        )
