from __future__ import annotations

import json

import pyarrow as pa
import pytest
import sqlalchemy

from airflow_dataops.core.table import TableName, staging_name, version_name
from airflow_dataops.exceptions import BrokenCheckError, OutageError
from airflow_dataops.hooks.table import open_tables
from airflow_dataops.hooks.table_load import load_table

HOSTILE = ["orders", 'o"; DROP TABLE x; --', "new\nline", "größe %s", "it's"]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def shop(request, tmp_path, monkeypatch) -> str:
    connection = {"conn_type": "sqlite", "host": str(tmp_path / "shop.db")}
    if request.param == "postgres":
        url = sqlalchemy.engine.make_url(request.getfixturevalue("postgres_ledger_url"))
        fields = {"host": url.host, "port": url.port, "login": url.username, "password": url.password}
        connection = {"conn_type": "postgres", "schema": url.database, **fields}
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", json.dumps(connection))
    return "shop"


def rows(number: int = 1) -> pa.RecordBatchReader:
    return pa.table({"v": [number, number], 'na"me %': ["a", None]}).to_reader()


@pytest.mark.parametrize("name", HOSTILE)
def test_rows_are_written_whatever_the_table_is_called_and_a_second_try_doubles_none(shop, name):
    with open_tables(shop) as database:
        staging = TableName(staging_name(name, "0123456789abcdef"))
        for _ in range(2):
            assert load_table(database, rows(), staging, TableName(name), "0123456789abcdef") == 2
        with database.change("the test") as connection:
            assert database.kind(connection, staging) == "table"
            query = f"SELECT * FROM {database.name(staging)}"
            assert [tuple(row) for row in database.run(connection, query)] == [(1, "a"), (1, None)]


def test_an_empty_table_keeps_its_columns(shop):
    with open_tables(shop) as database:
        assert load_table(database, rows().schema.empty_table().to_reader(), TableName("s"), TableName("t"), "k") == 0


def test_a_table_that_is_not_there_is_told_without_retry(shop):
    with (
        open_tables(shop) as database,
        pytest.raises(BrokenCheckError, match="vanished or never was"),
        database.change("the table orders") as connection,
    ):
        database.count(connection, TableName("orders"))


def test_a_database_that_is_down_is_an_outage_without_the_password(monkeypatch):
    connection = {"conn_type": "postgres", "host": "127.0.0.1", "port": 1, "login": "me", "password": "s3cret-word"}
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", json.dumps(connection))
    with open_tables("shop") as database, pytest.raises(OutageError, match="'shop'") as raised:
        load_table(database, rows(), TableName("s"), TableName("t"), "k")
    assert "s3cret-word" not in str(raised.value)


def test_long_names_stay_apart_and_fit():
    names = {version_name("ä" * 30 + end, 7) for end in ("a", "b")}
    assert len(names) == 2
    assert all(len(name.encode()) <= 63 for name in names)
