"""The gate on a table: the database judges, failing rows are moved aside once, and nothing is lost."""

from __future__ import annotations

import asyncio
import json

import pandas as pd
import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException, TaskDeferred

from airflow_dataops.core.table import TableName
from airflow_dataops.exceptions import OutageError
from airflow_dataops.hooks.dataset import DatasetHook
from airflow_dataops.hooks.quality_table_move import RowMove
from airflow_dataops.hooks.table import open_tables
from airflow_dataops.operators.quality_table import TableGateOptions, TableQualityGateOperator
from tests.support.deaths import killed
from tests.support.frames import table_of
from tests.support.tables import query

ORDERS = pd.DataFrame(
    {
        "id": pd.Series([1, 2, 3, 3, 5], dtype="int64"),
        "status": pd.Series(["open", None, "paid", "paid", "it's\n"], dtype="str"),
        "amount": pd.Series([1.5, 2.5, -1.0, 4.0, 5.0], dtype="float64"),
    }
)
NOT_NULL = ("expect_column_values_to_not_be_null", {"column": "status"})
BETWEEN = ("expect_column_values_to_be_between", {"column": "amount", "min_value": 0})
UNIQUE = ("expect_column_values_to_be_unique", {"column": "id"})
ASIDE = TableGateOptions(quarantine_table="aside")


@pytest.fixture
def gate(any_shop, ledger, store_path, tmp_path, make_context):
    """Give a maker of gates on `orders`: ``gate((type, kwargs), …, severity="quarantine")``."""

    def make(*checks, severity="block", **options):
        listed = [
            {"type": kind, "kwargs": kwargs, "meta": {"dataops": {"severity": severity, "id": f"check {number}"}}}
            for number, (kind, kwargs) in enumerate(checks, start=1)
        ]
        path = tmp_path / "suite.json"
        path.write_text(json.dumps({"name": "orders", "expectations": listed}))
        named = {"table": "orders", "sql_conn_id": "shop", "suite": str(path), **options}
        return TableQualityGateOperator(task_id="gate", **named)

    with table_of(any_shop, ORDERS, name="orders"):
        make.url = any_shop
        yield make


def ids(table: str) -> list[int]:
    return sorted(row[0] for row in query("SELECT id FROM {table}", TableName(table)))


def test_a_table_that_meets_its_suite_is_let_through_and_stays_as_it_is(gate, make_context, ledger):
    result = gate((BETWEEN[0], {"column": "amount", "min_value": -5})).execute(make_context("gate"))
    assert (result["verdict"], result["rows"], result["rows_bad"], result["score"]) == ("publish", 5, 0, 1.0)
    assert result["sentence"] == "Orders were let through: 5 rows passed 1 check."
    assert result["table"] == {"table": "orders", "schema": None, "sql_conn_id": "shop"}
    assert ids("orders") == [1, 2, 3, 3, 5]
    (judged,) = ledger.events(kind="quality.judged")
    assert judged.event.subject == "table/shop/-/orders"
    assert len(json.dumps(result)) < 2000


def test_a_table_that_does_not_is_held_and_nothing_is_moved(gate, make_context):
    task = gate(NOT_NULL)
    with pytest.raises(AirflowFailException, match=r"Orders were held: 1 of 5 rows \(20 %\) has no status"):
        task.execute(make_context("gate"))
    assert ids("orders") == [1, 2, 3, 3, 5]


def test_a_hold_skips_or_only_warns_as_asked(gate, make_context):
    with pytest.raises(AirflowSkipException, match="Orders were held"):
        gate(NOT_NULL, on_fail="skip").execute(make_context("gate"))
    assert gate(NOT_NULL, on_fail="warn").execute(make_context("gate", run_id="other"))["verdict"] == "hold"


def test_failing_rows_are_moved_with_the_checks_that_they_fail(gate, make_context):
    result = gate(NOT_NULL, BETWEEN, UNIQUE, severity="quarantine", options=ASIDE).execute(make_context("gate"))
    assert result["verdict"] == "publish_with_quarantine"
    assert result["quarantine"] == {"table": "aside", "schema": None, "rows": 3}
    assert ids("orders") == [1, 5]
    moved = query("SELECT id, amount, _dataops_checks FROM aside ORDER BY id, amount")
    assert moved == [(2, 2.5, "check 1"), (3, -1.0, "check 2\ncheck 3"), (3, 4.0, "check 3")]


def test_the_report_names_the_tables_and_how_many_rows_each_holds(gate, make_context, store_path):
    result = gate(BETWEEN, severity="quarantine", options=ASIDE).execute(make_context("gate"))
    page = DatasetHook().get_evidence(result["report"]).decode()
    assert "<dt>Table</dt><dd><code>shop:orders</code>, 5 rows</dd>" in page
    assert "<dt>Goes on</dt><dd><code>shop:orders</code>, 4 rows</dd>" in page
    assert "<dt>Quarantine</dt><dd><code>shop:aside</code>, 1 row</dd>" in page
    assert "SHA-256" not in page
    assert "Snapshot" not in page


def test_of_equal_keys_the_first_can_stay(gate, make_context, tmp_path):
    task = gate(UNIQUE, severity="quarantine", options=TableGateOptions(["amount"], "aside"))
    document = json.loads((tmp_path / "suite.json").read_text())
    document["expectations"][0]["meta"]["dataops"]["keep"] = "first"
    (tmp_path / "suite.json").write_text(json.dumps(document))
    task.execute(make_context("gate"))
    assert query("SELECT id, amount FROM aside") == [(3, 4.0)]
    assert ids("orders") == [1, 2, 3, 5]


@pytest.mark.parametrize(("method", "when"), [("carry_out", "before"), ("carry_out", "after")])
def test_a_killed_gate_moves_each_row_once(gate, make_context, method, when):
    task = gate(NOT_NULL, BETWEEN, severity="quarantine", options=ASIDE)
    killed(RowMove, method, when, lambda: task.execute(make_context("gate", number=1)))
    result = task.execute(make_context("gate", number=2))
    assert result["quarantine"]["rows"] == result["rows_bad"] == 2
    assert result["rows"] == 5
    assert ids("orders") == [1, 3, 5]
    assert ids("aside") == [2, 3]


def test_a_table_that_changes_between_judging_and_moving_is_left_alone(gate, make_context, monkeypatch):
    task, whole = gate(NOT_NULL, severity="quarantine", options=ASIDE), RowMove.carry_out

    def disturbed(self, decision, failing):
        query("INSERT INTO orders (id, status, amount) VALUES (9, NULL, 1)")
        return whole(self, decision, failing)

    monkeypatch.setattr(RowMove, "carry_out", disturbed)
    with pytest.raises(AirflowFailException, match=r"orders changed while it was judged: it had 5 rows, 1 of them"):
        task.execute(make_context("gate"))
    assert ids("orders") == [1, 2, 3, 3, 5, 9]


def test_rows_are_moved_only_where_a_table_is_named_for_them(gate, make_context):
    with pytest.raises(AirflowFailException, match=r"quarantines rows that fail check 1, but no table was named"):
        gate(NOT_NULL, severity="quarantine").execute(make_context("gate"))


def test_a_view_is_judged_and_its_rows_stay(gate, make_context):
    query("CREATE VIEW some_orders AS SELECT * FROM orders")
    try:
        with pytest.raises(AirflowFailException, match="some_orders is no plain table"):
            gate(NOT_NULL, severity="quarantine", options=ASIDE, table="some_orders").execute(make_context("gate"))
        with pytest.raises(AirflowFailException, match=r"1 of 5 rows"):
            gate(NOT_NULL, table="some_orders").execute(make_context("gate", run_id="other"))
    finally:
        query("DROP VIEW some_orders")


def test_a_table_that_is_not_there_is_a_broken_check(gate, make_context):
    with pytest.raises(AirflowFailException, match=r"There is no table or view 'nothing'"):
        gate(NOT_NULL, table="nothing").execute(make_context("gate"))


def test_checks_on_the_order_of_rows_need_one(gate, make_context):
    rising = ("expect_column_values_to_be_increasing", {"column": "id"})
    with pytest.raises(AirflowFailException, match="its rows have no order"):
        gate(rising).execute(make_context("gate"))
    found = gate(rising, options=TableGateOptions(["amount"])).execute
    with pytest.raises(AirflowFailException, match="Orders were held"):
        found(make_context("gate", run_id="other"))


def test_rows_may_refer_to_another_table_of_the_database(gate, make_context):
    customers = pd.DataFrame({"key": pd.Series([1, 2, 3], dtype="int64")})
    check = ("dataops_columns_to_exist_in", {
        "column_list": ["id"], "reference": "customers", "reference_columns": ["key"]})  # fmt: skip
    with table_of(gate.url, customers, name="people"):
        task = gate(check, options=TableGateOptions(references={"customers": "people"}))
        with pytest.raises(AirflowFailException, match=r"1 of 5 rows"):
            task.execute(make_context("gate"))


def test_the_triggerer_waits_for_the_database_and_a_worker_moves_the_rows(gate, make_context):
    form = ("expect_column_values_to_match_regex", {"column": "status", "regex": r"^(?!it's)"})  # judged by Python
    task, context = gate(NOT_NULL, form, severity="quarantine", options=ASIDE, deferrable=True), make_context("gate")
    with pytest.raises(TaskDeferred) as deferred:
        task.execute(context)
    path, arguments = deferred.value.trigger.serialize()
    json.dumps(arguments)  # Airflow keeps them in its database
    trigger = type(deferred.value.trigger)(**arguments)
    assert path == "airflow_dataops.triggers.quality.TableJudgedTrigger"
    assert ids("orders") == [1, 2, 3, 3, 5]

    async def event():
        return await anext(aiter(trigger.run()))

    text = json.dumps(asyncio.run(event()).payload)
    assert "it's\\n" not in text  # Airflow keeps this in its database: no value out of a row
    result = getattr(task, deferred.value.method_name)(context, json.loads(text))
    assert (result["verdict"], result["quarantine"]["rows"]) == ("publish_with_quarantine", 2)
    assert ids("orders") == [1, 3, 3]
    assert query("SELECT id, _dataops_checks FROM aside ORDER BY id") == [(2, "check 1"), (5, "check 2")]


def test_a_database_that_is_down_while_the_triggerer_waits_is_an_outage(gate, make_context, monkeypatch):
    task = gate(NOT_NULL, deferrable=True)
    with pytest.raises(TaskDeferred) as deferred:
        task.execute(make_context("gate"))
    down = {"conn_type": "postgres", "host": "127.0.0.1", "port": 9, "login": "x", "password": "secret", "schema": "x"}
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", json.dumps(down))

    async def event():
        return await anext(aiter(deferred.value.trigger.run()))

    with pytest.raises(OutageError, match=r"127\.0\.0\.1:9/x \(connection 'shop'\) does not answer") as told:
        task.execute_judged(make_context("gate"), asyncio.run(event()).payload)
    assert "secret" not in str(told.value)


def test_a_staging_table_is_judged_before_it_is_published(any_shop, line, tmp_path, make_context):
    orders = line()
    rows = pd.DataFrame({"id": range(10), "v": [1] * 10})
    load = orders.load("1", rows.assign(v=[1] * 9 + [-1]))
    suite = {"name": "s", "expectations": [{
        "type": "expect_column_values_to_be_between", "kwargs": {"column": "v", "min_value": 0},
        "meta": {"dataops": {"severity": "quarantine"}}}]}  # fmt: skip
    (tmp_path / "suite.json").write_text(json.dumps(suite))
    gate = TableQualityGateOperator(
        task_id="gate", table=load, sql_conn_id="shop", suite=str(tmp_path / "suite.json"), options=ASIDE
    )
    judged = gate.execute(make_context("gate", run_id="1"))
    assert judged["sentence"].startswith("Orders were let through without 1 of 10 rows")
    published = orders.publisher(judged["load"]).execute(make_context("publish", run_id="1"))
    assert (published["rows"], published["verdict"]) == (9, "publish_with_quarantine")
    with open_tables("shop") as database, database.look("the test") as connection:
        assert database.count(connection, TableName("orders")) == 9
