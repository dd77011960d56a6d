"""Databases for tests of published tables, and the line that publishes into them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy

from airflow_dataops.core.table import TableName
from airflow_dataops.hooks.table import open_tables
from airflow_dataops.operators.dataset import SnapshotDatasetOperator
from airflow_dataops.operators.table import LoadTableOperator, PublishTableOperator
from airflow_dataops.operators.table_rollback import RollbackTableOperator

SHOP = "shop"


def connection_of(url: str) -> str:
    """Return a database's URL as an Airflow connection in JSON."""
    parts = sqlalchemy.engine.make_url(url)
    fields = {"host": parts.host, "port": parts.port, "login": parts.username, "password": parts.password}
    return json.dumps({"conn_type": "postgres", "schema": parts.database, **fields})


@pytest.fixture
def postgres_shop(postgres_ledger_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Give a PostgreSQL database of the test's own under the connection `shop`; return its URL."""
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", connection_of(postgres_ledger_url))
    return postgres_ledger_url


@pytest.fixture
def sqlite_shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Give an SQLite database of the test's own under the connection `shop`; return its URL."""
    path = tmp_path / "shop.db"
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", json.dumps({"conn_type": "sqlite", "host": str(path)}))
    return f"sqlite:///{path}"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def any_shop(request: pytest.FixtureRequest) -> str:
    """Run the test twice: on SQLite and on PostgreSQL."""
    return str(request.getfixturevalue(f"{request.param}_shop"))


def query(statement: str, table: TableName | None = None) -> list[tuple[Any, ...]]:
    """Run a statement in the shop; ``{table}`` in it stands for the table's quoted name."""
    with open_tables(SHOP) as database, database.change("the test") as connection:
        done = database.run(connection, statement.replace("{table}", database.name(table) if table else ""))
        return [tuple(row) for row in done] if done.returns_rows else []


class Line:
    """The line of one test: snapshot, load, publish, roll back, each in a run named by its number."""

    def __init__(self, folder: Path, make_context: Any, table: str = "orders", **options: Any) -> None:
        self.folder, self.make_context, self.table = folder, make_context, table
        self.mode = options.pop("mode", "rename")
        self.place = {"table": table, "sql_conn_id": SHOP, **options}

    def snapshot(self, run: str, frame: pd.DataFrame) -> dict[str, Any]:
        path = self.folder / f"{run}.parquet"
        frame.to_parquet(path, index=False)
        station = SnapshotDatasetOperator(task_id="snapshot", dataset="orders", path=str(path))
        return station.execute(self.make_context("snapshot", run_id=run))

    def loader(self, snapshot: dict[str, Any], **options: Any) -> LoadTableOperator:
        return LoadTableOperator(task_id="load", gate=snapshot, **{**self.place, **options})

    def load(self, run: str, frame: pd.DataFrame, **options: Any) -> dict[str, Any]:
        station = self.loader(self.snapshot(run, frame), **options)
        return station.execute(self.make_context("load", run_id=run))

    def publisher(self, load: dict[str, Any], **options: Any) -> PublishTableOperator:
        return PublishTableOperator(task_id="publish", load=load, **{**self.place, "mode": self.mode, **options})

    def publish(self, run: str, frame: pd.DataFrame, **options: Any) -> dict[str, Any]:
        station = self.publisher(self.load(run, frame), **options)
        return station.execute(self.make_context("publish", run_id=run))

    def rollback(self, run: str, **options: Any) -> dict[str, Any]:
        station = RollbackTableOperator(task_id="back", **self.place, **options)
        return station.execute(self.make_context("back", run_id=run))

    def tables(self) -> list[str]:
        """Return the names of all tables and views about this one, sorted."""
        names = "SELECT relname FROM pg_class WHERE relkind IN ('r', 'v')"
        with open_tables(SHOP) as database:
            found = query(names if database.is_postgres else "SELECT name FROM sqlite_master WHERE type <> 'index'")
        return sorted(name for (name,) in found if name.startswith(self.table[:8]))


@pytest.fixture
def line(tmp_path: Path, ledger: Any, store_path: Path, make_context: Any) -> Any:
    """Give a maker of lines: ``line(mode="view")``."""
    return lambda *arguments, **options: Line(tmp_path, make_context, *arguments, **options)


def whole(version: int, rows: int | None = None) -> pd.DataFrame:
    """Return a version that shows by itself whether it is whole: as many rows as ten times the number in each."""
    count = 10 * version if rows is None else rows
    return pd.DataFrame({"id": range(count), "v": [version] * count})
