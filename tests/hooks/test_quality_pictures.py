"""Pictures of failing columns: every row is counted once, and no value is shown that is not public."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_dataops.core.quality import decide
from airflow_dataops.core.quality_options import GateOptions
from airflow_dataops.core.quality_suite import suite_of
from airflow_dataops.exceptions import BrokenCheckError
from airflow_dataops.hooks.quality_evaluation import evaluate
from airflow_dataops.hooks.quality_pictures import pictures_of

NOT_NULL = "expect_column_values_to_not_be_null"
BETWEEN = "expect_column_values_to_be_between"
IN_SET = "expect_column_values_to_be_in_set"


def check(kind: str, column: str, severity: str = "warn", **kwargs) -> dict:
    return {"type": kind, "kwargs": {"column": column, **kwargs}, "meta": {"dataops": {"severity": severity}}}


def drawn(tmp_path, columns, *checks, public=(), **options):
    path = tmp_path / "rows.parquet"
    pd.DataFrame(columns).to_parquet(path)
    meta = {"dataops": {"classification": dict.fromkeys(public, "public")}}
    suite = suite_of({"expectations": list(checks), "meta": meta}, "suite.json")
    with evaluate(suite, path, GateOptions(**options)) as found:
        decision = decide(found.results, found.rows, found.count_failing, dataset="orders", partition="p")
        return pictures_of(suite, found, decision)


def counted(picture) -> tuple[int, int]:
    return sum(bar.rows for bar in picture.everything), sum(bar.failing for bar in picture.everything)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=st.lists(
        st.none() | st.floats(allow_nan=True, allow_infinity=True) | st.floats(-1, 1) | st.integers(-(2**53), 2**53),
        min_size=1,
        max_size=60,
    ),
    bounds=st.tuples(st.floats(-2, 2), st.floats(-2, 2)),
)
def test_every_row_is_on_exactly_one_bar_whatever_the_figures(tmp_path, values, bounds):
    low, high = sorted(bounds)
    column = pd.array(values, dtype="float64") if None not in values else pd.Series(values, dtype="float64")
    expected = sum(value is not None and not math.isnan(value) and not low <= value <= high for value in values)
    pictures = drawn(tmp_path, {"v": column}, check(BETWEEN, "v", min_value=low, max_value=high))
    if not expected:
        assert pictures == ()
        return
    assert counted(pictures[0]) == (len(values), expected)
    assert 1 <= len(pictures[0].bars) <= 60


def test_bars_hold_the_rows_between_their_edges(tmp_path):
    values = np.random.default_rng(1).normal(50, 10, 5000).round(2)
    (picture,) = drawn(tmp_path, {"v": values}, check(BETWEEN, "v", max_value=60))
    axis = picture.axis
    edges = [axis.start + axis.step * n for n in range(axis.bars + 1)]
    within = values[(values >= edges[0]) & (values < edges[-1])]
    assert [bar.rows for bar in picture.bars] == np.histogram(within, edges)[0].tolist()
    failing = [bar.failing for bar in picture.bars]
    assert [n for n, bar in enumerate(failing) if bar and edges[n + 1] <= 60] == []
    assert sum(failing) + picture.above.failing == (values > 60).sum()
    assert picture.allowed == (None, 60.0)


def test_missing_values_stand_apart_and_fail_where_they_must_be_there(tmp_path):
    (picture,) = drawn(tmp_path, {"v": [1.0, None, 3.0, None]}, check(NOT_NULL, "v"))
    assert (picture.missing.rows, picture.missing.failing) == (2, 2)
    assert sum(bar.rows for bar in picture.bars) == 2


def test_times_lie_on_an_axis_of_days_with_what_is_allowed(tmp_path):
    days = list(pd.date_range("2026-11-01", periods=24 * 20, freq="h"))
    (picture,) = drawn(tmp_path, {"t": days}, check(BETWEEN, "t", max_value="2026-11-15"))
    assert picture.kind == "times"
    assert picture.bars[0].label == "2026-11-01"
    assert picture.axis.place(picture.allowed[1]) == pytest.approx(14, abs=0.01)
    assert counted(picture) == (480, 480 - 24 * 14 - 1)


@pytest.mark.parametrize(
    "values", [[pd.Timestamp("1677-09-22"), pd.Timestamp("2262-04-10")], [pd.Timestamp("2026-01-01")] * 2]
)
def test_times_far_apart_or_equal_are_drawn(tmp_path, values):
    (picture,) = drawn(tmp_path, {"t": values}, check(BETWEEN, "t", max_value="1600-01-01"))
    assert counted(picture) == (2, 2)


NAMES = ["Ada Lovelace", "Grace Hopper", None, "Ada Lovelace"]


def test_texts_that_are_not_public_are_told_by_their_lengths_only(tmp_path):
    (picture,) = drawn(tmp_path, {"name": NAMES}, check(IN_SET, "name", value_set=["x"]))
    assert picture.kind == "lengths"
    assert counted(picture) == (4, 3)
    assert not any(word in repr(picture) for word in ("Ada", "Hopper"))


def test_public_texts_are_told_by_their_values_the_failing_ones_first(tmp_path):
    values = ["a"] * 5 + ["b"] * 3 + [None] + [f"x{n:02}" for n in range(20)]
    (picture,) = drawn(tmp_path, {"name": values}, check(IN_SET, "name", value_set=["a", *values[9:]]), public=["name"])
    assert [(bar.label, bar.rows, bar.failing) for bar in picture.bars[:2]] == [("b", 3, 3), ("a", 5, 0)]
    assert picture.bars[-1].label == "other values"
    assert len(picture.bars) == 11
    assert picture.missing.rows == 1
    assert counted(picture) == (29, 3)


@pytest.mark.parametrize("values", [[True, None, False], [b"x", None, b"y"], [None, None, None]])
def test_what_is_neither_figure_nor_public_is_told_by_presence_only(tmp_path, values):
    (picture,) = drawn(tmp_path, {"v": values}, check(NOT_NULL, "v"))
    assert picture.kind == "presence"
    assert counted(picture) == (3, sum(value is None for value in values))


def test_a_sampled_check_is_drawn_on_the_sample(tmp_path):
    values = [None if n % 10 == 0 else float(n) for n in range(20_000)]
    (picture,) = drawn(tmp_path, {"v": values}, check(NOT_NULL, "v"), sample=0.1)
    assert picture.of_sample
    rows, failing = counted(picture)
    assert (rows, failing / rows) == (pytest.approx(2000, rel=0.15), pytest.approx(0.1, rel=0.4))


def test_pictures_are_the_same_each_time(tmp_path):
    values = np.random.default_rng(2).lognormal(3, 2, 150_000)
    checks = [check(BETWEEN, "v", max_value=100), check("expect_column_mean_to_be_between", "v", max_value=0)]
    first, second = (drawn(tmp_path, {"v": values}, *checks, threads=threads) for threads in (1, 2))
    assert first == second
    assert counted(first[0])[0] == 150_000


def test_hostile_column_names_are_drawn(tmp_path):
    name = '"; DROP TABLE source; --\n☂'
    (picture,) = drawn(tmp_path, {name: [1.0, None]}, check(NOT_NULL, name))
    assert (picture.column, counted(picture)) == (name, (2, 1))


def test_more_failing_columns_than_fit_are_left_out(tmp_path):
    columns = {f"c{n}": [None, 1.0] for n in range(20)}
    assert len(drawn(tmp_path, columns, *[check(NOT_NULL, name) for name in columns])) == 12


@pytest.mark.parametrize("classification", [["name"], {"name": 1}, "public"])
def test_a_classification_that_is_none_is_refused(classification):
    document = {"expectations": [check(NOT_NULL, "v")], "meta": {"dataops": {"classification": classification}}}
    with pytest.raises(BrokenCheckError, match="no mapping of columns to words"):
        suite_of(json.loads(json.dumps(document)), "suite.json")
