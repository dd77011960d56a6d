"""Databases as engines: names, types, keys that they keep, one state of the table, and their faults."""

from __future__ import annotations

import pandas as pd
import pytest
import sqlalchemy

from airflow_dataops.core.table import TableName
from airflow_dataops.exceptions import BrokenCheckError, OutageError, SourceError
from airflow_dataops.hooks.quality_sql import SqlEngine, open_sql
from airflow_dataops.testing import SqlTable, run_suite
from tests.support.fixtures import POSTGRES_URL
from tests.support.frames import table_of

HOSTILE = [
    '"; DROP TABLE source; --',
    "größe ☂",
    "line\nbreak",
    "a'b`c",
    " ",
    "{batch}",
    "data",
    "__row",
    "%s",
    "ctid_",
]


def suite(*expectations: tuple[str, dict]) -> dict:
    return {"name": "s", "expectations": [{"type": kind, "kwargs": kwargs} for kind, kwargs in expectations]}


def judged(data: SqlTable, *expectations: tuple[str, dict], **options) -> list[dict]:
    return run_suite(suite(*expectations), data, engine="sql", **options)["results"]


@pytest.fixture
def run(any_shop):
    """Run statements in a database of the test's own."""

    def execute(*statements: str) -> str:
        engine = sqlalchemy.create_engine(any_shop, poolclass=sqlalchemy.NullPool)
        with engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
        return any_shop

    return execute


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_and_values_are_only_names_and_values(any_shop, name):
    frame = pd.DataFrame({name: pd.Series([name, "other", None], dtype="str"), "twin": ["x", "x", "y"]})
    with table_of(any_shop, frame, name=f"t {name}"[:40]) as data:
        results = judged(
            data,
            ("expect_column_values_to_not_be_null", {"column": name}),
            ("expect_column_values_to_be_in_set", {"column": name, "value_set": [name]}),
            ("expect_compound_columns_to_be_unique", {"column_list": [name, "twin"]}),
            ("expect_column_values_to_match_regex", {"column": name, "regex": "^o(?=t)"}),
            ("unexpected_rows_expectation", {"unexpected_rows_query": "SELECT * FROM {batch} WHERE twin = 'y'"}),
        )
    assert [one["success"] for one in results] == [False, False, True, False, False]
    assert results[1]["result"]["unexpected_list"] == ["other"]
    assert results[3]["result"]["unexpected_list"] == [name]
    assert results[4]["result"]["observed_value"] == 1


def test_without_an_order_results_do_not_tell_where_rows_stand(any_shop):
    frame = pd.DataFrame({"id": pd.Series([3, 1, 2], dtype="int64")})
    with table_of(any_shop, frame) as data:
        check = ("expect_column_values_to_be_between", {"column": "id", "max_value": 1})
        (bare,), (ordered,) = judged(data, check), judged(data, check, order_by=["id"])
    assert sorted(bare["result"]["unexpected_list"]) == [2, 3]
    assert not [name for name in bare["result"] if "_index_" in name]
    assert ordered["result"]["unexpected_index_list"] == [1, 2]


def test_keys_that_the_database_keeps_unique_are_not_counted(any_shop, monkeypatch):
    asked: list[str] = []
    whole = SqlEngine.run
    monkeypatch.setattr(SqlEngine, "run", lambda self, text: asked.append(text) or whole(self, text))
    frame = pd.DataFrame({"id": pd.Series([3, 1, 2], dtype="int64"), "v": ["a", "b", "c"]})
    checks = (
        ("expect_column_values_to_be_unique", {"column": "id"}),
        ("expect_compound_columns_to_be_unique", {"column_list": ["id", "v"]}),
    )
    with table_of(any_shop, frame, unique="id") as data:
        assert [one["success"] for one in judged(data, *checks)] == [True, True]
    assert not [text for text in asked if "GROUP BY" in text]
    asked.clear()
    with table_of(any_shop, frame) as data:
        assert [one["success"] for one in judged(data, *checks)] == [True, True]
    assert [text for text in asked if "LAG" in text or "GROUP BY" in text]


@pytest.mark.postgres
def test_types_of_postgresql_that_compare_in_their_own_way_are_texts(postgres_shop, run_postgres):
    run_postgres(
        "CREATE TYPE mood AS ENUM ('glad', 'sad')",
        "CREATE DOMAIN code AS varchar(5)",
        "CREATE TABLE things (id uuid, m mood, c char(4), d code, n numeric(10, 2), j jsonb, a int[], z timestamptz)",
        "INSERT INTO things VALUES ('00000000-0000-0000-0000-000000000001', 'glad', 'ab', 'xyz', 1.10, '{}', '{1}',"
        " '2024-01-01 00:00+02'), (NULL, 'sad', 'abcd', NULL, 'NaN', NULL, NULL, NULL)",
    )
    results = judged(
        SqlTable(postgres_shop, "things"),
        ("expect_column_values_to_be_in_set", {"column": "m", "value_set": ["glad", "angry"]}),
        ("expect_column_values_to_match_regex", {"column": "id", "regex": r"^[0-9a-f-]{36}$"}),
        ("expect_column_value_lengths_to_equal", {"column": "c", "value": 4}),
        ("expect_column_values_to_be_in_set", {"column": "d", "value_set": ["xyz"]}),
        ("expect_column_values_to_be_between", {"column": "z", "max_value": "2023-12-31T22:00:00"}),
        ("expect_column_values_to_be_of_type", {"column": "n", "type_": "NUMERIC"}),
        ("expect_column_values_to_not_be_null", {"column": "j"}),
    )
    assert [one["success"] for one in results] == [False, True, False, True, True, True, False]
    assert results[0]["result"]["unexpected_list"] == ["sad"]


@pytest.mark.postgres
def test_numbers_that_are_none_and_infinite_ones_count_as_in_pandas(postgres_shop, run_postgres):
    run_postgres(
        "CREATE TABLE numbers (id int, v double precision, w double precision)",
        "INSERT INTO numbers VALUES (1, 'NaN', 1e308), (2, 'Infinity', 1e308), (3, NULL, 1e308), (4, 1.5, NULL)",
    )
    results = judged(
        SqlTable(postgres_shop, "numbers"),
        ("expect_column_values_to_not_be_null", {"column": "v"}),
        ("expect_column_values_to_be_between", {"column": "v", "max_value": 2}),
        ("expect_column_values_to_be_unique", {"column": "v"}),
        ("expect_column_sum_to_be_between", {"column": "w", "min_value": 0}),
        ("expect_column_max_to_be_between", {"column": "id", "max_value": 4}),
        order_by=["id"],
    )
    assert results[0]["result"]["unexpected_count"] == 2
    assert results[1]["result"]["unexpected_list"] == ["inf"]
    # More than a double holds: PostgreSQL refuses the sum, so Great Expectations judges it alone.
    assert [one["success"] for one in results] == [False, False, True, True, True]


@pytest.mark.postgres
@pytest.mark.parametrize("kind", ["view", "partitioned", "inherited"])
def test_what_is_no_plain_table_is_judged_too(postgres_shop, run_postgres, kind):
    run_postgres("CREATE TABLE base (id int PRIMARY KEY, v int)", "INSERT INTO base VALUES (1, 1), (2, 2)")
    made = {
        "view": ["CREATE VIEW seen AS SELECT * FROM base"],
        "partitioned": [
            "CREATE TABLE seen (id int, v int) PARTITION BY RANGE (id)",
            "CREATE TABLE one PARTITION OF seen FOR VALUES FROM (0) TO (2)",
            "CREATE TABLE two PARTITION OF seen FOR VALUES FROM (2) TO (9)",
            "INSERT INTO seen VALUES (1, 1), (2, 2)",
        ],
        "inherited": [
            "CREATE TABLE seen (id int PRIMARY KEY, v int)",
            "CREATE TABLE child () INHERITS (seen)",
            "INSERT INTO seen VALUES (1, 1)",
            "INSERT INTO child VALUES (1, 2)",
        ],
    }
    run_postgres(*made[kind])
    unique, high = judged(
        SqlTable(postgres_shop, "seen"),
        ("expect_compound_columns_to_be_unique", {"column_list": ["id"]}),
        ("expect_column_values_to_be_between", {"column": "v", "max_value": 1}),
    )
    assert unique["success"] == (kind != "inherited")  # a parent's key does not bind its children
    assert high["result"]["unexpected_list"] == [2]


@pytest.mark.postgres
def test_all_checks_see_one_state_of_the_table(postgres_shop, run_postgres):
    run_postgres("CREATE TABLE moving (id int)", "INSERT INTO moving SELECT generate_series(1, 100)")
    engine = sqlalchemy.create_engine(postgres_shop, poolclass=sqlalchemy.NullPool)
    with open_sql(engine, TableName("moving")) as opened:
        assert opened.rows() == 100
        run_postgres("DELETE FROM moving WHERE id > 50")
        assert opened.rows() == 100


@pytest.mark.postgres
def test_a_table_that_we_may_not_read_tells_the_grant(postgres_shop, run_postgres):
    run_postgres(
        "CREATE TABLE secrets (id int)",
        "DROP ROLE IF EXISTS dataops_stranger",
        "CREATE ROLE dataops_stranger LOGIN PASSWORD 'x'",
    )
    url = sqlalchemy.engine.make_url(postgres_shop).set(username="dataops_stranger", password="x")
    try:
        with pytest.raises(BrokenCheckError, match="permission denied") as told:
            judged(SqlTable(url, "secrets"), ("expect_column_values_to_not_be_null", {"column": "id"}))
        assert "GRANT SELECT" in str(told.value)
    finally:
        run_postgres("DROP ROLE dataops_stranger")


def test_a_database_that_does_not_answer_is_an_outage_without_its_password():
    data = SqlTable("postgresql+psycopg://joe:secret@127.0.0.1:9/shop", "orders")
    with pytest.raises(OutageError, match=r"127\.0\.0\.1:9/shop does not answer") as told:
        judged(data, ("expect_column_values_to_not_be_null", {"column": "id"}))
    assert "secret" not in str(told.value) + repr(data)


def test_a_table_or_an_order_that_is_not_there_is_named(run):
    url = run("CREATE TABLE t (id int)")
    check = ("expect_column_values_to_not_be_null", {"column": "id"})
    with pytest.raises(SourceError, match="no table or view 'x'"):
        judged(SqlTable(url, "x"), check)
    with pytest.raises(SourceError, match="cannot be ordered by 'when'; it has id"):
        judged(SqlTable(url, "t"), check, order_by=["when"])


def test_a_query_that_names_what_is_not_there_fails_its_check_alone(run):
    url = run("CREATE TABLE t (id int)", "INSERT INTO t VALUES (1)")
    bad, good = judged(
        SqlTable(url, "t"),
        ("unexpected_rows_expectation", {"unexpected_rows_query": "SELECT nothing FROM {batch}"}),
        ("expect_column_values_to_not_be_null", {"column": "id"}),
    )
    assert bad["exception_info"]["raised_exception"]
    assert good["success"]


def test_columns_of_sqlite_are_what_they_hold_not_what_they_are_called(sqlite_shop):
    engine = sqlalchemy.create_engine(sqlite_shop, poolclass=sqlalchemy.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE t (n INTEGER, t TEXT COLLATE NOCASE, m INTEGER, d TIMESTAMP)")
        connection.exec_driver_sql(
            "INSERT INTO t VALUES (1.5, 'a', 'x', '2024-01-01 10:00:00'), (2, 'A', 1, '2024-01-02 00:00:00')"
        )
    results = judged(
        SqlTable(sqlite_shop, "t"),
        ("expect_column_values_to_be_of_type", {"column": "n", "type_": "float64"}),
        ("expect_column_values_to_be_unique", {"column": "t"}),
        ("expect_column_values_to_be_in_set", {"column": "t", "value_set": ["a"]}),
        ("expect_column_values_to_be_in_set", {"column": "m", "value_set": ["x", 1]}),
        ("expect_column_max_to_be_between", {"column": "d", "max_value": "2024-01-01"}),
    )
    assert [one["success"] for one in results] == [True, True, False, True, False]


def test_physical_types_of_a_contract_are_checked_where_they_are_known(run, tmp_path):
    url = run("CREATE TABLE t (name varchar(20), id bigint)")
    columns = [
        {"name": "name", "logicalType": "string", "physicalType": "varchar(10)"},
        {"name": "id", "logicalType": "integer", "physicalType": "BIGINT"},
    ]
    contract = {
        "apiVersion": "v3.1.0", "kind": "DataContract", "id": "c", "version": "1.0.0", "status": "active",
        "schema": [{"name": "t", "properties": columns}],
    }  # fmt: skip
    import yaml

    (tmp_path / "c.yaml").write_text(yaml.safe_dump(contract))
    results = run_suite(tmp_path / "c.yaml", SqlTable(url, "t"), engine="sql")["results"]
    stored = [one for one in results if "stored_as" in one["expectation_config"]["type"]]
    assert [one["success"] for one in stored] == [False, True]


@pytest.fixture
def run_postgres(postgres_shop):
    """Run statements in a PostgreSQL database of the test's own."""

    def execute(*statements: str) -> None:
        engine = sqlalchemy.create_engine(postgres_shop, poolclass=sqlalchemy.NullPool)
        with engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement, execution_options={"no_parameters": True})

    return execute


@pytest.mark.parametrize("name", ["n", "N", "rows", "value", "position", "data", "shared", "grouped", "select"])
def test_a_column_may_be_called_as_something_in_a_query_of_ours(tmp_path, name):
    frame = pd.DataFrame({name: pd.Series(["a", "a", "b", "a"], dtype="str"), "u": pd.Series(range(4), dtype="int64")})
    kinds = {
        "expect_column_values_to_be_in_set": {"value_set": ["a"]},
        "expect_column_values_to_match_regex": {"regex": "^a"},
        "expect_column_values_to_be_unique": {},
        "expect_column_most_common_value_to_be_in_set": {"value_set": ["a"]},
        "expect_column_unique_value_count_to_be_between": {"max_value": 2},
        "expect_column_distinct_values_to_equal_set": {"value_set": ["a", "b"]},
    }
    suite = {"expectations": [{"type": kind, "kwargs": {"column": name, **more}} for kind, more in kinds.items()]}
    with table_of(f"sqlite:///{tmp_path / 'rows.db'}", frame) as data:
        told = [run_suite(suite, data, engine="sql", order_by=["u"]), run_suite(suite, frame)]
    for result in told:
        counts = [one["result"].get("unexpected_count", 0) for one in result["results"]]
        assert counts == [1, 1, 3, 0, 0, 0]
        assert [one["success"] for one in result["results"]] == [False, False, False, True, True, True]


@pytest.mark.postgres
def test_decimals_beside_missing_values_are_counted():
    rows = "SELECT 1.5 AS a, NULL::numeric AS b UNION ALL SELECT NULL, 2 UNION ALL SELECT 2.5, 1"
    database = sqlalchemy.create_engine(POSTGRES_URL, poolclass=sqlalchemy.NullPool)
    kwargs = {"column_A": "a", "column_B": "b", "ignore_row_if": "neither"}
    suite = {"expectations": [{"type": "expect_column_pair_values_to_be_equal", "kwargs": kwargs}]}
    with database.begin() as connection:
        connection.exec_driver_sql("DROP TABLE IF EXISTS some_decimals")
        connection.exec_driver_sql(f"CREATE TABLE some_decimals AS {rows}")
    try:
        (result,) = run_suite(suite, SqlTable(POSTGRES_URL, "some_decimals"), engine="sql")["results"]
    finally:
        with database.begin() as connection:
            connection.exec_driver_sql("DROP TABLE some_decimals")
    assert result["result"]["unexpected_count"] == 3


@pytest.mark.postgres
def test_where_infinities_leave_no_spread_no_value_is_far_from_the_others(postgres_shop):
    frame = pd.DataFrame({"x": pd.Series([1.5, float("inf"), 0.0], dtype="float64")})
    kwargs = {"column": "x", "threshold": 1, "double_sided": True}
    suite = {"expectations": [{"type": "expect_column_value_z_scores_to_be_less_than", "kwargs": kwargs}]}
    with table_of(postgres_shop, frame) as data:
        (ours,) = run_suite(suite, data, engine="sql")["results"]
    (theirs,) = run_suite(suite, frame, engine="gx")["results"]
    assert (ours["success"], ours["result"]["unexpected_count"]) == (True, 0)
    assert (theirs["success"], theirs["result"]["unexpected_count"]) == (True, 0)
