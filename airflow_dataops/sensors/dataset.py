"""Sensors that wait for datasets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow.sdk import Context, PokeReturnValue

from airflow_dataops.hooks.ledger import LedgerHook
from airflow_dataops.operators.station import final_errors
from airflow_dataops.sensors.waiting import WaitingSensor
from airflow_dataops.triggers.dataset import DatasetPublishedTrigger

__all__ = ["DatasetPublishedSensor"]


class DatasetPublishedSensor(WaitingSensor):
    """Wait until a partition of a dataset is published.

    ``deferrable=True`` waits in the triggerer, without a worker slot.

    Args:
        dataset: Name of the dataset. (templated)
        partition: Which part of it. (templated)
        newer_than: Pointer version that is known already; 0 waits for the first publication.
        ledger_conn_id: The ledger's connection.

    Returns:
        ``{"pointer": {"name", "version"}, "snapshot": {...}, "verdict": str}``.

    Raises:
        OutageError: The ledger does not answer. A retry helps.
    """

    template_fields: Sequence[str] = ("dataset", "partition")

    def __init__(
        self,
        *,
        dataset: str,
        partition: str = "all",
        newer_than: int = 0,
        ledger_conn_id: str = LedgerHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.dataset = dataset
        self.partition = partition
        self.newer_than = newer_than
        self.ledger_conn_id = ledger_conn_id

    def poke(self, context: Context) -> PokeReturnValue:
        """Look once."""
        with final_errors():
            pointer = self.trigger().look(LedgerHook(self.ledger_conn_id))
        named = {"pointer": {"name": pointer.name, "version": pointer.version}}
        return PokeReturnValue(pointer.version > self.newer_than, {**named, **pointer.value})

    def trigger(self) -> DatasetPublishedTrigger:
        """Return the wait itself."""
        return DatasetPublishedTrigger(
            self.dataset, self.partition, self.newer_than, self.poke_interval, self.ledger_conn_id
        )
