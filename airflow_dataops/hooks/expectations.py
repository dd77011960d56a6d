"""Suites of Great Expectations: where they lie, how they are read, and how they are carried out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from airflow.sdk import BaseHook

from airflow_dataops import settings
from airflow_dataops.core.quality_check import CheckResult, Suite
from airflow_dataops.core.quality_suite import expectations_of, suite_of
from airflow_dataops.core.words import plain
from airflow_dataops.exceptions import BrokenCheckError
from airflow_dataops.hooks import expectations_engine
from airflow_dataops.hooks.connection import connected_folder

__all__ = ["Evaluation", "ExpectationsHook"]

KINDS = (".json", ".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What carrying out a suite found.

    Args:
        results: One per check, in the suite's order.
        rows: How many rows were judged.
        report: The same in the form of Great Expectations' validation result, without values out of rows.
    """

    results: tuple[CheckResult, ...]
    rows: int
    report: dict[str, Any]


class ExpectationsHook(BaseHook):
    """Reads suites as Great Expectations 1.x writes them (JSON or YAML) and carries them out on snapshots.

    Args:
        expectations_conn_id: A connection of type ``dataops_expectations`` whose extra field ``path`` names
            the folder against which relative suite paths are resolved. Without such a connection
            ``[dataops] suites_path`` counts, by default Airflow's folder of DAGs.
    """

    conn_name_attr = "expectations_conn_id"
    default_conn_name = "dataops_expectations"
    conn_type = "dataops_expectations"
    hook_name = "DataOps Expectations"

    def __init__(self, expectations_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.expectations_conn_id = expectations_conn_id

    @cached_property
    def root(self) -> Path:
        """The folder of the suites."""
        return connected_folder(self.expectations_conn_id, self.default_conn_name, settings.suites_path())

    def get_conn(self) -> Path:
        """Return the folder of the suites."""
        return self.root

    def test_connection(self) -> tuple[bool, str]:
        """Look whether the folder is there, for the Test button of the UI."""
        if not self.root.is_dir():
            return False, f"There is no folder of suites at {self.root}."
        suites = sum(path.suffix.lower() in KINDS for path in self.root.rglob("*"))
        return True, f"The folder {self.root} holds {suites} files that may be suites."

    def load(self, suite: str) -> Suite:
        """Read a suite and check it: types, arguments, severities, tolerances.

        Args:
            suite: An absolute path, or a path below the folder of the suites.

        Raises:
            BrokenCheckError: The file or one of its expectations is wrong. A retry does not help.
        """
        path = self.path(suite)
        document = parsed(path)
        source = plain(path.name)
        return suite_of(document, source, expectations_engine.row_levels(expectations_of(document, source), source))

    def path(self, suite: str) -> Path:
        """Return where a suite lies.

        Raises:
            BrokenCheckError: A relative path leaves the folder of the suites.
        """
        path = (self.root / Path(suite).expanduser()).resolve()
        if not Path(suite).expanduser().is_absolute() and not path.is_relative_to(self.root.resolve()):
            raise BrokenCheckError(
                f"The suite {plain(suite)!r} lies outside of the folder of suites, {self.root}.",
                hint="give an absolute path, or move the suite",
            )
        return path

    def evaluate(self, suite: Suite, path: Path) -> Evaluation:
        """Carry out a suite on a parquet file.

        Raises:
            BrokenCheckError: The suite does not fit the data. A retry does not help.
        """
        results, rows, report = expectations_engine.evaluate(suite, path)
        return Evaluation(tuple(results), rows, report)


def parsed(path: Path) -> Any:
    """Return the content of a JSON or YAML file.

    Raises:
        BrokenCheckError: The file is missing, of another kind or broken; names the line.
    """
    if path.suffix.lower() not in KINDS:
        raise BrokenCheckError(
            f"The suite {path} is of a kind we cannot read; allowed: {', '.join(KINDS)}.", hint="rename or convert it"
        )
    try:
        text = path.read_text("utf-8")
        return json.loads(text) if path.suffix.lower() == ".json" else yaml.safe_load(text)
    except OSError as error:
        raise BrokenCheckError(
            f"The suite {path} cannot be read: {error.strerror}.", hint="is the path right, and do all workers see it?"
        ) from error
    except UnicodeDecodeError as error:
        raise BrokenCheckError(f"The suite {path} is not text in UTF-8.", hint="save it as UTF-8") from error
    except json.JSONDecodeError as error:
        raise BrokenCheckError(
            f"The suite {path} is not JSON: {error.msg} in line {error.lineno}.", hint="mend that line"
        ) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" in line {mark.line + 1}" if mark else ""
        raise BrokenCheckError(
            f"The suite {path} is not YAML: {getattr(error, 'problem', None) or 'broken'}{place}.",
            hint="mend that line",
        ) from error
