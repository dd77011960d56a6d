from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_dataops.core.quarantine import State
from airflow_dataops.hooks import dataset
from airflow_dataops.hooks.dataset import DatasetHook, path_of
from airflow_dataops.hooks.ledger_store import LedgerStore
from airflow_dataops.operators.dataset import PublishDatasetOperator, SnapshotDatasetOperator
from airflow_dataops.operators.quality import QualityGateOperator
from airflow_dataops.operators.quarantine import PurgeQuarantineOperator, ReinjectQuarantineOperator
from airflow_dataops.operators.quarantine_repair import lying
from tests.support.deaths import killed

ORDERS = pa.table(
    {
        "id": pa.array([1, 2, 2, 4, 5, 6], pa.int32()),
        "amount": pa.array([1.5, None, 3.0, -4.0, 5.0, None], pa.float64()),
        "country": pa.array(["de", "fr", "de", "at", "it", "de"]).dictionary_encode(),
    }
)
SUITE = {
    "name": "orders",
    "meta": {
        "dataops": {
            "classification": {"country": "public", "amount": "restricted"},
            "contract": {"id": "c", "retention": [{"value": 30, "unit": "d"}]},
        }
    },
    "expectations": [
        {
            "type": "expect_column_values_to_not_be_null",
            "kwargs": {"column": "amount"},
            "meta": {"dataops": {"severity": "quarantine", "id": "no amount"}},
        },
        {
            "type": "expect_column_values_to_be_between",
            "kwargs": {"column": "amount", "min_value": 0, "max_value": 100},
            "meta": {"dataops": {"severity": "quarantine", "id": "odd amount"}},
        },
        {
            "type": "expect_column_values_to_be_unique",
            "kwargs": {"column": "id"},
            "meta": {"dataops": {"severity": "quarantine", "keep": "first", "id": "known id"}},
        },
    ],
}
BAD = [1, 2, 3, 5]


@pytest.fixture
def line(tmp_path, ledger, store_path, make_context):
    """Snapshot, gate and publish; return the gate's result."""

    def run(data: pa.Table = ORDERS, suite: dict = SUITE, run_id: str = "first", *, publish: bool = True) -> dict:
        path = tmp_path / "suite.json"
        path.write_text(json.dumps(suite))
        taken = SnapshotDatasetOperator(task_id="snapshot", dataset="orders", python_callable=lambda: data)
        snapshot = taken.execute(make_context("snapshot", run_id=run_id))
        gate = QualityGateOperator(task_id="gate", snapshot=snapshot, suite=str(path))
        result = gate.execute(make_context("gate", run_id=run_id))
        if publish:
            station = PublishDatasetOperator(task_id="publish", dataset="orders", gate=result)
            station.execute(make_context("publish", run_id=run_id))
        return result

    return run


@pytest.fixture
def repair(tmp_path):
    """Write a repaired file and return the station that puts it back."""

    def write(columns: dict | pa.Table, *, kind: str = "parquet", **options) -> ReinjectQuarantineOperator:
        table = columns if isinstance(columns, pa.Table) else pa.table(columns)
        path = tmp_path / f"repaired.{kind}"
        if kind == "csv":
            pyarrow.csv.write_csv(table, path)
        else:
            pq.write_table(table, path)
        return ReinjectQuarantineOperator(task_id="reinject", dataset="orders", path=str(path), **options)

    return write


def rows_of(snapshot: dict) -> pa.Table:
    return pq.ParquetFile(path_of(snapshot["uri"])).read()


def published() -> pa.Table:
    return rows_of(DatasetHook().published("orders")["all"]["snapshot"])


def states(ledger: LedgerStore) -> list[State]:
    return [one.state for one in lying(ledger)]


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_repaired_rows_are_back_where_they_stood_with_their_types(line, repair, ledger, make_context, kind):
    line()
    assert states(ledger) == [State.OPEN]
    station = repair({"_dataops_row": BAD, "id": [2, 3, 4, 6], "amount": [2.0, 3.0, 4.0, 6.5]}, kind=kind)
    context = make_context("reinject")
    result = station.execute(context)
    assert (result["rows_back"], result["rows_left"], result["rows"], result["quarantine"]) == (4, 0, 6, None)
    assert result["verdict"] == "publish"
    assert (
        published().schema == rows_of(result["snapshot"]).schema == pq.read_schema(path_of(result["snapshot"]["uri"]))
    )
    assert published().schema.field("country").type == ORDERS.schema.field("country").type
    assert published().to_pydict() == {
        "id": [1, 2, 3, 4, 5, 6],
        "amount": [1.5, 2.0, 3.0, 4.0, 5.0, 6.5],
        "country": ["de", "fr", "de", "at", "it", "de"],
    }
    assert states(ledger) == [State.REINJECTED]
    assert ledger.pointer("dataset/orders/all").version == 2
    assert context["outlet_events"][station.outlets[0]].extra["version"] == result["snapshot"]["version"]
    assert len(json.dumps(result)) < 2000


def test_rows_still_bad_stay_in_quarantine_and_nothing_is_lost(line, repair, ledger, make_context):
    line()
    result = repair({"_dataops_row": [1, 3], "amount": [2.0, -9.0]}).execute(make_context("reinject"))
    assert (result["rows_repaired"], result["rows_back"], result["rows_left"]) == (2, 1, 3)
    left = rows_of(result["quarantine"])
    assert left.column("_dataops_row").to_pylist() == [2, 3, 5]
    assert left.column("amount").to_pylist() == [3.0, -9.0, None]
    assert left.column("_dataops_checks").to_pylist() == [["known id"], ["odd amount"], ["no amount"]]
    assert published().num_rows + left.num_rows == 6
    assert states(ledger) == [State.REINJECTED, State.OPEN]
    again = repair({"_dataops_row": [2, 3, 5], "id": [3, 4, 6], "amount": [3.0, 9.0, 6.0]})
    final = again.execute(make_context("again"))
    assert (final["rows_left"], published().column("id").to_pylist()) == (0, [1, 2, 3, 4, 5, 6])


def test_a_repaired_row_whose_key_is_taken_stays_out(line, repair, ledger, make_context):
    line()
    result = repair({"_dataops_row": [1, 5], "id": [2, 5], "amount": [2.0, 6.0]}).execute(make_context("reinject"))
    left = rows_of(result["quarantine"])
    assert dict(zip(left["_dataops_row"].to_pylist(), left["_dataops_checks"].to_pylist(), strict=True)) == {
        2: ["known id"],
        3: ["odd amount"],
        5: ["known id"],
    }


def test_rows_are_dropped_only_when_asked(line, repair, ledger, make_context):
    line()
    station = repair({"_dataops_row": [1], "amount": [2.0]}, drop_missing=True)
    result = station.execute(make_context("reinject"))
    assert (result["rows"], result["rows_dropped"], result["rows_left"]) == (3, 3, 0)
    assert published().column("id").to_pylist() == [1, 2, 5]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"amount": [1.0]}, "has no column _dataops_row"),
        ({"_dataops_row": [0], "amount": [1.0]}, "holds 1 rows that are not in this quarantine: 0"),
        ({"_dataops_row": [1, 99], "amount": [1.0, 1.0]}, "rows of another snapshot belong to its own quarantine"),
        ({"_dataops_row": pa.array([1, None]), "amount": [1.0, 1.0]}, "1 rows without a position"),
        ({"_dataops_row": [1, 1], "amount": [1.0, 2.0]}, "holds rows twice: 1"),
        ({"_dataops_row": [1], "amuont": [1.0]}, "has the column 'amuont', which the data do not have"),
        ({"_dataops_row": [1], "amount": ["much"]}, "'amount' has 1 values that are no double, in _dataops_row 1"),
        ({"_dataops_row": [1], "id": [1.5]}, "'id' has 1 values that are no int32"),
        ({"_dataops_row": [1], "_dataops_snapshot": ["other"]}, "holds rows of the quarantine other, but"),
        ({"_dataops_row": [1], "amount": [-1.0]}, "No row of orders.quarantine/all@.* got better: 4 rows still fail"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_and_nothing_changes(line, repair, ledger, make_context, columns, said):
    before = line()
    with pytest.raises(AirflowFailException, match=said):
        repair(columns).execute(make_context("reinject"))
    assert ledger.pointer("dataset/orders/all").value["snapshot"] == before["snapshot"]
    assert states(ledger) == [State.OPEN]
    assert ledger.events(kind="quality.reinjected") == []


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_file_that_cannot_be_read_is_told_as_such(line, repair, make_context, kind):
    line()
    station = repair({"_dataops_row": [1], "amount": [1.0]}, kind=kind)
    path_of(station.path).write_bytes(b"\xff\xfe\x00garbage\x00")
    with pytest.raises(AirflowFailException, match=r"cannot be read as|has no column _dataops_row"):
        station.execute(make_context("reinject"))


def test_what_is_reinjected_is_not_reinjected_again(line, repair, make_context):
    line()
    station = repair({"_dataops_row": [1], "amount": [2.0]}, version=None)
    first = station.execute(make_context("reinject"))
    old = first["pointer"]["version"]
    assert old == 2
    version = lying_version(station, make_context)
    with pytest.raises(AirflowFailException, match="was reinjected already"):
        repair({"_dataops_row": [1], "amount": [2.0]}, version=version).execute(make_context("again"))


def lying_version(station, make_context) -> str:
    return lying(station.ledger())[0].snapshot.version


def test_good_rows_that_were_not_published_are_no_place_to_go_back_to(line, repair, make_context):
    line(publish=False)
    with pytest.raises(AirflowFailException, match="but nothing is published"):
        repair({"_dataops_row": [1], "amount": [2.0]}).execute(make_context("reinject"))


def test_what_was_judged_anew_since_is_out_of_date(line, repair, ledger, make_context):
    line()
    version = lying(ledger)[0].snapshot.version
    line(ORDERS.slice(0, 5), run_id="second")
    assert states(ledger) == [State.SUPERSEDED, State.OPEN]
    with pytest.raises(AirflowFailException, match="is out of date"):
        repair({"_dataops_row": [1], "amount": [2.0]}, version=version).execute(make_context("reinject"))


def test_held_rows_are_repaired_in_the_delivery(line, repair, ledger, make_context):
    block = {**SUITE, "expectations": [{**SUITE["expectations"][0], "meta": {"dataops": {"severity": "block"}}}]}
    with pytest.raises(AirflowFailException):
        line(suite=block)
    assert states(ledger) == [State.HELD]
    with pytest.raises(AirflowFailException, match="the gate held all rows"):
        repair({"_dataops_row": [1], "amount": [2.0]}).execute(make_context("reinject"))


@pytest.mark.parametrize(
    ("owner", "method", "when"),
    [
        (dataset, "replace_file", "before"),
        (dataset, "replace_file", "after"),
        (LedgerStore, "note", "after"),
        (LedgerStore, "move_pointer", "before"),
        (LedgerStore, "move_pointer", "after"),
        (DatasetHook, "publish", "after"),
        (LedgerStore, "complete", "before"),
    ],
)
def test_a_killed_reinjection_is_finished_once_by_the_retry(
    line, repair, ledger, store_path, make_context, owner, method, when
):
    line()
    station = repair({"_dataops_row": [1, 3], "amount": [2.0, -9.0]})
    killed(owner, method, when, lambda: station.execute(make_context("reinject")))
    result = station.execute(make_context("reinject", number=2))
    assert (result["rows_back"], result["rows_left"]) == (1, 3)
    assert ledger.pointer("dataset/orders/all").version == 2
    assert len(ledger.events(kind="quality.reinjected")) == 1
    assert len(ledger.events(kind="dataset.published")) == 2
    assert DatasetHook().published("orders")["all"]["pointer_version"] == 2
    assert published().num_rows + rows_of(result["quarantine"]).num_rows == 6
    assert list(store_path.rglob("*.tmp")) == []


def test_rows_are_purged_when_the_contract_says_so_and_not_before(line, ledger, make_context, monkeypatch):
    result = line()
    path = path_of(result["quarantine"]["uri"])
    kept = PurgeQuarantineOperator(task_id="purge").execute(make_context("purge"))
    assert (kept["purged"], path.is_file()) == (0, True)
    monkeypatch.setattr("airflow_dataops.operators.quarantine_purge.now", lambda: "2030-01-01T00:00:00.000000Z")
    tried = PurgeQuarantineOperator(task_id="try", preview=True).execute(make_context("try"))
    assert (tried["purged"], tried["rows"], path.is_file()) == (1, 4, True)
    assert ledger.events(kind="quality.purged") == []
    size = path.stat().st_size
    gone = PurgeQuarantineOperator(task_id="gone").execute(make_context("gone"))
    assert (gone["purged"], gone["bytes"], path.exists()) == (1, size, False)
    assert states(ledger) == [State.PURGED]
    assert path_of(result["snapshot"]["uri"]).is_file()
    (event,) = ledger.events(kind="quality.purged")
    assert "30 are allowed" in event.event.payload["sentence"]


def test_rows_without_a_retention_are_kept_unless_days_are_given(line, ledger, make_context):
    result = line(suite={**SUITE, "meta": {}})
    path = path_of(result["quarantine"]["uri"])
    assert PurgeQuarantineOperator(task_id="none").execute(make_context("none"))["purged"] == 0
    other = PurgeQuarantineOperator(task_id="other", dataset="flights", older_than_days=0)
    assert other.execute(make_context("other"))["purged"] == 0
    days = PurgeQuarantineOperator(task_id="days", dataset="orders", older_than_days="0")
    assert days.execute(make_context("days"))["purged"] == 1
    assert not path.exists()


def test_published_rows_are_never_purged_whatever_the_dataset_is_called(line, ledger, make_context):
    result = line()
    publish = PublishDatasetOperator(task_id="p", dataset="orders.quarantine", gate=result["quarantine"])
    publish.execute(make_context("p"))
    days = PurgeQuarantineOperator(task_id="days", older_than_days=0)
    assert days.execute(make_context("days"))["purged"] == 0
    assert path_of(result["quarantine"]["uri"]).is_file()


@pytest.mark.parametrize(("method", "when"), [("complete", "before"), ("complete", "after")])
def test_a_killed_purge_is_told_once(line, ledger, make_context, method, when):
    result = line()
    station = PurgeQuarantineOperator(task_id="purge", older_than_days=0)
    killed(LedgerStore, method, when, lambda: station.execute(make_context("purge")))
    assert station.execute(make_context("purge", number=2))["purged"] == 1
    assert not path_of(result["quarantine"]["uri"]).exists()
    assert len(ledger.events(kind="quality.purged")) == 1


@pytest.mark.parametrize("days", ["-1", "soon", "nan", "inf"])
def test_days_that_are_none_are_refused(ledger, store_path, make_context, days):
    with pytest.raises(AirflowFailException, match="allowed is a number of days"):
        PurgeQuarantineOperator(task_id="purge", older_than_days=days).execute(make_context("purge"))
