"""Snapshots of sources, and the atomic publication of what passed the gate."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, Context

from airflow_dataops.core.dataset import Snapshot, asset_uri, pointer_name
from airflow_dataops.core.ledger import Claim, Event, Measurement, Pointer
from airflow_dataops.core.words import count_words
from airflow_dataops.exceptions import BrokenCheckError
from airflow_dataops.hooks.dataset import DatasetHook, path_of
from airflow_dataops.hooks.dataset_source import file_batches, frame_batches, remote_batches, sql_batches
from airflow_dataops.hooks.ledger_store import LedgerStore
from airflow_dataops.hooks.quality_remote import is_remote
from airflow_dataops.operators.station import Outcome, StationOperator

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "PublishDatasetOperator",
    "SnapshotDatasetOperator",
    "dataset_asset",
    "frame_snapshot",
    "snapshot_outcome",
]


def dataset_asset(dataset: str) -> Asset:
    """Return the asset that a publication of the dataset updates; schedule DAGs on it."""
    return Asset(name=f"dataset:{dataset}", uri=asset_uri(dataset))


class SnapshotDatasetOperator(StationOperator):
    """Take an immutable snapshot of a source: parquet, with digest, schema and row count.

    Exactly one source is given: `path`, `sql` or `python_callable`. The same rows make the same version.

    Args:
        dataset: Name of the dataset. (templated)
        partition: Which part of it, such as "2013-01". (templated)
        path: A parquet, CSV, TSV or JSON file, a folder of such files, or the address of a file in object storage,
            which may name an Airflow connection: ``s3://aws_default@bucket/orders.csv``. (templated)
        sql: A query whose rows are taken; with an ORDER BY it is reproducible. (templated)
        sql_conn_id: The connection the query runs over.
        python_callable: A function that returns a pandas frame, an arrow table, or the path of a file.
        op_kwargs: Its arguments. (templated)
        store_conn_id: Where snapshots lie.

    Returns:
        The snapshot as a dict: dataset, partition, version, uri, digest, schema, rows.

    Raises:
        AirflowFailException: The source is missing, empty or unreadable. A retry does not help.
        OutageError: The database does not answer. A retry helps.
    """

    template_fields: Sequence[str] = ("dataset", "partition", "path", "sql", "op_kwargs")

    def __init__(
        self,
        *,
        dataset: str,
        partition: str = "all",
        path: str | None = None,
        sql: str | None = None,
        sql_conn_id: str | None = None,
        python_callable: Callable[..., Any] | None = None,
        op_kwargs: Mapping[str, Any] | None = None,
        store_conn_id: str = DatasetHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.dataset = dataset
        self.partition = partition
        self.path = path
        self.sql = sql
        self.sql_conn_id = sql_conn_id
        self.python_callable = python_callable
        self.op_kwargs = op_kwargs
        self.store_conn_id = store_conn_id

    def work(self, context: Context, ledger: LedgerStore, claim: Claim) -> Outcome:
        """Stream the source into a file named by its content; a dead try's file is the same file."""
        with self.batches() as batches:
            snapshot = DatasetHook(self.store_conn_id).write_snapshot(batches, self.dataset, self.partition, claim.key)
        outcome = snapshot_outcome(snapshot)
        self.log.info("%s", outcome.events[0].payload["sentence"])
        return outcome

    def batches(self) -> AbstractContextManager[pa.RecordBatchReader]:
        """Open the one source that was given.

        Raises:
            BrokenCheckError: None or several were given. A retry does not help.
        """
        given = [name for name in ("path", "sql", "python_callable") if getattr(self, name)]
        if given == ["path"] and self.path:
            return remote_batches(self.path) if is_remote(self.path) else file_batches(path_of(self.path))
        if given == ["sql"] and self.sql and self.sql_conn_id:
            return sql_batches(self.sql, self.sql_conn_id)
        if given == ["python_callable"] and self.python_callable:
            return frame_batches(self.python_callable(**(self.op_kwargs or {})))
        raise BrokenCheckError(
            f"{self.task_id} got {' and '.join(given) or 'no source'}; give exactly one of path, "
            "sql (with sql_conn_id) and python_callable."
        )


def frame_snapshot(store: DatasetHook, value: Any, dataset: str, partition: str, owner: str) -> Snapshot:
    """Snapshot what a function returned."""
    with frame_batches(value) as batches:
        return store.write_snapshot(batches, dataset, partition, owner)


def snapshot_outcome(snapshot: Snapshot) -> Outcome:
    """Return what is told of a snapshot that was taken."""
    sentence = f"{snapshot.name} holds {count_words(snapshot.rows)} rows."
    subject = pointer_name(snapshot.dataset, snapshot.partition)
    return Outcome(
        snapshot.to_xcom(),
        events=[Event("dataset.snapshotted", subject, {"sentence": sentence, **snapshot.to_xcom()})],
        measurements=[Measurement(f"dataset/{snapshot.dataset}/rows", snapshot.partition, snapshot.rows)],
    )


class PublishDatasetOperator(StationOperator):
    """Make what a gate let through the current version of its partition, atomically.

    The ledger's pointer moves by compare-and-set and the pointer file beside the snapshots is replaced in
    one step, so a reader sees the old version or the new one, never half. The asset
    ``dataops://dataset/<name>`` is updated with the verdict in its extra.

    Args:
        dataset: Name of the dataset; not templated, because the asset is named by it.
        gate: The output of a `QualityGateOperator`, or a snapshot to publish without a gate. What a gate held is
            refused, unless the gate itself let it go on (``on_fail="warn"``); then it is published under the verdict
            "hold". (templated)
        store_conn_id: Where snapshots lie.

    Returns:
        ``{"snapshot": {...}, "verdict": str, "score": float, "pointer": {"name": str, "version": int}}``; without a
        gate there is no score.

    Raises:
        AirflowFailException: The pointer moved meanwhile, or the gate held. A retry does not help.
    """

    template_fields: Sequence[str] = ("gate",)

    def __init__(
        self,
        *,
        dataset: str,
        gate: Mapping[str, Any] | str,
        store_conn_id: str = DatasetHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("outlets", [dataset_asset(dataset)])
        super().__init__(**kwargs)
        self.dataset = dataset
        self.gate = gate
        self.store_conn_id = store_conn_id

    def work(self, context: Context, ledger: LedgerStore, claim: Claim) -> Outcome:
        """Move the ledger's pointer, then the pointer file; a retry finds the first and repeats the second."""
        gate = gate_result(self.gate)
        snapshot = Snapshot.from_xcom(gate["snapshot"])
        store = DatasetHook(self.store_conn_id)
        store.verified_path(snapshot)
        name = pointer_name(self.dataset, snapshot.partition)
        value = {"snapshot": snapshot.to_xcom(), **{name: gate[name] for name in ("verdict", "score") if name in gate}}
        current = ledger.pointer(name)
        if "previous" not in claim.result:  # the next try of this one would find its own move there
            claim = ledger.note(claim, {"previous": dict(current.value)})
        moved = ledger.move_pointer(claim, name, expected_version(current, claim, gate, value), value)
        write_pointer(ledger, store, self.dataset, snapshot.partition, claim.key)
        held = " although its gate found it wanting" if gate["verdict"] == "hold" else ""
        rows = count_words(snapshot.rows)
        sentence = f"{snapshot.name} is published{held}: {rows} rows, publication {moved.version}."
        self.log.log(logging.WARNING if held else logging.INFO, sentence)
        result = {**value, "pointer": {"name": name, "version": moved.version}}
        payload = {"sentence": sentence, **result, "previous": claim.result["previous"]}
        return Outcome(result, events=[Event("dataset.published", name, payload)])

    def conclude(self, context: Context, result: dict[str, Any]) -> dict[str, Any]:
        """Tell the asset's followers which version it is, and its verdict and score."""
        extra = {**result["snapshot"], **{name: result[name] for name in ("verdict", "score") if name in result}}
        for asset in self.outlets:
            context["outlet_events"][asset].extra.update(extra)
        return result


def write_pointer(ledger: LedgerStore, store: DatasetHook, dataset: str, partition: str, owner: str) -> None:
    """Let the pointer file say what the ledger says, also when another run moves the pointer meanwhile."""
    name = pointer_name(dataset, partition)
    while True:
        pointer = ledger.pointer(name)
        store.publish(dataset, partition, {**pointer.value, "pointer_version": pointer.version}, owner)
        if ledger.pointer(name).version == pointer.version:
            return


def expected_version(current: Pointer, claim: Claim, gate: Mapping[str, Any], value: Mapping[str, Any]) -> int:
    """Return the pointer version that this publication follows.

    It is the one that was current when the gate looked, unless this very task has moved the pointer since: then a
    retry finds its own move again, and a cleared task follows it.
    """
    if current.run_key == claim.key:
        return current.version - 1 if current.value == value else current.version
    if current.name != pointer_name(gate["snapshot"]["dataset"], gate["snapshot"]["partition"]):
        return current.version  # published under another name, at which the gate did not look
    return int(gate.get("published_version", current.version))


def gate_result(gate: Mapping[str, Any] | str) -> Mapping[str, Any]:
    """Return the gate's result; a bare snapshot counts as published without a gate.

    Raises:
        BrokenCheckError: The value is neither, or the gate held and let nothing go on. A retry does not help.
    """
    if isinstance(gate, Mapping) and gate.get("verdict") == "hold" and not gate.get("snapshot"):
        raise BrokenCheckError(
            "The gate held the data, so there is nothing to publish.",
            hint="let this task run only after a gate that let data through; to let held data go on all the same, "
            'give the gate on_fail="warn"',
        )
    if isinstance(gate, Mapping) and "snapshot" in gate:
        return gate
    if isinstance(gate, Mapping) and "version" in gate:
        return {"snapshot": gate, "verdict": "publish"}
    raise BrokenCheckError(
        f"gate is {str(gate)[:200]!r}, which is neither a gate's result nor a snapshot.",
        hint="pass the output of a QualityGateOperator or of a SnapshotDatasetOperator",
    )
