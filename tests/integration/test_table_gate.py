"""A gate on a table in a real Airflow: the triggerer waits for the database, a worker moves the rows."""

from __future__ import annotations

import json

import pytest

from airflow_dataops.testing.local_airflow import LocalAirflow
from tests.operators.test_quality_table import ASIDE, BETWEEN, NOT_NULL, ORDERS
from tests.support.frames import table_of
from tests.support.tables import connection_of, query

pytestmark = [pytest.mark.slow, pytest.mark.postgres]
DAG = """
from airflow.sdk import DAG
from airflow_dataops.operators.quality_table import TableGateOptions, TableQualityGateOperator

with DAG("gate_table", schedule=None):
    TableQualityGateOperator(
        task_id="gate",
        table="orders",
        sql_conn_id="shop",
        suite={suite!r},
        options=TableGateOptions(quarantine_table={aside!r}),
        deferrable=True,
    )
"""


def test_a_deferred_gate_judges_in_the_triggerer_and_moves_rows_in_a_worker(postgres_shop, tmp_path):
    suite, dags = tmp_path / "suite.json", tmp_path / "dags"
    meta = {"dataops": {"severity": "quarantine"}}
    listed = [{"type": kind, "kwargs": kwargs, "meta": meta} for kind, kwargs in (NOT_NULL, BETWEEN)]
    suite.write_text(json.dumps({"name": "orders", "expectations": listed}))
    dags.mkdir()
    (dags / "gate_table.py").write_text(DAG.format(suite=str(suite), aside=ASIDE.quarantine_table))
    environment = {"AIRFLOW_CONN_SHOP": connection_of(postgres_shop)}
    with (
        table_of(postgres_shop, ORDERS, name="orders"),
        LocalAirflow(tmp_path / "airflow", dags, port=0, environment=environment) as airflow,
    ):
        airflow.unpause("gate_table")
        run_id = airflow.trigger("gate_table", "once")
        assert airflow.wait("gate_table", run_id, seconds=300) == "success"
        gate = airflow.xcom("gate_table", run_id, "gate")
        assert (gate["verdict"], gate["rows"], gate["quarantine"]["rows"]) == ("publish_with_quarantine", 5, 2)
        logs = "".join(path.read_text() for path in (airflow.home / "logs").rglob("*.log*"))
        assert "trigger gate_table/once/gate/-1/1 (ID 1) starting" in logs  # it did wait in the triggerer
        assert query("SELECT id FROM orders ORDER BY id") == [(1,), (3,), (5,)]
