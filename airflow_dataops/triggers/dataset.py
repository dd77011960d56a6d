"""Waits for datasets, in the triggerer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_dataops.core.dataset import pointer_name
from airflow_dataops.core.ledger import Pointer
from airflow_dataops.hooks.ledger import LedgerHook
from airflow_dataops.triggers.fault import faults_as_events

__all__ = ["DatasetPublishedTrigger"]


class DatasetPublishedTrigger(BaseTrigger):
    """Fires once when a partition has been published more often than `newer_than` times.

    Args:
        dataset: Name of the dataset.
        partition: Which part of it.
        newer_than: Pointer version that is known already; 0 waits for the first publication.
        poll_seconds: How often the ledger is asked.
        ledger_conn_id: The ledger's connection.
    """

    def __init__(
        self,
        dataset: str,
        partition: str,
        newer_than: int = 0,
        poll_seconds: float = 30.0,
        ledger_conn_id: str = LedgerHook.default_conn_name,
    ) -> None:
        super().__init__()
        self.dataset = dataset
        self.partition = partition
        self.newer_than = newer_than
        self.poll_seconds = poll_seconds
        self.ledger_conn_id = ledger_conn_id

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and exactly the constructor's arguments."""
        arguments = {
            "dataset": self.dataset,
            "partition": self.partition,
            "newer_than": self.newer_than,
            "poll_seconds": self.poll_seconds,
            "ledger_conn_id": self.ledger_conn_id,
        }
        return f"{type(self).__module__}.{type(self).__qualname__}", arguments

    @faults_as_events
    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Ask the ledger until the pointer has moved; an outage is told to the task, whose retry waits on."""
        hook = await LedgerHook.opened_async(self.ledger_conn_id)
        while True:
            pointer = await asyncio.to_thread(self.look, hook)
            if pointer.version > self.newer_than:
                yield TriggerEvent({"pointer": {"name": pointer.name, "version": pointer.version}, **pointer.value})
                return
            await asyncio.sleep(self.poll_seconds)

    def look(self, hook: LedgerHook) -> Pointer:
        """Return what is published now."""
        return hook.store.pointer(pointer_name(self.dataset, self.partition))
