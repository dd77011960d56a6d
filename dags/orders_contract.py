"""From a data contract to a published table: a delivery that keeps the contract replaces the table in one step."""

from __future__ import annotations

import os
from pathlib import Path

import pendulum
from airflow.sdk import DAG, Param, task

from airflow_dataops.operators.dataset import SnapshotDatasetOperator
from airflow_dataops.operators.quality import QualityGateOperator
from airflow_dataops.operators.reading import read_table
from airflow_dataops.operators.table import LoadTableOperator, PublishTableOperator
from airflow_dataops.operators.table_rollback import RollbackTableOperator

INBOX = os.environ.get("ORDERS_INBOX", "/data/orders")
WAREHOUSE = "orders_warehouse"
TABLE = {"table": "orders", "sql_conn_id": WAREHOUSE}
RETRIES = {"retries": 2, "retry_delay": pendulum.duration(seconds=10)}

with DAG(
    dag_id="orders_contract",
    schedule=None,
    start_date=pendulum.datetime(2026, 11, 1),
    max_active_runs=1,
    default_args=RETRIES,
    params={
        "day": Param("2026-11-24", type="string", pattern=r"^\d{4}-\d{2}-\d{2}$"),
        "inbox": Param(INBOX, type="string", description="Folder of the deliveries orders-YYYY-MM-DD.csv."),
    },
    tags=["dataops", "example"],
    doc_md="""
    ### Orders: publish only what keeps the contract

    Every night the shop delivers all orders of the month. The delivery is snapshotted and judged by the data contract
    `orders/contract.yaml` (ODCS 3.1). Orders with a status that nobody agreed on are set aside, up to 2 %; everything
    else that breaks the contract holds the delivery. What passed is loaded beside the table `orders` of the connection
    `orders_warehouse` (PostgreSQL, or SQLite on a laptop) and takes its place in one transaction.

    **When a delivery is held**, the table stays as it was. **When a bad one came through**, trigger `orders_rollback`:
    the version before is current again, and the result names who has read the bad one.
    """,
):
    snapshot = SnapshotDatasetOperator(
        task_id="snapshot",
        dataset="orders",
        partition="{{ params.day }}",
        path="{{ params.inbox }}/orders-{{ params.day }}.csv",
    )
    gate = QualityGateOperator(
        task_id="gate",
        snapshot=snapshot.output,
        suite=str(Path(__file__).parent / "orders" / "contract.yaml"),
    )
    load = LoadTableOperator(task_id="load", gate=gate.output, **TABLE)
    publish = PublishTableOperator(task_id="publish", load=load.output, keep=7, **TABLE)

    @task
    def report():
        """Count the orders by status; whoever reads so is named when the version turns out to be bad."""
        with read_table(**TABLE) as orders:
            query = f"SELECT status, count(*) FROM {orders.name} GROUP BY status ORDER BY status"  # noqa: S608 - quoted
            return dict(orders.connection.exec_driver_sql(query).tuples().all())

    publish >> report()

with DAG(
    dag_id="orders_rollback",
    schedule=None,
    start_date=pendulum.datetime(2026, 11, 1),
    max_active_runs=1,
    default_args=RETRIES,
    params={
        "to_version": Param(None, type=["null", "integer"], description="Empty: the version before."),
        "reason": Param("", type="string", description="Why; kept in the history."),
    },
    tags=["dataops", "example"],
    doc_md="""
    ### Orders: one step back

    Makes an earlier version of the table `orders` current again. Nothing is loaded; the bad version is kept.
    """,
):
    RollbackTableOperator(
        task_id="rollback", to_version="{{ params.to_version }}", reason="{{ params.reason }}", **TABLE
    )
