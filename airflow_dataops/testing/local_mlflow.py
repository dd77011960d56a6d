"""An MLflow tracking server of one's own: SQLite, artifacts in a folder, on loopback."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

import requests

from airflow_dataops.testing.local_airflow import inherited_environment
from airflow_dataops.testing.processes import Companions, free_port, wait_until

__all__ = ["LocalMlflow"]

START_SECONDS = 120


class LocalMlflow:
    """A tracking server and registry for a demo or a test.

    Args:
        home: Where its database and artifacts lie; kept between starts.
        port: The port wanted; another free one is taken when it is in use.
    """

    def __init__(self, home: Path, *, port: int = 5000) -> None:
        self.home, self.port = home, free_port(port)
        self.url = f"http://127.0.0.1:{self.port}"
        self.companions = Companions(home / "server")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start the server; return when it answers."""
        self.companions.stop_leftovers()
        self.companions.start("mlflow", self.command(), self.environment())
        wait_until(self.is_healthy, START_SECONDS, f"MLflow at {self.url}")

    def stop(self) -> None:
        """End the server."""
        self.companions.stop()

    def command(self) -> list[str]:
        """Return the command line: one worker, for several cost 50 ms a call in MLflow 3.17."""
        options = {
            "--host": "127.0.0.1",
            "--port": str(self.port),
            "--workers": "1",
            "--backend-store-uri": f"sqlite:///{self.home / 'mlflow.db'}",
            "--artifacts-destination": str(self.home / "artifacts"),
        }
        return [sys.executable, "-m", "mlflow", "server", *(part for option in options.items() for part in option)]

    def environment(self) -> dict[str, str]:
        """Return its environment: no job runners, nothing reported to anybody."""
        return {
            **inherited_environment(),
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "DO_NOT_TRACK": "true",
        }

    def is_healthy(self) -> bool:
        """Whether the server answers."""
        self.companions.check()
        try:
            answered = requests.get(f"{self.url}/health", timeout=2).ok
        except requests.RequestException:
            return False
        return answered and self.companions.listens("mlflow", self.port)

    def connection(self, *, login: str | None = None, password: str | None = None) -> str:
        """Return the Airflow connection to this server, as ``AIRFLOW_CONN_MLFLOW_DEFAULT`` takes it."""
        fields = {"conn_type": "mlflow", "host": "127.0.0.1", "port": self.port, "schema": "http"}
        named = {name: value for name, value in (("login", login), ("password", password)) if value}
        return json.dumps({**fields, **named})
