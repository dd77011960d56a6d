"""Parsing a DAG file must stay cheap: it happens every 30 seconds, and again in every task's process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from airflow.sdk import BaseOperator

from airflow_dataops.provider import get_provider_info
from tests.support.package import ROOT, classes, required_arguments

HEAVY = (
    "pandas",
    "numpy",
    "mlflow",
    "great_expectations",
    "docker",
    "sklearn",
    "duckdb",
    "pyarrow",
    "scipy",
    "alembic",
    "openlineage",
)

MOST_MODULES_OF_CHECK = 300  # 190 when this was written; Airflow alone loads ten times as many

PROGRAM = """
import os, runpy, sys
sys.path.insert(0, os.path.dirname(sys.argv[1]))  # as Airflow does with the folder of DAGs
runpy.run_path(sys.argv[1])
print("loaded:" + ",".join(sorted(set(sys.argv[2].split(",")) & set(sys.modules))))
"""


def loaded_by(path: Path) -> str:
    """Return which heavy libraries a fresh process has loaded after it ran a DAG file."""
    command = [sys.executable, "-c", PROGRAM, str(path), ",".join(HEAVY)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.rpartition("loaded:")[2].strip()


def written(value: object) -> str:
    return value.__name__ if callable(value) else repr(value)


def one_of_each() -> str:
    """Return a DAG file that uses every operator, every sensor and every decorator."""
    imports, tasks = [], []
    for number, cls in enumerate(classes(BaseOperator)):
        arguments = "".join(f", {name}={written(value)}" for name, value in required_arguments(cls).items())
        imports.append(f"from {cls.__module__} import {cls.__name__}")
        tasks.append(f"    {cls.__name__}(task_id='task_{number}'{arguments})")
    for decorator in get_provider_info()["task-decorators"]:
        module, _, name = decorator["class-name"].rpartition(".")
        imports.append(f"from {module} import {name}")
    return "\n".join(["from airflow.sdk import DAG", *imports, "with DAG('one_of_each'):", *tasks, ""])


def test_a_dag_with_every_operator_loads_nothing_heavy(tmp_path):
    path = tmp_path / "one_of_each.py"
    path.write_text(one_of_each())
    assert loaded_by(path) == ""


@pytest.mark.parametrize("path", sorted((ROOT / "dags").glob("*.py")), ids=lambda path: path.name)
def test_our_example_dags_load_nothing_heavy(path):
    assert loaded_by(path) == ""


def test_the_provider_info_imports_nothing():
    program = "import sys; import airflow_dataops.provider as p; p.get_provider_info(); print(*sys.modules)"
    command = [sys.executable, "-S", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {program}"]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.split()
    assert [name for name in loaded if name.split(".")[0] in {"airflow", "sqlalchemy", *HEAVY}] == []


def test_checking_files_loads_neither_airflow_nor_anything_heavy():
    program = (
        "import sys; from airflow_dataops.cli import main; main(['check', 'dags']); "
        "print('loaded:' + ','.join(sorted({name.split('.')[0] for name in sys.modules})), len(sys.modules))"
    )
    command = [sys.executable, "-c", program]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60).stdout
    loaded, _, number = told.rpartition("loaded:")[2].strip().rpartition(" ")
    assert {"airflow", "sqlalchemy", "sqlglot", "jsonschema", *HEAVY} & set(loaded.split(",")) == set()
    assert int(number) < MOST_MODULES_OF_CHECK
