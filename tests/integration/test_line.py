"""The two commands' main job on real flights: the demo twice, then what people do next in the same Airflow."""

from __future__ import annotations

import html
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pandas as pd
import pytest
import requests

from airflow_dataops.hooks.ledger_store import LedgerStore
from airflow_dataops.hooks.process import ProcessHook
from airflow_dataops.testing.local_airflow import LocalAirflow
from airflow_dataops.testing.local_mlflow import LocalMlflow

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("demo")


def demo(home: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts" / "demo.py"), "--oneshot", "--home", str(home)]
    command += ["--port", "0", "--mlflow-port", "0"]
    return subprocess.run(command, capture_output=True, text=True, timeout=550, check=False)


@pytest.fixture(scope="module")
def first(home) -> subprocess.CompletedProcess[str]:
    return demo(home)


@pytest.fixture(scope="module")
def ledger(first, home) -> LedgerStore:
    return LedgerStore(f"sqlite:///{home / 'airflow' / 'dataops' / 'ledger.db'}")


def test_the_demo_ends_as_the_story_says(first):
    assert first.returncode == 0, first.stdout + first.stderr
    assert "Flights of 2013-02 were held: 1 261 of 24 951 rows (5.1 %) have no departure time" in first.stdout
    for station, said in {
        "snapshot": "flights/2013-01@959b5bc21971fac3 holds 27 004 rows.",
        "gate": "Flights of 2013-01 were let through without 606 of 27 004 rows (2.2 %), which are in quarantine: "
        "521 (1.9 %) have no departure time and 606 (2.2 %) have no arrival delay.",
        "train": "flights version 1 learned from 17 998 rows.",
        "evaluate": "flights version 1 may be promoted: its roc_auc is ",
    }.items():
        assert f"  ✓ {station:<9} {said}" in first.stdout
    assert re.search(r"It answered 200: \{.*predictions", first.stdout)


def test_the_held_month_changed_nothing_that_was_published_or_served(first, ledger):
    assert ledger.pointer("dataset/flights/2013-02").version == 0
    assert ledger.pointer("dataset/flights/2013-01").version == 1
    assert [event.event.payload["version"] for event in ledger.events(kind="model.promoted")] == ["1", "2"]


def test_a_second_demo_does_nothing_twice(first, home, ledger):
    before = len(ledger.events())
    second = demo(home)
    assert second.returncode == 0, second.stdout + second.stderr
    assert len(ledger.events()) == before


@pytest.fixture(scope="module")
def airflow(first, home):
    """Start the demo's Airflow again, as somebody who looks around."""
    with LocalMlflow(home / "mlflow", port=0) as mlflow:
        environment = {
            "FLIGHTS_INBOX": str(home / "inbox"),
            "AIRFLOW_CONN_MLFLOW_DEFAULT": mlflow.connection(),
            "AIRFLOW__DATAOPS__INSTANCE": "demo",
            # The browser needs no password then; the API takes the demo's all the same.
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        }
        with LocalAirflow(home / "airflow", ROOT / "dags", port=0, environment=environment) as running:
            for dag in ("flights_line", "flights_quality_only", "rollback_model"):
                running.unpause(dag)
            yield running
            processes = ProcessHook(root=running.home / "dataops" / "processes")
            for release in processes.releases("flights"):
                processes.stop("flights", release.name)


def run(airflow: LocalAirflow, dag: str, **params) -> tuple[str, str]:
    run_id = airflow.trigger(dag, **params)
    return run_id, airflow.wait(dag, run_id, seconds=300)


def test_the_quality_half_runs_without_mlflow_and_docker(airflow, ledger):
    run_id, state = run(airflow, "flights_quality_only", month="2013-06")
    assert state == "success"
    assert airflow.xcom("flights_quality_only", run_id, "publish")["verdict"] == "publish_with_quarantine"
    assert ledger.pointer("dataset/flights_only/2013-06").version == 1


def test_a_broken_month_is_held_and_the_previous_version_stays_published_and_serving(airflow, ledger, tmp_path):
    serving = ledger.pointer("deployment/flights")
    flights = pd.read_csv(Path(airflow.environment["FLIGHTS_INBOX"]) / "flights-2013-03.csv")
    published = ledger.pointer("dataset/flights/2013-03")
    flights.loc[flights.index % 3 == 0, "dep_time"] = None
    flights.to_csv(tmp_path / "flights-2013-03.csv", index=False)
    _, state = run(airflow, "flights_line", month="2013-03", inbox=str(tmp_path))
    assert state == "failed"
    held = ledger.events(kind="quality.judged", subject="dataset/flights/2013-03")[-1].event.payload
    assert held["verdict"] == "hold"
    assert re.match(
        r"Flights of 2013-03 were held: 10 186 of 28 834 rows \(35.3 %\) have no departure time", held["sentence"]
    )
    assert ledger.pointer("dataset/flights/2013-03") == published
    assert ledger.pointer("deployment/flights") == serving


def test_a_rollback_brings_the_previous_model_back_without_a_rebuild(airflow, ledger):
    assert ledger.pointer("model/flights/champion").value["version"] == "2"
    _, state = run(airflow, "rollback_model", reason="complaints from the gates")
    assert state == "success"
    assert ledger.pointer("model/flights/champion").value["version"] == "1"
    release = ledger.pointer("deployment/flights").value
    assert release["version"] == "1"
    assert requests.get(f"{release['url']}/ping", timeout=10).ok


@pytest.mark.browser
def test_whoever_opens_the_red_gate_in_a_browser_reads_why(airflow, chromium_path, tmp_path):
    held = next(run for run in airflow.runs("flights_line") if str(run["logical_date"]).startswith("2013-02"))
    page = f"{airflow.url}/dags/flights_line/runs/{quote(held['dag_run_id'])}/tasks/gate"
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
    options += [f"--user-data-dir={tmp_path}", "--window-size=1500,800", "--virtual-time-budget=20000"]
    shown = subprocess.run(
        [chromium_path, *options, "--dump-dom", page], capture_output=True, text=True, timeout=120, check=True
    )
    text = html.unescape(re.sub(r"<[^>]+>", "", shown.stdout))
    assert "Flights of 2013-02 were held: 1 261 of 24 951 rows (5.1 %) have no departure time" in text
