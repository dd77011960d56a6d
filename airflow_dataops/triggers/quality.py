"""Judging a table in its database without a worker: the triggerer waits for the queries."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent
from asgiref.sync import sync_to_async

from airflow_dataops.hooks.quality_table import TableTask, judge_table
from airflow_dataops.hooks.table import database_engine
from airflow_dataops.triggers.fault import faults_as_events

__all__ = ["TableJudgedTrigger"]


class TableJudgedTrigger(BaseTrigger):
    """Fires once when a table is judged. It only reads, so a triggerer that dies judges anew.

    Args:
        asked: What is to be judged: `TableTask` as JSON.
    """

    def __init__(self, asked: Mapping[str, Any]) -> None:
        super().__init__()
        self.asked = dict(asked)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and exactly the constructor's arguments."""
        return f"{type(self).__module__}.{type(self).__qualname__}", {"asked": self.asked}

    @faults_as_events
    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Judge in a thread: the database works, the triggerer goes on."""
        task = TableTask.of(self.asked)
        # Connections are asked for as Airflow's own triggers do, not from a thread of ours.
        database = await sync_to_async(database_engine)(task.sql_conn_id)
        judged = await asyncio.to_thread(judge_table, task, database)
        yield TriggerEvent(judged.to_json())
