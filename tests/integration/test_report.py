"""From a gate's task to its report, on a real Airflow: the link, who may follow it, and what a browser shows."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import quote

import pytest
import requests

from airflow_dataops.testing.local_airflow import LocalAirflow
from tests.support.browser import chromium

pytestmark = pytest.mark.slow

DAG_FILE = """
from __future__ import annotations

import pathlib

import pyarrow
from airflow.sdk import DAG, task
from airflow_dataops.operators.dataset import PublishDatasetOperator

SUITE = str(pathlib.Path(__file__).parent / "suite.json")

with DAG("gated", schedule=None):

    @task.quality_gate(dataset="<i>orders</i>", suite=SUITE)
    def failing(rows):
        return pyarrow.table(rows)

    failing({"amount": [1.0, None], "<script>document.title='owned'</script>": ["a", "b"]})

    @task.quality_gate(
        dataset="orders", suite=SUITE, on_fail="branch", follow_on_publish="publish", follow_on_hold="mend"
    )
    def branching(rows):
        return pyarrow.table(rows)

    @task
    def mend(gate):
        return gate["verdict"]

    gate = branching({"amount": [1.0, None], "<script>document.title='owned'</script>": ["a", "b"]})
    PublishDatasetOperator(task_id="publish", dataset="orders", gate=gate)
    mend(gate)
"""
HOSTILE = "<script>document.title='owned'</script>"
SUITE = {
    "expectations": [
        {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "amount"}},
        {
            "type": "expect_column_values_to_be_in_set",
            "kwargs": {"column": HOSTILE, "value_set": ["a"]},
            "meta": {"dataops": {"severity": "warn"}},
        },
    ]
}
SENTENCE = "was held: 1 of 2 rows (50 %) has no amount; none is allowed."


@pytest.fixture(scope="module")
def airflow(tmp_path_factory):
    home = tmp_path_factory.mktemp("airflow")
    dags = home / "dags"
    dags.mkdir()
    (dags / "gated.py").write_text(DAG_FILE)
    (dags / "suite.json").write_text(json.dumps(SUITE))
    environment = {"AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin,reader:viewer"}
    with LocalAirflow(home, dags, port=0, environment=environment) as running:
        running.unpause("gated")
        yield running


@pytest.fixture(scope="module")
def run_id(airflow) -> str:
    started = airflow.trigger("gated")
    assert airflow.wait("gated", started, seconds=300) == "failed"
    return started


@pytest.fixture(scope="module")
def link(airflow, run_id) -> str:
    links = airflow.request("GET", f"dags/gated/dagRuns/{quote(run_id)}/taskInstances/failing/links")
    return links["extra_links"]["Quality report"]


def token(airflow: LocalAirflow, user: str = "reader") -> str:
    passwords = json.loads((airflow.home / "simple_auth_manager_passwords.json.generated").read_text())
    body = {"username": user, "password": passwords[user]}
    return requests.post(f"{airflow.url}/auth/token", json=body, timeout=30).json()["access_token"]


def get(airflow: LocalAirflow, address: str) -> requests.Response:
    return requests.get(address, headers={"Authorization": f"Bearer {token(airflow)}"}, timeout=30)


def test_a_branching_gate_skips_the_other_branch(airflow, run_id):
    states = airflow.task_states("gated", run_id)
    assert states == {"failing": "failed", "branching": "success", "publish": "skipped", "mend": "success"}
    assert airflow.xcom("gated", run_id, "branching")["verdict"] == "hold"
    assert airflow.xcom("gated", run_id, "mend") == "hold"


def test_whoever_may_read_the_dag_reads_the_report_and_its_figures(airflow, link):
    assert re.fullmatch(re.escape(airflow.url) + r"/dataops/reports/[0-9a-f]{64}/report\.html", link)
    answer = get(airflow, link)
    assert answer.status_code == 200
    assert "has no amount; none is allowed." in answer.content.decode()
    assert HOSTILE not in answer.text
    assert answer.headers["Content-Security-Policy"].startswith(
        "default-src 'none'; style-src 'unsafe-inline'; img-src"
    )
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    figures = get(airflow, link.replace("report.html", "evidence.json"))
    assert figures.json()["meta"]["dataops"]["verdict"] == "hold"
    assert figures.headers["Content-Type"] == "application/json"


def test_nobody_reads_it_without_a_token(airflow, link):
    for address in (link, link.replace("report.html", "evidence.json")):
        assert requests.get(address, timeout=30).status_code == 401
        assert requests.get(address, headers={"Authorization": "Bearer x"}, timeout=30).status_code in {401, 403}


@pytest.mark.parametrize(
    "path", ["..%2F..%2Fetc%2Fpasswd", "0" * 64 + "/report.html", "x/report.html", "0" * 63 + "%2E/evidence.json"]
)
def test_nothing_else_is_served(airflow, link, path):
    answer = get(airflow, f"{airflow.url}/dataops/reports/{path}")
    assert answer.status_code in {404, 422}


def test_a_report_that_was_changed_is_not_served(airflow, link):
    digest = link.split("/")[-2]
    (file,) = Path(airflow.home).rglob(f"{digest}.html")
    whole = file.read_bytes()
    try:
        file.write_bytes(whole.replace(b"held", b"fine"))
        assert get(airflow, link).status_code == 404
    finally:
        file.write_bytes(whole)
    assert get(airflow, link).status_code == 200


@pytest.mark.browser
def test_a_click_on_the_tasks_link_shows_the_sentence(airflow, run_id, link, chromium_path):
    page = f"{airflow.url}/dags/gated/runs/{quote(run_id)}/tasks/failing/details"
    with chromium(chromium_path) as browser:
        task = browser.open("about:blank")
        task.call("Network.setCookie", name="_token", value=token(airflow), url=airflow.url)
        task.call("Page.navigate", url=page)
        anchor = "[...document.querySelectorAll('a')].find(a => a.innerText.includes('Quality report'))"
        assert task.wait_for(f"{anchor}?.href") == link
        task.run(f"{anchor}.click()")
        report = browser.tab_at("/dataops/reports/")
        shown = report.wait_for("document.querySelector('h1')?.innerText").replace("\u202f", " ")
        assert shown.endswith(SENTENCE)
        assert report.run("document.title").startswith("Quality of ")
        assert report.run("document.querySelectorAll('svg rect').length") > 2
        assert HOSTILE in report.text()
