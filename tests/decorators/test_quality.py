from __future__ import annotations

import json
import os

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from airflow.sdk import DAG, task
from airflow.sdk.exceptions import AirflowFailException

from airflow_dataops.decorators.quality import quality_gate_task
from airflow_dataops.hooks.dataset import path_of
from airflow_dataops.operators.dataset import PublishDatasetOperator, SnapshotDatasetOperator
from airflow_dataops.operators.quality import QualityGateOperator
from airflow_dataops.provider import get_provider_info

ROWS = {"id": [1, 2, 3], "amount": [1.5, None, 3.0]}
SUITE = {
    "expectations": [
        {
            "type": "expect_column_values_to_not_be_null",
            "kwargs": {"column": "amount"},
            "meta": {"dataops": {"severity": "quarantine"}},
        }
    ]
}


@pytest.fixture
def suite(tmp_path) -> str:
    path = tmp_path / "suite.json"
    path.write_text(json.dumps(SUITE))
    return str(path)


def operator_of(function, *args, **options):
    """Return the operator that a decorated function makes in a DAG."""
    arguments = options.pop("call", {})
    with DAG("line", schedule=None, params={"day": "2026-01-02"}) as dag:
        quality_gate_task(function, **options)(*args, **arguments)
    return dag.get_task(options.get("task_id", function.__name__))


def csv_file(folder) -> str:
    pd.DataFrame(ROWS).to_csv(folder / "orders.csv", index=False)
    return str(folder / "orders.csv")


@pytest.mark.parametrize("form", ["pandas", "polars", "arrow", "path", "reader"])
def test_whatever_form_the_rows_have_they_are_snapshotted_and_judged(
    ledger, store_path, suite, make_context, tmp_path, form
):
    made = {
        "pandas": lambda: pd.DataFrame(ROWS, index=[7, 7, 7]),
        "polars": lambda: pl.DataFrame(ROWS),
        "arrow": lambda: pa.table(ROWS),
        "path": lambda: csv_file(tmp_path),
        "reader": lambda: pa.table(ROWS).to_reader(),
    }

    def orders():
        return made[form]()

    operator = operator_of(orders, dataset="orders", suite=suite)
    assert isinstance(operator, QualityGateOperator)
    result = operator.execute(make_context("orders"))
    assert (result["verdict"], result["rows"], result["rows_bad"]) == ("publish_with_quarantine", 3, 1)
    assert pq.read_table(path_of(result["snapshot"]["uri"])).to_pydict() == {"id": [1, 3], "amount": [1.5, 3.0]}
    assert [row.event.kind for row in ledger.events()] == [
        "dataset.snapshotted",
        "quality.judged",
        "quality.quarantined",
    ]
    assert [point.value for point in ledger.series("dataset/orders/rows")] == [3.0]


def test_a_snapshot_that_another_task_took_is_judged_as_it_is(ledger, store_path, suite, make_context):
    taken = SnapshotDatasetOperator(
        task_id="snapshot", dataset="orders", partition="p", python_callable=lambda: pa.table(ROWS)
    ).execute(make_context("snapshot"))

    def orders(snapshot):
        return snapshot

    result = operator_of(orders, taken, dataset="ignored", suite=suite).execute(make_context("orders"))
    assert (result["snapshot"]["dataset"], result["snapshot"]["partition"]) == ("orders", "p")
    assert len(ledger.events(kind="dataset.snapshotted")) == 1


def test_arguments_and_context_reach_the_function_as_with_other_task_decorators(
    ledger, store_path, suite, make_context
):
    seen = {}

    def orders(rows, *, factor, run_id=None, params=None):
        seen.update(rows=rows, factor=factor, run_id=run_id, params=params)
        return pa.table(ROWS)

    operator = operator_of(
        orders, ["{{ params.day }}"], dataset="orders", partition="{{ params.day }}", suite=suite, call={"factor": 2}
    )
    context = make_context("orders")
    operator.render_template_fields({"params": {"day": "2026-01-02"}})
    result = operator.execute(context)
    assert seen == {"rows": ["2026-01-02"], "factor": 2, "run_id": context["run_id"], "params": {}}
    assert result["snapshot"]["partition"] == "2026-01-02"


def test_a_retry_judges_the_rows_that_the_dead_try_had_taken(ledger, store_path, suite, make_context, monkeypatch):
    calls = []

    def orders():
        calls.append(len(calls))
        return pa.table({"id": [len(calls)] * 3, "amount": [1.5, None, 3.0]})

    operator = operator_of(orders, dataset="orders", suite=suite)

    class KilledError(BaseException):
        pass

    def dies(*args, **kwargs):
        raise KilledError

    with monkeypatch.context() as dying:
        dying.setattr(QualityGateOperator, "judge", dies)
        with pytest.raises(KilledError):
            operator.execute(make_context("orders"))
    result = operator.execute(make_context("orders", number=2))
    assert calls == [0]
    assert pq.read_table(path_of(result["snapshot"]["uri"]))["id"].to_pylist() == [1, 1]
    assert len(ledger.events(kind="dataset.snapshotted")) == 1
    assert operator.execute(make_context("orders", number=3)) == result
    assert calls == [0]


def test_clearing_the_task_calls_the_function_again(ledger, store_path, suite, make_context):
    calls = []

    def orders():
        calls.append(1)
        return pa.table(ROWS)

    operator = operator_of(orders, dataset="orders", suite=suite)
    first = operator.execute(make_context("orders"))
    assert operator.execute(make_context("orders", number=2, max_tries=4)) == first
    assert len(calls) == 2


@pytest.mark.parametrize(
    ("value", "said"), [(None, "returned NoneType"), (3, "returned int"), ({"a": 1}, "has the fields")]
)
def test_what_are_no_rows_is_refused_with_what_is_allowed(ledger, store_path, suite, make_context, value, said):
    def orders():
        return value

    with pytest.raises(AirflowFailException, match=said):
        operator_of(orders, dataset="orders", suite=suite).execute(make_context("orders"))


def test_an_error_of_the_function_is_its_own(ledger, store_path, suite, make_context):
    def orders():
        raise ConnectionError("the shop does not answer")

    with pytest.raises(ConnectionError, match="the shop does not answer"):
        operator_of(orders, dataset="orders", suite=suite).execute(make_context("orders"))


def test_rows_of_hostile_names_are_judged(ledger, store_path, tmp_path, make_context):
    name = '"; DROP TABLE x; --\n☂'
    path = tmp_path / "s.json"
    path.write_text(json.dumps(SUITE).replace('"amount"', json.dumps(name)))

    def orders():
        return pa.table({name: [1.5, None]})

    result = operator_of(orders, dataset="../o'x", partition="a/b", suite=str(path)).execute(make_context("orders"))
    assert result["rows_bad"] == 1


def test_airflow_offers_it_as_task_quality_gate():
    named = {item["name"]: item["class-name"] for item in get_provider_info()["task-decorators"]}
    assert named["quality_gate"] == "airflow_dataops.decorators.quality.quality_gate_task"
    assert task.quality_gate is not None


def test_a_dag_with_it_runs_publishes_and_can_be_serialized(suite, store_path, ledger):
    from airflow.serialization.serialized_objects import DagSerialization

    with DAG("line", schedule=None) as dag:

        @task.quality_gate(dataset="orders", suite=suite, multiple_outputs=True)
        def orders(factor: int) -> dict:
            return pa.table(ROWS)

        judged = orders(factor=2)
        PublishDatasetOperator(task_id="publish", dataset="orders", gate=judged)
    tasks = DagSerialization.to_dict(dag)["dag"]["tasks"]
    assert {entry["__var"]["task_id"] for entry in tasks} == {"orders", "publish"}
    assert dag.get_task("publish").upstream_task_ids == {"orders"}
    assert dag.get_task("orders").multiple_outputs


def test_it_can_be_mapped_over_its_arguments(suite):
    from airflow.serialization.serialized_objects import DagSerialization

    with DAG("line", schedule=None) as dag:

        @task.quality_gate(dataset="orders", suite=suite)
        def orders(day):
            return pa.table(ROWS)

        orders.expand(day=["2026-01-01", "2026-01-02"])
    assert DagSerialization.to_dict(dag)["dag"]["tasks"]


def test_parsing_does_not_call_the_function(suite):
    def orders():
        os._exit(3)

    assert operator_of(orders, dataset="orders", suite=suite).dataset == "orders"
