"""The team's installation as docker-compose reads it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
SECRETS = (
    "POSTGRES_PASSWORD",
    "AIRFLOW_DB_PASSWORD",
    "MLFLOW_DB_PASSWORD",
    "DATAOPS_DB_PASSWORD",
    "AIRFLOW_ADMIN_PASSWORD",
    "AIRFLOW_FERNET_KEY",
    "AIRFLOW_JWT_SECRET",
    "AIRFLOW_SECRET_KEY",
)


@pytest.fixture(scope="session")
def compose() -> list[str]:
    """Return the command of docker-compose 1.29 or of Docker's compose plugin."""
    if shutil.which("docker-compose"):
        return ["docker-compose"]
    plugin = ["docker", "compose"]
    if shutil.which("docker"):
        asked = subprocess.run([*plugin, "version"], capture_output=True, timeout=30, check=False)
        if asked.returncode == 0:
            return plugin
    pytest.skip("no docker-compose: apt-get install docker-compose, or install Docker's compose plugin")


@pytest.fixture(scope="session")
def secrets() -> dict[str, str]:
    """Return the variables that make-env.sh prints."""
    return made_env()


def made_env() -> dict[str, str]:
    done = subprocess.run(
        ["sh", ROOT / "compose" / "make-env.sh"], capture_output=True, text=True, check=True, timeout=30
    )
    lines = [line for line in done.stdout.splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def run_config(compose: list[str], variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Let docker-compose read the file with these variables and none of the machine's."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    with tempfile.NamedTemporaryFile("w", suffix=".env") as file:  # a developer's own .env does not count
        file.write("".join(f"{name}={value}\n" for name, value in variables.items()))
        file.flush()
        command = [*compose, "--env-file", file.name, "--file", str(ROOT / "docker-compose.yaml"), "config"]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(scope="session")
def config(compose: list[str], secrets: dict[str, str]) -> dict[str, Any]:
    """Return the file after docker-compose has read it."""
    done = run_config(compose, secrets)
    assert done.returncode == 0, done.stderr
    return dict(yaml.safe_load(done.stdout))


@pytest.fixture(scope="session")
def services(config: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return dict(config["services"])
