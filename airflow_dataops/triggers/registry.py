"""Waits for registered models, in the triggerer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_dataops.core.registry import CHAMPION
from airflow_dataops.hooks.mlflow import MlflowHook
from airflow_dataops.triggers.fault import faults_as_events

__all__ = ["ModelVersionTrigger"]


class ModelVersionTrigger(BaseTrigger):
    """Fires once when a model has a version under an alias that is newer than a known one.

    Args:
        model: Name of the registered model.
        alias: The alias.
        newer_than: Version number that is known already; 0 waits for any version.
        poll_seconds: How often MLflow is asked.
        mlflow_conn_id: The MLflow server.
    """

    def __init__(
        self,
        model: str,
        alias: str = CHAMPION,
        newer_than: int = 0,
        poll_seconds: float = 30.0,
        mlflow_conn_id: str = MlflowHook.default_conn_name,
    ) -> None:
        super().__init__()
        self.model = model
        self.alias = alias
        self.newer_than = newer_than
        self.poll_seconds = poll_seconds
        self.mlflow_conn_id = mlflow_conn_id

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and exactly the constructor's arguments."""
        arguments = {
            "model": self.model,
            "alias": self.alias,
            "newer_than": self.newer_than,
            "poll_seconds": self.poll_seconds,
            "mlflow_conn_id": self.mlflow_conn_id,
        }
        return f"{type(self).__module__}.{type(self).__qualname__}", arguments

    @faults_as_events
    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Ask MLflow until the alias is at a newer version; an outage is told to the task, whose retry waits on."""
        hook = await MlflowHook.opened_async(self.mlflow_conn_id)
        while True:
            found = await asyncio.to_thread(self.look, hook)
            if found is not None:
                yield TriggerEvent(found)
                return
            await asyncio.sleep(self.poll_seconds)

    def look(self, hook: MlflowHook) -> dict[str, Any] | None:
        """Return the newer version; None while there is none."""
        version = hook.alias(self.model, self.alias)
        if version is None or int(version) <= self.newer_than:
            return None
        return {"model": self.model, "alias": self.alias, "version": version}
