"""Reading what is published, on the record: who reads a version is named when it turns out to be bad."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import Context, get_current_context
from sqlalchemy import Connection

from airflow_dataops.core.dataset import Snapshot, pointer_name
from airflow_dataops.core.ledger import Event
from airflow_dataops.core.table import TableName, current_of, table_pointer
from airflow_dataops.core.words import count_words, plain
from airflow_dataops.exceptions import BrokenCheckError
from airflow_dataops.hooks.dataset import DatasetHook
from airflow_dataops.hooks.ledger import LedgerHook
from airflow_dataops.hooks.ledger_store import LedgerStore
from airflow_dataops.hooks.table import TableDatabase, open_tables
from airflow_dataops.hooks.table_book import PublicationBook
from airflow_dataops.operators.station import final_errors, run_key_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "MOST_KEPT",
    "ReadDataset",
    "ReadTable",
    "consumer_of",
    "consumers",
    "dataset_read",
    "few",
    "read_dataset",
    "read_table",
    "readers_words",
    "version_subject",
]

MOST_KEPT = 500
MAX_NAMED_BYTES = 600
MAX_NAME_LENGTH = 80


@dataclass(frozen=True, slots=True)
class ReadDataset:
    """A published snapshot that somebody reads.

    Args:
        snapshot: Which one.
        path: Its parquet file, verified.
    """

    snapshot: Snapshot
    path: Path

    def frame(self) -> pd.DataFrame:
        """Return all rows as a pandas frame."""
        import pandas as pd

        return pd.read_parquet(self.path)


@dataclass(frozen=True, slots=True)
class ReadTable:
    """A published table that somebody reads, in a transaction in which its version stays.

    Args:
        name: Its quoted name, for queries.
        version: Which version it is.
        connection: The open transaction, for ``pandas.read_sql`` and queries.
    """

    name: str
    version: int
    connection: Connection


def read_dataset(
    dataset: str,
    partition: str = "all",
    *,
    context: Context | None = None,
    store_conn_id: str = DatasetHook.default_conn_name,
    ledger_conn_id: str | None = LedgerHook.default_conn_name,
) -> ReadDataset:
    """Return what is published of a partition and record the task as its consumer.

    ::

        @task
        def report():
            return int(read_dataset("orders", "2026-11").frame()["amount"].sum())

    Args:
        dataset: Name of the dataset.
        partition: Which part of it.
        context: The task's context; by default that of the task that runs.
        store_conn_id: Where snapshots lie.
        ledger_conn_id: The ledger's connection.

    Raises:
        AirflowFailException: Nothing is published, or its file was changed. A retry does not help.
    """
    with final_errors():
        context = running(context)
        ledger, name = LedgerHook(ledger_conn_id).get_conn(), pointer_name(dataset, partition)
        value = ledger.pointer(name).value
        if "snapshot" not in value:
            raise BrokenCheckError(
                f"Nothing is published of {plain(dataset)}/{plain(partition)}.",
                hint="let this task run after the one that publishes it, and compare the names",
            )
        snapshot = Snapshot.from_xcom(value["snapshot"])
        path = DatasetHook(store_conn_id).verified_path(snapshot)
        who = consumer_of(context)
        ledger.append(dataset_read(dataset, partition, snapshot.version, who, str(run_key_of(context))))
        return ReadDataset(snapshot, path)


@contextmanager
def read_table(
    table: str,
    *,
    sql_conn_id: str,
    schema: str | None = None,
    context: Context | None = None,
    ledger_conn_id: str | None = LedgerHook.default_conn_name,
) -> Iterator[ReadTable]:
    """Give a published table, whose version stays as long as the block lasts, and record the task as its consumer.

    ::

        with read_table("orders", sql_conn_id="orders_warehouse") as orders:
            frame = pd.read_sql(sqlalchemy.text(f"SELECT * FROM {orders.name}"), orders.connection)

    A publication waits for the block's end, so leave it soon.

    Args:
        table: The published table.
        sql_conn_id: The connection of its database.
        schema: Its schema; by default the connection's own.
        context: The task's context; by default that of the task that runs.
        ledger_conn_id: The ledger's connection.

    Raises:
        AirflowFailException: Nothing is published under this name, or a grant is missing. A retry does not help.
        OutageError: The database does not answer. A retry helps.
    """
    target = TableName(table, schema)
    with ExitStack() as stack:
        with final_errors():
            task = running(context)
            database = stack.enter_context(open_tables(sql_conn_id))
            with database.faults(f"the table {target.words}"):
                connection = stack.enter_context(database.reading())
                version = held_version(database, connection, target.checked())
            event = table_read(sql_conn_id, target, version, consumer_of(task), str(run_key_of(task)))
            LedgerHook(ledger_conn_id).get_conn().append(event)
        yield ReadTable(database.name(target), version, connection)


def held_version(database: TableDatabase, connection: Connection, target: TableName) -> int:
    """Return the current version of a table, which stays until the transaction ends.

    Raises:
        BrokenCheckError: Nothing is published. A retry does not help.
    """
    if database.is_postgres and database.kind(connection, target):
        database.run(connection, f"LOCK TABLE {database.name(target)} IN ACCESS SHARE MODE")
    current = current_of(PublicationBook(database, connection, target).versions())
    if current is None:
        raise BrokenCheckError(
            f"Nothing is published as the table {target.words}.",
            hint="let this task run after the one that publishes it, and compare the names",
        )
    return current.version


def running(context: Context | None) -> Context:
    """Return the context of the task that runs.

    Raises:
        BrokenCheckError: No task runs here. A retry does not help.
    """
    if context is not None:
        return context
    try:
        return get_current_context()
    except RuntimeError as error:
        raise BrokenCheckError(
            "What is published was read outside of a task, so nobody could be recorded as its consumer.",
            hint="read it inside a task, or read the store's pointer file yourself",
        ) from error


def version_subject(pointer: str, version: str | int) -> str:
    """Return under which subject those stand in the history who read a version."""
    return f"{pointer}@{version}"


def consumer_of(context: Context) -> dict[str, Any]:
    """Return which task it is."""
    ti = context["ti"]
    named = {"dag_id": ti.dag_id, "run_id": ti.run_id, "task_id": ti.task_id}
    return named if ti.map_index in {None, -1} else {**named, "map_index": ti.map_index}


def dataset_read(dataset: str, partition: str, version: str, consumer: Mapping[str, Any], actor: str = "") -> Event:
    """Return the event that tells who read a version."""
    sentence = f"{plain(dataset)}/{plain(partition)}@{version} was read by {plain(str(consumer['task_id']))}."
    payload = {"sentence": sentence, "version": version, "consumer": dict(consumer)}
    return Event("dataset.read", version_subject(pointer_name(dataset, partition), version), payload, actor)


def table_read(sql_conn_id: str, target: TableName, version: int, consumer: Mapping[str, Any], actor: str) -> Event:
    """Return the event that tells who read a version of a table."""
    sentence = f"{target.words} version {version} was read by {plain(str(consumer['task_id']))}."
    payload = {"sentence": sentence, "version": version, "consumer": dict(consumer)}
    return Event("table.read", version_subject(table_pointer(sql_conn_id, target), version), payload, actor)


def consumers(ledger: LedgerStore, pointer: str, version: str | int) -> list[dict[str, Any]]:
    """Return who read a version, each once, in the order of reading; one query."""
    found: list[dict[str, Any]] = []
    for row in ledger.events(subject=version_subject(pointer, version)):
        consumer = row.event.payload.get("consumer")
        if isinstance(consumer, dict) and consumer not in found:
            found.append(consumer)
    return found


def readers_words(count: int) -> str:
    """Return how many tasks have read a version, to follow its name."""
    if count == 0:
        return "which no recorded task has read"
    return f"which {count_words(count)} {'task has' if count == 1 else 'tasks have'} read"


def few(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the first consumers, with shortened names, as many as fit into XCom."""
    named: list[dict[str, Any]] = []
    for consumer in found:
        named.append({k: v[:MAX_NAME_LENGTH] if isinstance(v, str) else v for k, v in consumer.items()})
        if len(json.dumps(named)) > MAX_NAMED_BYTES:
            return named[:-1]
    return named
