"""The embedded engine: sources, limits, hostile names, and the split."""

from __future__ import annotations

import json
import subprocess
import sys

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from airflow_dataops.core.quality_suite import suite_of
from airflow_dataops.exceptions import BrokenCheckError, SourceError
from airflow_dataops.hooks.dataset_split import CHECKS_COLUMN, ROW_COLUMN, bad_batches, good_batches
from airflow_dataops.hooks.duckdb_faults import file_faults
from airflow_dataops.hooks.quality_evaluation import evaluate
from airflow_dataops.testing import run_suite

NOT_NULL = "expect_column_values_to_not_be_null"
UNIQUE = "expect_column_values_to_be_unique"
HOSTILE = ['"; DROP TABLE source; --', "größe ☂", "line\nbreak", "a'b`c", " ", "{batch}", "data", "__row", "%s"]


def suite(*expectations: tuple[str, dict], meta: dict | None = None) -> dict:
    listed = [{"type": kind, "kwargs": kwargs, "meta": {"dataops": meta or {}}} for kind, kwargs in expectations]
    return {"name": "s", "expectations": listed}


def result(kind: str, data, **kwargs) -> dict:
    return run_suite(suite((kind, kwargs)), data)["results"][0]


FRAME = pd.DataFrame({"id": [1, 2, 2], "name": ["a", None, "c"], "price": [1.5, float("nan"), 3.0]})


@pytest.mark.parametrize("kind", ["pandas", "polars", "arrow", "parquet", "csv"])
def test_the_same_rows_give_the_same_result_whatever_they_come_in(tmp_path, kind):
    sources = {
        "pandas": lambda: FRAME,
        "polars": lambda: pl.from_pandas(FRAME),
        "arrow": lambda: pa.Table.from_pandas(FRAME),
        "parquet": lambda: written(tmp_path / "rows.parquet"),
        "csv": lambda: written(tmp_path / "rows.csv"),
    }
    data = sources[kind]()
    checks = suite(*[(NOT_NULL, {"column": name}) for name in FRAME], (UNIQUE, {"column": "id"}))
    found = [one["result"]["unexpected_index_list"] for one in run_suite(checks, data)["results"]]
    assert found == [[], [1], [1], [1, 2]]


def written(path):
    if path.suffix == ".csv":
        FRAME.to_csv(path, index=False)
    else:
        FRAME.to_parquet(path)
    return path


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_and_values_are_only_names_and_values(name):
    frame = pd.DataFrame({name: [name, "other", None], "twin": ["x", "x", "y"]})
    checks = suite(
        (NOT_NULL, {"column": name}),
        ("expect_column_values_to_be_in_set", {"column": name, "value_set": [name]}),
        ("expect_compound_columns_to_be_unique", {"column_list": [name, "twin"]}),
        ("expect_column_distinct_values_to_contain_set", {"column": name, "value_set": [name]}),
    )
    results = run_suite(checks, frame)["results"]
    assert [one["success"] for one in results] == [False, False, True, True]
    assert results[1]["result"]["unexpected_list"] == ["other"]


def test_a_process_that_runs_a_suite_loads_neither_airflow_nor_pandas_nor_great_expectations(tmp_path):
    FRAME.to_parquet(tmp_path / "rows.parquet")
    (tmp_path / "suite.json").write_text(json.dumps(suite((NOT_NULL, {"column": "id"}), (UNIQUE, {"column": "id"}))))
    program = (
        "import sys; from airflow_dataops.testing import run_suite; "
        f"print(run_suite({str(tmp_path / 'suite.json')!r}, {str(tmp_path / 'rows.parquet')!r})['success']); "
        "heavy = {'airflow', 'pandas', 'pyarrow', 'great_expectations', 'mlflow', 'sqlalchemy'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines() == ["False", "[]"]


def test_a_small_memory_limit_gives_the_same_result(tmp_path):
    rows = 400_000
    frame = pd.DataFrame({"id": np.arange(rows), "name": np.char.add("name ", np.arange(rows).astype(str))})
    frame.to_parquet(tmp_path / "rows.parquet")
    checks = suite((UNIQUE, {"column": "id"}), (UNIQUE, {"column": "name"}))
    free = run_suite(checks, tmp_path / "rows.parquet")
    limited = run_suite(checks, tmp_path / "rows.parquet", memory_limit="60MB", threads=1)
    assert free == limited
    assert free["success"]


def test_a_column_of_mixed_things_is_judged_by_great_expectations_itself():
    frame = pd.DataFrame({"mixed": [1, "two", None], "plain": [1, 2, 3]})
    checks = suite((NOT_NULL, {"column": "mixed"}), (NOT_NULL, {"column": "plain"}))
    assert [one["result"]["unexpected_index_list"] for one in run_suite(checks, frame)["results"]] == [[2], []]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("missing.parquet", None, "There is no file"),
        ("empty.csv", b"", "is empty \\(0 bytes\\)"),
        ("cut.parquet", b"PAR1 and no more", "cannot be read as PARQUET"),
        ("rows.xlsx", b"x", "of a kind we cannot read"),
        ("wrong.csv", b"a,b\n\xff\xfe\x00,1\n", "cannot be read as CSV"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_with_its_name(tmp_path, name, content, said):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=said) as caught:
        run_suite(suite((NOT_NULL, {"column": "a"})), tmp_path / name)
    assert name in str(caught.value)


def test_a_csv_whose_later_rows_are_of_another_type_is_read_as_pandas_reads_it(tmp_path):
    lines = ["n,late", *[f"{number}," for number in range(30_000)], "1.5,7"]
    (tmp_path / "rows.csv").write_text("\n".join(lines))
    checks = suite(
        ("expect_column_values_to_be_of_type", {"column": "n", "type_": "float64"}),
        ("expect_column_max_to_be_between", {"column": "late", "min_value": 7, "max_value": 7}),
    )
    assert run_suite(checks, tmp_path / "rows.csv")["success"]


def test_columns_of_a_csv_that_no_check_reads_are_there_all_the_same(tmp_path):
    (tmp_path / "rows.csv").write_text("a,b,c\n1,x,7\n2,y,8\n")
    names = ("expect_table_columns_to_match_ordered_list", {"column_list": ["a", "b", "c"]})
    unread = suite(names, (UNIQUE, {"column": "a"}), ("expect_table_column_count_to_equal", {"value": 3}))
    assert run_suite(unread, tmp_path / "rows.csv")["success"]
    query = ("unexpected_rows_expectation", {"unexpected_rows_query": "SELECT * FROM {batch} WHERE c = 8"})
    told = run_suite(suite((UNIQUE, {"column": "a"}), query), tmp_path / "rows.csv")["results"]
    assert told[1]["result"] == {"observed_value": 1}
    condition = {"column": "a", "max_value": 1, "row_condition": "c == 8", "condition_parser": "pandas"}
    found = result("expect_column_values_to_be_between", tmp_path / "rows.csv", **condition)
    assert found["result"]["unexpected_list"] == [2]


def test_rows_of_a_long_csv_keep_their_places(tmp_path):
    rows = 600_000
    lines = (f"{number},{'' if number % 100_000 == 7 else 'word'},{number:060d}x" for number in range(rows))
    (tmp_path / "rows.csv").write_text("\n".join(["id,word,wide", *lines]))
    checks = suite(("expect_column_values_to_be_increasing", {"column": "id"}), (NOT_NULL, {"column": "word"}))
    rising, told = run_suite(checks, tmp_path / "rows.csv", threads=4)["results"]
    assert rising["success"]
    assert told["result"]["unexpected_index_list"] == list(range(7, rows, 100_000))


def test_wrong_data_and_wrong_options_are_refused():
    with pytest.raises(SourceError, match="Got dict; allowed are a pandas or polars DataFrame"):
        run_suite(suite((NOT_NULL, {"column": "a"})), {"a": [1]})
    with pytest.raises(BrokenCheckError, match="Got the engine 'abacus'"):
        run_suite(suite((NOT_NULL, {"column": "a"})), FRAME, engine="abacus")
    with pytest.raises(BrokenCheckError, match="Got the result format 'LOUD'"):
        run_suite(suite((NOT_NULL, {"column": "a"})), FRAME, result_format="LOUD")


def test_rows_found_by_a_query_of_the_users_own_are_counted():
    found = result("unexpected_rows_expectation", FRAME, unexpected_rows_query="SELECT * FROM {batch} WHERE price > 1")
    assert (found["success"], found["result"]) == (False, {"observed_value": 2})
    found = result("unexpected_rows_expectation", FRAME, unexpected_rows_query="SELECT * FROM {batch} WHERE id > 9")
    assert found["success"]


def split(tmp_path, frame: pd.DataFrame, document: dict) -> tuple[list[dict], list[dict]]:
    """Split a frame by all checks of a suite; return good and bad rows."""
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), path)
    checks = suite_of(document, "suite.json")
    with evaluate(checks, path) as found:
        reasons = found.reasons(list(found.failing))
        bad = bad_batches(path, found.engine.failing_rows(reasons)).read_all()
        good = good_batches(path, bad[ROW_COLUMN].to_numpy()).read_all()
    return good.to_pylist(), bad.to_pylist()


@pytest.mark.parametrize(
    ("keep", "good", "bad"),
    [("none", [5], [0, 1, 2, 3, 4]), ("first", [0, 2, 5], [1, 3, 4]), ("last", [3, 4, 5], [0, 1, 2])],
)
@pytest.mark.parametrize("kind", [UNIQUE, "expect_compound_columns_to_be_unique"])
def test_of_rows_with_equal_keys_none_the_first_or_the_last_is_kept(tmp_path, keep, good, bad, kind):
    frame = pd.DataFrame({"key": [7, 7, 8, 7, 8, 9], "same": [0] * 6, "at": range(6)})
    kwargs = {"column": "key"} if kind == UNIQUE else {"column_list": ["key", "same"]}
    document = suite((kind, kwargs), meta={"severity": "quarantine", "keep": keep})
    kept, taken = split(tmp_path, frame, document)
    assert ([row["at"] for row in kept], [row[ROW_COLUMN] for row in taken]) == (good, bad)


def test_every_row_lands_once_and_bad_rows_name_all_the_checks_they_failed(tmp_path):
    frame = pd.DataFrame({"a": [1.0, None, 3.0, None], "b": ["x", None, "", "y"]})
    document = suite(
        (NOT_NULL, {"column": "a"}),
        ("expect_column_values_to_match_regex", {"column": "b", "regex": "(?=x|y)"}),
        meta={"severity": "quarantine"},
    )
    good, bad = split(tmp_path, frame, document)
    assert good == [{"a": 1.0, "b": "x"}]
    assert [(row[ROW_COLUMN], row[CHECKS_COLUMN]) for row in bad] == [
        (1, ["not_be_null(a)"]),
        (2, ["match_regex(b)"]),
        (3, ["not_be_null(a)"]),
    ]


def test_rows_keep_their_types_on_both_sides_of_a_split(tmp_path):
    table = pa.table(
        {
            "d": pa.array([1, None, 3], pa.date32()),
            "z": pa.array([1, 2, 3], pa.timestamp("us", "Europe/Berlin")),
            "n": pa.array([1, 2, 3], pa.timestamp("ns")),
            "m": pa.array([None, "1.50", "2.25"]).cast(pa.decimal128(9, 2)),
            "s": pa.array(["a", "b", "a"]).dictionary_encode(),
            "i": pa.array([1, 2, 3], pa.int16()),
            "l": pa.array([[1], [2, 3], None], pa.list_(pa.int64())),
        }
    )
    path = tmp_path / "rows.parquet"
    pq.write_table(table, path)
    with evaluate(suite_of(suite((NOT_NULL, {"column": "d"})), "s.json"), path) as found:
        reasons = found.reasons(list(found.failing))
        bad = bad_batches(path, found.engine.failing_rows(reasons)).read_all()
        good = good_batches(path, bad[ROW_COLUMN].to_numpy()).read_all()
    stored = pq.read_table(path)
    assert good.schema.equals(stored.schema)
    assert good.equals(stored.take([0, 2]))
    for name in table.column_names:
        assert bad.column(name).to_pylist() == stored.take([1]).column(name).to_pylist(), name


@pytest.mark.parametrize("lines", [True, False])
def test_json_is_read_as_records(tmp_path, lines):
    path = tmp_path / ("rows.jsonl" if lines else "rows.json")
    FRAME.to_json(path, orient="records", lines=lines)
    checks = suite(
        *[(NOT_NULL, {"column": name}) for name in FRAME],
        (UNIQUE, {"column": "id"}),
        ("expect_column_values_to_be_between", {"column": "price", "max_value": 2}),
    )
    told = {engine: run_suite(checks, path, engine=engine)["results"] for engine in ("duckdb", "gx")}
    assert [one["result"]["unexpected_index_list"] for one in told["duckdb"]] == [[], [1], [1], [1, 2], [2]]
    assert [one["result"]["unexpected_index_list"] for one in told["gx"]] == [[], [1], [1], [1, 2], [2]]


def test_json_that_is_broken_is_named_without_its_values(tmp_path):
    path = tmp_path / "rows.json"
    path.write_text('[{"secret": "sesame"}, {"secret": "ses')
    with pytest.raises(SourceError, match=r"rows\.json cannot be read as JSON") as told:
        result(NOT_NULL, path, column="secret")
    assert "sesame" not in str(told.value)


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_files_in_object_storage_are_judged_by_their_address(tmp_path, suffix):
    import fsspec

    local, address = written(tmp_path / f"rows{suffix}"), f"memory://bucket/{tmp_path.name}/rows{suffix}"
    fsspec.filesystem("memory").put(str(local), address)
    assert result(UNIQUE, address, column="id")["result"]["unexpected_index_list"] == [1, 2]
    with pytest.raises(SourceError, match="There is no file at memory://bucket/nothing"):
        result(UNIQUE, f"memory://bucket/nothing{suffix}", column="id")


def test_airflows_own_paths_of_object_storage_are_taken(tmp_path):
    from airflow.sdk import ObjectStoragePath

    path = ObjectStoragePath(f"file://{written(tmp_path / 'rows.parquet')}")
    assert result(UNIQUE, path, column="id")["result"]["unexpected_index_list"] == [1, 2]


def test_a_protocol_that_nothing_speaks_says_what_to_install():
    with pytest.raises(BrokenCheckError, match=r"nowhere://bucket/rows\.csv cannot be reached") as told:
        result(UNIQUE, "nowhere://bucket/rows.csv", column="id")
    assert "s3fs" in str(told.value)


def test_data_without_a_column_are_refused():
    for data in (pd.DataFrame(index=range(3)), pl.DataFrame(), pa.table({})):
        with pytest.raises(SourceError, match="The data have no column"):
            result("expect_table_row_count_to_equal", data, value=3)


def test_names_that_differ_only_in_capitals_are_refused_in_frames_of_polars_too():
    with pytest.raises(SourceError, match="more than one column named"):
        result(NOT_NULL, pl.DataFrame({"x": [1], "X": [2]}), column="x")


def test_numbers_of_sixteen_bits_are_numbers():
    data = pd.DataFrame({"x": np.array([0.5, np.nan, 2], dtype="float16")})
    found = result("expect_column_values_to_be_between", data, column="x", max_value=1)
    assert found["result"]["unexpected_list"] == [2.0]


@pytest.mark.parametrize(
    ("dtype", "name"),
    [
        ("Int64", "int64"),
        ("boolean", "bool"),
        ("string[pyarrow]", "str"),
        ("Float32", "float32"),
        ("int64[pyarrow]", "int"),
        (pd.ArrowDtype(pa.decimal128(5, 2)), "Decimal"),
    ],
)
def test_types_that_hold_missing_values_have_the_names_that_great_expectations_gives_them(dtype, name):
    data = pd.DataFrame({"x": pd.array([None, None], dtype=dtype)})
    kwargs = {"column": "x", "type_": name}
    checks = suite(("expect_column_values_to_be_of_type", kwargs))
    ours, theirs = run_suite(checks, data), run_suite(checks, data, engine="gx")
    assert [one["results"][0]["success"] for one in (ours, theirs)] == [True, True]


@pytest.mark.parametrize(
    "values",
    [
        pd.period_range("2020-01", periods=2, freq="M"),
        pd.to_timedelta([1, 2], "D"),
        [1 + 2j, 3j],
        pd.interval_range(0, 2),
    ],
)
def test_values_that_json_does_not_have_fail_their_check_alone(values):
    checks = suite(
        ("expect_column_values_to_be_in_set", {"column": "x", "value_set": ["a"]}), (NOT_NULL, {"column": "x"})
    )
    data = pd.DataFrame({"x": values})
    for engine in ("duckdb", "gx"):
        first, second = run_suite(checks, data, engine=engine)["results"]
        assert (first["success"], second["success"]) == (False, True)


def test_periods_are_not_taken_for_numbers():
    data = pd.DataFrame({"x": pd.period_range("2020-01", periods=2, freq="M")})
    found = result("expect_column_sum_to_be_between", data, column="x", min_value=0)
    assert found["exception_info"]["raised_exception"]


def test_bytes_are_compared_with_no_other_type():
    data = pd.DataFrame({"x": [b"a", None]})
    found = result("expect_column_distinct_values_to_be_in_set", data, column="x", value_set=[1, "a"])
    assert (found["success"], found["result"]["unexpected_count"]) == (False, 1)


def test_text_that_is_no_unicode_is_told():
    data = pd.DataFrame({"x": ["\ud800", "a"]}, dtype=object)
    with pytest.raises(SourceError, match="The column 'x' holds text that is no Unicode"):
        result(NOT_NULL, data, column="x")


@pytest.mark.parametrize("numbers", [[float("nan"), -1.0], [float("nan"), -1.0, 2.0], [-1.0, float("nan"), None]])
def test_not_a_number_is_missing_although_the_statistics_of_a_parquet_file_leave_it_out(tmp_path, numbers):
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"number": pa.array(numbers)}), path)
    with evaluate(suite_of(suite((NOT_NULL, {"column": "number"})), "s.json"), path) as found:
        ids = list(found.failing)
        places = found.engine.failing_rows(found.reasons(ids)).read_all()[ROW_COLUMN].to_pylist()
        counted = (found.results[0].failed, found.count_failing(ids))
    missing = [place for place, number in enumerate(numbers) if pd.isna(number)]
    assert (counted, places) == ((len(missing), len(missing)), missing)


def test_an_error_of_the_engine_without_a_word_is_still_told_as_ours(tmp_path):
    with pytest.raises(SourceError, match="cannot be read as CSV: no reason given"), file_faults(tmp_path / "rows.csv"):
        raise duckdb.Error
