"""The small programs that the images and the databases are made with."""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.compose.conftest import ROOT

COMPOSE = ROOT / "compose"
GOOD = {"AIRFLOW_DB_PASSWORD": "a-b_c.d~1", "MLFLOW_DB_PASSWORD": "b", "DATAOPS_DB_PASSWORD": "c"}


def test_requirements_are_those_of_the_project_and_its_extras() -> None:
    command = [sys.executable, COMPOSE / "requirements.py", ROOT / "pyproject.toml", "postgres,demo"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout.splitlines()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    assert printed == [*project["dependencies"], *extras["postgres"], *extras["demo"]]


@pytest.mark.parametrize("password", ["a@b", "a b", 'a"b', "a/b", "a'b", "a%b"])
@pytest.mark.parametrize("variable", sorted(GOOD))
def test_a_password_that_would_break_a_url_is_refused_before_a_database_is_made(
    tmp_path: Path, variable: str, password: str
) -> None:
    made = tmp_path / "made"
    done = run_init(tmp_path, {**GOOD, variable: password})
    assert done.returncode == 1
    assert f"{variable} has a character" in done.stderr
    assert "hint:" in done.stderr
    assert password not in done.stderr
    assert not made.exists()


def test_three_databases_are_made(tmp_path: Path) -> None:
    assert run_init(tmp_path, GOOD).returncode == 0
    assert (tmp_path / "made").read_text().split() == ["airflow", "mlflow", "dataops"]


def run_init(folder: Path, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the script with a psql that only notes what was asked; `make test-compose` runs it on a real server."""
    psql = folder / "psql"
    psql.write_text(f"""#!/bin/sh
for argument; do case $argument in --set=name=*) echo "${{argument#--set=name=}}" >> {folder}/made;; esac; done
""")
    psql.chmod(0o755)
    environment = {"PATH": f"{folder}:{os.environ['PATH']}", **variables}
    command = ["sh", COMPOSE / "postgres-init.sh"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)


@pytest.fixture
def health() -> Iterator[dict[str, object]]:
    """Answer as Airflow's API server does, on the port that the check asks."""
    answer: dict[str, object] = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        answer["address"] = f"http://127.0.0.1:{server.server_port}"
        yield answer
        server.shutdown()


@pytest.mark.parametrize(
    ("told", "code"),
    [({"status": "healthy"}, 0), ({"status": "unhealthy"}, 1), ({"status": None}, 1), (None, 1)],
)
def test_a_part_of_airflow_is_healthy_when_the_api_server_says_so(
    health: dict[str, object], told: dict[str, str] | None, code: int
) -> None:
    health["triggerer"] = told
    assert check_health("triggerer", str(health["address"])) == code
    assert check_health("dag_processor", str(health["address"])) == 1


def test_a_part_of_airflow_is_not_healthy_when_the_api_server_is_gone() -> None:
    assert check_health("scheduler", "http://127.0.0.1:1") != 0


def check_health(part: str, address: str) -> int:
    command = [sys.executable, COMPOSE / "airflow-healthy.py", part, address]
    return subprocess.run(command, capture_output=True, timeout=30, check=False).returncode
