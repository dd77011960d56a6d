"""The split, over tables and suites drawn by chance: every row lands once, whole, with exactly the checks it failed."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_dataops.core.dataset import Snapshot
from airflow_dataops.core.quality import Verdict, decide
from airflow_dataops.core.quality_suite import suite_of
from airflow_dataops.hooks.dataset import DatasetHook, path_of
from airflow_dataops.hooks.dataset_split import ROW_COLUMN
from airflow_dataops.hooks.quality_evaluation import evaluate
from airflow_dataops.operators.quality import QualityGateOperator, split

COLUMNS = {
    "number": (pa.float64(), [None, math.nan, math.inf, -1.0, 0.5, 2.0]),
    "whole": (pa.int32(), [None, -(2**31), 0, 1, 2]),
    "text": (pa.large_string(), [None, "", "a", "b", "ä", "\n"]),
    "word": (pa.dictionary(pa.int8(), pa.string()), [None, "x", "y"]),
    "id": (pa.int64(), [None, 1, 2, 3]),
}
NAMES = st.sampled_from(["number", "whole", "text", "id"])


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    rows = draw(st.integers(0, 12))
    drawn = {
        name: pa.array(draw(st.lists(st.sampled_from(values), min_size=rows, max_size=rows)), kind)
        for name, (kind, values) in COLUMNS.items()
    }
    return pa.table(drawn)


def expectation(kind: str, *, keep: str | None = None, **kwargs: Any) -> dict[str, Any]:
    ours = {"severity": "quarantine", **({"keep": keep} if keep else {})}
    return {"type": f"expect_{kind}", "kwargs": kwargs, "meta": {"dataops": ours}}


CONDITIONS = st.sampled_from([{}, {}, {"row_condition": 'col("whole") > 0', "condition_parser": "great_expectations"}])
KEEP = st.sampled_from(["none", "first", "last"])
CHECKS = st.one_of(
    st.builds(lambda c, w: expectation("column_values_to_not_be_null", column=c, **w), NAMES, CONDITIONS),
    st.builds(
        lambda w: expectation("column_values_to_be_between", column="number", min_value=0, max_value=1, **w), CONDITIONS
    ),
    st.just(expectation("column_values_to_be_in_set", column="text", value_set=["a", "ä"])),
    st.builds(lambda c, k: expectation("column_values_to_be_unique", column=c, keep=k), NAMES, KEEP),
    st.builds(
        lambda c, k: expectation("compound_columns_to_be_unique", column_list=c, keep=k),
        st.lists(NAMES, min_size=2, max_size=3, unique=True),
        KEEP,
    ),
)


def comparable(rows: pa.Table) -> list[tuple[Any, ...]]:
    """Return rows that can be compared: NaN equals itself."""
    return [
        tuple("NaN" if isinstance(value, float) and math.isnan(value) else value for value in row.values())
        for row in rows.to_pylist()
    ]


def is_decided_by_row_alone(check: dict[str, Any]) -> bool:
    return "unique" not in check["type"]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table=tables(), checks=st.lists(CHECKS, min_size=1, max_size=4))
def test_every_row_lands_once_whole_and_with_the_checks_it_failed(tmp_path, store_path, table, checks):
    suite, store = suite_of({"expectations": checks}, "drawn"), DatasetHook()
    taken = store.write_snapshot(table.to_reader(), "drawn", "all", "owner")
    good, bad, failed = split_by(store, taken, suite)
    if good is None:
        assert bad is None or bad.num_rows == table.num_rows  # nothing would be left
        return
    assert good.schema.equals(pq.read_schema(path_of(taken.uri)))
    rows, everything = comparable(table), comparable(good)
    positions = bad.column("_dataops_row").to_pylist() if bad else []
    assert positions == sorted(set(positions))
    if bad:
        assert bad.select(table.column_names).schema.types[0] == table.schema.types[0]
        assert comparable(bad.select(table.column_names)) == [rows[place] for place in positions]
        told = dict(zip(positions, bad.column("_dataops_checks").to_pylist(), strict=True))
        assert {row: set(ids) for row, ids in told.items()} == failed
    assert everything == [row for place, row in enumerate(rows) if place not in set(positions)]
    assert len(everything) + len(positions) == table.num_rows
    judge_again(tmp_path, good, checks)


def split_by(
    store: DatasetHook, taken: Snapshot, suite: Any
) -> tuple[pa.Table | None, pa.Table | None, dict[int, set[str]]]:
    """Split a snapshot; return both parts, and which checks each row fails when each check is asked alone."""
    with evaluate(suite, path_of(taken.uri)) as found:
        decision = decide(
            found.results, found.rows, found.count_failing, dataset="drawn", partition="all", on_empty="publish"
        )
        good, bad = split(store, taken, decision, found, "owner")
        failed: dict[int, set[str]] = {}
        for name in decision.split_by:
            for row in found.engine.failing_rows(found.reasons([name])).read_all()[ROW_COLUMN].to_pylist():
                failed.setdefault(row, set()).add(name)
    if decision.verdict is Verdict.PUBLISH:
        assert good == taken  # the original by reference
    parts = [pq.ParquetFile(path_of(one.uri)).read() if one else None for one in (good, bad)]
    return parts[0], parts[1], failed


def judge_again(folder: Path, good: pa.Table, checks: list[dict[str, Any]]) -> None:
    """Good rows pass again: each check on single rows, and keys, for to take rows away makes none twice."""
    path = folder / "good.parquet"
    pq.write_table(good, path)
    with evaluate(suite_of({"expectations": checks}, "again"), path) as found:
        assert [result.failed for result in found.results] == [0] * len(checks)


def test_nothing_split_is_the_original_by_reference_and_no_file_is_written(store_path):
    store = DatasetHook()
    taken = store.write_snapshot(pa.table({"id": [1, 2]}).to_reader(), "d", "all", "owner")
    before = {path: path.stat().st_mtime_ns for path in store_path.rglob("*")}
    suite = suite_of({"expectations": [expectation("column_values_to_be_unique", column="id")]}, "s")
    good, bad, _ = split_by(store, taken, suite)
    assert (good.num_rows, bad) == (2, None)
    assert {path: path.stat().st_mtime_ns for path in store_path.rglob("*")} == before


def test_what_the_split_wrote_is_told(ledger, store_path, make_context, tmp_path):
    path = tmp_path / "suite.json"
    path.write_text(json.dumps({"expectations": [expectation("column_values_to_not_be_null", column="id")]}))
    told = []
    for number, ids in enumerate(([1, 2, 3], [1, None, 3])):
        snapshot = DatasetHook().write_snapshot(pa.table({"id": ids}).to_reader(), "d", "all", "owner")
        gate = QualityGateOperator(task_id="gate", snapshot=snapshot.to_xcom(), suite=str(path))
        told.append(gate.execute(make_context(f"gate-{number}")))
    assert told[0]["written"] == {"rows": 0, "bytes": 0}
    sizes = [path_of(told[1][part]["uri"]).stat().st_size for part in ("snapshot", "quarantine")]
    assert told[1]["written"] == {"rows": 3, "bytes": sum(sizes)}


def test_rows_are_asked_for_once(store_path, monkeypatch):
    from airflow_dataops.hooks.quality_duckdb import DuckDBEngine

    asked, whole = [], DuckDBEngine.failing_rows

    def counting(self, reasons, **options):
        asked.append(options)
        return whole(self, reasons, **options)

    store = DatasetHook()
    taken = store.write_snapshot(pa.table({"id": [1, None, 2]}).to_reader(), "d", "all", "owner")
    monkeypatch.setattr(DuckDBEngine, "failing_rows", counting)
    suite = suite_of({"expectations": [expectation("column_values_to_not_be_null", column="id")]}, "s")
    with evaluate(suite, path_of(taken.uri)) as found:
        decision = decide(found.results, found.rows, found.count_failing, dataset="d", partition="all")
        good, bad = split(store, taken, decision, found, "owner")
    assert (good.rows, bad.rows, len(asked)) == (2, 1, 1)


@pytest.mark.parametrize("rows", [1, 100_000, 100_001, 250_000])
def test_pieces_of_a_large_file_keep_their_order(store_path, rows):
    store = DatasetHook()
    table = pa.table(
        {"id": pa.array(range(rows)), "bad": pa.array([None if n % 99_999 == 7 else 1 for n in range(rows)])}
    )
    taken = store.write_snapshot(table.to_reader(), "d", "all", "owner")
    suite = suite_of({"expectations": [expectation("column_values_to_not_be_null", column="bad")]}, "s")
    good, bad, _ = split_by(store, taken, suite)
    expected = [n for n in range(rows) if n % 99_999 == 7]
    assert (bad.column("id").to_pylist() if bad else []) == expected
    assert good.column("id").to_pylist() == [n for n in range(rows) if n % 99_999 != 7]
