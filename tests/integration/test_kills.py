"""A real Airflow whose workers are killed with SIGKILL in every station: the retry leaves exactly one of everything."""

from __future__ import annotations

import base64
import json
from collections import Counter
from pathlib import Path

import psutil
import pytest
import requests

from airflow_dataops.hooks.ledger_store import LedgerStore
from airflow_dataops.testing.local_airflow import LocalAirflow
from airflow_dataops.testing.local_mlflow import LocalMlflow

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
PASSWORD = "hunter2-in-no-log"
"""Sent to MLflow with every call (it asks for none), so it could leak wherever a real one could."""
POINTS = {"2013-01": "before", "2013-03": "after", "2013-05": "recorded"}


@pytest.fixture(scope="module")
def mlflow(tmp_path_factory):
    with LocalMlflow(tmp_path_factory.mktemp("mlflow"), port=0) as server:
        yield server


@pytest.fixture(scope="module")
def airflow(tmp_path_factory, mlflow, flights_inbox):
    environment = {
        "FLIGHTS_DAGS": str(ROOT / "dags"),
        "FLIGHTS_INBOX": str(flights_inbox),
        "AIRFLOW_CONN_MLFLOW_DEFAULT": mlflow.connection(login="line", password=PASSWORD),
    }
    home = tmp_path_factory.mktemp("airflow")
    with LocalAirflow(home, Path(__file__).parent / "dags", port=0, environment=environment) as running:
        running.unpause("killed_line")
        yield running
    for process in serving_processes(home):
        process.terminate()


@pytest.fixture(scope="module")
def survived(airflow):
    """Run three months, each with its own point of death; return their run ids."""
    runs = {}
    for month, point in POINTS.items():
        runs[month] = airflow.trigger("killed_line", f"killed-{point}", month=month, kill=point)
        states = {}
        state = airflow.wait("killed_line", runs[month], seconds=400, progress=states.update)
        assert state == "success", f"killed {point}: {states}"
    return runs


@pytest.fixture(scope="module")
def ledger(airflow):
    return LedgerStore(f"sqlite:///{airflow.home / 'dataops' / 'ledger.db'}")


def test_every_station_died_once_and_its_retry_finished(survived, airflow):
    for run_id in survived.values():
        tries = airflow.request("GET", f"dags/killed_line/dagRuns/{run_id}/taskInstances")["task_instances"]
        assert {task["task_id"]: task["try_number"] for task in tries} == {task["task_id"]: 2 for task in tries}


def test_each_thing_is_told_once_in_the_history(survived, ledger):
    told = Counter((event.run_key, event.event.kind, event.event.subject) for event in ledger.events())
    assert set(told.values()) == {1}
    kinds = Counter(event.event.kind for event in ledger.events())
    for kind in ("dataset.snapshotted", "dataset.published", "model.promoted"):
        assert kinds[kind] == len(POINTS), kinds
    assert ledger.chain_faults() == []


def test_each_month_has_one_finished_run_and_one_version(survived, mlflow):
    found = search(mlflow, "runs/search", {"experiment_ids": experiments(mlflow)})["runs"]
    finished = [run for run in found if run["info"]["status"] == "FINISHED"]
    assert len(finished) == len(POINTS)
    assert not [run for run in found if run["info"]["status"] == "RUNNING"]
    versions = requests.get(f"{mlflow.url}/api/2.0/mlflow/model-versions/search", timeout=30).json()["model_versions"]
    assert sorted(version["version"] for version in versions) == ["1", "2", "3"]
    assert {version["run_id"] for version in versions} == {run["info"]["run_id"] for run in finished}


def test_the_alias_moved_once_a_month_and_ledger_and_mlflow_agree(survived, ledger, mlflow):
    champion = ledger.pointer("model/flights/champion")
    assert champion.version == len(POINTS)
    answer = requests.get(
        f"{mlflow.url}/api/2.0/mlflow/registered-models/alias", {"name": "flights", "alias": "champion"}, timeout=30
    )
    assert answer.json()["model_version"]["version"] == champion.value["version"] == "3"


def test_one_release_serves_and_it_is_the_last_one(survived, ledger, airflow):
    release = ledger.pointer("deployment/flights")
    assert release.version == len(POINTS)
    assert requests.get(f"{release.value['url']}/ping", timeout=10).ok
    assert len(serving_processes(airflow.home)) == 1


def test_each_month_has_its_good_rows_once_and_nothing_unfinished_lies_about(survived, airflow):
    store = airflow.home / "dataops" / "store"
    published = {path.stem: json.loads(path.read_text()) for path in store.glob("datasets/flights/published/*.json")}
    assert sorted(published) == sorted(POINTS)
    assert {document["pointer_version"] for document in published.values()} == {1}
    assert list(store.rglob("*.tmp")) == []


def test_what_passes_between_stations_stays_small(survived, airflow):
    for run_id in survived.values():
        for task in airflow.task_states("killed_line", run_id):
            assert len(json.dumps(airflow.xcom("killed_line", run_id, task))) < 2000, task


def test_the_password_is_nowhere_in_logs_databases_artifacts_or_files(survived, airflow, mlflow):
    secret = PASSWORD.encode()
    encoded = base64.b64encode(b"line:" + secret)
    files = [path for home in (airflow.home, mlflow.home) for path in home.rglob("*") if path.is_file()]
    assert len(files) > 50
    leaks = [path for path in files if secret in (content := path.read_bytes()) or encoded in content]
    assert leaks == []


def experiments(mlflow: LocalMlflow) -> list[str]:
    found = search(mlflow, "experiments/search", {"max_results": 100})["experiments"]
    return [experiment["experiment_id"] for experiment in found]


def search(mlflow: LocalMlflow, path: str, body: dict) -> dict:
    return requests.post(f"{mlflow.url}/api/2.0/mlflow/{path}", json=body, timeout=30).json()


def serving_processes(home: Path) -> list[psutil.Process]:
    """Return the scoring servers whose model lies in a home."""
    commands = {process: process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"])}
    return [
        process
        for process, command in commands.items()
        if any(part.endswith("serve.py") for part in command) and str(home) in " ".join(command)
    ]
