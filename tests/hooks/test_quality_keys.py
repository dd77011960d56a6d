"""Keys of whole numbers counted in a set of bits: exact, and only where they fit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from airflow_dataops.core.quality_sql.key_places import key_places
from airflow_dataops.hooks.quality_duckdb import open_duckdb
from airflow_dataops.testing import run_suite

UNIQUE = "expect_column_values_to_be_unique"
COMPOUND = "expect_compound_columns_to_be_unique"
SMALLEST, LARGEST = -(2**63), 2**63 - 1
KEYS = {
    "in no order": {"a": [3, 1, 2, 0, 5]},
    "negative": {"a": [-3, 2, -3, 0, -128]},
    "one value": {"a": [7, 7, 7]},
    "missing": {"a": [4, None, 2, None, 4, 3]},
    "two columns": {"a": [1, 1, 2, 2, 1], "b": [-5, -4, -5, -4, -5]},
    "two columns with missing": {"a": [1, None, 1, None, None, 2], "b": [None, 1, None, 1, None, 1]},
    "three columns": {"a": [0, 1, 0, 1], "b": [0, 0, 1, 1], "c": [1, 0, 0, 1]},
    "at the upper end": {"a": [LARGEST, LARGEST - 2, LARGEST]},
    "at the lower end": {"a": [SMALLEST, SMALLEST + 2, SMALLEST + 1]},
}


@pytest.mark.parametrize("name", KEYS)
def test_different_keys_are_counted_exactly_a_missing_one_like_any_other(name):
    columns = {key: pa.array(values, pa.int64()) for key, values in KEYS[name].items()}
    assert counted(pa.table(columns)) == len(set(zip(*KEYS[name].values(), strict=True))) - missing_alone(KEYS[name])


def missing_alone(columns: dict[str, list[int | None]]) -> int:
    """A key of one column that is missing is no key: the rule leaves such rows out before it counts."""
    return int(len(columns) == 1 and None in columns["a"])


def counted(table: pa.Table) -> int | None:
    with open_duckdb(table) as engine:
        places = key_places(engine.table, table.column_names, 1000, engine.ask)
        if places is None:
            return None
        query = engine.table.select(places.distinct())
        if len(table.column_names) == 1:
            query = query.where(engine.table.value(table.column_names[0]).is_(None).not_())
        return engine.ask(query)[0][0]


@pytest.mark.parametrize(
    "kind", [pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()]
)
def test_whole_numbers_of_every_width_have_places(kind):
    assert counted(pa.table({"a": pa.array([127, 0, 100, 127], kind)})) == 3


@pytest.mark.parametrize(
    "values",
    [
        pa.array([1.0, 2.0]),
        pa.array(["a", "b"]),
        pa.array([None, None], pa.int64()),
        pa.array([0, 2**62]),
        pa.array([SMALLEST, LARGEST]),
        pa.array([2**64 - 1, 2**64 - 2], pa.uint64()),
    ],
)
def test_keys_that_do_not_fit_have_no_places(values):
    assert counted(pa.table({"a": values})) is None


@pytest.mark.parametrize("seed", range(20))
def test_uniqueness_is_judged_as_pandas_does_whatever_the_spread(seed):
    random = np.random.default_rng(seed)
    rows, spread = int(random.integers(1, 400)), int(10 ** random.integers(1, 19))
    frame = pd.DataFrame({"a": random.integers(-spread // 2, spread // 2, rows), "b": random.integers(0, 3, rows)})
    if seed % 2:
        frame = frame.drop_duplicates("a").sample(frac=1, random_state=seed)
    checks = [{"type": UNIQUE, "kwargs": {"column": "a"}}, {"type": COMPOUND, "kwargs": {"column_list": ["b", "a"]}}]
    results = run_suite({"name": "s", "expectations": checks}, frame)["results"]
    expected = [frame.duplicated(names, keep=False).sum() for names in (["a"], ["b", "a"])]
    assert [one["result"]["unexpected_count"] for one in results] == expected


def test_more_rows_than_there_are_values_are_not_unique_and_all_of_them_are_told():
    frame = pd.DataFrame({"a": [2, 0, 1, 2, 0, 1, 2], "b": [0, 0, 0, 0, 0, 1, 0]})
    checks = [{"type": UNIQUE, "kwargs": {"column": "a"}}, {"type": COMPOUND, "kwargs": {"column_list": ["a", "b"]}}]
    results = run_suite({"name": "s", "expectations": checks}, frame)["results"]
    assert [one["result"]["unexpected_index_list"] for one in results] == [[0, 1, 2, 3, 4, 5, 6], [0, 1, 3, 4, 6]]
