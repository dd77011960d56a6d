"""SQL tables: what a gate let through is loaded beside the table and takes its place in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from airflow.sdk import Asset, Context

from airflow_dataops.core.dataset import Snapshot
from airflow_dataops.core.ledger import Claim, Event, Measurement
from airflow_dataops.core.table import (
    Publication,
    TableName,
    mark_of,
    staging_name,
    table_asset_uri,
    table_pointer,
)
from airflow_dataops.core.words import count_words
from airflow_dataops.exceptions import BrokenCheckError, ConflictError, StaleAttemptError
from airflow_dataops.hooks.dataset import DatasetHook
from airflow_dataops.hooks.ledger_store import LedgerStore
from airflow_dataops.hooks.table import open_tables
from airflow_dataops.hooks.table_load import load_table, parquet_batches
from airflow_dataops.hooks.table_shape import copy_key
from airflow_dataops.hooks.table_swap import Mode, Seen, TableSwap
from airflow_dataops.operators.dataset import gate_result
from airflow_dataops.operators.station import Outcome, StationOperator

__all__ = ["LoadTableOperator", "PublishTableOperator", "follow", "table_asset"]

LAST_LOADS = 50
LOADED = {"table", "schema", "sql_conn_id", "staging", "rows", "verdict", "source", "seen", "pointer_version"}


def table_asset(table: str, sql_conn_id: str, schema: str | None = None) -> Asset:
    """Return the asset that a publication of the table updates; schedule DAGs on it."""
    uri = table_asset_uri(sql_conn_id, TableName(table, schema))
    return Asset(name=uri.removeprefix("dataops://"), uri=uri)


class LoadTableOperator(StationOperator):
    """Load what a gate let through into a staging table beside the table that it is to replace.

    The staging table is made like the table: its columns, types, defaults, constraints and indexes; columns that
    are new come last. Readers of the table notice nothing. A retry starts the staging table anew.

    Args:
        gate: The output of a `QualityGateOperator`, or a snapshot to load without a gate. (templated)
        table: The table to replace, or to make. (templated)
        schema: Its schema; by default the connection's own. (templated)
        sql_conn_id: The connection of the database: PostgreSQL or SQLite.
        store_conn_id: Where snapshots lie.
        lock_seconds: How long to wait for others who hold a table.

    Returns:
        ``{"table", "schema", "sql_conn_id", "staging", "rows", "verdict", "source": {...}, "seen": {"moved",
        "identity"}, "pointer_version"}``; the last two say what was current when the load looked.

    Raises:
        AirflowFailException: The data do not fit the table, a grant is missing, or the gate held. No retry helps.
        OutageError: The database does not answer, or others hold the table. A retry helps.
    """

    template_fields: Sequence[str] = ("gate", "table", "schema")

    def __init__(
        self,
        *,
        gate: Mapping[str, Any] | str,
        table: str,
        schema: str | None = None,
        sql_conn_id: str,
        store_conn_id: str = DatasetHook.default_conn_name,
        lock_seconds: float = 5.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.gate = gate
        self.table = table
        self.schema = schema
        self.sql_conn_id = sql_conn_id
        self.store_conn_id = store_conn_id
        self.lock_seconds = lock_seconds

    def work(self, context: Context, ledger: LedgerStore, claim: Claim) -> Outcome:
        """Look at what is current, then fill the staging table; a dead try's table is dropped."""
        gate = gate_result(self.gate)
        snapshot = Snapshot.from_xcom(gate["snapshot"])
        path = DatasetHook(self.store_conn_id).verified_path(snapshot)
        target = TableName(self.table, self.schema or None).checked()
        staging = target.beside(staging_name(target.name, claim.key))
        name = table_pointer(self.sql_conn_id, target)
        pointer = ledger.pointer(name)
        with open_tables(self.sql_conn_id, self.lock_seconds) as database, parquet_batches(path) as batches:
            seen = TableSwap(database, target).seen()
            rows = load_table(database, batches, staging, target, claim.key)
        refuse_other_count(rows, snapshot)
        sentence = f"{snapshot.name} is loaded as {staging.words}: {count_words(rows)} rows, to replace {target.words}."
        self.log.info(sentence)
        result = {
            "table": target.name,
            "schema": target.schema,
            "sql_conn_id": self.sql_conn_id,
            "staging": staging.name,
            "rows": rows,
            "verdict": gate["verdict"],
            "source": snapshot.to_xcom(),
            "seen": {"moved": seen.moved, "identity": seen.identity},
            "pointer_version": pointer.version,
        }
        return Outcome(result, events=[Event("table.loaded", name, {"sentence": sentence, **result})])


def refuse_other_count(rows: int, snapshot: Snapshot) -> None:
    """Refuse a staging table that does not hold each row once.

    Raises:
        RuntimeError: A row got lost or doubled; nothing was published.
    """
    if rows != snapshot.rows:
        raise RuntimeError(f"{snapshot.name} has {snapshot.rows} rows, but {rows} were loaded")


class PublishTableOperator(StationOperator):
    """Make a loaded staging table the current version of its table, in one transaction.

    A reader sees the old version or the new one, never half and never none. With ``mode="rename"`` the staging table
    takes the table's name, with its owner, grants, indexes, keys and defaults; the old one stays as
    ``<table>__v<number>``. With ``mode="view"`` the name is a view over version tables: for tables on which views
    or foreign keys depend. The asset ``dataops://table/<connection>/<schema>/<table>`` is updated.

    Args:
        load: The output of a `LoadTableOperator`. (templated)
        table: The published table; not templated, because the asset is named by it.
        schema: Its schema; by default the connection's own.
        sql_conn_id: The connection of the database.
        mode: "rename" or "view".
        keep: How many earlier versions stay to go back to.
        lock_seconds: How long to wait for readers that hold the table; new ones wait behind us as long.

    Returns:
        ``{"table", "schema", "sql_conn_id", "version", "rows", "mode", "moved", "verdict", "source": {...},
        "pointer": {"name", "version"}}``.

    Raises:
        AirflowFailException: The table changed since it was loaded, something depends on it, or a grant is missing.
            A retry does not help.
        OutageError: The database does not answer, or others hold the table. A retry helps.
    """

    template_fields: Sequence[str] = ("load",)

    def __init__(
        self,
        *,
        load: Mapping[str, Any] | str,
        table: str,
        schema: str | None = None,
        sql_conn_id: str,
        mode: Mode = "rename",
        keep: int = 2,
        lock_seconds: float = 5.0,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("outlets", [table_asset(table, sql_conn_id, schema)])
        super().__init__(**kwargs)
        self.load = load
        self.table = table
        self.schema = schema
        self.sql_conn_id = sql_conn_id
        self.mode = mode
        self.keep = keep
        self.lock_seconds = lock_seconds

    def work(self, context: Context, ledger: LedgerStore, claim: Claim) -> Outcome:
        """Swap in the database, which remembers who did it; then let the ledger follow."""
        load, target = self.loaded(), TableName(self.table, self.schema or None).checked()
        name = table_pointer(self.sql_conn_id, target)
        if "previous" not in claim.result:  # the next try of this one would find its own move there
            claim = ledger.note(claim, {"previous": dict(ledger.pointer(name).value)})
        with open_tables(self.sql_conn_id, self.lock_seconds) as database:
            swap = TableSwap(database, target, mark_of(claim))
            made = swap.done(target.beside(load["staging"])) or self.swap(swap, load, ledger, name)
            value = {
                **{key: load[key] for key in ("table", "schema", "sql_conn_id", "verdict", "source")},
                "version": made.version,
                "rows": made.rows,
                "mode": self.mode,
                "moved": made.moved,
            }
            pointer_version = follow(ledger, claim, name, value)
            self.tidy(swap, ledger, name, made)
        sentence = f"{target.words} is published as version {made.version}: {count_words(made.rows)} rows."
        self.log.info(sentence)
        result = {**value, "pointer": {"name": name, "version": pointer_version}}
        payload = {"sentence": sentence, **result, "previous": claim.result["previous"]}
        rows = Measurement(f"{name}/rows", str(load["source"]["partition"]), made.rows)
        return Outcome(result, events=[Event("table.published", name, payload)], measurements=[rows])

    def loaded(self) -> Mapping[str, Any]:
        """Return what was loaded.

        Raises:
            BrokenCheckError: The value is something else, or options mean nothing. A retry does not help.
        """
        if self.mode not in get_args(Mode) or not isinstance(self.keep, int) or self.keep < 0:
            raise BrokenCheckError(
                f"{self.task_id}: got mode={self.mode!r} and keep={self.keep!r}; mode may be "
                f"{' or '.join(get_args(Mode))}, keep a whole number from 0."
            )
        return loaded_for(self.load, (self.table, self.schema or None, self.sql_conn_id))

    def swap(self, swap: TableSwap, load: Mapping[str, Any], ledger: LedgerStore, name: str) -> Publication:
        """Publish, if nothing moved since the load looked; a staging table that came too late is dropped."""
        staging = swap.target.beside(load["staging"])
        try:
            refuse_moved(ledger, name, load["pointer_version"])
            known = ledger.pointer(name).value
            after = Publication(known.get("version", 0), "", known.get("moved", 0), "", 0)
            return swap.publish(staging, load["rows"], Seen(**load["seen"]), self.mode, after)
        except ConflictError:
            swap.drop(staging)
            raise

    def tidy(self, swap: TableSwap, ledger: LedgerStore, name: str, made: Publication) -> None:
        """Drop what is no longer needed; what a reader still holds is dropped by the next publication."""
        loads = {
            row.event.payload["staging"]: row.event.payload for row in ledger.events(kind="table.loaded", subject=name)
        }
        late = [staging for staging, load in list(loads.items())[-LAST_LOADS:] if load["seen"]["moved"] < made.moved]
        for reason in swap.prune(self.keep, [swap.target.beside(staging) for staging in late]):
            self.log.warning("%s", reason)

    def conclude(self, context: Context, result: dict[str, Any]) -> dict[str, Any]:
        """Tell the asset's followers which version and verdict it is."""
        extra = {name: result[name] for name in ("table", "schema", "version", "rows", "verdict")}
        for asset in self.outlets:
            context["outlet_events"][asset].extra.update(extra)
        return result


def loaded_for(given: Mapping[str, Any] | str, wanted: tuple[str, str | None, str]) -> Mapping[str, Any]:
    """Return what was loaded, which must be for this table.

    Raises:
        BrokenCheckError: It is something else. A retry does not help.
    """
    if not isinstance(given, Mapping) or not set(given) >= LOADED:
        raise BrokenCheckError(
            f"load is {str(given)[:200]!r}, which is nothing that was loaded.",
            hint="pass the output of a LoadTableOperator",
        )
    found = (given["table"], given["schema"], given["sql_conn_id"])
    # Renamed is what the name says: no other table may take the place of the target.
    is_staging = given["staging"] == staging_name(wanted[0], copy_key(str(given["staging"])))
    if found != wanted or not is_staging:
        raise BrokenCheckError(
            f"{given['staging']!r} was loaded for the table, schema and connection {found}, not for {wanted}.",
            hint="give both tasks the same table, schema and sql_conn_id",
        )
    return given


def refuse_moved(ledger: LedgerStore, name: str, seen: int) -> None:
    """Refuse to publish over what the ledger did not know when the load looked.

    Raises:
        ConflictError: The pointer moved since. A retry does not help.
    """
    found = ledger.pointer(name).version
    if found != seen:
        raise ConflictError(
            f"{name} moved to version {found} while version {seen} was expected.",
            hint="somebody else moved it since the data were loaded: clear the task that loads them, and this one",
        )


def follow(ledger: LedgerStore, claim: Claim, name: str, value: Mapping[str, Any]) -> int:
    """Let the ledger say what the database says, also when another run moves the pointer meanwhile.

    Returns:
        The version of the pointer. One that tells of a later change stays.
    """
    while True:
        current = ledger.pointer(name)
        if current.value.get("moved", 0) >= value["moved"]:
            return current.version
        try:
            return ledger.move_pointer(claim, name, current.version, value).version
        except StaleAttemptError:
            raise
        except ConflictError:
            continue
