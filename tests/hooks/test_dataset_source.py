from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from airflow_dataops.exceptions import OutageError, SourceError
from airflow_dataops.hooks.dataset_source import file_batches, frame_batches, sql_batches


def rows_of(source) -> list[dict]:
    with source as batches:
        return batches.read_all().to_pylist()


def test_the_type_of_a_csv_column_is_told_from_all_its_rows(tmp_path: Path):
    path = tmp_path / "late.csv"
    path.write_text("code\n" + "1\n" * 60_000 + "x\n")
    rows = rows_of(file_batches(path))
    assert rows[0] == {"code": "1"}
    assert rows[-1] == {"code": "x"}


def test_a_folder_is_read_in_the_order_of_its_file_names(tmp_path: Path):
    for name, value in (("b.csv", 2), ("a.csv", 1), ("c.csv", 3)):
        (tmp_path / name).write_text(f"id\n{value}\n")
    (tmp_path / ".hidden").write_text("not ours")
    assert rows_of(file_batches(tmp_path)) == [{"id": 1}, {"id": 2}, {"id": 3}]


def test_a_folder_of_mixed_kinds_is_refused(tmp_path: Path):
    (tmp_path / "a.csv").write_text("id\n1\n")
    (tmp_path / "b.json").write_text('{"id": 2}')
    with pytest.raises(SourceError, match=r"mixes \.csv, \.json files"):
        rows_of(file_batches(tmp_path))


def test_an_empty_folder_is_refused(tmp_path: Path):
    with pytest.raises(SourceError, match="holds no files"):
        rows_of(file_batches(tmp_path))


@pytest.mark.parametrize("value", [pd.DataFrame({"a": [1, None]}), pa.table({"a": [1.0, None]})])
def test_a_callable_may_return_a_frame_or_a_table(value):
    assert rows_of(frame_batches(value)) == [{"a": 1.0}, {"a": None}]


def test_a_callable_may_return_the_path_of_a_file(tmp_path: Path):
    path = tmp_path / "x.csv"
    path.write_text("a\n1\n")
    assert rows_of(frame_batches(path)) == [{"a": 1}]


def test_what_else_a_callable_returns_is_refused_by_its_type():
    with pytest.raises(SourceError, match="returned list; allowed are a pandas or polars DataFrame"):
        rows_of(frame_batches([1, 2]))


@pytest.fixture
def shop(tmp_path: Path, monkeypatch) -> str:
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE orders (id INTEGER, amount REAL)")
        database.executemany("INSERT INTO orders VALUES (?, ?)", [(2, 7.5), (1, None)])
    database.close()
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", json.dumps({"conn_type": "sqlite", "host": str(path)}))
    return "shop"


@pytest.fixture
def shop_on_postgres(postgres_ledger_url: str, monkeypatch) -> str:
    import sqlalchemy

    engine = sqlalchemy.create_engine(postgres_ledger_url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("CREATE TABLE orders (id INTEGER, amount REAL)"))
        connection.execute(sqlalchemy.text("INSERT INTO orders VALUES (2, 7.5), (1, NULL)"))
    engine.dispose()
    url = sqlalchemy.engine.make_url(postgres_ledger_url)
    fields = {"host": url.host, "port": url.port, "login": url.username, "password": url.password}
    connection = {"conn_type": "postgres", "schema": url.database, **fields}
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", json.dumps(connection))
    return "shop"


@pytest.mark.parametrize("database", ["shop", pytest.param("shop_on_postgres", marks=pytest.mark.postgres)])
def test_a_query_over_an_airflow_connection_is_read(database, request):
    conn_id = request.getfixturevalue(database)
    rows = rows_of(sql_batches("SELECT id, amount FROM orders ORDER BY id", conn_id))
    assert rows == [{"id": 1, "amount": None}, {"id": 2, "amount": 7.5}]


def test_a_query_that_names_an_unknown_table_is_a_broken_source(shop):
    with pytest.raises(SourceError, match="no such table: nowhere"):
        rows_of(sql_batches("SELECT * FROM nowhere", shop))


def test_a_database_that_is_down_is_an_outage_that_names_address_and_connection_without_the_password(monkeypatch):
    connection = {"conn_type": "postgres", "host": "127.0.0.1", "port": 1, "login": "me", "password": "s3cret-word"}
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", json.dumps(connection))
    with pytest.raises(OutageError, match=r"127\.0\.0\.1:1.*'shop'") as raised:
        rows_of(sql_batches("SELECT 1", "shop"))
    assert "s3cret-word" not in str(raised.value)
