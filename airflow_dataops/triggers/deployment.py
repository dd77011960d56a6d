"""Waits for deployments, in the triggerer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_dataops.core.deployment import pointer_name
from airflow_dataops.hooks.container import ContainerHook
from airflow_dataops.hooks.ledger import LedgerHook
from airflow_dataops.hooks.process import ProcessHook
from airflow_dataops.hooks.serving import ServingTarget, ping
from airflow_dataops.triggers.fault import faults_as_events

__all__ = ["ContainerHealthyTrigger"]

TOLD = ("deployment", "model", "version", "target", "release")


class ContainerHealthyTrigger(BaseTrigger):
    """Fires once when what a deployment serves answers that it is healthy.

    Args:
        deployment: Name of the deployment.
        poll_seconds: How often it is asked.
        docker_conn_id: The engine's connection.
        ledger_conn_id: The ledger's connection.
    """

    def __init__(
        self,
        deployment: str,
        poll_seconds: float = 5.0,
        docker_conn_id: str = ContainerHook.default_conn_name,
        ledger_conn_id: str = LedgerHook.default_conn_name,
    ) -> None:
        super().__init__()
        self.deployment = deployment
        self.poll_seconds = poll_seconds
        self.docker_conn_id = docker_conn_id
        self.ledger_conn_id = ledger_conn_id

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and exactly the constructor's arguments."""
        arguments = {
            "deployment": self.deployment,
            "poll_seconds": self.poll_seconds,
            "docker_conn_id": self.docker_conn_id,
            "ledger_conn_id": self.ledger_conn_id,
        }
        return f"{type(self).__module__}.{type(self).__qualname__}", arguments

    @faults_as_events
    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Ask until it answers; an outage of ledger or engine is told to the task, whose retry waits on."""
        ledger = await LedgerHook.opened_async(self.ledger_conn_id)
        containers = await ContainerHook.opened_async(self.docker_conn_id)
        while True:
            found = await asyncio.to_thread(self.look, ledger, containers)
            if found is not None:
                yield TriggerEvent(found)
                return
            await asyncio.sleep(self.poll_seconds)

    def look(self, ledger: LedgerHook, containers: ContainerHook) -> dict[str, Any] | None:
        """Return what serves now, or None when nothing healthy does."""
        serving = ledger.store.pointer(pointer_name(self.deployment)).value
        if not serving:
            return None
        url = self.url_now(serving, containers)
        return {**{name: serving[name] for name in TOLD}, "url": url} if url and ping(url) else None

    def url_now(self, serving: Mapping[str, Any], containers: ContainerHook) -> str | None:
        """Return where the release answers now; None when it does not live.

        The address alone proves nothing: when a release has died, another may have been given its port. An engine
        or host that was restarted may have given the release another one.
        """
        target: ServingTarget = containers if serving["target"] == containers.kind else ProcessHook()
        found = target.observe(self.deployment, serving["release"])
        if found is not None:
            return found.url if found.alive else None
        # The processes of another host cannot be looked at from here.
        return serving["url"] if target.kind == ProcessHook.kind else None
