from __future__ import annotations

import json
import logging
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from airflow_dataops.core.quality import Verdict, decide
from airflow_dataops.exceptions import BrokenCheckError, SourceError
from airflow_dataops.hooks.dataset_split import ROW_COLUMN
from airflow_dataops.hooks.expectations import ExpectationsHook
from airflow_dataops.hooks.expectations_engine import project_config

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Great Expectations imports deprecated modules
    import great_expectations as gx
    from great_expectations import expectations as gxe

FLIGHTS = Path(__file__).parents[2] / "dags" / "flights" / "suite.json"
NOT_NULL = "expect_column_values_to_not_be_null"
BETWEEN = "expect_column_values_to_be_between"
HOSTILE = ['"; DROP TABLE flights; --', "../../x", "größe ☂", "line\nbreak", "a'b`c", " "]


@pytest.fixture
def suites(tmp_path, monkeypatch) -> Path:
    folder = tmp_path / "suites"
    folder.mkdir()
    document = {"conn_type": "dataops_expectations", "extra": {"path": str(folder)}}
    monkeypatch.setenv("AIRFLOW_CONN_DATAOPS_EXPECTATIONS", json.dumps(document))
    return folder


def described(kind: str = NOT_NULL, column: str | None = "amount", *, dataops=None, **kwargs):
    named = {} if column is None else {"column": column}
    return {"type": kind, "kwargs": {**named, **kwargs}, "meta": {} if dataops is None else {"dataops": dataops}}


def run(folder: Path, frame: pd.DataFrame | pa.Table, *expectations):
    """Write data and suite, and return what the hook finds."""
    table = frame if isinstance(frame, pa.Table) else pa.Table.from_pandas(frame)
    pq.write_table(table, folder / "data.parquet")
    (folder / "suite.json").write_text(json.dumps({"name": "s", "expectations": expectations}))
    hook = ExpectationsHook()
    with hook.evaluate(hook.load("suite.json"), folder / "data.parquet") as found:
        positions = {name: where(found, name) for name in found.failing}
        return SimpleNamespace(results=found.results, rows=found.rows, report=found.report, positions=positions)


def where(found, name: str) -> tuple[int, ...]:
    """Return the positions of the rows that fail a check."""
    return tuple(found.engine.failing_rows(found.reasons([name])).read_all()[ROW_COLUMN].to_pylist())


def failing(found) -> list[tuple[int, ...]]:
    """Return the positions of failing rows of each check."""
    return [found.positions.get(result.check.id, ()) for result in found.results]


def orders(**columns) -> pd.DataFrame:
    return pd.DataFrame(columns or {"id": [1, 2, 2, 4], "amount": [1.5, None, 3.0, -4.0]})


def test_failing_rows_are_told_by_position_whatever_the_index_labels_are(suites):
    frame = orders().assign(twin=[0, 5, 5, 0]).set_index(pd.Index([7, 7, 0, 7]))
    found = run(
        suites,
        frame,
        described(),
        described("expect_column_values_to_be_unique", "id"),
        described(BETWEEN, min_value=0),
        described("expect_compound_columns_to_be_unique", None, column_list=["id", "twin"]),
    )
    assert [(one.success, one.failed, rows) for one, rows in zip(found.results, failing(found), strict=True)] == [
        (False, 1, (1,)),
        (False, 2, (1, 2)),
        (False, 1, (3,)),
        (False, 2, (1, 2)),
    ]
    assert found.rows == 4


def test_conditions_and_ignored_rows_keep_positions_right(suites):
    frame = pd.DataFrame({"kind": ["a", "b", "b", "a", "b"], "low": [1, None, 5, 4, 9], "high": [2, 3, 4, None, 8]})
    found = run(
        suites,
        frame,
        described(column="low", row_condition="kind == 'b'", condition_parser="pandas"),
        described(
            "expect_column_pair_values_a_to_be_greater_than_b",
            None,
            column_A="high",
            column_B="low",
            ignore_row_if="either_value_is_missing",
        ),
        described("expect_column_values_to_be_increasing", "low"),
    )
    assert failing(found) == [(1,), (2, 4), (3,)]


def test_the_figures_equal_those_of_great_expectations_itself(suites):
    generator = np.random.default_rng(13)
    frame = pd.DataFrame({"x": generator.normal(size=400), "k": generator.integers(0, 300, 400)})
    frame.loc[generator.choice(400, 40, replace=False), "x"] = None
    suite = gx.ExpectationSuite(
        name="s",
        expectations=[
            gxe.ExpectColumnValuesToNotBeNull(column="x", mostly=0.95),
            gxe.ExpectColumnValuesToBeBetween(column="x", min_value=-1, max_value=1, mostly=0.5),
            gxe.ExpectColumnValuesToBeUnique(column="k"),
            gxe.ExpectColumnMeanToBeBetween(column="x", min_value=-1, max_value=1),
            gxe.ExpectColumnQuantileValuesToBeBetween(
                column="x", quantile_ranges={"quantiles": [0.5], "value_ranges": [[-1, 1]]}
            ),
            gxe.ExpectTableRowCountToBeBetween(min_value=500),
        ],
    )
    found = run(suites, frame, *json.loads(json.dumps(suite.to_json_dict()["expectations"])))
    batch = gx.get_context(
        mode="ephemeral", project_config=project_config()
    ).data_sources.pandas_default.read_dataframe(frame)
    for ours, expectation in zip(found.report["results"], suite.expectations, strict=True):
        theirs = batch.validate(expectation)
        assert ours["success"] == bool(theirs.success)
        for figure in ("element_count", "unexpected_count", "unexpected_percent", "missing_count"):
            assert ours["result"].get(figure) == theirs.result.get(figure)


def test_a_suite_written_by_great_expectations_is_read_as_json_and_as_yaml(suites):
    suite = gx.ExpectationSuite(
        name="orders", expectations=[gxe.ExpectColumnValuesToNotBeNull(column="amount", severity="warning")]
    )
    (suites / "a.json").write_text(json.dumps(suite.to_json_dict()))
    (suites / "a.yaml").write_text(yaml.safe_dump(suite.to_json_dict()))
    loaded = [ExpectationsHook().load(name) for name in ("a.json", "a.yaml")]
    assert loaded[0].checks == loaded[1].checks
    assert (loaded[0].name, loaded[0].checks[0].severity) == ("orders", "warn")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("missing.json", None, "cannot be read: No such file"),
        ("folder.json", ..., "cannot be read: Is a directory"),
        ("broken.json", b'{\n "name": "x",\n "expectations": [,]\n}', "is not JSON: Expecting value in line 3"),
        ("empty.json", b"", "is not JSON"),
        ("broken.yaml", b"name: x\nexpectations: [\n", "is not YAML: .* in line 3"),
        ("tagged.yaml", b"!!python/object/apply:os.system [echo]", "is not YAML"),
        ("binary.json", b"\xff\xfe\x00", "is not text in UTF-8"),
        ("list.json", b"[]", "is not a suite"),
        ("suite.toml", b"", "of a kind we cannot read; allowed: .json, .yaml, .yml"),
    ],
)
def test_an_unreadable_suite_is_a_broken_check_that_names_the_file(suites, name, content, said):
    if content is ...:
        (suites / name).mkdir()
    elif content is not None:
        (suites / name).write_bytes(content)
    with pytest.raises(BrokenCheckError, match=said) as caught:
        ExpectationsHook().load(name)
    assert name in str(caught.value)
    assert "hint:" in str(caught.value)


@pytest.mark.parametrize(
    ("expectation", "said"),
    [
        (described("expect_column_values_to_not_be_nul"), "did you mean expect_column_values_to_not_be_null"),
        (described("expect_flying_pigs"), "is of an unknown type"),
        (described(BETWEEN, column=None, min_value=1), "has wrong arguments: column: field required"),
        (described(BETWEEN, bogus=1, min_value=1), "has wrong arguments: bogus: extra fields not permitted"),
        ({**described(), "severity": "fatal"}, "got the severity 'fatal'; allowed are critical, warning, info"),
    ],
)
def test_an_expectation_that_cannot_be_is_a_broken_check_that_names_it(suites, expectation, said):
    (suites / "suite.json").write_text(json.dumps({"name": "s", "expectations": [described(), expectation]}))
    with pytest.raises(BrokenCheckError, match=said) as caught:
        ExpectationsHook().load("suite.json")
    assert "suite.json, expectation 2" in str(caught.value)


def test_a_suite_that_names_an_unknown_column_is_a_broken_check(suites):
    with pytest.raises(BrokenCheckError) as caught:
        run(suites, orders(), described(column="amuont"))
    assert str(caught.value).startswith(
        "suite.json, expectation 1 (expect_column_values_to_not_be_null on amuont) names the unknown column 'amuont'; "
        "the data have id, amount."
    )


def test_a_column_that_must_exist_and_does_not_is_a_failing_check_and_what_reads_it_is_skipped(suites):
    found = run(
        suites, orders(), described("expect_column_to_exist", "carrier"), described(column="carrier"), described()
    )
    decision = decide(found.results, found.rows, len, dataset="orders", partition="all")
    assert decision.sentence == "Orders were held: the column carrier is missing (2 more checks failed)."
    assert [finding.status for finding in decision.findings] == ["fail", "skip", "fail"]
    assert [result.success for result in found.results] == [False, None, False]


@pytest.mark.parametrize(
    ("frame", "expectation", "reason"),
    [
        (
            {"amount": ["secret", "4"]},
            described(BETWEEN, min_value=1),
            "the column amount holds text where numbers are needed",
        ),
        (
            {"amount": ["secret", None]},
            described("expect_column_mean_to_be_between", min_value=1),
            "the column amount holds text where numbers are needed",
        ),
        (
            {"amount": [1.5, 2.0]},
            described("expect_column_values_to_match_strftime_format", strftime_format="%Y"),
            "the column amount holds numbers where text is needed",
        ),
        (
            {"amount": [1, 2], "b": ["secret", "x"]},
            described("expect_column_pair_values_a_to_be_greater_than_b", column=None, column_A="amount", column_B="b"),
            "columns that are compared are of different types: amount holds numbers, b holds text",
        ),
    ],
)
def test_a_column_of_the_wrong_type_is_a_failing_check_that_says_so(suites, frame, expectation, reason):
    found = run(suites, orders(**frame), expectation)
    assert (found.results[0].success, found.results[0].reason) == (False, reason)
    decision = decide(found.results, found.rows, len, dataset="orders", partition="all")
    assert (decision.verdict, decision.sentence) == (Verdict.HOLD, f"Orders were held: {reason}.")


@pytest.mark.parametrize(
    ("expectation", "said"),
    [
        (
            described("expect_column_values_to_match_regex", "kind", regex="("),
            "'\\(' is no regular expression: missing",
        ),
        (described(row_condition="nothing > 1", condition_parser="pandas"), "its row_condition names nothing"),
        (described(BETWEEN, min_value="2013-01-01"), "amount holds numbers"),
        (
            described("unexpected_rows_expectation", None, unexpected_rows_query="SELECT x FROM {batch}"),
            "cannot be run",
        ),
        (
            described("expect_column_values_to_be_in_set", value_set={"$PARAMETER": "x"}),
            "value_set: got .* which is not a list",
        ),
    ],
)
def test_a_check_that_cannot_be_carried_out_is_broken_and_tells_no_values(suites, expectation, said):
    frame = orders(amount=[1, 2], kind=["secret", "b"])
    with pytest.raises(BrokenCheckError, match=said) as caught:
        run(suites, frame, expectation)
    assert "suite.json" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "Traceback" not in str(caught.value)


@pytest.mark.parametrize(
    "more",
    [{"result_format": "BOOLEAN_ONLY"}, {"result_format": {"result_format": "BASIC"}}, {"catch_exceptions": False}],
)
def test_a_suite_cannot_hide_which_rows_fail(suites, more):
    found = run(suites, orders(), described(**more), described(BETWEEN, "id", min_value=2, **more))
    assert failing(found) == [(1,), (0,)]


def test_quantiles_come_back_as_plain_truth_values(suites):
    ranges = {"quantiles": [0.5], "value_ranges": [[0, 1]]}
    found = run(suites, orders(), described("expect_column_quantile_values_to_be_between", quantile_ranges=ranges))
    assert found.results[0].success is False
    assert json.loads(json.dumps(found.report))["results"][0]["success"] is False


def test_results_come_back_in_the_order_of_the_suite_even_for_equal_expectations(suites):
    found = run(suites, orders(), described(BETWEEN, min_value=0), described(), described(), described(column="id"))
    assert [result.check.id for result in found.results] == [
        "be_between(amount)",
        "not_be_null(amount)",
        "not_be_null(amount)#2",
        "not_be_null(id)",
    ]
    assert [result.failed for result in found.results] == [1, 1, 1, 0]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_column_name_is_only_a_name(suites, name):
    found = run(
        suites,
        orders(**{name: [1.0, None, 3.0], "twin": [1, 1, 1]}),
        described(column=name),
        described(BETWEEN, name, min_value=2),
        described("expect_compound_columns_to_be_unique", None, column_list=[name, "twin"]),
        described("expect_column_to_exist", name),
    )
    assert failing(found) == [(1,), (0,), (), ()]
    decision = decide(found.results, found.rows, len, dataset="orders", partition="all")
    assert "\n" not in decision.sentence
    assert not any("\n" in finding.id for finding in decision.findings)


def test_no_rows_make_every_check_on_rows_succeed_so_the_gate_must_decide(suites):
    found = run(suites, orders().iloc[:0], described(), described("expect_column_values_to_be_unique", "id"))
    assert [(result.success, result.failed) for result in found.results] == [(True, 0), (True, 0)]
    assert found.rows == 0


def test_two_columns_of_one_name_are_refused(suites):
    twice = pa.table([pa.array([1]), pa.array([2])], names=["amount", "amount"])
    with pytest.raises(SourceError, match="more than one column named 'amount'"):
        run(suites, twice, described())


def test_the_report_holds_figures_but_no_value(suites):
    frame = pd.DataFrame({"name": ["Ada Lovelace", "Grace Hopper", None], "salary": [123456.0, 98765.0, 77777.0]})
    found = run(
        suites,
        frame,
        described("expect_column_values_to_be_in_set", "name", value_set=["nobody"]),
        described("expect_column_values_to_match_regex", "name", regex="^x"),
        described(BETWEEN, "salary", max_value=1),
        described("expect_column_max_to_be_between", "salary", max_value=1),
        described("expect_column_median_to_be_between", "salary", max_value=1),
        described("expect_column_distinct_values_to_be_in_set", "name", value_set=["nobody"]),
        described("expect_column_most_common_value_to_be_in_set", "name", value_set=["nobody"]),
        described(BETWEEN, "name", min_value=1),
        described("expect_table_row_count_to_equal", None, value=3),
    )
    text = json.dumps(found.report)
    for value in ("Ada", "Hopper", "123456", "98765", "77777"):
        assert value not in text
    assert found.positions["be_in_set(name)"] == (0, 1)
    assert found.report["results"][0]["result"]["unexpected_count"] == 2
    assert found.report["results"][-1]["result"] == {"observed_value": 3}
    assert found.report["statistics"]["evaluated_expectations"] == 9


def test_nothing_is_printed_logged_or_warned(suites, capfd, caplog):
    caplog.set_level(logging.INFO)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(
            suites,
            orders(),
            described(),
            described(BETWEEN, row_condition="id > 1", condition_parser="pandas", min_value=1),
        )
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")
    assert [record.getMessage() for record in caplog.records if "great_expectations" in record.name] == []


def test_a_relative_suite_cannot_leave_the_folder_of_suites(suites, tmp_path):
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(BrokenCheckError, match="outside of the folder of suites"):
        ExpectationsHook().load("../x.json")


def test_the_connection_is_tested_by_looking_for_the_folder(suites, monkeypatch):
    assert ExpectationsHook().test_connection() == (True, f"The folder {suites} holds 0 files that may be suites.")
    suites.rmdir()
    assert ExpectationsHook().test_connection()[0] is False


def test_without_a_connection_suites_lie_with_the_dags():
    assert ExpectationsHook().load("flights/suite.json").name == "flights"


def test_the_flights_suite_is_what_great_expectations_writes_and_reads():
    document = json.loads(FLIGHTS.read_text())
    suite = gx.ExpectationSuite(**document)
    assert len(suite.expectations) == len(document["expectations"])
    assert [e["type"] for e in suite.to_json_dict()["expectations"]] == [e["type"] for e in document["expectations"]]
