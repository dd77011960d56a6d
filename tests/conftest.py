"""Fixtures that every test may use; Airflow's home is set before Airflow is imported."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

HOME = Path(tempfile.mkdtemp(prefix="dataops-tests-"))
os.environ.update(
    {
        "AIRFLOW_HOME": str(HOME),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "True",
        "AIRFLOW__CORE__DAGS_FOLDER": str(Path(__file__).parents[1] / "dags"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{HOME / 'airflow.db'}",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
    }
)

pytest_plugins = [
    "tests.support.services",
    "tests.support.fixtures",
    "tests.support.mlflow",
    "tests.support.models",
    "tests.support.served_models",
    "tests.support.docker",
    "tests.support.tables",
]


def pytest_unconfigure() -> None:
    shutil.rmtree(HOME, ignore_errors=True)
