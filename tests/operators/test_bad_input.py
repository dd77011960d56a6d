"""Bad input through the real stations: the right kind of stop, a cure, nothing published, nothing left lying about."""

from __future__ import annotations

import decimal
import json
import os
import resource
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_dataops.exceptions import BrokenCheckError, OutageError, SourceError
from airflow_dataops.hooks.dataset import DatasetHook, path_of
from airflow_dataops.hooks.quality_duckdb import DuckDBEngine, open_duckdb
from airflow_dataops.operators.dataset import SnapshotDatasetOperator
from airflow_dataops.operators.quality import QualityGateOperator
from airflow_dataops.testing import run_suite

NOBODY = 65534
WHOLE = b"".join([b"a,b\n", *[b"%d,x\n" % n for n in range(100)]])
PARQUET = pa.table({"a": list(range(50_000))})


def missing(column: str, severity: str = "quarantine") -> dict:
    kwargs = {"column": column}
    return {
        "type": "expect_column_values_to_not_be_null",
        "kwargs": kwargs,
        "meta": {"dataops": {"severity": severity}},
    }


def unique(*columns: str) -> dict:
    kind = "expect_column_values_to_be_unique" if len(columns) == 1 else "expect_compound_columns_to_be_unique"
    kwargs = {"column": columns[0]} if len(columns) == 1 else {"column_list": list(columns)}
    return {"type": kind, "kwargs": kwargs, "meta": {"dataops": {"severity": "quarantine", "keep": "first"}}}


@pytest.fixture
def snapshot(ledger, store_path, make_context):
    """Snapshot a file, a folder or what a callable returns."""

    def take(path: Path) -> dict:
        station = SnapshotDatasetOperator(task_id="snapshot", dataset="d", path=str(path))
        return station.execute(make_context(f"snapshot-{path.name}"[:200]))

    return take


@pytest.fixture
def gate(tmp_path, make_context):
    """Judge a snapshot by expectations."""

    def judge(taken: dict, *expectations: dict) -> dict:
        suite = tmp_path / "suite.json"
        suite.write_text(json.dumps({"name": "s", "expectations": list(expectations)}))
        return QualityGateOperator(task_id="gate", snapshot=taken, suite=str(suite)).execute(make_context("gate"))

    return judge


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """Mount a disk of eight megabytes."""
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", folder], check=True)


def leftovers(store: Path) -> list[Path]:
    return [path for path in store.rglob("*") if path.is_file() and path.suffix in {".tmp", ".parquet"}]


def written(path: Path, content: bytes | pa.Table) -> Path:
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        pq.write_table(content, path)
    return path


def truncated(tmp_path: Path) -> bytes:
    return written(tmp_path / "whole.parquet", PARQUET).read_bytes()[:-100]


BAD_FILES = [
    ("delivery.xlsx", b"x", "of a kind we cannot read"),
    ("delivery.csv", b"", "is empty \\(0 bytes\\)"),
    ("text.parquet", b"a\n1\n", "cannot be read as PARQUET"),
    (
        "more.csv",
        WHOLE + b"1,2,3\n" + WHOLE[4:],
        "its rows have different numbers of columns|Expected Number of Columns",
    ),
    ("less.csv", WHOLE + b"1\n" + WHOLE[4:], "its rows have different numbers of columns|Expected Number of Columns"),
    ("latin.csv", WHOLE + "1,Käse\n".encode("latin-1"), "is not UTF-8 "),
    ("utf16.csv", "a,b\n1,Käse\n".encode("utf-16"), "it is UTF-16, not UTF-8"),
    ("twice.csv", b"a,a\n1,2\n", "more than one column named 'a'"),
    ("twice.parquet", pa.table([[1], [2]], names=["a", "a"]), "more than one column named 'a'"),
    ("case.parquet", pa.table({"a": [1], "A": [2]}), "upper and lower case are the same"),
    ("none.parquet", pa.table({}), "cannot be read as PARQUET"),
    ("noname.parquet", pa.table({"": [1]}), "a column without a name"),
]


@pytest.mark.parametrize(("name", "content", "said"), BAD_FILES, ids=[name for name, *_ in BAD_FILES])
def test_a_file_that_is_not_what_it_should_be_is_no_snapshot(snapshot, store_path, tmp_path, name, content, said):
    path = written(tmp_path / name, content)
    with pytest.raises(AirflowFailException, match=f"(?s){said}.*hint: "):
        snapshot(path)
    assert leftovers(store_path) == []


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [bad for bad in BAD_FILES if bad[0] != "noname.parquet"],
    ids=[name for name, *_ in BAD_FILES if name != "noname.parquet"],
)
def test_such_a_file_is_not_judged_either(tmp_path, name, content, said):
    path = written(tmp_path / name, content)
    with pytest.raises(SourceError, match=f"(?s){said}.*hint: "):
        run_suite({"expectations": [missing("a")]}, path)


def test_the_cure_of_a_wrong_encoding_is_told(snapshot, store_path, tmp_path):
    with pytest.raises(AirflowFailException, match="hint: save it as UTF-8: iconv -f latin1 -t utf-8"):
        snapshot(written(tmp_path / "latin.csv", WHOLE + "1,Käse\n".encode("latin-1")))
    with pytest.raises(AirflowFailException, match="hint: save it as UTF-8: iconv -f utf-16 -t utf-8"):
        snapshot(written(tmp_path / "utf16.csv", "a,b\n1,Käse\n".encode("utf-16")))


def test_no_line_of_a_csv_file_is_left_out_for_how_it_begins(snapshot, store_path, tmp_path):
    path = written(tmp_path / "marks.csv", b"\n\na,b\n#1,2\n3,4\n#5,6\n")
    taken = snapshot(path)
    assert pq.ParquetFile(path_of(taken["uri"])).read().column("a").to_pylist() == ["#1", "3", "#5"]
    kwargs = {"column": "a", "value_set": ["#1", "3", "#5"]}
    result = run_suite({"expectations": [{"type": "expect_column_values_to_be_in_set", "kwargs": kwargs}]}, path)
    assert (result["success"], result["results"][0]["result"]["element_count"]) == (True, 3)


def test_a_truncated_file_a_folder_and_a_missing_file_are_told_apart(snapshot, store_path, tmp_path):
    path = written(tmp_path / "cut.parquet", truncated(tmp_path))
    (tmp_path / "folder.parquet").mkdir()
    with pytest.raises(AirflowFailException, match="No magic bytes found at end of file"):
        snapshot(path)
    with pytest.raises(AirflowFailException, match="holds no files"):
        snapshot(tmp_path / "folder.parquet")
    with pytest.raises(SourceError, match="is a folder, where a file is needed"):
        run_suite({"expectations": [missing("a")]}, tmp_path / "folder.parquet")
    with pytest.raises(AirflowFailException, match="There is no file or folder at"):
        snapshot(tmp_path / "gone.parquet")
    assert leftovers(store_path) == []


def test_a_quoted_comma_in_the_only_name_is_no_torn_file(tmp_path):
    path = written(tmp_path / "one.csv", b'"a,b"\n1\n2\n')
    assert run_suite({"expectations": [missing("a,b")]}, path)["success"]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_file_that_may_not_be_read_is_told_as_such(tmp_path, kind):
    path = written(tmp_path / f"secret.{kind}", WHOLE if kind == "csv" else PARQUET)
    path.chmod(0o600)
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    told = as_nobody(lambda: run_suite({"expectations": [missing("a")]}, path))
    assert told.startswith("SourceError")
    assert "may not be read: permission denied" in told
    assert "hint: let the user that runs Airflow's tasks read it" in told
    tmp_path.chmod(0o700)
    assert as_nobody(lambda: run_suite({"expectations": [missing("a")]}, path)).startswith("SourceError")


def as_nobody(work) -> str:
    """Run work in a child without rights and return how it ended."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            work()
            told = "it worked"
        except BaseException as error:  # noqa: BLE001 - told to the parent
            told = f"{type(error).__name__} {error}"
        os.write(write, told.encode()[:4000])
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        told = pipe.read()
    os.waitpid(child, 0)
    return told


def test_a_header_alone_is_a_snapshot_without_rows_which_the_gate_holds(snapshot, gate, store_path, tmp_path):
    taken = snapshot(written(tmp_path / "header.csv", b"a,b\n"))
    assert taken["rows"] == 0
    with pytest.raises(AirflowFailException, match="there are no rows"):
        gate(taken, missing("a"))


@pytest.mark.parametrize(
    ("expectation", "said"),
    [
        (missing("nope"), "names the unknown column 'nope'"),
        ({"type": "expect_x", "kwargs": {}}, "is of an unknown type"),
        ({"type": "expect_column_to_exist", "kwargs": {"column": "a", "foo": 1}}, "foo: extra fields not permitted"),
    ],
)
def test_a_wrong_check_is_a_broken_check(snapshot, gate, store_path, tmp_path, expectation, said):
    taken = snapshot(written(tmp_path / "good.csv", WHOLE))
    with pytest.raises(AirflowFailException, match=said):
        gate(taken, expectation)
    assert len(leftovers(store_path)) == 1


def test_a_contract_of_an_unknown_version_is_a_broken_check(snapshot, tmp_path, make_context):
    taken = snapshot(written(tmp_path / "good.csv", WHOLE))
    contract = tmp_path / "contract.yaml"
    contract.write_text("kind: DataContract\napiVersion: v9.0.0\nid: c\nschema: [{name: d, properties: []}]\n")
    with pytest.raises(AirflowFailException, match=r"version 'v9.0.0'; allowed are v3.0.0(?s:.*)hint: "):
        QualityGateOperator(task_id="gate", snapshot=taken, suite=str(contract)).execute(make_context("gate"))


# -- disks that fill up, memory that does not suffice -------------------------------------------------------


def wide_rows(path: Path, rows: int) -> Path:
    duckdb.sql(
        f"COPY (SELECT i AS id, hash(i)::VARCHAR || hash(i + 1)::VARCHAR AS a, "
        f"CASE WHEN i % 2 = 0 THEN 1 END AS b FROM range({rows}) t(i)) TO '{path}' (FORMAT PARQUET)"
    )
    return path


def test_a_disk_that_fills_up_during_the_split_is_an_outage_and_the_retry_goes_on(
    gate, small_disk, ledger, tmp_path, make_context, monkeypatch
):
    store = {"conn_type": "dataops_store", "extra": {"path": str(small_disk / "store")}}
    monkeypatch.setenv("AIRFLOW_CONN_DATAOPS_STORE", json.dumps(store))
    source = wide_rows(tmp_path / "rows.parquet", 200_000)
    station = SnapshotDatasetOperator(task_id="snapshot", dataset="d", path=str(source))
    taken = station.execute(make_context("snapshot"))
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"\0" * 1_000_000)
    with pytest.raises(OutageError, match="No space left on device"):
        gate(taken, missing("b"))
    assert [path for path in small_disk.rglob("*") if path.suffix == ".tmp"] == []
    assert DatasetHook().published("d") == {}
    subprocess.run(["mount", "-o", "remount,size=64m", small_disk], check=True)
    result = gate(taken, missing("b"))
    assert (result["snapshot"]["rows"], result["quarantine"]["rows"]) == (100_000, 100_000)


def test_a_limit_of_file_size_during_the_snapshot_is_an_outage(ledger, store_path, tmp_path, make_context):
    source = wide_rows(tmp_path / "rows.parquet", 200_000)
    station = SnapshotDatasetOperator(task_id="snapshot", dataset="d", path=str(source))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, before[1]))
    try:
        with pytest.raises(OutageError, match="The store at"):
            station.execute(make_context("snapshot"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert leftovers(store_path) == []


@pytest.fixture
def full_spill(small_disk, monkeypatch) -> Path:
    """Let temporary files lie on the small disk."""
    monkeypatch.setattr("tempfile.tempdir", str(small_disk))
    return small_disk


def test_a_full_disk_for_what_does_not_fit_into_memory_is_an_outage_that_names_folder_and_space(full_spill, tmp_path):
    path = wide_rows(tmp_path / "rows.parquet", 8_000_000)
    with pytest.raises(OutageError, match=rf"folder for temporary files at {full_spill}.*MB are free"):
        run_suite({"expectations": [unique("a")]}, path, result_format="BOOLEAN_ONLY", memory_limit="200MB")
    assert list(full_spill.iterdir()) == []


def test_a_full_disk_while_csv_is_parsed_is_an_outage(full_spill, tmp_path):
    path = tmp_path / "rows.csv"
    duckdb.sql(f"COPY (SELECT hash(i) AS a, hash(i)::VARCHAR AS b FROM range(3000000) t(i)) TO '{path}' (HEADER)")
    with pytest.raises(OutageError, match="MB are free"):
        run_suite({"expectations": [missing("a")]}, path)
    assert list(full_spill.iterdir()) == []


def test_too_little_memory_is_final_and_says_what_to_raise(tmp_path):
    path = wide_rows(tmp_path / "rows.parquet", 2_000_000)
    with pytest.raises(SourceError, match=r"need more memory(?s:.*)hint: raise memory_limit"):
        run_suite({"expectations": [unique("a")]}, path, result_format="BOOLEAN_ONLY", memory_limit="15MB")
    with pytest.raises(BrokenCheckError, match=r"memory_limit='lots'(?s:.*)hint: for example 300MB"):
        run_suite({"expectations": [unique("a")]}, path, memory_limit="lots")


# -- data that change under the gate ------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["removed", "replaced"])
def test_a_snapshot_changed_while_it_is_judged_stops_the_gate(
    snapshot, gate, store_path, ledger, tmp_path, monkeypatch, what
):
    taken = snapshot(wide_rows(tmp_path / "rows.parquet", 1000))
    path, whole = path_of(taken["uri"]), DuckDBEngine.count_failing

    def meddling(*args):
        counted = whole(*args)
        path.unlink()
        if what == "replaced":
            wide_rows(path, 999)
        return counted

    monkeypatch.setattr(DuckDBEngine, "count_failing", meddling)
    with pytest.raises(AirflowFailException, match=r"was changed or removed while it was read(?s:.*)hint: "):
        gate(taken, missing("b"))
    assert ledger.events(kind="quality.judged") == []


# -- names and values ---------------------------------------------------------------------------------------

NAMES = ["data", "source", "n", "f0", "m0", "shared", "value", "steps", "names", "rowid", 'q"u;o\'te', "two\nlines",
         "emoji 😀", "größe", "x" * 200, " ", "a.b", "%s", "{batch}", "--", "_dataops_rows"]  # fmt: skip


@pytest.mark.parametrize("name", NAMES, ids=[ascii(name)[:20] for name in NAMES])
def test_columns_may_be_called_anything(snapshot, gate, tmp_path, name):
    table = pa.table({name: ["p", None, "q", "p"], "k": [1, 2, 3, 1]})
    result = gate(snapshot(written(tmp_path / "d.parquet", table)), missing(name), unique(name), unique(name, "k"))
    good = pq.ParquetFile(path_of(result["snapshot"]["uri"])).read()
    bad = pq.ParquetFile(path_of(result["quarantine"]["uri"])).read()
    assert good.column_names == [name, "k"]
    assert good.column(name).to_pylist() == ["p", "q"]
    assert bad.column(name).to_pylist() == [None, "p"]
    assert [len(checks) for checks in bad.column("_dataops_checks").to_pylist()] == [1, 2]


@pytest.mark.parametrize("name", ["_dataops_row", "_dataops_checks", "file_row_number", "__dataops_position"])
def test_columns_called_as_ours_are_refused_with_the_cure(snapshot, gate, store_path, tmp_path, name):
    taken = snapshot(written(tmp_path / "d.parquet", pa.table({name: [1, 2], "k": [None, 1]})))
    with pytest.raises(AirflowFailException, match=rf"have a column '{name}'(?s:.*)hint: "):
        gate(taken, missing("k"))
    assert len(leftovers(store_path)) == 1


def test_two_thousand_columns_are_split(snapshot, gate, tmp_path):
    table = pa.table({f"c{number}": pa.array([number, None, 3]) for number in range(2000)})
    result = gate(snapshot(written(tmp_path / "d.parquet", table)), missing("c0"), missing("c1999"))
    assert (result["snapshot"]["rows"], result["quarantine"]["rows"]) == (2, 1)


VALUES = {
    "long": pa.array(["x" * 10_000, None, "y" * 10_000]),
    "huge": pa.array([2**63 - 1, None, -(2**63)]),
    "unsigned": pa.array([2**64 - 1, None, 0], pa.uint64()),
    "decimal": pa.array([decimal.Decimal("9" * 38), None, decimal.Decimal(1)], pa.decimal128(38, 0)),
    "list": pa.array([[1, 2], None, []]),
    "struct": pa.array([{"x": 1, "y": ["a"]}, None, {"x": None, "y": []}]),
    "map": pa.array([[("k", 1)], None, []], pa.map_(pa.string(), pa.int32())),
    "bytes": pa.array([b"\x00\xff", None, b""]),
    "zoned": pa.array([0, None, 1], pa.timestamp("us", "Europe/Berlin")),
}


@pytest.mark.parametrize("kind", VALUES)
def test_values_of_every_kind_land_whole(snapshot, gate, tmp_path, kind):
    taken = snapshot(written(tmp_path / "d.parquet", pa.table({"v": VALUES[kind], "k": [1, 2, 3]})))
    before = pq.ParquetFile(path_of(taken["uri"])).read()
    result = gate(taken, missing("v"))
    good = pq.ParquetFile(path_of(result["snapshot"]["uri"])).read()
    bad = pq.ParquetFile(path_of(result["quarantine"]["uri"])).read()
    assert good.schema.types == before.schema.types
    assert good.column("v").to_pylist() == [VALUES[kind][0].as_py(), VALUES[kind][2].as_py()]
    assert bad.column("k").to_pylist() == [2]
    assert bad.schema.field("v").type == before.schema.field("v").type


def test_decimals_that_the_engine_cannot_hold_are_refused_rather_than_rounded(snapshot, store_path, tmp_path):
    wide = pa.array([decimal.Decimal("9" * 50)], pa.decimal256(60, 0))
    with pytest.raises(AirflowFailException, match=r"'v' of decimals with 60 digits; 38(?s:.*)hint: "):
        snapshot(written(tmp_path / "d.parquet", pa.table({"v": wide})))
    assert leftovers(store_path) == []


def test_the_engine_removes_its_folder_after_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(RuntimeError), open_duckdb(written(tmp_path / "d.parquet", PARQUET)):
        raise RuntimeError
    assert [path.name for path in tmp_path.iterdir()] == ["d.parquet"]
