from __future__ import annotations

import json

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_dataops.hooks.dataset import DatasetHook
from airflow_dataops.operators.dataset import PublishDatasetOperator, SnapshotDatasetOperator
from airflow_dataops.operators.dataset_rollback import RollbackDatasetOperator
from airflow_dataops.operators.reading import read_dataset
from tests.support.deaths import killed


@pytest.fixture
def published(tmp_path, ledger, store_path, make_context):
    snapshots = []
    for run in ("first", "second", "third"):
        path = tmp_path / "orders.csv"
        path.write_text(f"id,run\n1,{run}\n")
        taken = SnapshotDatasetOperator(task_id="snapshot", dataset="orders", path=str(path))
        snapshots.append(taken.execute(make_context("snapshot", run_id=run)))
        station = PublishDatasetOperator(task_id="publish", dataset="orders", gate=snapshots[-1])
        station.execute(make_context("publish", run_id=run))
    return snapshots


def test_the_version_before_is_current_again_and_who_read_the_bad_one_is_named(published, ledger, make_context):
    for task in ("report", "report", "bill"):
        read_dataset("orders", context=make_context(task, run_id="daily"))
    result = RollbackDatasetOperator(task_id="back", dataset="orders").execute(make_context("back"))
    assert result["snapshot"] == published[1]
    assert result["pointer"]["version"] == 4
    named = [{"dag_id": "line", "run_id": "daily", "task_id": task} for task in ("report", "bill")]
    assert (result["consumers"], result["consumers_count"]) == (named, 2)
    assert ledger.events(kind="dataset.rolled_back")[0].event.payload["consumers"] == named
    assert DatasetHook().published("orders")["all"]["snapshot"] == published[1]


def test_the_result_stays_small_and_the_event_names_all(published, ledger, make_context):
    for number in range(20):
        read_dataset("orders", context=make_context("t" * 250, run_id=f"{number}" + "r" * 240, map_index=number))
    result = RollbackDatasetOperator(task_id="back", dataset="orders", reason="x" * 999).execute(make_context("back"))
    assert len(json.dumps(result)) < 2000
    assert 1 <= len(result["consumers"]) < 5
    assert result["consumers_count"] == 20
    assert len(ledger.events(kind="dataset.rolled_back")[0].event.payload["consumers"]) == 20


def test_a_kill_after_the_move_and_a_retry_go_back_once(published, ledger, make_context):
    station = RollbackDatasetOperator(task_id="back", dataset="orders")
    killed(DatasetHook, "publish", "before", lambda: station.execute(make_context("back")))
    assert station.execute(make_context("back", number=2))["snapshot"] == published[1]
    assert ledger.pointer("dataset/orders/all").version == 4
    assert len(ledger.events(kind="dataset.rolled_back")) == 1


def test_an_unknown_version_is_refused_with_those_that_exist(published, ledger, make_context):
    station = RollbackDatasetOperator(task_id="back", dataset="orders", to_version="nope")
    with pytest.raises(AirflowFailException, match="hint: published were"):
        station.execute(make_context("back"))
