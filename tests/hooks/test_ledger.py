from __future__ import annotations

import json

import pytest
import sqlalchemy
from airflow.sdk import Connection

from airflow_dataops import settings
from airflow_dataops.exceptions import BrokenCheckError
from airflow_dataops.hooks import ledger as ledger_module
from airflow_dataops.hooks.ledger import LedgerHook, refuse_scattered_sqlite


@pytest.fixture
def connect(monkeypatch):
    """Define the connection `dataops_ledger` as people do."""

    def define(conn_id: str = "dataops_ledger", **fields: object) -> None:
        value = {"conn_type": "dataops_ledger", **fields}
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(value))

    return define


def test_a_connection_names_an_sqlite_file(connect, tmp_path):
    connect(extra={"sqlite_path": str(tmp_path / "ledger.db")})
    assert LedgerHook().url() == f"sqlite:///{tmp_path / 'ledger.db'}"
    assert LedgerHook().test_connection() == (True, "The ledger answers and its schema is current.")


def test_a_connection_names_a_postgresql_database(connect):
    connect(host="db", port=5433, schema="ledger", login="me", password="p@ss/word")
    assert LedgerHook().url() == "postgresql://me:p%40ss%2Fword@db:5433/ledger"


def test_a_connection_says_how_the_database_is_to_be_verified(connect):
    connect(host="db", schema="ledger", extra={"sslmode": "verify-full", "sslrootcert": "/ca.pem", "note": "x"})
    assert sqlalchemy.engine.make_url(LedgerHook().url()).query == {"sslmode": "verify-full", "sslrootcert": "/ca.pem"}


def test_without_the_default_connection_the_option_counts(monkeypatch, tmp_path):
    monkeypatch.delenv("AIRFLOW_CONN_DATAOPS_LEDGER", raising=False)
    monkeypatch.setenv("AIRFLOW__DATAOPS__LEDGER_URL", f"sqlite:///{tmp_path / 'configured.db'}")
    assert LedgerHook().url() == settings.ledger_url() == f"sqlite:///{tmp_path / 'configured.db'}"


def test_a_connection_that_does_not_exist_is_a_broken_check():
    with pytest.raises(BrokenCheckError, match="'elsewhere'"):
        LedgerHook("elsewhere").url()


def test_without_a_connection_history_stays_in_memory():
    assert LedgerHook(None).get_conn().events() == []


def test_one_hook_opens_the_ledger_once(ledger):
    hook = LedgerHook()
    assert hook.get_conn() is hook.store


@pytest.mark.postgres
def test_the_ledger_of_a_team_is_reached_over_its_connection(connect, postgres_ledger_url):
    url = sqlalchemy.engine.make_url(postgres_ledger_url)
    connect(host=url.host, port=url.port, schema=url.database, login=url.username, password=url.password)
    assert LedgerHook().test_connection()[0]


def test_the_test_button_says_what_is_wrong(connect):
    connect(host="127.0.0.1", port=1, schema="ledger", login="me", password="secret-word")
    succeeded, said = LedgerHook().test_connection()
    assert not succeeded
    assert "127.0.0.1:1/ledger (connection 'dataops_ledger') does not answer" in said
    assert "secret-word" not in said


@pytest.mark.parametrize(
    "executor",
    [
        "CeleryExecutor",
        "KubernetesExecutor",
        "LocalExecutor,CeleryExecutor",
        "LocalExecutor;team=CeleryExecutor",
        "airflow.providers.celery.executors.celery_executor.CeleryExecutor",
        "LocalKubernetesExecutor",
        "mine.NotLocalExecutor",
    ],
)
@pytest.mark.parametrize("url", ["sqlite:////shared/ledger.db", "sqlite+pysqlite:////shared/ledger.db"])
def test_an_sqlite_file_is_refused_where_tasks_run_on_several_hosts(url, executor):
    with pytest.raises(BrokenCheckError, match="runs tasks on more than one host") as refused:
        refuse_scattered_sqlite(url, executor)
    assert "PostgreSQL" in str(refused.value)


@pytest.mark.parametrize(
    ("url", "executor"),
    [
        ("sqlite:////one/ledger.db", "LocalExecutor"),
        ("sqlite:////one/ledger.db", "airflow.executors.local_executor.LocalExecutor:mine"),
        ("sqlite:////one/ledger.db", "team=LocalExecutor"),
        ("sqlite://", "CeleryExecutor"),
        ("postgresql://db/ledger", "CeleryExecutor"),
    ],
)
def test_a_ledger_that_every_task_can_see_is_taken(url, executor):
    refuse_scattered_sqlite(url, executor)


def test_the_executor_of_this_deployment_counts(connect, tmp_path, monkeypatch):
    connect(extra={"sqlite_path": str(tmp_path / "ledger.db")})
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "CeleryExecutor")
    with pytest.raises(BrokenCheckError, match="CeleryExecutor"):
        LedgerHook().get_conn()


def test_a_connection_of_type_postgres_serves_too():
    connection = Connection(conn_id="pg", conn_type="postgres", host="db", schema="ledger", login="me")
    assert ledger_module.connection_url(connection) == "postgresql://me@db/ledger"
