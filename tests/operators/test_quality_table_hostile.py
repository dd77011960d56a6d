"""The gate on tables that others set traps in: no row is lost, none is shown, none of somebody else's is touched."""

from __future__ import annotations

import json
import traceback

import pandas as pd
import pytest
import sqlalchemy
from airflow.sdk.exceptions import AirflowFailException

from airflow_dataops.core.quality_sql.refusal import UncompilableError
from airflow_dataops.core.table import TableName
from airflow_dataops.hooks.quality_sql import open_sql
from airflow_dataops.operators.quality_table import TableGateOptions, TableQualityGateOperator
from airflow_dataops.testing import SqlTable, run_suite
from tests.support.frames import table_of
from tests.support.tables import query

ORDERS = pd.DataFrame(
    {
        "id": pd.Series([1, 2, 3], dtype="int64"),
        "status": pd.Series(["open", None, "paid"], dtype="str"),
        "note": pd.Series(["a", "b", "c"], dtype="str"),
    }
)


@pytest.fixture
def gate(ledger, store_path, tmp_path):
    """Give a maker of gates on `orders` that move rows without a status."""

    def make():
        meta = {"dataops": {"severity": "quarantine", "id": "status"}}
        listed = [{"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "status"}, "meta": meta}]
        path = tmp_path / "suite.json"
        path.write_text(json.dumps({"name": "orders", "expectations": listed}))
        options = TableGateOptions(quarantine_table="aside")
        return TableQualityGateOperator(
            task_id="gate", table="orders", sql_conn_id="shop", suite=str(path), options=options
        )

    return make


@pytest.fixture
def orders(any_shop):
    with table_of(any_shop, ORDERS, name="orders"):
        yield any_shop


@pytest.fixture
def postgres_orders(postgres_shop):
    with table_of(postgres_shop, ORDERS, name="orders"):
        yield postgres_shop


def ids(table):
    return sorted(row[0] for row in query(f"SELECT id FROM {table}"))


def test_rows_go_into_the_columns_of_their_names_whatever_their_order_in_the_quarantine_table(
    gate, orders, make_context
):
    query("CREATE TABLE aside (_dataops_checks text, note text, status text, _dataops_run text, id bigint, more int)")
    gate().execute(make_context("gate"))
    assert query("SELECT id, status, note, _dataops_checks, more FROM aside") == [(2, None, "b", "status", None)]
    assert ids("orders") == [1, 3]


def test_a_quarantine_table_without_a_column_is_told_and_nothing_is_moved(gate, orders, make_context):
    query("CREATE TABLE aside (id bigint, _dataops_run text, _dataops_checks text)")
    with pytest.raises(AirflowFailException, match="cannot be changed as asked"):
        gate().execute(make_context("gate"))
    assert (ids("orders"), ids("aside")) == ([1, 2, 3], [])


def test_a_table_of_somebody_elses_is_not_taken_for_our_temporary_one(gate, orders, make_context):
    query("CREATE TABLE dataops_bad_rows (id bigint)")
    query("INSERT INTO dataops_bad_rows VALUES (7)")
    gate().execute(make_context("gate"))
    assert ids("dataops_bad_rows") == [7]
    assert ids("orders") == [1, 3]


@pytest.mark.postgres
def test_a_trigger_that_swallows_quarantined_rows_loses_none(gate, postgres_orders, make_context):
    query("CREATE TABLE aside (id bigint, status text, note text, _dataops_run text, _dataops_checks text)")
    query("CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
    query("CREATE TRIGGER swallow BEFORE INSERT ON aside FOR EACH ROW EXECUTE FUNCTION swallow()")
    with pytest.raises(AirflowFailException, match=r"2 would stay and 0 would be in aside\. Nothing was moved"):
        gate().execute(make_context("gate"))
    assert ids("orders") == [1, 2, 3]


@pytest.mark.postgres
def test_rows_of_other_tables_do_not_go_with_those_that_fail(gate, postgres_orders, make_context):
    query("ALTER TABLE orders ADD PRIMARY KEY (id)")
    query("CREATE TABLE items (id bigint REFERENCES orders ON DELETE CASCADE)")
    query("INSERT INTO items VALUES (2)")
    try:
        with pytest.raises(AirflowFailException, match="Rows of other tables would go with those of orders"):
            gate().execute(make_context("gate"))
        assert (ids("orders"), ids("items")) == ([1, 2, 3], [2])
    finally:
        query("DROP TABLE items")


def test_rows_of_other_tables_are_not_left_pointing_at_nothing(gate, sqlite_shop, make_context):
    query("CREATE TABLE orders (id integer PRIMARY KEY, status text, note text)")
    query("INSERT INTO orders VALUES (1, 'open', 'a'), (2, NULL, 'b')")
    query("CREATE TABLE items (id integer REFERENCES orders (id))")
    query("INSERT INTO items VALUES (1), (2), (77)")
    with pytest.raises(AirflowFailException, match="1 rows of other tables point at failing rows of orders"):
        gate().execute(make_context("gate"))
    assert ids("orders") == [1, 2]
    query("DELETE FROM items WHERE id = 2")
    gate().execute(make_context("gate", run_id="other"))
    assert ids("orders") == [1]


@pytest.mark.postgres
def test_a_backslash_ends_no_literal_whatever_the_database_says_of_them(postgres_orders, monkeypatch):
    trap = "x\\' OR true) -- "
    query("INSERT INTO orders VALUES (4, 'x\\'' OR true) -- ', 'd')")
    kwargs = {"column": "status", "value_set": [trap, "open", "paid"]}
    suite = {"name": "s", "expectations": [{"type": "expect_column_values_to_be_in_set", "kwargs": kwargs}]}
    monkeypatch.setenv("PGOPTIONS", "-c standard_conforming_strings=off")
    (result,) = run_suite(suite, SqlTable(postgres_orders, "orders"), engine="sql")["results"]
    assert (result["success"], result["result"]["unexpected_count"]) == (True, 0)


@pytest.mark.postgres
def test_what_the_driver_says_of_a_value_reaches_no_log(postgres_orders):
    query("UPDATE orders SET note = 'secret-4711'")
    database = sqlalchemy.create_engine(postgres_orders, poolclass=sqlalchemy.NullPool)
    with open_sql(database, TableName("orders")) as engine, pytest.raises(UncompilableError) as caught:
        engine.run("SELECT note::int FROM orders")
    assert "secret-4711" not in "".join(traceback.format_exception(caught.value))
