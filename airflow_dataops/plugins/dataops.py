"""The plugin that Airflow loads; it imports nothing that a task does not need."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin

__all__ = ["DataOpsPlugin"]


class DataOpsPlugin(AirflowPlugin):
    """Tells Airflow's UI and workers what we add."""

    name = "dataops"
