"""From a data contract to a published table, in a real Airflow: on PostgreSQL, and as on a laptop on SQLite."""

from __future__ import annotations

import json
import sqlite3
from datetime import date
from pathlib import Path

import psycopg
import pytest

from airflow_dataops.hooks.ledger_store import LedgerStore
from airflow_dataops.hooks.suite import read_document
from airflow_dataops.testing.local_airflow import LocalAirflow
from tests.support.tables import connection_of

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
GOOD, BETTER, BAD = date(2026, 11, 1), date(2026, 11, 2), date(2026, 11, 3)
POINTER = "table/orders_warehouse/-/orders"


@pytest.fixture
def inbox(tmp_path) -> Path:
    from orders.deliveries import write_delivery

    folder = tmp_path / "inbox"
    for day, unknown in ((GOOD, 0.005), (BETTER, 0.005), (BAD, 0.1)):
        write_delivery(folder, day, unknown)
    return folder


def test_every_rule_of_the_contract_is_checked():
    document, _ = read_document(ROOT / "dags" / "orders" / "contract.yaml")
    assert (
        document["meta"]["dataops"]["unsupported"]
        == [
            # where the table lies is not the delivery's affair
        ]
    )
    assert len(document["expectations"]) > 20


def test_a_delivery_is_the_same_every_time(inbox):
    from orders.deliveries import write_delivery

    before = (inbox / f"orders-{GOOD}.csv").read_bytes()
    assert write_delivery(inbox, GOOD).read_bytes() == before


@pytest.mark.postgres
def test_a_good_delivery_is_published_a_bad_one_held_and_a_rollback_goes_back(postgres_ledger_url, inbox, tmp_path):
    url = postgres_ledger_url.replace("+psycopg", "")

    def rows() -> int:
        with psycopg.connect(url) as connection:
            return connection.execute("SELECT count(*) FROM orders").fetchone()[0]

    environment = {"AIRFLOW_CONN_ORDERS_WAREHOUSE": connection_of(postgres_ledger_url), "ORDERS_INBOX": str(inbox)}
    with LocalAirflow(tmp_path / "airflow", ROOT / "dags", port=0, environment=environment) as airflow:
        ledger = LedgerStore(f"sqlite:///{airflow.home / 'dataops' / 'ledger.db'}")
        for dag in ("orders_contract", "orders_rollback"):
            airflow.unpause(dag)

        def run(day: date) -> tuple[str, str]:
            run_id = airflow.trigger("orders_contract", f"day-{day}", day=day.isoformat())
            return run_id, airflow.wait("orders_contract", run_id, seconds=300)

        run_id, state = run(GOOD)
        assert state == "success"
        gate = airflow.xcom("orders_contract", run_id, "gate")
        assert gate["verdict"] == "publish_with_quarantine"
        assert 0 < gate["rows_bad"] < 10
        assert rows() == 400 - gate["rows_bad"]

        run_id, state = run(BETTER)
        assert state == "success"
        published = airflow.xcom("orders_contract", run_id, "publish")
        assert (published["version"], rows()) == (2, published["rows"])
        assert sum(airflow.xcom("orders_contract", run_id, "report").values()) == published["rows"]

        run_id, state = run(BAD)
        assert state == "failed"
        assert airflow.task_states("orders_contract", run_id)["load"] == "upstream_failed"
        assert ledger.pointer(POINTER).value["version"] == 2
        assert rows() == published["rows"]

        run_id = airflow.trigger("orders_rollback", "back", reason="prices without tax")
        assert airflow.wait("orders_rollback", run_id, seconds=300) == "success"
        back = airflow.xcom("orders_rollback", run_id, "rollback")
        assert (back["version"], back["from_version"], rows()) == (1, 2, back["rows"])
        reader = {"dag_id": "orders_contract", "run_id": f"day-{BETTER}", "task_id": "report"}
        assert back["consumers"] == [reader]
        assert ledger.events(kind="table.rolled_back")[0].event.payload["reason"] == "prices without tax"


def test_the_same_dag_runs_on_a_laptop_with_one_command(inbox, tmp_path):
    database = tmp_path / "warehouse.db"
    connection = json.dumps({"conn_type": "sqlite", "host": str(database)})
    environment = {"AIRFLOW_CONN_ORDERS_WAREHOUSE": connection, "ORDERS_INBOX": str(inbox)}
    airflow = LocalAirflow(tmp_path / "airflow", ROOT / "dags", port=0, environment=environment)
    airflow.command("db", "migrate")
    airflow.command("dags", "test", "orders_contract", "--conf", json.dumps({"day": GOOD.isoformat()}))
    with sqlite3.connect(database) as shown:
        (rows,) = shown.execute("SELECT count(*) FROM orders").fetchone()
    shown.close()
    assert 390 < rows < 400
