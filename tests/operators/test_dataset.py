from __future__ import annotations

import json
from pathlib import Path

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_dataops.core.training import TrainingData
from airflow_dataops.exceptions import BrokenCheckError
from airflow_dataops.hooks.dataset import DatasetHook
from airflow_dataops.operators.dataset import PublishDatasetOperator, SnapshotDatasetOperator, dataset_asset
from airflow_dataops.operators.training import published_snapshots
from tests.support.deaths import killed


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    path = tmp_path / "orders.csv"
    path.write_text("id,amount\n1,10.5\n2,\n3,7\n")
    return path


def snapshot_operator(path: Path, dataset: str = "orders") -> SnapshotDatasetOperator:
    return SnapshotDatasetOperator(task_id="snapshot", dataset=dataset, partition="2026-01", path=str(path))


def test_a_snapshot_keeps_rows_types_and_order(orders, ledger, store_path, make_context):
    result = snapshot_operator(orders).execute(make_context())
    assert result["rows"] == 3
    from airflow_dataops.core.dataset import Snapshot

    frame = DatasetHook().frame(Snapshot.from_xcom(result))
    assert frame["id"].tolist() == [1, 2, 3]
    assert frame["amount"].isna().tolist() == [False, True, False]


def test_a_retry_makes_no_second_snapshot_and_no_second_event(orders, ledger, store_path, make_context):
    first = snapshot_operator(orders).execute(make_context("snapshot"))
    orders.unlink()  # a replay needs no source
    assert snapshot_operator(orders).execute(make_context("snapshot", number=2)) == first
    assert len(ledger.events(kind="dataset.snapshotted")) == 1


def test_publishing_moves_pointer_file_and_asset_together(orders, ledger, store_path, make_context):
    snapshot = snapshot_operator(orders).execute(make_context("snapshot"))
    context = make_context("publish")
    result = PublishDatasetOperator(task_id="publish", dataset="orders", gate=snapshot).execute(context)
    assert result["pointer"] == {"name": "dataset/orders/2026-01", "version": 1}
    assert DatasetHook().published("orders")["2026-01"]["snapshot"] == snapshot
    assert context["outlet_events"][dataset_asset("orders")].extra["version"] == snapshot["version"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("missing.csv", None, "no file or folder"),
        ("empty.csv", b"", "is empty"),
        ("broken.parquet", b"not parquet at all", "cannot be read as PARQUET"),
        ("binary.json", b"\x00\xff\xfe{{{{", "cannot be read as JSON"),
        ("table.xlsx", b"PK", "of a kind we cannot read"),
    ],
)
def test_an_unreadable_source_fails_without_retry_and_says_why(
    name, content, said, tmp_path, ledger, store_path, make_context
):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(AirflowFailException, match=said):
        snapshot_operator(path).execute(make_context())
    assert list(store_path.rglob("*.parquet")) == []
    assert list(store_path.rglob("*.tmp")) == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "got no source; give exactly one"),
        ({"path": "nowhere://bucket/orders.csv"}, "cannot be reached: Protocol not known: nowhere"),
        ({"path": "{orders}", "dataset": ""}, "the name is empty"),
        ({"path": "{orders}", "store_conn_id": "nowhere"}, "no Airflow connection 'nowhere'"),
        ({"sql": "SELECT 1", "sql_conn_id": "nowhere"}, "no Airflow connection 'nowhere'"),
    ],
)
def test_an_argument_that_cannot_be_right_fails_without_retry(given, said, orders, ledger, store_path, make_context):
    given = {name: value.format(orders=orders) for name, value in given.items()}
    with pytest.raises(AirflowFailException, match=said):
        SnapshotDatasetOperator(task_id="snapshot", **{"dataset": "orders", **given}).execute(make_context())


@pytest.mark.parametrize("gate", ["None", {"snapshot": {"dataset": "orders"}, "verdict": "publish"}])
def test_a_gate_that_is_none_fails_without_retry(gate, ledger, store_path, make_context):
    with pytest.raises(AirflowFailException, match="hint: pass the output of"):
        PublishDatasetOperator(task_id="publish", dataset="orders", gate=gate).execute(make_context("publish"))


def test_a_hostile_name_stays_inside_the_store(orders, ledger, store_path, make_context):
    result = snapshot_operator(orders, dataset='../../x"; DROP TABLE é').execute(make_context())
    assert result["rows"] == 3
    written = list(store_path.rglob("*.parquet"))
    assert len(written) == 1
    assert written[0].resolve().is_relative_to(store_path.resolve())


def test_xcom_stays_small(orders, ledger, store_path, make_context):
    assert len(json.dumps(snapshot_operator(orders).execute(make_context()))) < 2000


def test_publishing_is_refused_when_the_pointer_moved_since_the_gate_looked(orders, ledger, store_path, make_context):
    snapshot = snapshot_operator(orders).execute(make_context("snapshot"))
    gate = {"snapshot": snapshot, "verdict": "publish", "published_version": 0}
    PublishDatasetOperator(task_id="publish", dataset="orders", gate=gate).execute(make_context("publish"))
    with pytest.raises(AirflowFailException, match="moved to version 1 while version 0 was expected"):
        PublishDatasetOperator(task_id="publish", dataset="orders", gate=gate).execute(
            make_context("publish", run_id="another")
        )
    assert ledger.pointer("dataset/orders/2026-01").version == 1


def test_clearing_a_publication_publishes_again_and_changes_nothing_when_nothing_changed(
    orders, ledger, store_path, make_context
):
    snapshot = snapshot_operator(orders).execute(make_context("snapshot"))
    gate = {"snapshot": snapshot, "verdict": "publish", "published_version": 0}
    operator = PublishDatasetOperator(task_id="publish", dataset="orders", gate=gate)
    first = operator.execute(make_context("publish"))
    cleared = operator.execute(make_context("publish", number=2, max_tries=4))
    assert cleared == first
    assert len(ledger.events(kind="dataset.published")) == 2


def test_a_slower_writer_leaves_the_pointer_file_at_what_the_ledger_says(
    orders, ledger, store_path, make_context, monkeypatch
):
    snapshot = snapshot_operator(orders).execute(make_context("snapshot"))
    publish = DatasetHook.publish

    def overtaken(hook, dataset, partition, document, owner):
        monkeypatch.setattr(DatasetHook, "publish", publish)
        PublishDatasetOperator(task_id="publish", dataset="orders", gate=snapshot).execute(
            make_context("publish", run_id="faster")
        )
        return publish(hook, dataset, partition, document, owner)

    monkeypatch.setattr(DatasetHook, "publish", overtaken)
    PublishDatasetOperator(task_id="publish", dataset="orders", gate=snapshot).execute(make_context("publish"))
    assert ledger.pointer("dataset/orders/2026-01").version == 2
    assert DatasetHook().published("orders")["2026-01"]["pointer_version"] == 2


def test_a_kill_between_pointer_and_result_does_not_falsify_the_history(orders, ledger, store_path, make_context):
    for run in ("first", "second"):
        orders.write_text(f"id,run\n1,{run}\n")
        snapshot = snapshot_operator(orders).execute(make_context("snapshot", run_id=run))
        station = PublishDatasetOperator(task_id="publish", dataset="orders", gate=snapshot)
        killed(DatasetHook, "publish", "before", lambda: station.execute(make_context("publish", run_id=run)))  # noqa: B023
        station.execute(make_context("publish", run_id=run, number=2))
    told = [row.event.payload for row in ledger.events(kind="dataset.published")]
    assert told[0]["previous"] == {}
    assert told[1]["previous"]["snapshot"] == told[0]["snapshot"]


def test_no_training_overlooks_a_publication_that_died_half_way(orders, ledger, store_path, make_context):
    data = TrainingData("orders", "2026-02", "day", "2026-02-20")
    snapshot = snapshot_operator(orders).execute(make_context("snapshot"))
    PublishDatasetOperator(task_id="publish", dataset="orders", gate=snapshot).execute(make_context("publish"))
    assert [found.to_xcom() for found in published_snapshots(ledger, DatasetHook(), data)] == [snapshot]

    orders.write_text("id\n7\n")
    newer = snapshot_operator(orders).execute(make_context("snapshot", run_id="next"))
    station = PublishDatasetOperator(task_id="publish", dataset="orders", gate=newer)
    killed(DatasetHook, "publish", "before", lambda: station.execute(make_context("publish", run_id="next")))
    with pytest.raises(BrokenCheckError, match=f"published as version {newer['version']}, but the store has"):
        published_snapshots(ledger, DatasetHook(), data)
    station.execute(make_context("publish", run_id="next", number=2))
    assert [found.to_xcom() for found in published_snapshots(ledger, DatasetHook(), data)] == [newer]


def test_names_with_slashes_share_no_pointer(orders, ledger, store_path, make_context):
    for dataset, partition in (("sales", "orders/2026"), ("sales/orders", "2026")):
        taken = SnapshotDatasetOperator(task_id="snapshot", dataset=dataset, partition=partition, path=str(orders))
        snapshot = taken.execute(make_context("snapshot", run_id=dataset))
        published = PublishDatasetOperator(task_id="publish", dataset=dataset, gate=snapshot).execute(
            make_context("publish", run_id=dataset)
        )
        assert published["pointer"]["version"] == 1


def test_what_is_published_under_another_name_can_be_published_again(orders, ledger, store_path, make_context):
    snapshot = snapshot_operator(orders).execute(make_context("snapshot"))
    gate = {"snapshot": snapshot, "verdict": "publish", "published_version": 0}
    for number in (1, 2):
        station = PublishDatasetOperator(task_id="publish", dataset="clean", gate=gate)
        result = station.execute(make_context("publish", run_id=str(number)))
        assert result["pointer"] == {"name": "dataset/clean/2026-01", "version": number}


def test_a_changed_snapshot_is_not_published(orders, ledger, store_path, make_context):
    snapshot = snapshot_operator(orders).execute(make_context("snapshot"))
    next(store_path.rglob("*.parquet")).write_bytes(b"edited by hand")
    with pytest.raises(AirflowFailException, match="changed after it was taken"):
        PublishDatasetOperator(task_id="publish", dataset="orders", gate=snapshot).execute(make_context("publish"))
    assert DatasetHook().published("orders") == {}


def test_a_file_in_object_storage_is_taken_by_its_address(store_path, ledger, make_context, tmp_path):
    import fsspec

    (tmp_path / "orders.csv").write_text("id,v\n1,a\n2,b\n")
    fsspec.filesystem("memory").put(str(tmp_path / "orders.csv"), "memory://bucket/orders.csv")
    taken = [
        SnapshotDatasetOperator(task_id="snapshot", dataset="orders", path=path).execute(
            make_context("snapshot", run_id=path)
        )
        for path in ("memory://bucket/orders.csv", f"file://{tmp_path}/orders.csv", str(tmp_path / "orders.csv"))
    ]
    assert {one["version"] for one in taken} == {taken[0]["version"]}
    assert taken[0]["rows"] == 2
