"""Who may read a report, by Airflow's own auth manager; the served page is tried on a real server in integration."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys

import pytest
from airflow.api_fastapi.app import create_auth_manager, init_auth_manager
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from airflow.api_fastapi.core_api.security import get_user
from airflow.utils.db import initdb
from fastapi.testclient import TestClient

from airflow_dataops.core.quality_report_page import DAG_META, EVIDENCE_META
from airflow_dataops.hooks.dataset import DatasetHook
from airflow_dataops.operators.quality_link import report_url
from airflow_dataops.plugins.reports import app
from tests.support.package import ROOT


@pytest.fixture(scope="module")
def server():
    """Give the sub-application with Airflow's simple auth manager; `user` decides who asks."""
    initdb()
    init_auth_manager()
    create_auth_manager()
    asking = {"role": "VIEWER"}
    app.dependency_overrides[get_user] = lambda: SimpleAuthManagerUser(username="x", role=asking["role"])
    yield TestClient(app), asking
    app.dependency_overrides.clear()


def stored(dag_id: str, *, store: DatasetHook | None = None) -> tuple[str, str]:
    """Store a report and its evidence; return the digests."""
    store = store or DatasetHook()
    figures = store.put_evidence(json.dumps({"of": dag_id}).encode(), ".json").rsplit("/", 1)[-1].split(".")[0]
    metas = f'<meta name="{DAG_META}" content="{dag_id}"><meta name="{EVIDENCE_META}" content="{figures}">'
    page = store.put_evidence(f"<head>{metas}</head><body>{dag_id}</body>".encode(), ".html")
    return page.rsplit("/", 1)[-1].split(".")[0], figures


def test_who_may_read_the_dag_reads_page_and_figures(server, store_path):
    client, asking = server
    digest, _ = stored("line")
    asking["role"] = "VIEWER"
    assert client.get(f"/reports/{digest}/report.html").text.endswith("<body>line</body>")
    assert client.get(f"/reports/{digest}/evidence.json").json() == {"of": "line"}


@pytest.mark.parametrize("name", ["report.html", "evidence.json"])
def test_who_may_not_read_the_dag_reads_neither(server, store_path, name):
    client, asking = server
    digest, _ = stored("line")
    asking["role"] = None
    answer = client.get(f"/reports/{digest}/{name}")
    assert (answer.status_code, "line" in answer.text) == (403, False)


@pytest.mark.parametrize("name", ["report.html", "evidence.json"])
def test_what_is_no_report_is_not_served(server, store_path, name):
    client, asking = server
    asking["role"] = "ADMIN"
    digest, figures = stored("")
    assert client.get(f"/reports/{digest}/{name}").status_code == 403, "it names no DAG"
    assert client.get(f"/reports/{figures}/{name}").status_code == 404, "a digest of figures opens nothing"
    other = DatasetHook().put_evidence(b"secret", ".txt").rsplit("/", 1)[-1].split(".")[0]
    assert client.get(f"/reports/{other}/{name}").status_code == 404
    for wrong in ("A" * 64, "0" * 63, "%2e%2e", "0" * 64 + "%0a"):
        assert client.get(f"/reports/{wrong}/{name}").status_code in {404, 422}


def test_evidence_that_the_report_names_must_be_whole(server, store_path):
    client, asking = server
    asking["role"] = "ADMIN"
    digest, figures = stored("line")
    DatasetHook().evidence_path(f"{figures}.json").write_text("{}")
    assert client.get(f"/reports/{digest}/evidence.json").status_code == 404
    assert client.get(f"/reports/{digest}/report.html").status_code == 200


def test_only_connections_of_stores_open_a_folder(server, store_path, tmp_path, monkeypatch):
    client, asking = server
    asking["role"] = "ADMIN"
    for conn_id, kind in (("other_store", "dataops_store"), ("no_store", "fs")):
        document = {"conn_type": kind, "extra": {"path": str(tmp_path / "other")}}
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(document))
    digest, _ = stored("line", store=DatasetHook("other_store"))
    statuses = {
        store: client.get(f"/reports/{digest}/report.html", params={"store": store}).status_code
        for store in ("other_store", "no_store", "dataops_store", "nowhere")
    }
    assert statuses == {"other_store": 200, "no_store": 404, "dataops_store": 404, "nowhere": 404}


def test_a_gate_with_another_store_links_to_it():
    assert report_url("file:///a/ab.html", "dataops_store").endswith("/dataops/reports/ab/report.html")
    assert report_url("file:///a/ab.html", "my store&x").endswith("/report.html?store=my%20store%26x")


def test_loading_the_plugin_loads_no_web_server():
    program = (
        "import sys; from airflow_dataops.plugins.dataops import DataOpsPlugin; DataOpsPlugin();"
        "print('airflow_dataops.plugins.reports' in sys.modules)"
    )
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {program}"]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    assert told.strip().endswith("False")


def test_a_report_is_called_by_the_digest_of_its_bytes(store_path):
    digest, _ = stored("line")
    assert hashlib.sha256(DatasetHook().evidence_path(f"{digest}.html").read_bytes()).hexdigest() == digest
