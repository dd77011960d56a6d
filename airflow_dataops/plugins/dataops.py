"""The plugin that Airflow loads; it imports nothing that a task does not need."""

from __future__ import annotations

from typing import Any

from airflow.plugins_manager import AirflowPlugin

__all__ = ["DataOpsPlugin"]


class DataOpsPlugin(AirflowPlugin):
    """Tells Airflow's UI and workers what we add."""

    name = "dataops"

    @property
    def fastapi_apps(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """What the API server serves under ``/dataops``; read there only, so that tasks do not load FastAPI."""
        from airflow_dataops.plugins.reports import app  # noqa: PLC0415 - FastAPI and models, for the API server alone

        return [{"app": app, "url_prefix": "/dataops", "name": "DataOps"}]
