"""The DataOps half alone: snapshot, gate, publish; no MLflow, no Docker."""

from __future__ import annotations

import os
from pathlib import Path

import pendulum
from airflow.sdk import DAG, Param

from airflow_dataops.operators.dataset import PublishDatasetOperator, SnapshotDatasetOperator
from airflow_dataops.operators.quality import QualityGateOperator

with DAG(
    dag_id="flights_quality_only",
    schedule=None,
    start_date=pendulum.datetime(2013, 1, 1),
    params={
        "month": Param("2013-01", type="string", pattern=r"^\d{4}-\d{2}$"),
        "inbox": Param(os.environ.get("FLIGHTS_INBOX", "/data/flights"), type="string"),
    },
    tags=["dataops", "example"],
    doc_md="""
    ### Publish only what passed

    A delivery is snapshotted and judged. Rows that fail a *quarantine* check are split off with the reason; when too
    many fail, or a *block* check fails, the month is held and readers keep the version they have.
    """,
):
    snapshot = SnapshotDatasetOperator(
        task_id="snapshot",
        dataset="flights_only",
        partition="{{ params.month }}",
        path="{{ params.inbox }}/flights-{{ params.month }}.csv",
    )
    gate = QualityGateOperator(
        task_id="gate", snapshot=snapshot.output, suite=str(Path(__file__).parent / "flights" / "suite.json")
    )
    PublishDatasetOperator(task_id="publish", dataset="flights_only", gate=gate.output)
