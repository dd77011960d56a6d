"""A reader that polls every 10 ms during a whole run sees only whole versions."""

from __future__ import annotations

import json

import pytest

from airflow_dataops.operators.dataset import PublishDatasetOperator, SnapshotDatasetOperator
from airflow_dataops.operators.dataset_rollback import RollbackDatasetOperator
from airflow_dataops.operators.quality import QualityGateOperator
from tests.support.readers import poll_files, poll_postgres, poll_sqlite, reading
from tests.support.tables import whole

ROWS = 1000


def seen_whole(told) -> list[int]:
    """Return the versions that were seen, in order, after checking that each was whole and no read failed."""
    seen, reads, failed = told
    assert failed == []
    assert reads >= len(seen) >= 2
    assert [found for found in seen if found != (ROWS * found[1], found[1], found[1])] == []
    return [found[1] for found in seen]


def in_order(versions: list[int], story: list[int]) -> bool:
    """Whether the versions are those of the story in its order; a reader may miss some between two looks."""
    rest = iter(story)
    return all(version in rest for version in versions)


def version(number: int):
    return whole(number, rows=ROWS * number)


@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        ("sqlite", "rename"),
        ("sqlite", "view"),
        pytest.param("postgres", "rename", marks=pytest.mark.postgres),
        pytest.param("postgres", "view", marks=pytest.mark.postgres),
    ],
)
def test_a_reader_of_a_table_sees_only_whole_versions(request, line, kind, mode):
    url = request.getfixturevalue(f"{kind}_shop")
    orders = line(mode=mode)
    orders.publish("1", version(1))
    with reading({"sqlite": poll_sqlite, "postgres": poll_postgres}[kind], url) as end:
        for number in (2, 3, 4):
            orders.publish(str(number), version(number), keep=1)
        orders.rollback("back")
        versions = seen_whole(end())
    assert in_order(versions, [1, 2, 3, 4, 3])
    assert (versions[0], versions[-1]) == (1, 3)


@pytest.mark.parametrize("rule", ["nothing split off", "rows split off"])
def test_a_reader_of_files_sees_only_whole_versions(tmp_path, ledger, store_path, make_context, rule):
    suite = tmp_path / "suite.json"
    bound = {"column": "id", "min_value": 0}
    meta = {"dataops": {"severity": "quarantine"}}
    check = {"type": "expect_column_values_to_be_between", "kwargs": bound, "meta": meta}
    suite.write_text(json.dumps({"name": "orders", "expectations": [check]}))

    def publish(number: int) -> None:
        path, run = tmp_path / "orders.parquet", str(number)
        frame = version(number)
        if rule == "rows split off":
            bad = frame.head(10).assign(id=-1, v=99)
            frame = type(frame)({name: [*bad[name], *frame[name]] for name in frame})
        frame.to_parquet(path, index=False)
        taken = SnapshotDatasetOperator(task_id="snapshot", dataset="orders", path=str(path))
        snapshot = taken.execute(make_context("snapshot", run_id=run))
        judged = QualityGateOperator(task_id="gate", snapshot=snapshot, suite=str(suite))
        gate = judged.execute(make_context("gate", run_id=run))
        station = PublishDatasetOperator(task_id="publish", dataset="orders", gate=gate)
        station.execute(make_context("publish", run_id=run))

    publish(1)
    with reading(poll_files, str(store_path)) as end:
        for number in (2, 3, 4):
            publish(number)
        RollbackDatasetOperator(task_id="back", dataset="orders").execute(make_context("back"))
        versions = seen_whole(end())
    assert in_order(versions, [1, 2, 3, 4, 3])
    assert (versions[0], versions[-1]) == (1, 3)
