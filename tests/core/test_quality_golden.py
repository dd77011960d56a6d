"""The SQL that databases get which no test can start: compared word by word with what was read and approved."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from sqlglot import exp, parse_one

from airflow_dataops.core.quality_sql.dialects import dialect_of
from airflow_dataops.core.quality_sql.results import ResultFormat
from airflow_dataops.core.quality_sql.session import judge_all
from airflow_dataops.core.quality_sql.table import Column, Kind, Table

GOLDEN = Path(__file__).parent / "golden"
KINDS = {
    "id": Kind.INTEGER, "price": Kind.FLOAT, "it's \"na`me\"\n": Kind.TEXT, "status": Kind.TEXT, "paid": Kind.BOOLEAN,
    "bought": Kind.TIMESTAMP, "sent": Kind.TIMESTAMP,
}  # fmt: skip
NAME = 'it\'s "na`me"\n'
SUITE = [
    ("expect_table_row_count_to_be_between", {"min_value": 1}),
    ("expect_column_values_to_not_be_null", {"column": "price"}),
    ("expect_column_values_to_be_unique", {"column": "id"}),
    ("expect_compound_columns_to_be_unique", {"column_list": ["id", "status"]}),
    ("expect_column_values_to_be_between", {"column": "price", "min_value": 0.1, "strict_min": True}),
    ("expect_column_values_to_be_between", {"column": "bought", "min_value": "2024-01-01"}),
    ("expect_column_values_to_be_in_set", {"column": NAME, "value_set": ["it's", "\\", "new\nline", "%s"]}),
    ("expect_column_values_to_be_in_set", {"column": "paid", "value_set": [1]}),
    ("expect_column_values_to_match_regex", {"column": "status", "regex": r"^[a-z]{2}\d+$"}),
    ("expect_column_value_lengths_to_be_between", {"column": "status", "max_value": 8}),
    ("expect_column_pair_values_a_to_be_greater_than_b", {"column_A": "sent", "column_B": "bought"}),
    ("expect_column_mean_to_be_between", {"column": "price", "max_value": 9}),
    ("expect_column_stdev_to_be_between", {"column": "price", "max_value": 9}),
    ("expect_column_sum_to_be_between", {"column": "id", "max_value": 9}),
    ("expect_column_median_to_be_between", {"column": "price", "max_value": 9}),
    ("expect_column_values_to_be_increasing", {"column": "id"}),
    ("expect_column_distinct_values_to_be_in_set", {"column": "status", "value_set": ["a"]}),
    ("expect_column_quantile_values_to_be_between", {
        "column": "price", "quantile_ranges": {"quantiles": [0.5], "value_ranges": [[0, 1]]}}),
    ("expect_column_values_to_not_be_null", {
        "column": "status", "row_condition": 'paid==True and status!="a"', "condition_parser": "pandas"}),
]  # fmt: skip


def asked(name: str) -> list[str]:
    """Return the queries that a database is asked, one after the other, if each answers that something fails."""
    dialect = dialect_of(name)
    columns = {one: Column(one, kind, "object") for one, kind in KINDS.items()}
    number = exp.Window(this=exp.RowNumber(), order=exp.Order(expressions=[exp.column("id", quoted=True)]))
    rows = exp.select("*", exp.alias_(number, "__dataops_position")).from_(exp.table_("orders", db="shop", quoted=True))
    table = Table(columns, dialect, rows.subquery("data"), exp.column("__dataops_position", table="data"))
    queries: list[str] = []

    def ask(query: exp.Query) -> list[tuple[Any, ...]]:
        queries.append(dialect.sql(query))
        return [tuple(answer(one) for one in query.selects)]

    expectations = [{"type": kind, "kwargs": kwargs} for kind, kwargs in SUITE]
    _, refused = judge_all(expectations, table, ask, ResultFormat("SUMMARY"))
    return [*queries, *(f"-- elsewhere: {SUITE[n][0]}: {why}" for n, why in sorted(refused.items()))]


def answer(asked: exp.Expression) -> Any:
    """Return some value of the type that was asked for."""
    if asked.find(exp.PercentileDisc) or asked.name == "quantile_disc":
        return [2]
    return {NAME: "x", "status": "x", "number": 1}.get(asked.name, 2)


@pytest.mark.parametrize("name", ["snowflake", "bigquery", "trino", "postgres", "sqlite", "spark", "duckdb"])
def test_a_database_is_asked_what_was_read_and_approved(name):
    """With ``DATAOPS_GOLDEN=1`` the files are written anew, to be read in the diff."""
    if os.environ.get("DATAOPS_LOWEST"):
        pytest.skip("other versions of sqlglot write the same in other words")
    path, text = GOLDEN / f"{name}.sql", ";\n\n".join(asked(name)) + "\n"
    if os.environ.get("DATAOPS_GOLDEN"):
        path.write_text(text)
    assert text == path.read_text()


@pytest.mark.parametrize("name", ["snowflake", "bigquery", "trino", "postgres", "sqlite", "spark", "duckdb"])
def test_a_database_reads_back_every_hostile_name_and_value(name):
    for query in asked(name):
        if query.startswith("--"):
            continue
        tree = parse_one(query, dialect=name)
        named = {one.name for one in tree.find_all(exp.Identifier)}
        texts = {one.this for one in tree.find_all(exp.Literal) if one.is_string}
        strange = {one for one in named if "'" in one or "\n" in one}
        assert strange <= {NAME}
        assert {one for one in texts if one.startswith(("it's", "new", "%s"))} <= {"it's", "new\nline", "%s"}
