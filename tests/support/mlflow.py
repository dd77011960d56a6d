"""A real MLflow server for the tests: SQLite behind it, artifacts through its proxy, one worker."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from airflow_dataops.hooks.mlflow import MlflowHook, import_mlflow
from airflow_dataops.testing.processes import free_port

START_SECONDS = 180


@dataclass(frozen=True)
class MlflowServer:
    """Where the server listens and where its files lie."""

    port: int
    folder: Path

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def connection(self, **fields: object) -> str:
        """Return the connection as JSON, as Airflow reads it from the environment."""
        return json.dumps({"conn_type": "mlflow", "host": "127.0.0.1", "port": self.port, "schema": "http", **fields})


def stored_model(hook: MlflowHook, run_id: str, experiment_id: str | None = None) -> Any:
    """Store the files of a model that always says 1 under a run; return what MLflow tells of it."""
    mlflow = import_mlflow()

    class One(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input, params=None):
            return [1] * len(model_input)

    with hook.environment(run_id, experiment_id):
        return mlflow.models.Model.log(
            artifact_path=None,
            name="model",
            flavor=mlflow.pyfunc,
            run_id=run_id,
            python_model=One(),
            pip_requirements=["mlflow"],
        )


def start_server(port: int, folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"]
    command += ["--artifacts-destination", str(folder / "artifacts")]
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "MLFLOW"))}
    with (folder / "server.log").open("wb") as log:
        return subprocess.Popen(
            command, cwd=folder, env={**inherited, **quiet}, stdout=log, stderr=log, start_new_session=True
        )


def wait_until_healthy(process: subprocess.Popen[bytes], server: MlflowServer) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{server.address}/health", timeout=2):  # noqa: S310 - our own http address
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.25)
    said = (server.folder / "server.log").read_text()[-3000:]
    pytest.fail(f"the MLflow server did not start within {START_SECONDS} s and said:\n{said}")


@pytest.fixture(scope="session")
def mlflow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    """Run one MLflow server for the session; the connection ``mlflow_default`` names it."""
    folder = tmp_path_factory.mktemp("mlflow")
    server = MlflowServer(free_port(), folder)
    process = start_server(server.port, folder)
    before = os.environ.get("AIRFLOW_CONN_MLFLOW_DEFAULT")
    try:
        wait_until_healthy(process, server)
        os.environ["AIRFLOW_CONN_MLFLOW_DEFAULT"] = server.connection()
        yield server
    finally:
        if before is None:
            os.environ.pop("AIRFLOW_CONN_MLFLOW_DEFAULT", None)
        else:
            os.environ["AIRFLOW_CONN_MLFLOW_DEFAULT"] = before
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
