"""The built wheel is what people install: it holds everything and brings nothing else out of place."""

from __future__ import annotations

import email
import importlib.metadata
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.support.package import PACKAGE, ROOT

MLFLOW = ("mlflow", "mlflow-skinny", "mlflow-tracing")
CONSTRAINTS = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines())


def uv(*arguments: object, timeout: float = 600) -> str:
    """Run uv, which `make` put beside this Python; return what it said."""
    beside = Path(sys.executable).with_name("uv")
    command = str(beside) if beside.exists() else shutil.which("uv")
    if command is None:
        pytest.skip("uv is missing: `pip install uv`, or run the tests with `make test`")
    done = subprocess.run(
        [command, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, check=False, timeout=timeout
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def run_in(folder: Path, *command: str | Path) -> str:
    """Run a command where our sources do not lie; return what it printed."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def make_environment(folder: Path) -> Path:
    """Make an empty environment and return its Python."""
    uv("venv", "--quiet", "--python", sys.executable, folder)
    return folder / "bin" / "python"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    uv("build", "--wheel", "--quiet", "--out-dir", folder)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel, not our sources, beside the dependencies of this environment."""
    folder = tmp_path_factory.mktemp("installed")
    python = make_environment(folder / "venv")
    uv("pip", "install", "--quiet", "--no-deps", "--python", python, wheel)
    site_packages = next((folder / "venv" / "lib").glob("python*/site-packages"))
    dependencies = Path(pytest.__file__).parents[1]
    (site_packages / "dependencies.pth").write_text(f"{dependencies}\n")
    return folder / "venv" / "bin"


# -- what is in it ---------------------------------------------------------------------------------------------


def test_the_wheel_holds_every_file_of_the_package(names):
    ours = {
        str(path.relative_to(ROOT)) for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    }
    assert ours - names == set()
    assert {"airflow_dataops/py.typed", "airflow_dataops/hooks/ledger_migrations/versions/0001_four_tables.py"} <= names


def test_the_wheel_holds_nothing_else(names):
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"airflow_dataops"}


def test_the_wheel_says_what_it_is(wheel, names):
    with zipfile.ZipFile(wheel) as archive:
        inside = next(name for name in names if name.endswith(".dist-info/METADATA"))
        metadata = email.message_from_bytes(archive.read(inside))
    assert metadata["Name"] == "airflow-dataops"
    assert metadata["License-Expression"] == "Apache-2.0"
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert "Framework :: Apache Airflow :: Provider" in metadata.get_all("Classifier")
    assert {entry.split(",")[0] for entry in metadata.get_all("Project-URL")} >= {
        "Documentation",
        "Source",
        "Changelog",
    }


# -- what it does when installed -------------------------------------------------------------------------------


def test_the_installed_command_migrates_a_ledger(installed, tmp_path):
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    said = run_in(tmp_path, installed / "airflow-dataops", "ledger", "upgrade", "--ledger-url", url)
    assert said == f"The ledger at {url} is at revision 0001.\n"


def test_the_installed_entry_points_load(installed, tmp_path):
    program = """
import importlib.metadata as metadata, airflow_dataops
print(airflow_dataops.__file__)
for point in metadata.distribution("airflow-dataops").entry_points:
    print(point.group, point.name, bool(point.load()))
"""
    said = run_in(tmp_path, installed / "python", "-c", program)
    assert str(installed.parent) in said, "our sources were loaded instead of the wheel"
    for line in (
        "airflow.plugins dataops True",
        "apache_airflow_provider provider_info True",
        "console_scripts airflow-dataops True",
    ):
        assert line in said


def test_the_wheel_moves_only_what_mlflow_forbids_in_an_existing_airflow(wheel, tmp_path):
    airflow = f"apache-airflow[docker,pandas,postgres]=={CONSTRAINTS['apache-airflow']}"
    python = make_environment(tmp_path / "venv")
    # Newest versions of all else, as in an image made today; pyarrow comes with many providers.
    uv("pip", "install", "--quiet", "--python", python, airflow, "pyarrow")
    plan = uv(
        "pip", "install", "--dry-run", "--python", python, wheel, f"apache-airflow=={CONSTRAINTS['apache-airflow']}"
    )
    leaving = dict(re.findall(r"^ - (\S+)==(\S+)$", plan, re.MULTILINE))
    coming = dict(re.findall(r"^ \+ (\S+)==(\S+)$", plan, re.MULTILINE))
    assert Version(coming["mlflow"]) >= Version("3")
    assert set(leaving) <= set(coming), "nothing may be removed for good"
    assert "pyarrow" in leaving or Version(coming.get("pyarrow", "0")) < Version("1"), plan
    unasked = {name: version for name, version in leaving.items() if not forbidden_by_mlflow(name, version)}
    assert unasked == {}
    assert not any(name.startswith("apache-airflow") for name in leaving)


def forbidden_by_mlflow(name: str, version: str) -> bool:
    """Whether MLflow's own requirements exclude this version."""
    requirements = [Requirement(text) for package in MLFLOW for text in importlib.metadata.requires(package) or ()]
    return any(
        canonicalize_name(requirement.name) == name
        and (requirement.marker is None or requirement.marker.evaluate({"extra": ""}))
        and not requirement.specifier.contains(version, prereleases=True)
        for requirement in requirements
    )
