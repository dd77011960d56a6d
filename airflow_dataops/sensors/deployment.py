"""Sensors that wait for deployments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow.sdk import Context, PokeReturnValue

from airflow_dataops.hooks.container import ContainerHook
from airflow_dataops.hooks.ledger import LedgerHook
from airflow_dataops.operators.station import final_errors
from airflow_dataops.sensors.waiting import WaitingSensor
from airflow_dataops.triggers.deployment import ContainerHealthyTrigger

__all__ = ["ContainerHealthySensor"]


class ContainerHealthySensor(WaitingSensor):
    """Wait until what a deployment serves, a container or a process, answers that it is healthy.

    ``deferrable=True`` waits in the triggerer, without a worker slot.

    Args:
        deployment: Name of the deployment. (templated)
        docker_conn_id: The engine's connection.
        ledger_conn_id: The ledger's connection.

    Returns:
        ``{"deployment", "model", "version", "target", "release", "url"}``.

    Raises:
        OutageError: The ledger or the engine does not answer. A retry helps.
    """

    template_fields: Sequence[str] = ("deployment",)

    def __init__(
        self,
        *,
        deployment: str,
        docker_conn_id: str = ContainerHook.default_conn_name,
        ledger_conn_id: str = LedgerHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.deployment = deployment
        self.docker_conn_id = docker_conn_id
        self.ledger_conn_id = ledger_conn_id

    def poke(self, context: Context) -> PokeReturnValue:
        """Look once."""
        with final_errors():
            found = self.trigger().look(LedgerHook(self.ledger_conn_id), ContainerHook(self.docker_conn_id))
        return PokeReturnValue(found is not None, found)

    def trigger(self) -> ContainerHealthyTrigger:
        """Return the wait itself."""
        return ContainerHealthyTrigger(self.deployment, self.poke_interval, self.docker_conn_id, self.ledger_conn_id)
