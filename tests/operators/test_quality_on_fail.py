"""What a hold does to the task and to what comes after it."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from airflow.sdk import DAG, TaskGroup
from airflow.sdk.exceptions import AirflowFailException, DownstreamTasksSkipped

from airflow_dataops.hooks.dataset import DatasetHook, path_of
from airflow_dataops.operators.dataset import PublishDatasetOperator, SnapshotDatasetOperator, dataset_asset
from airflow_dataops.operators.quality import QualityGateOperator
from airflow_dataops.operators.station import StationOperator

GOOD = {"amount": [1.0, 2.0]}
WANTING = {"amount": [1.0, None, 3.0]}


@pytest.fixture
def snapshot(ledger, store_path, make_context):
    def take(rows) -> dict:
        return SnapshotDatasetOperator(
            task_id="snapshot", dataset="orders", python_callable=lambda: pa.table(rows)
        ).execute(make_context("snapshot", run_id=str(rows)))

    return take


@pytest.fixture
def suite(tmp_path) -> str:
    meta = {"dataops": {"severity": "quarantine", "tolerance": 0.1, "says": "have no amount"}}
    check = {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "amount"}, "meta": meta}
    path = tmp_path / "suite.json"
    path.write_text(json.dumps({"expectations": [check]}))
    return str(path)


def branching(snapshot: dict, suite: str, **options) -> QualityGateOperator:
    """Return a gate with two tasks and a group after it."""
    follow = {"follow_on_publish": "publish", "follow_on_hold": ["mend", "repair"], **options}
    with DAG("line", schedule=None):
        gate = QualityGateOperator(task_id="gate", snapshot=snapshot, suite=suite, on_fail="branch", **follow)
        gate >> [StationOperator(task_id=name) for name in ("publish", "mend")]
        with TaskGroup("repair") as repair:
            StationOperator(task_id="look") >> StationOperator(task_id="tell")
        gate >> repair
    return gate


def in_dag(context: dict, operator: QualityGateOperator) -> dict:
    context["ti"].task = operator
    return context


@pytest.mark.parametrize(
    ("rows", "verdict", "skipped"), [(GOOD, "publish", {"mend", "repair.look"}), (WANTING, "hold", {"publish"})]
)
def test_a_branching_gate_succeeds_and_follows_its_verdict(
    snapshot, suite, make_context, ledger, rows, verdict, skipped
):
    gate = branching(snapshot(rows), suite)
    context = in_dag(make_context("gate"), gate)
    with pytest.raises(DownstreamTasksSkipped) as told:
        gate.execute(context)
    assert {name for name, _ in told.value.tasks} == skipped
    assert context["ti"].pushed["return_value"]["verdict"] == verdict
    retried = in_dag(make_context("gate", number=2), gate)
    with pytest.raises(DownstreamTasksSkipped):
        gate.execute(retried)
    assert retried["ti"].pushed == context["ti"].pushed
    assert len(ledger.events(kind="quality.judged")) == 1


def test_an_empty_branch_skips_everything(snapshot, suite, make_context):
    gate = branching(snapshot(WANTING), suite, follow_on_hold=[])
    with pytest.raises(DownstreamTasksSkipped) as told:
        gate.execute(in_dag(make_context("gate"), gate))
    assert {name for name, _ in told.value.tasks} == {"publish", "mend", "repair.look"}


def test_outputs_are_pushed_one_by_one_where_that_was_asked(snapshot, suite, make_context):
    gate = branching(snapshot(GOOD), suite)
    gate.multiple_outputs = True
    context = in_dag(make_context("gate"), gate)
    with pytest.raises(DownstreamTasksSkipped):
        gate.execute(context)
    assert context["ti"].pushed["verdict"] == "publish"
    gate.do_xcom_push = False
    silent = in_dag(make_context("gate", number=2), gate)
    with pytest.raises(DownstreamTasksSkipped):
        gate.execute(silent)
    assert set(silent["ti"].pushed) == {"skipmixin_key"}


@pytest.mark.parametrize(
    ("follow", "said"),
    [
        ({"follow_on_hold": "mned"}, "got the branch 'mned'; right after this task comes mend, publish, repair.look"),
        ({"follow_on_hold": "repair.tell"}, "got the branch 'repair.tell'"),
        ({"follow_on_hold": None}, "which needs both"),
    ],
)
def test_a_branch_that_leads_nowhere_is_refused_before_anything_is_judged(
    snapshot, suite, make_context, ledger, follow, said
):
    gate = branching(snapshot(GOOD), suite, **follow)
    with pytest.raises(AirflowFailException, match=said):
        gate.execute(in_dag(make_context("gate"), gate))
    assert ledger.events(kind="quality.judged") == []


def test_branches_without_branching_are_refused(snapshot, suite, make_context):
    gate = QualityGateOperator(task_id="gate", snapshot=snapshot(GOOD), suite=suite, follow_on_hold="mend")
    with pytest.raises(AirflowFailException, match="both belong to on_fail='branch'"):
        gate.execute(make_context("gate"))


def test_a_warning_gate_lets_the_whole_snapshot_go_on_under_the_verdict_hold(
    snapshot, suite, make_context, ledger, store_path, capsys
):
    taken = snapshot(WANTING)
    gate = QualityGateOperator(task_id="gate", snapshot=taken, suite=suite, on_fail="warn")
    result = gate.execute(make_context("gate"))
    told = "Orders were held: 1 of 3 rows (33.3 %) has no amount; at most 10 % is allowed. It goes on all the same"
    assert told in capsys.readouterr().out
    assert (result["verdict"], result["snapshot"], result["quarantine"]) == ("hold", taken, None)
    assert len(list(store_path.rglob("*.parquet"))) == 1, "rows that go on do not lie in quarantine as well"
    publish = PublishDatasetOperator(task_id="publish", dataset="orders", gate=result)
    context = make_context("publish")
    publish.execute(context)
    published = DatasetHook().published("orders")["all"]
    assert (published["verdict"], published["snapshot"]) == ("hold", taken)
    assert context["outlet_events"][dataset_asset("orders")].extra["verdict"] == "hold"
    said = ledger.events(kind="dataset.published")[0].event.payload["sentence"]
    assert "is published although its gate found it wanting: 3 rows" in said
    assert pq.read_table(path_of(result["snapshot"]["uri"])).num_rows == 3


def test_a_warning_gate_splits_what_is_within_the_tolerance(snapshot, suite, make_context):
    rows = {"amount": [None, *range(19)]}
    gate = QualityGateOperator(task_id="gate", snapshot=snapshot(rows), suite=suite, on_fail="warn")
    result = gate.execute(make_context("gate"))
    assert (result["verdict"], result["snapshot"]["rows"]) == ("publish_with_quarantine", 19)


def test_score_goes_into_result_series_event_pointer_and_asset(snapshot, suite, make_context, ledger):
    rows = {"amount": [None, *range(19)]}
    asset = dataset_asset("judged")
    gate = QualityGateOperator(task_id="gate", snapshot=snapshot(rows), suite=suite, outlets=[asset])
    context = make_context("gate")
    result = gate.execute(context)
    assert result["score"] == 0.95
    assert [point.value for point in ledger.series("quality/orders/score")] == [0.95]
    assert ledger.events(kind="quality.judged")[0].event.payload["score"] == 0.95
    assert context["outlet_events"][asset].extra == {
        "verdict": "publish_with_quarantine",
        "score": 0.95,
        "rows": 20,
        "rows_bad": 1,
    }
    published = make_context("publish")
    PublishDatasetOperator(task_id="publish", dataset="orders", gate=result).execute(published)
    assert published["outlet_events"][dataset_asset("orders")].extra["score"] == 0.95
    assert ledger.pointer("dataset/orders/all").value["score"] == 0.95


@pytest.mark.parametrize("letter", ["x", "é", "☂", "\U0001f984", '"', "\n"])
def test_a_result_is_below_2_kb_with_200_checks_on_columns_of_long_hostile_names(
    ledger, store_path, make_context, tmp_path, letter
):
    names = [f"{letter * 57}{number:03}" for number in range(200)]
    checks = [
        {
            "type": "expect_column_values_to_not_be_null",
            "kwargs": {"column": name},
            "meta": {"dataops": {"severity": "quarantine"}},
        }
        for name in names
    ]
    path = tmp_path / "suite.json"
    path.write_text(json.dumps({"expectations": checks}))
    taken = SnapshotDatasetOperator(
        task_id="snapshot", dataset="orders", python_callable=lambda: pa.table({name: [None, 1.0] for name in names})
    ).execute(make_context("snapshot"))
    result = QualityGateOperator(task_id="gate", snapshot=taken, suite=str(path)).execute(make_context("gate"))
    assert len(json.dumps(result)) < 2000
    assert (result["rows_bad"], result["sentence"][:40]) == (1, "Orders were let through without 1 of 2 r")
    whole = ledger.events(kind="quality.judged")[0].event.payload["sentence"]
    assert whole.endswith("197 more.")
