from __future__ import annotations

import pandas as pd
import pytest
import sqlalchemy
from airflow.sdk.exceptions import AirflowFailException

from airflow_dataops.exceptions import OutageError
from airflow_dataops.hooks.ledger_store import LedgerStore
from airflow_dataops.operators.dataset import PublishDatasetOperator
from airflow_dataops.operators.reading import consumers, read_dataset, read_table
from tests.support.tables import whole


def test_a_task_reads_what_is_published_and_is_recorded_for_this_version_alone(line, ledger, make_context):
    for number in (1, 2):
        station = PublishDatasetOperator(
            task_id="publish", dataset="orders", gate=line().snapshot(str(number), whole(number))
        )
        published = station.execute(make_context("publish", run_id=str(number)))
        assert len(read_dataset("orders", context=make_context(f"reader-{number}")).frame()) == number * 10
    told = consumers(ledger, "dataset/orders/all", published["snapshot"]["version"])
    assert [one["task_id"] for one in told] == ["reader-2"]


def test_a_task_reads_a_table_and_is_recorded_for_the_version_it_saw(any_shop, line, ledger, make_context):
    orders = line()
    for number in (1, 2, 3):
        orders.publish(str(number), whole(number))
        context = make_context("report", run_id=f"day {number}", map_index=7)
        with read_table("orders", sql_conn_id="shop", context=context) as table:
            frame = pd.read_sql(sqlalchemy.text(f"SELECT * FROM {table.name}"), table.connection)
        assert (len(frame), table.version) == (number * 10, number)
    result = orders.rollback("back", reason="wrong prices")
    reader = {"dag_id": "line", "run_id": "day 3", "task_id": "report", "map_index": 7}
    assert (result["consumers"], result["consumers_count"]) == ([reader], 1)
    assert (
        "instead of 3, which 1 task has read." in ledger.events(kind="table.rolled_back")[0].event.payload["sentence"]
    )


@pytest.mark.postgres
def test_the_version_of_a_table_stays_while_it_is_read(postgres_shop, line, make_context):
    orders = line()
    orders.publish("1", whole(1))
    station = orders.publisher(orders.load("2", whole(2)), lock_seconds=0.1)
    with (
        read_table("orders", sql_conn_id="shop", context=make_context("report")),
        pytest.raises(OutageError, match="others hold the table orders"),
    ):
        station.execute(make_context("publish", run_id="2"))
    assert station.execute(make_context("publish", run_id="2", number=2))["version"] == 2


def test_what_is_not_published_cannot_be_read(any_shop, ledger, store_path, make_context):
    with pytest.raises(AirflowFailException, match="Nothing is published of orders/2026-11"):
        read_dataset("orders", "2026-11", context=make_context())
    with (
        pytest.raises(AirflowFailException, match="Nothing is published as the table orders"),
        read_table("orders", sql_conn_id="shop", context=make_context()),
    ):
        pass


def test_nobody_reads_outside_of_a_task(ledger, store_path):
    with pytest.raises(AirflowFailException, match="outside of a task"):
        read_dataset("orders")


def test_who_read_is_one_query_by_subject(ledger: LedgerStore):
    asked: list[str] = []
    sqlalchemy.event.listen(ledger.engine, "before_cursor_execute", lambda *call: asked.append(call[2]))
    consumers(ledger, "dataset/orders/all", "0123456789abcdef")
    (query,) = [statement for statement in asked if not statement.startswith("BEGIN")]
    with ledger.engine.connect() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", (0, "x")).all()
    assert "USING INDEX ix_dataops_event_subject_id" in str(plan)
