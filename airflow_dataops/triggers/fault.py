"""How a fault travels from a trigger to the task that waits for it, keeping whether a retry helps."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from airflow.triggers.base import TriggerEvent

from airflow_dataops.exceptions import BrokenCheckError, DataOpsError, OutageError

__all__ = ["faults_as_events", "found_or_fault"]

FAULT = "dataops_fault"

Run = Callable[[Any], AsyncIterator[TriggerEvent]]


def faults_as_events(run: Run) -> Run:
    """Let a trigger's `run` tell our errors as its event.

    One that is raised would reach the task as "trigger failure", which Airflow retries whatever it was, and skips
    under `soft_fail` even when a server was only restarted.
    """

    @functools.wraps(run)
    async def told(self: Any) -> AsyncIterator[TriggerEvent]:
        try:
            async for event in run(self):
                yield event
        except OutageError as error:
            outage = {"system": error.system, "address": error.address, "conn_id": error.conn_id}
            yield TriggerEvent({FAULT: {**outage, "reason": error.reason}})
        except DataOpsError as error:
            yield TriggerEvent({FAULT: {"message": error.message, "hint": error.hint}})

    return told


def found_or_fault(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a trigger found.

    Raises:
        OutageError: A system did not answer while the task waited. A retry helps.
        BrokenCheckError: The wait itself is wrong. A retry does not help.
    """
    fault = event.get(FAULT)
    if fault is None:
        return dict(event)
    if "system" in fault:
        raise OutageError(**fault)
    raise BrokenCheckError(fault["message"], hint=fault["hint"])
