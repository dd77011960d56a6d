"""Sensors that wait for datasets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pendulum
from airflow.sdk import BaseSensorOperator, Context, PokeReturnValue, conf

from airflow_dataops.hooks.ledger import LedgerHook
from airflow_dataops.operators.station import final_errors
from airflow_dataops.triggers.dataset import DatasetPublishedTrigger

__all__ = ["DatasetPublishedSensor"]


class DatasetPublishedSensor(BaseSensorOperator):
    """Wait until a partition of a dataset is published.

    Args:
        dataset: Name of the dataset. (templated)
        partition: Which part of it. (templated)
        newer_than: Pointer version that is known already; 0 waits for the first publication.
        deferrable: Wait in the triggerer, without a worker slot.
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
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        ledger_conn_id: str = LedgerHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.dataset = dataset
        self.partition = partition
        self.newer_than = newer_than
        self.deferrable = deferrable
        self.ledger_conn_id = ledger_conn_id

    def poke(self, context: Context) -> PokeReturnValue:
        """Look once."""
        with final_errors():
            pointer = self.trigger().look(LedgerHook(self.ledger_conn_id))
        named = {"pointer": {"name": pointer.name, "version": pointer.version}}
        return PokeReturnValue(pointer.version > self.newer_than, {**named, **pointer.value})

    def execute(self, context: Context) -> Any:
        """Look once; if there is nothing yet, wait in the triggerer or in the worker."""
        if not self.deferrable:
            return super().execute(context)
        now = self.poke(context)
        if not now.is_done:
            timeout = pendulum.duration(seconds=self.timeout).as_timedelta()  # Airflow sends no other kind
            self.defer(trigger=self.trigger(), method_name="execute_complete", timeout=timeout)
        return now.xcom_value

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        """Return what the trigger found."""
        return event

    def trigger(self) -> DatasetPublishedTrigger:
        """Return the wait itself."""
        return DatasetPublishedTrigger(
            self.dataset, self.partition, self.newer_than, self.poke_interval, self.ledger_conn_id
        )
