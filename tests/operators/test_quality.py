from __future__ import annotations

import json
import logging
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_dataops.core.dataset import Snapshot
from airflow_dataops.core.quality_options import GateOptions
from airflow_dataops.exceptions import GateHeldError
from airflow_dataops.hooks.dataset import DatasetHook, path_of
from airflow_dataops.hooks.ledger_store import LedgerStore
from airflow_dataops.operators.dataset import PublishDatasetOperator, SnapshotDatasetOperator
from airflow_dataops.operators.quality import QualityGateOperator
from tests.support.dying_gate import killed_while_writing

NOT_NULL = "expect_column_values_to_not_be_null"
BETWEEN = "expect_column_values_to_be_between"


def described(kind: str = NOT_NULL, column: str | None = "amount", *, dataops=None, **kwargs):
    named = {} if column is None else {"column": column}
    return {"type": kind, "kwargs": {**named, **kwargs}, "meta": {} if dataops is None else {"dataops": dataops}}


QUARANTINE_MISSING = described(dataops={"severity": "quarantine", "tolerance": 0.5, "says": "have no amount"})


@pytest.fixture
def gate(tmp_path, ledger, store_path, make_context):
    """Snapshot data, write a suite, and return the gate over them."""

    def make(data, *expectations, suite: str | None = None, **options) -> QualityGateOperator:
        table = data if isinstance(data, pa.Table) else pa.Table.from_pandas(pd.DataFrame(data), preserve_index=False)
        dataset = options.pop("dataset", "orders")
        snapshot = SnapshotDatasetOperator(
            task_id="snapshot", dataset=dataset, partition="2026-01", python_callable=lambda: table
        ).execute(make_context(f"snapshot-{dataset}"))
        path = tmp_path / "suite.json"
        path.write_text(suite if suite is not None else json.dumps({"name": "s", "expectations": expectations}))
        return QualityGateOperator(task_id="gate", snapshot=snapshot, suite=str(path), **options)

    return make


def table_of(snapshot: dict) -> pa.Table:
    return pq.read_table(path_of(snapshot["uri"]))


def parquet_files(store: Path) -> list[Path]:
    return sorted(store.rglob("*.parquet"))


ORDERS = {"id": [1, 2, 3, 4], "amount": [10.5, None, 7.0, -3.0]}


def test_data_that_pass_go_on_as_the_snapshot_they_are(gate, ledger, store_path, make_context):
    operator = gate(ORDERS, described(column="id"))
    result = operator.execute(make_context("gate"))
    assert result["verdict"] == "publish"
    assert result["snapshot"] == operator.snapshot
    assert (result["quarantine"], result["rows"], result["rows_bad"], result["failed"]) == (None, 4, 0, [])
    assert result["sentence"] == "Orders of 2026-01 were let through: 4 rows passed 1 check."
    assert len(parquet_files(store_path)) == 1


def test_failing_rows_are_split_off_with_position_and_reasons(gate, ledger, store_path, make_context):
    operator = gate(ORDERS, QUARANTINE_MISSING, described(BETWEEN, dataops={"severity": "quarantine"}, min_value=0))
    result = operator.execute(make_context("gate"))
    assert (result["verdict"], result["rows"], result["rows_bad"]) == ("publish_with_quarantine", 4, 2)
    assert table_of(result["snapshot"]).to_pydict() == {"id": [1, 3], "amount": [10.5, 7.0]}
    assert table_of(result["quarantine"]).to_pydict() == {
        "id": [2, 4],
        "amount": [None, -3.0],
        "_dataops_row": [1, 3],
        "_dataops_checks": [["not_be_null(amount)"], ["be_between(amount)"]],
    }
    assert (result["quarantine"]["dataset"], result["quarantine"]["partition"]) == ("orders.quarantine", "2026-01")
    assert result["sentence"] == (
        "Orders of 2026-01 were let through without 2 of 4 rows (50 %), which are in quarantine: "
        "1 (25 %) has no amount and 1 (25 %) has amount below 0."
    )


def test_splitting_keeps_columns_and_types_as_they_were(gate, ledger, store_path, make_context):
    table = pa.table(
        {
            "amount": pa.array([1, None, 3], pa.int32()),
            "day": pa.array([0, 1, None], pa.date32()),
            "price": pa.array([None, "1.10", "2.20"]).cast(pa.decimal128(9, 2)),
            "tags": pa.array([["a"], [], None], pa.list_(pa.string())),
            "größe ☂": pa.array(["x", None, "z"], pa.large_string()),
        }
    )
    result = gate(table, QUARANTINE_MISSING).execute(make_context("gate"))
    good, bad = table_of(result["snapshot"]), table_of(result["quarantine"])
    assert good.schema.equals(table.schema)
    assert good.to_pylist() == [table.to_pylist()[0], table.to_pylist()[2]]
    assert bad.select(table.column_names).to_pylist() == [table.to_pylist()[1]]


@pytest.mark.parametrize("names", [["id", "amount"], ["amount", '"; DROP TABLE orders; --'], ["amount", "../../x\n"]])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(
        st.tuples(st.none() | st.floats(-5, 5), st.none() | st.sampled_from(["a", "b", "é"])), min_size=1, max_size=40
    ),
    labels=st.integers(0, 3),
)
def test_every_row_lands_exactly_once(gate, ledger, store_path, make_context, names, rows, labels):
    import uuid

    frame = pd.DataFrame(rows, columns=names).set_index(pd.Index([labels] * len(rows)))
    frame[names[0]] = frame[names[0]].astype("float64" if names[0] == "amount" else "object")
    table = pa.Table.from_pandas(frame, schema=pa.schema([(names[0], pa.float64()), (names[1], pa.string())]))
    operator = gate(
        table,
        described(column=names[0], dataops={"severity": "quarantine"}),
        described("expect_column_values_to_be_unique", names[1], dataops={"severity": "quarantine"}),
        described(BETWEEN, names[0], dataops={"severity": "quarantine"}, min_value=-2, max_value=2),
        dataset=uuid.uuid4().hex,
        on_fail="skip",
    )
    context = make_context(uuid.uuid4().hex)
    total = table.num_rows
    try:
        result = operator.execute(context)
    except AirflowSkipException:
        result = dict(ledger.find_claim(operator_key(context)).result)
        assert (result["verdict"], result["rows_bad"], result["snapshot"]) == ("hold", total, None)
    good = table_of(result["snapshot"]).to_pylist() if result["snapshot"] else []
    bad = table_of(result["quarantine"]) if result["quarantine"] else None
    positions = bad["_dataops_row"].to_pylist() if bad else []
    assert len(good) + len(positions) == total
    assert len(set(positions)) == len(positions)
    rebuilt = iter(good)
    source = dict(zip(positions, bad.select(names).to_pylist() if bad else [], strict=True))
    assert [source[n] if n in source else next(rebuilt) for n in range(total)] == table.to_pylist()
    if bad:
        assert all(reasons for reasons in bad["_dataops_checks"].to_pylist())


def operator_key(context) -> str:
    from airflow_dataops.operators.station import run_key_of

    return run_key_of(context).digest


def test_held_data_fail_the_task_without_retry_and_keep_the_failing_rows(gate, ledger, store_path, make_context):
    tolerated = described(dataops={"severity": "quarantine", "tolerance": 0.2, "says": "have no amount"})
    operator = gate(ORDERS, tolerated)
    context = make_context("gate")
    with pytest.raises(AirflowFailException) as caught:
        operator.execute(context)
    assert isinstance(caught.value.__context__, GateHeldError)
    assert caught.value.__suppress_context__, "a verdict shows one sentence, not two tracebacks"
    assert str(caught.value).startswith(
        "Orders of 2026-01 were held: 1 of 4 rows (25 %) has no amount; at most 20 % is allowed.\n\nhint: "
    )
    result = dict(ledger.find_claim(operator_key(context)).result)
    assert (result["verdict"], result["snapshot"]) == ("hold", None)
    assert table_of(result["quarantine"])["_dataops_row"].to_pylist() == [1]
    assert [path.parent.parent.parent.name for path in parquet_files(store_path)] == ["orders", "orders.quarantine"]
    with pytest.raises(AirflowFailException, match="The gate held the data, so there is nothing to publish"):
        PublishDatasetOperator(task_id="publish", dataset="orders", gate=result).execute(make_context("publish"))
    assert DatasetHook().published("orders") == {}


def test_a_hold_can_skip_what_comes_after_it(gate, ledger, store_path, make_context):
    with pytest.raises(AirflowSkipException, match="Orders of 2026-01 were held: 1 of 4 rows"):
        gate(ORDERS, described(), on_fail="skip").execute(make_context("gate"))
    assert len(ledger.events(kind="quality.judged")) == 1


def test_what_was_let_through_can_be_published(gate, ledger, store_path, make_context):
    result = gate(ORDERS, QUARANTINE_MISSING).execute(make_context("gate"))
    PublishDatasetOperator(task_id="publish", dataset="orders", gate=result).execute(make_context("publish"))
    published = DatasetHook().published("orders")["2026-01"]
    assert (published["verdict"], published["snapshot"]["rows"]) == ("publish_with_quarantine", 3)
    assert result["published_version"] == 0


def test_a_retry_after_the_verdict_replays_it_without_the_data(gate, ledger, store_path, make_context):
    operator = gate(ORDERS, QUARANTINE_MISSING)
    first = operator.execute(make_context("gate"))
    Path(operator.suite).unlink()
    assert operator.execute(make_context("gate", number=2)) == first
    assert len(ledger.events(kind="quality.judged")) == 1
    with pytest.raises(AirflowFailException, match="cannot be read"):
        operator.execute(make_context("gate", run_id="another"))


def test_a_held_verdict_is_replayed_by_a_retry(gate, ledger, store_path, make_context):
    operator = gate(ORDERS, described())
    for number in (1, 2):
        with pytest.raises(AirflowFailException, match="were held"):
            operator.execute(make_context("gate", number=number))
    assert len(ledger.events(kind="quality.judged")) == 1


@pytest.mark.parametrize(
    "moment", ["after the bad rows", "after the good rows", "after the evidence", "after the report", "before the end"]
)
def test_a_try_that_dies_leaves_exactly_one_of_everything_after_the_next(
    gate, ledger, store_path, make_context, monkeypatch, moment
):
    operator = gate(ORDERS, QUARANTINE_MISSING)

    class KilledError(BaseException):
        pass

    calls = {"write_snapshot": {"after the bad rows": 1, "after the good rows": 2}.get(moment, 0)}
    calls["put_evidence"] = 2 if moment == "after the report" else 1
    with monkeypatch.context() as dying:
        name, owner = {
            "after the evidence": ("put_evidence", DatasetHook),
            "after the report": ("put_evidence", DatasetHook),
            "before the end": ("complete", type(ledger)),
        }.get(moment, ("write_snapshot", DatasetHook))
        whole = getattr(owner, name)

        def dies(self, *args, **kwargs):
            if name == "complete":
                raise KilledError
            made = whole(self, *args, **kwargs)
            calls[name] = calls.get(name, 0) - 1
            if calls[name] <= 0:
                raise KilledError
            return made

        dying.setattr(owner, name, dies)
        with pytest.raises(KilledError):
            operator.execute(make_context("gate"))
    assert ledger.events(kind="quality.judged") == []

    result = operator.execute(make_context("gate", number=2))
    found = [path.stem for path in parquet_files(store_path)]
    expected = [operator.snapshot["version"], result["snapshot"]["version"], result["quarantine"]["version"]]
    assert sorted(found) == sorted(expected)
    assert sorted(path.suffix for path in (store_path / "evidence").rglob("*.*")) == [".html", ".json"]
    assert list(store_path.rglob("*.tmp")) == []
    assert [event.event.kind for event in ledger.events()] == [
        "dataset.snapshotted",
        "quality.judged",
        "quality.quarantined",
    ]


@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_process_killed_while_it_writes_leaves_nothing_unfinished_after_the_next_try(
    gate, ledger, store_path, make_context, after
):
    operator = gate(ORDERS, QUARANTINE_MISSING)
    assert killed_while_writing(operator, make_context("gate"), after=after) == -9
    assert len(list(store_path.rglob("*.tmp"))) == 1
    result = operator.execute(make_context("gate", number=2))
    assert (result["rows_bad"], table_of(result["snapshot"]).num_rows) == (1, 3)
    assert len(parquet_files(store_path)) == 3
    assert list(store_path.rglob("*.tmp")) == []
    assert len(ledger.events(kind="quality.judged")) == 1


@pytest.mark.postgres
def test_verdict_events_and_figures_are_the_same_on_postgresql(
    gate, store_path, make_context, postgres_ledger_url, monkeypatch
):
    name = 'größe "; DROP TABLE dataops_event; -- ☂\n'
    operator = gate({name: [1.0, None]}, described(column=name, dataops={"severity": "quarantine"}), dataset="o'x/é")
    url = sqlalchemy.engine.make_url(postgres_ledger_url)
    parts = {"host": url.host, "port": url.port, "login": url.username, "password": url.password}
    document = {"conn_type": "dataops_ledger", "schema": url.database, **parts}
    monkeypatch.setenv("AIRFLOW_CONN_DATAOPS_LEDGER", json.dumps(document))
    result = operator.execute(make_context("gate"))
    store = LedgerStore(postgres_ledger_url)
    judged, _ = store.events()
    assert (judged.event.subject, judged.event.payload["sentence"]) == ("dataset/o'x%2Fé/2026-01", result["sentence"])
    assert [point.value for point in store.series(f"quality/o'x/é/{result['failed'][0]}")] == [0.5]
    assert store.chain_faults() == []


def test_clearing_the_task_judges_again(gate, ledger, store_path, make_context):
    operator = gate(ORDERS, QUARANTINE_MISSING)
    first = operator.execute(make_context("gate"))
    assert operator.execute(make_context("gate", number=2, max_tries=4)) == first
    assert len(ledger.events(kind="quality.judged")) == 2
    assert len(parquet_files(store_path)) == 3


def test_events_figures_and_evidence_tell_the_same(gate, ledger, store_path, make_context):
    result = gate(ORDERS, QUARANTINE_MISSING, described(column="id")).execute(make_context("gate"))
    judged, quarantined = ledger.events(subject="dataset/orders/2026-01")[1:]
    assert (judged.event.kind, quarantined.event.kind) == ("quality.judged", "quality.quarantined")
    assert judged.event.payload["sentence"] == result["sentence"]
    assert judged.event.payload["findings"] == [
        {
            "check": "not_be_null(amount)",
            "severity": "quarantine",
            "status": "warn",
            "failed": 1,
            "share": 0.25,
            "says": "1 of 4 rows (25 %) has no amount",
        }
    ]
    assert (
        quarantined.event.payload["sentence"] == "1 of 4 rows of orders/2026-01 are in quarantine as orders.quarantine."
    )
    assert [point.value for point in ledger.series("quality/orders/not_be_null(amount)")] == [0.25]
    assert [point.value for point in ledger.series("quality/orders/not_be_null(id)")] == [0.0]
    assert [point.value for point in ledger.series("quality/orders/rows_bad")] == [1.0]
    evidence = json.loads(DatasetHook().get_evidence(result["evidence"]))
    assert evidence["meta"]["dataops"]["verdict"] == "publish_with_quarantine"
    assert evidence["results"][0]["result"]["unexpected_count"] == 1


def test_no_value_of_a_row_leaves_the_data(gate, ledger, store_path, make_context, caplog):
    caplog.set_level(logging.DEBUG)
    people = {"name": ["Ada Lovelace", "Grace Hopper", None], "salary": [123456.5, 98765.5, 77777.5]}
    operator = gate(
        people,
        described("expect_column_values_to_be_in_set", "name", dataops={"severity": "warn"}, value_set=["nobody"]),
        described("expect_column_max_to_be_between", "salary", dataops={"severity": "warn"}, max_value=1),
        described(column="name", dataops={"severity": "quarantine"}),
        described("expect_column_distinct_values_to_be_in_set", "name", dataops={"severity": "info"}, value_set=["x"]),
        described(BETWEEN, "name", min_value=1, dataops={"severity": "warn"}),
    )
    context = make_context("gate")
    result = operator.execute(context)
    told = json.dumps(
        [result, [dict(event.event.payload) for event in ledger.events()], context["ti"].pushed, caplog.text]
    )
    told += (
        DatasetHook().get_evidence(result["evidence"]).decode() + DatasetHook().get_evidence(result["report"]).decode()
    )
    for value in ("Ada", "Hopper", "123456", "98765", "77777"):
        assert value not in told


def test_empty_data_are_held_unless_asked_otherwise(gate, ledger, store_path, make_context):
    empty = pa.table({"amount": pa.array([], pa.float64())})
    with pytest.raises(AirflowFailException, match="Orders of 2026-01 were held: there are no rows"):
        gate(empty, described()).execute(make_context("gate"))
    allowed = gate(empty, described(), on_empty="publish").execute(make_context("gate-2"))
    assert (allowed["verdict"], allowed["rows"]) == ("publish", 0)


def test_evidence_is_plain_json_even_where_a_figure_is_no_number(gate, ledger, store_path, make_context):
    empty = pa.table({"amount": pa.array([], pa.float64())})
    mean = described("expect_column_mean_to_be_between", dataops={"severity": "info"}, min_value=0)
    result = gate(empty, mean, on_empty="publish").execute(make_context("gate"))

    def refuse(constant: str):
        raise AssertionError(constant)

    evidence = json.loads(DatasetHook().get_evidence(result["evidence"]), parse_constant=refuse)
    assert evidence["results"][0]["success"] is False


def test_data_of_which_quarantine_leaves_nothing_are_held_and_kept(gate, ledger, store_path, make_context):
    operator = gate({"amount": [None, None]}, described(dataops={"severity": "quarantine"}), on_empty="publish")
    context = make_context("gate")
    with pytest.raises(AirflowFailException, match="all 2 rows would go into quarantine and none would be left"):
        operator.execute(context)
    assert ledger.find_claim(operator_key(context)).result["quarantine"]["rows"] == 2


@pytest.mark.parametrize(
    ("expectations", "suite", "said"),
    [
        ([described(column="amuont")], None, "names the unknown column 'amuont'"),
        ([described("expect_column_to_exist", "carrier")], None, "were held: the column carrier is missing"),
        ([described(BETWEEN, "name", min_value=1)], None, "were held: the column name holds text where numbers are"),
        ([described("expect_nothing")], None, "is of an unknown type"),
        ([], None, "checks nothing"),
        ([], "{broken", "is not JSON"),
        (
            [described("expect_column_mean_to_be_between", dataops={"severity": "quarantine"}, min_value=0)],
            None,
            "asks",
        ),
    ],
)
def test_what_is_wrong_is_told_without_retry_and_nothing_goes_on(
    gate, ledger, store_path, make_context, expectations, suite, said
):
    data = {"amount": [1.0, 2.0], "name": ["a", "b"]}
    with pytest.raises(AirflowFailException, match=said):
        gate(data, *expectations, suite=suite).execute(make_context("gate"))
    assert len(parquet_files(store_path)) == 1
    assert list(store_path.rglob("*.tmp")) == []


def test_a_lost_or_edited_snapshot_is_told_as_such(gate, ledger, store_path, make_context):
    operator = gate(ORDERS, described())
    parquet_files(store_path)[0].unlink()
    with pytest.raises(AirflowFailException, match="is gone"):
        operator.execute(make_context("gate"))


def test_rows_out_of_a_quarantine_need_their_marks_dropped_first(gate, ledger, store_path, make_context):
    with pytest.raises(AirflowFailException, match="have a column '_dataops_row'"):
        gate({**ORDERS, "_dataops_row": [1, 2, 3, 4]}, QUARANTINE_MISSING).execute(make_context("gate"))


def test_options_of_the_engine_reach_it_and_the_sample_is_stated(gate, ledger, store_path, make_context):
    rows = {"amount": [1.0] * 20_000}
    options = GateOptions(sample=0.1, threads=1, memory_limit="300MB")
    result = gate(rows, described(), options=options).execute(make_context("gate"))
    assert "1 of 1 checks looked at a sample of" in result["sentence"]
    assert "(95 % confidence)" in DatasetHook().get_evidence(result["report"]).decode().replace("\u202f", " ")
    evidence = json.loads(DatasetHook().get_evidence(result["evidence"]))
    (check,) = evidence["meta"]["dataops"]["checks"]
    assert check["sampled"] == evidence["results"][0]["result"]["element_count"] == pytest.approx(2000, rel=0.2)


def test_too_little_memory_is_told_with_the_cure(gate, ledger, store_path, make_context):
    keys = {"amount": list(range(300_000, 0, -1))}
    unique = described("expect_column_values_to_be_unique")
    with pytest.raises(AirflowFailException, match="raise memory_limit"):
        gate(keys, unique, options=GateOptions(memory_limit="1MB", threads=1)).execute(make_context("gate"))


@pytest.mark.parametrize("option", [{"on_fail": "retry"}, {"on_empty": "maybe"}, {"options": GateOptions(sample=5)}])
def test_an_option_that_means_nothing_is_refused(gate, ledger, store_path, make_context, option):
    with pytest.raises(AirflowFailException, match=r"gate: got .*allowed: "):
        gate(ORDERS, described(), **option).execute(make_context("gate"))


def test_a_snapshot_that_is_none_is_refused_with_the_remedy(ledger, store_path, make_context):
    with pytest.raises(AirflowFailException, match="pass the output of a SnapshotDatasetOperator"):
        QualityGateOperator(task_id="gate", snapshot="None", suite="x.json").execute(make_context("gate"))


def test_xcom_stays_small_however_much_fails(gate, ledger, store_path, make_context):
    data = {f"a_column_with_a_rather_long_name_{number:03}": [None, 1.0, 2.0] for number in range(60)}
    quarantined = [described(column=name, dataops={"severity": "quarantine"}) for name in data]
    result = gate(data, *quarantined, dataset="a_dataset_with_a_rather_long_name").execute(make_context("gate"))
    assert len(json.dumps(result)) < 2000
    assert result["failed"][0] == "not_be_null(a_column_with_a_rather_long_name_000)"


def test_the_snapshot_passes_through_xcom(gate, ledger, store_path, make_context):
    result = gate(ORDERS, QUARANTINE_MISSING).execute(make_context("gate"))
    assert Snapshot.from_xcom(json.loads(json.dumps(result))["snapshot"]).rows == 3
    assert len(json.dumps(result)) < 2000


# -- contracts ---------------------------------------------------------------------------------------------------------

CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: orders
version: 1.0.0
status: active
schema:
  - name: orders
    properties:
      - {name: id, relationships: [{to: customers.id}]}
      - {name: at, logicalType: timestamp}
    quality:
      - {type: custom, name: theirs, engine: soda, implementation: x}
  - name: customers
    properties: [{name: id}]
slaProperties:
  - {property: latency, value: 1, unit: d, element: orders.at}
"""


@pytest.fixture
def contract_gate(tmp_path, gate, make_context):
    """Return the gate over orders of one time, by a contract on disk."""

    def make(**options) -> QualityGateOperator:
        (tmp_path / "orders.yaml").write_text(CONTRACT)
        operator = gate({"id": [1, 2], "at": [pd.Timestamp("2026-03-09T12:00")] * 2}, described(column="id"))
        suite = str(tmp_path / "orders.yaml#orders")
        return QualityGateOperator(task_id="contract", snapshot=operator.snapshot, suite=suite, **options)

    return make


def at(make_context, key: str, end: str):
    return {**make_context(key), "data_interval_end": pd.Timestamp(end).to_pydatetime()}


def test_the_end_of_the_runs_interval_counts_as_now(contract_gate, make_context):
    result = contract_gate().execute(at(make_context, "early", "2026-03-10T12:00Z"))
    assert result["verdict"] == "publish"
    with pytest.raises(AirflowFailException, match="the newest at is too old"):
        contract_gate().execute(at(make_context, "late", "2026-03-10T12:01Z"))


def test_rules_that_are_not_checked_are_told_in_log_and_evidence(contract_gate, store_path, make_context, capsys):
    result = contract_gate().execute(at(make_context, "gate", "2026-03-10T12:00Z"))
    told = json.loads(path_of(result["evidence"]).read_text())["meta"]["dataops"]["unsupported"]
    assert [one["rule"] for one in told] == ["theirs", "id: relationship customers.id"]
    assert "Not checked: id: relationship customers.id (the data of customers were not given" in capsys.readouterr().out


def test_a_foreign_key_is_looked_for_in_the_published_partitions_of_a_dataset(
    contract_gate, gate, store_path, make_context
):
    for number, known in enumerate(([1], [1, 2])):
        data = {"id": known}
        good = gate(data, described(column="id"), dataset="people").execute(make_context(f"gate-{number}"))
        PublishDatasetOperator(task_id="p", dataset="people", gate=good).execute(make_context(f"publish-{number}"))
    operator, context = contract_gate(references={"customers": "people"}), at(make_context, "c", "2026-03-10T12:00Z")
    assert operator.execute(context)["verdict"] == "publish"


def test_a_foreign_key_that_is_not_published_holds(contract_gate, gate, store_path, make_context):
    good = gate({"id": [1, 7]}, described(column="id"), dataset="people").execute(make_context("gate"))
    PublishDatasetOperator(task_id="p", dataset="people", gate=good).execute(make_context("publish"))
    operator = contract_gate(references={"customers": "people"})
    with pytest.raises(AirflowFailException, match=r"1 of 2 rows \(50 %\) has id that is not in customers"):
        operator.execute(at(make_context, "contract", "2026-03-10T12:00Z"))


def test_a_reference_of_which_nothing_is_published_is_a_broken_check(contract_gate, make_context):
    with pytest.raises(AirflowFailException, match="The reference people has no published partition"):
        contract_gate(references={"customers": "people"}).execute(make_context("gate"))
