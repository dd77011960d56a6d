"""The same suite over the same table says the same on DuckDB, PostgreSQL, SQLite, Spark and Great Expectations."""

from __future__ import annotations

import json
import logging
import shutil
from random import Random
from typing import Any

import pandas as pd
import pytest

from airflow_dataops.testing import run_suite
from tests.differential.cases import CHECKS, check, table
from tests.differential.test_against_gx import compare
from tests.support.fixtures import POSTGRES_URL
from tests.support.frames import table_of
from tests.support.services import REMEDY

TABLES = 25
TABLES_IN_SPARK = 2
CHECKS_IN_SUITE = 24


@pytest.fixture(scope="module")
def spark():
    if not shutil.which("java"):
        pytest.skip(f"no Java: {REMEDY}")
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    builder = builder.config("spark.driver.bindAddress", "127.0.0.1").config("spark.driver.host", "127.0.0.1")
    # Tiny data: compiling code for each query would take most of the time.
    builder = builder.config("spark.sql.codegen.wholeStage", "false").config("spark.sql.adaptive.enabled", "false")
    builder = builder.config("spark.sql.codegen.factoryMode", "NO_CODEGEN")
    session = builder.config("spark.sql.shuffle.partitions", "1").getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    logging.getLogger("py4j").setLevel(logging.ERROR)  # it writes when everything is closed already
    yield session
    session.stop()


def drawn(seed: int) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return a table and a suite; over all seeds every kind of check comes up."""
    random = Random(seed)
    frame = table(random)
    kinds = sorted(CHECKS)
    asked = [kinds[(seed * CHECKS_IN_SUITE // 2 + n) % len(kinds)] for n in range(CHECKS_IN_SUITE // 2)]
    expectations = [{"type": kind, "kwargs": CHECKS[kind](random)} for kind in asked]
    expectations += [check(random) for _ in range(CHECKS_IN_SUITE - len(expectations))]
    return frame, {"name": "drawn", "expectations": expectations}


def differences(suite: dict[str, Any], ours: dict[str, Any], frame: pd.DataFrame) -> int:
    """Return how many results differ from Great Expectations' in a way that the list of exceptions covers."""
    theirs = run_suite(suite, frame, engine="gx")["results"]
    pairs = zip(suite["expectations"], ours["results"], theirs, strict=True)
    return sum(not compare(expectation, one, other) for expectation, one, other in pairs)


def judged_in_sql(url: str, seeds: range) -> int:
    excepted = 0
    for seed in seeds:
        frame, suite = drawn(seed)
        with table_of(url, frame, unique="u") as data:
            excepted += differences(suite, run_suite(suite, data, engine="sql", order_by=["u"]), frame)
    return excepted


@pytest.mark.postgres
def test_postgresql_says_the_same():
    assert POSTGRES_URL, "no PostgreSQL: run `make services` as root on Debian, or set DATAOPS_TEST_POSTGRES_URL"
    assert judged_in_sql(POSTGRES_URL, range(TABLES)) <= TABLES


def test_sqlite_says_the_same(tmp_path):
    assert judged_in_sql(f"sqlite:///{tmp_path / 'rows.db'}", range(TABLES)) <= TABLES


def test_the_seeds_draw_every_kind_of_check():
    kinds = {one["type"] for seed in range(TABLES) for one in drawn(seed)[1]["expectations"]}
    assert kinds == set(CHECKS)


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_spark_says_the_same(spark, tmp_path):
    for seed in range(3, 3 + TABLES_IN_SPARK):
        frame, suite = drawn(seed)
        frame.to_parquet(tmp_path / f"{seed}.parquet")
        data = spark.read.parquet(str(tmp_path / f"{seed}.parquet"))
        differences(suite, run_suite(suite, data, engine="spark", order_by=["u"]), frame)


SUITE = {
    "name": "orders",
    "expectations": [
        {"type": kind, "kwargs": kwargs}
        for kind, kwargs in (
            ("expect_table_row_count_to_equal", {"value": 6}),
            ("expect_column_values_to_be_unique", {"column": "id"}),
            ("expect_compound_columns_to_be_unique", {"column_list": ["customer", "status"]}),
            ("expect_column_values_to_not_be_null", {"column": "amount", "mostly": 0.9}),
            ("expect_column_values_to_be_between", {"column": "amount", "min_value": 0, "max_value": 100}),
            ("expect_column_values_to_match_regex", {"column": "status", "regex": r"^[a-z]+$"}),
            ("expect_column_values_to_match_like_pattern", {"column": "status", "like_pattern": "o%"}),
            ("expect_column_mean_to_be_between", {"column": "amount", "min_value": 0, "max_value": 10}),
            ("expect_column_median_to_be_between", {"column": "amount", "min_value": 0, "max_value": 100}),
            ("expect_column_values_to_be_increasing", {"column": "id"}),
            ("expect_column_values_to_be_in_set", {"column": "status", "value_set": ["open", "paid"]}),
        )
    ],
}
ORDERS = pd.DataFrame(
    {
        "id": pd.Series([1, 2, 3, 4, 5, 6], dtype="int64"),
        "customer": pd.Series([7, 7, 8, 8, 9, 9], dtype="int64"),
        "status": pd.Series(["open", "open", "paid", "open", "Ünpaid\n", "open"], dtype="str"),
        "amount": pd.Series([10.5, None, -1.0, 250.0, 0.1, 3.0], dtype="float64"),
    }
)


@pytest.mark.postgres
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_five_engines_write_the_same_result_field_by_field(spark, tmp_path):
    ORDERS.to_parquet(tmp_path / "orders.parquet")
    told = {"duckdb": run_suite(SUITE, tmp_path / "orders.parquet")}
    for name, url in (("postgresql", POSTGRES_URL), ("sqlite", f"sqlite:///{tmp_path / 'orders.db'}")):
        with table_of(url, ORDERS) as data:
            told[name] = run_suite(SUITE, data, engine="sql", order_by=["id"])
    told["spark"] = run_suite(SUITE, tmp_path / "orders.parquet", engine="spark", order_by=["id"])
    told["gx"] = run_suite(without_like(SUITE), ORDERS, engine="gx")
    assert [one["success"] for one in told["duckdb"]["results"]] == [
        True, True, False, False, False, False, False, False, True, True, False
    ]  # fmt: skip
    for name in ("postgresql", "sqlite", "spark"):
        assert json.dumps(told[name], sort_keys=True) == json.dumps(told["duckdb"], sort_keys=True), name
    ours = [one for one in told["duckdb"]["results"] if "like" not in one["expectation_config"]["type"]]
    for one, other in zip(ours, told["gx"]["results"], strict=True):
        assert compare(one["expectation_config"], one, other) or "not_be_null" in one["expectation_config"]["type"]


def without_like(suite: dict[str, Any]) -> dict[str, Any]:
    """Great Expectations' pandas engine has no LIKE."""
    return {**suite, "expectations": [one for one in suite["expectations"] if "like" not in one["type"]]}
