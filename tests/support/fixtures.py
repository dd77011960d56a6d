"""Real parts for tests: ledgers on two databases, a store, and the context of a task instance."""

from __future__ import annotations

import json
import os
import secrets
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
import uuid6

from airflow_dataops.core.ledger import Event
from airflow_dataops.hooks.ledger_engine import create_ledger_engine, upgrade
from airflow_dataops.hooks.ledger_store import LedgerStore
from tests.support.services import REMEDY, chromium

POSTGRES_URL = os.environ.get("DATAOPS_TEST_POSTGRES_URL", "")


class OutletEvents(dict[Any, Any]):
    """Stands for Airflow's accessor of outlet events: remembers what a task told of an asset."""

    def __missing__(self, asset: Any) -> Any:
        self[asset] = type("OutletEvent", (), {"extra": {}})()
        return self[asset]


class TaskInstanceStub:
    """What a station reads of its task instance: names, and the id and number of the try."""

    def __init__(self, task_id: str, run_id: str, number: int, max_tries: int, map_index: int) -> None:
        self.dag_id, self.run_id, self.task_id, self.map_index = "line", run_id, task_id, map_index
        self.id: uuid.UUID = uuid6.uuid7()
        self.try_number, self.max_tries = number, max_tries
        self.pushed: dict[str, Any] = {}

    def xcom_push(self, key: str, value: Any) -> None:
        self.pushed[key] = value


ContextFactory = Callable[..., dict[str, Any]]


@pytest.fixture
def make_context() -> ContextFactory:
    """Make the context of one try: ``make_context("train", number=2)`` is the retry of the same work."""
    run = f"run-{secrets.token_hex(4)}"

    def make(
        task_id: str = "station",
        *,
        run_id: str = run,
        number: int = 1,
        max_tries: int = 2,
        map_index: int = -1,
    ) -> dict[str, Any]:
        ti = TaskInstanceStub(task_id, run_id, number, max_tries, map_index)
        return {
            "ti": ti,
            "task_instance": ti,
            "run_id": run_id,
            "outlet_events": OutletEvents(),
            "params": {},
        }

    return make


@pytest.fixture
def store_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the test a store of its own, found by every hook."""
    path = tmp_path / "store"
    monkeypatch.setenv(
        "AIRFLOW_CONN_DATAOPS_STORE", json.dumps({"conn_type": "dataops_store", "extra": {"path": str(path)}})
    )
    return path


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LedgerStore]:
    """Give the test an SQLite ledger of its own, found by every operator; each event must tell who and what."""
    path = tmp_path / "ledger.db"
    extra = {"sqlite_path": str(path)}
    monkeypatch.setenv("AIRFLOW_CONN_DATAOPS_LEDGER", json.dumps({"conn_type": "dataops_ledger", "extra": extra}))
    store = LedgerStore(f"sqlite:///{path}")
    yield store
    if path.exists():
        assert [row.event for row in store.events() if not is_told(row.event)] == []


def is_told(event: Event) -> bool:
    """Whether the event of a station says in a sentence what happened, and who did it."""
    is_ours = not event.kind.startswith("test.")
    return not is_ours or (str(event.payload.get("sentence", "")).endswith(".") and bool(event.actor))


@pytest.fixture
def postgres_ledger_url() -> Iterator[str]:
    """Give the test a PostgreSQL database of its own, migrated."""
    if not POSTGRES_URL:
        pytest.skip("no PostgreSQL: set DATAOPS_TEST_POSTGRES_URL, or run `make services` as root on Debian")
    name = f"ledger_{secrets.token_hex(6)}"
    server = sqlalchemy.create_engine(POSTGRES_URL, isolation_level="AUTOCOMMIT", poolclass=sqlalchemy.NullPool)
    with server.connect() as connection:
        connection.execute(sqlalchemy.text(f"CREATE DATABASE {name}"))
    url = sqlalchemy.engine.make_url(POSTGRES_URL).set(database=name).render_as_string(hide_password=False)
    upgrade(create_ledger_engine(url))
    yield url
    with server.connect() as connection:
        connection.execute(sqlalchemy.text(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def any_ledger(request: pytest.FixtureRequest, tmp_path: Path) -> LedgerStore:
    """Run the test twice: on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        return LedgerStore(f"sqlite:///{tmp_path / 'any.db'}")
    return LedgerStore(request.getfixturevalue("postgres_ledger_url"))


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Give the path of Chromium."""
    path = chromium()
    if not path:
        pytest.skip(f"no Chromium: {REMEDY}")
    return path
