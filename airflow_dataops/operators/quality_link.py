"""The link from a gate's task to its report."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from airflow.sdk import BaseOperatorLink, conf

from airflow_dataops.hooks.dataset import DatasetHook

__all__ = ["QualityReportLink", "report_url"]


class QualityReportLink(BaseOperatorLink):
    """Opens the report of the gate, which the API server serves to whoever may read the DAG."""

    name = "Quality report"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """Return where the report is served; empty when the gate came to no verdict.

        Airflow calls this in the worker when the task ends, on the operator that ran.
        """
        result = getattr(operator, "judged_result", None)
        return report_url(str(result["report"]), operator.store_conn_id) if result else ""


def report_url(report: str, store_conn_id: str) -> str:
    """Return where the report under a URI of the evidence store is served."""
    base = conf.get("api", "base_url", fallback="/").rstrip("/")
    store = "" if store_conn_id == DatasetHook.default_conn_name else f"?store={quote(store_conn_id, safe='')}"
    return f"{base}/dataops/reports/{PurePath(report).stem}/report.html{store}"
