"""An Airflow of one's own: API server, scheduler, DAG processor and triggerer on loopback.

``airflow standalone`` binds its log servers to all interfaces and leaves its children behind when it is
killed; this does neither.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

from airflow_dataops.testing.processes import Companions, free_port, wait_until

__all__ = ["LocalAirflow"]

COMPONENTS = {
    "api-server": ["api-server"],
    "scheduler": ["scheduler", "--skip-serve-logs"],
    "dag-processor": ["dag-processor"],
    "triggerer": ["triggerer", "--skip-serve-logs"],
}
START_SECONDS = 180
TOKEN_SECONDS = 3600
FINAL_STATES = {"success", "failed"}


class LocalAirflow:
    """Airflow's four components with SQLite, LocalExecutor and simple auth, for a demo or a test.

    Args:
        home: AIRFLOW_HOME; kept between starts.
        dags: The folder of DAG files.
        port: The port wanted for the UI; another free one is taken when it is in use, any free one for 0.
        environment: Further environment variables, such as connections.
    """

    def __init__(
        self, home: Path, dags: Path, *, port: int = 8080, environment: Mapping[str, str] | None = None
    ) -> None:
        self.home = home
        self.url = f"http://127.0.0.1:{free_port(port)}"
        self.companions = Companions(home / "components")
        self.environment = {
            **inherited_environment(),
            **self._settings(dags),
            **(environment or {}),
        }

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Migrate the database and start the components; return when all four are healthy.

        Raises:
            RuntimeError: A component ended by itself; the end of its log is in the message.
            TimeoutError: They were not healthy in time.
        """
        self.companions.stop_leftovers()
        self.command("db", "migrate")
        for name, arguments in COMPONENTS.items():
            self.companions.start(name, airflow_command(*arguments), self.environment)
        wait_until(self.is_healthy, START_SECONDS, f"Airflow at {self.url}")

    def stop(self) -> None:
        """End the components and everything they started."""
        self.companions.stop()

    def command(self, *arguments: str) -> str:
        """Run an ``airflow`` command in this environment and return what it printed.

        Raises:
            RuntimeError: The command failed; the end of its output is in the message.
        """
        done = subprocess.run(
            airflow_command(*arguments), env=self.environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"airflow {' '.join(arguments)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done.stdout

    def is_healthy(self) -> bool:
        """Whether all four components report that they are well."""
        self.companions.check()
        try:
            answer = requests.get(f"{self.url}/api/v2/monitor/health", timeout=5)
        except requests.RequestException:
            return False
        if not answer.ok:
            return False
        states = {name: component["status"] for name, component in answer.json().items()}
        healthy = all(states.get(name) == "healthy" for name in ("scheduler", "dag_processor", "triggerer"))
        return healthy and self.companions.listens("api-server", int(self.url.rsplit(":", 1)[1]))

    @cached_property
    def password(self) -> str:
        """The password of the user ``admin``."""
        found = json.loads((self.home / "simple_auth_manager_passwords.json.generated").read_text())
        return str(found["admin"])

    # -- the public API ----------------------------------------------------------------------------------

    def request(self, method: str, path: str, **options: Any) -> Any:
        """Call Airflow's REST API and return the JSON it answers.

        Raises:
            requests.HTTPError: The API refused; its answer is in the message.
        """
        answer = requests.request(
            method, f"{self.url}/api/v2/{path}", headers=self._authorization(), timeout=60, **options
        )
        if not answer.ok:
            raise requests.HTTPError(f"{method} {path}: {answer.status_code} {answer.text[:1000]}", response=answer)
        return answer.json() if answer.content else None

    def _authorization(self) -> dict[str, str]:
        # Tokens expire, and new ones are cheap.
        if time.monotonic() - self._token[1] > TOKEN_SECONDS:
            body = {"username": "admin", "password": self.password}
            answer = requests.post(f"{self.url}/auth/token", json=body, timeout=30)
            answer.raise_for_status()
            self._token = (answer.json()["access_token"], time.monotonic())
        return {"Authorization": f"Bearer {self._token[0]}"}

    _token: tuple[str, float] = ("", float("-inf"))

    def unpause(self, dag_id: str, seconds: float = 120) -> None:
        """Wait until a DAG is known and let it run.

        Raises:
            RuntimeError: A DAG file cannot be imported; the reason is in the message.
            TimeoutError: No file has such a DAG.
        """
        wait_until(lambda: self._knows(dag_id), seconds, f"the DAG {dag_id} to be parsed")
        self.request("PATCH", f"dags/{dag_id}", json={"is_paused": False})

    def _knows(self, dag_id: str) -> bool:
        found = self.request("GET", "dags", params={"dag_id_pattern": dag_id, "limit": 100})
        errors = self.request("GET", "importErrors")["import_errors"]
        if errors:
            raise RuntimeError("\n".join(f"{error['filename']}: {error['stack_trace']}" for error in errors)[-4000:])
        return any(dag["dag_id"] == dag_id for dag in found["dags"])

    def trigger(self, dag_id: str, run_id: str | None = None, **params: Any) -> str:
        """Start a run without a date and return its id."""
        run_id = run_id or f"manual__{secrets.token_hex(6)}"
        body = {"dag_run_id": run_id, "logical_date": None, "conf": params}
        self.request("POST", f"dags/{dag_id}/dagRuns", json=body)
        return run_id

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        """Return all runs of a DAG, oldest interval first."""
        found = self.request("GET", f"dags/{dag_id}/dagRuns", params={"limit": 100, "order_by": "run_after"})
        return list(found["dag_runs"])

    def wait(
        self, dag_id: str, run_id: str, seconds: float = 900, progress: Callable[[dict[str, str]], None] | None = None
    ) -> str:
        """Return the final state of a run; `progress` is told the states of the tasks as they change."""
        deadline, seen = time.monotonic() + seconds, dict[str, str]()
        while True:
            states = self.task_states(dag_id, run_id)
            if progress is not None and states != seen:
                progress(states)
                seen = states
            state = str(self.request("GET", f"dags/{dag_id}/dagRuns/{run_id}")["state"])
            if state in FINAL_STATES:
                return state
            if time.monotonic() > deadline:
                raise TimeoutError(f"{dag_id} {run_id} is still {state} after {seconds:.0f} s: {states}")
            self.companions.check()
            time.sleep(0.5)

    def task_states(self, dag_id: str, run_id: str) -> dict[str, str]:
        """Return the state of each task of a run."""
        found = self.request("GET", f"dags/{dag_id}/dagRuns/{run_id}/taskInstances", params={"limit": 100})
        return {task["task_id"]: str(task["state"]) for task in found["task_instances"]}

    def xcom(self, dag_id: str, run_id: str, task_id: str) -> Any:
        """Return what a task returned; None when it returned nothing."""
        path = f"dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries/return_value"
        try:
            return self.request("GET", path, params={"deserialize": "true"})["value"]
        except requests.HTTPError as error:
            if error.response is not None and error.response.status_code == requests.codes.not_found:
                return None
            raise

    # -- inside ------------------------------------------------------------------------------------------

    def _settings(self, dags: Path) -> dict[str, str]:
        options = {
            "CORE__DAGS_FOLDER": str(dags),
            "CORE__LOAD_EXAMPLES": "False",
            "CORE__EXECUTOR": "LocalExecutor",
            "CORE__PARALLELISM": "4",
            "CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
            "DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self.home / 'airflow.db'}",
            "API__HOST": "127.0.0.1",
            "API__PORT": self.url.rsplit(":", 1)[1],
            "API__BASE_URL": self.url,
            "API__WORKERS": "1",
            "API__SECRET_KEY": self._secret("api"),
            "API_AUTH__JWT_SECRET": self._secret("jwt"),
            "DAG_PROCESSOR__REFRESH_INTERVAL": "10",
            "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "30",
            "SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
            "USAGE_DATA_COLLECTION__ENABLED": "False",
        }
        named = {f"AIRFLOW__{name}": value for name, value in options.items()}
        return {"AIRFLOW_HOME": str(self.home), **named}

    def _secret(self, name: str) -> str:
        path = self.home / f".{name}-secret"
        if not path.exists():
            self.home.mkdir(parents=True, exist_ok=True)
            path.write_text(secrets.token_urlsafe(48))
            path.chmod(0o600)
        return path.read_text()


def airflow_command(*arguments: str) -> list[str]:
    """Return the command line of ``airflow`` in this environment, whatever PATH says."""
    return [sys.executable, "-m", "airflow", *arguments]


def inherited_environment() -> dict[str, str]:
    """Return our environment without another Airflow's settings, and with bytecode allowed."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    # Children such as `airflow tasks` look for the program by name.
    kept["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', '')}"
    return kept
