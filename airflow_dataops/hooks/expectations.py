"""Suites of Great Expectations: where they lie, how they are read, and how they are carried out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from airflow.sdk import BaseHook

from airflow_dataops import settings
from airflow_dataops.core.quality_check import Suite
from airflow_dataops.core.quality_needs import prepared
from airflow_dataops.core.quality_options import GateOptions
from airflow_dataops.core.quality_suite import expectations_of, suite_of
from airflow_dataops.core.words import plain
from airflow_dataops.exceptions import BrokenCheckError
from airflow_dataops.hooks.connection import connected_folder
from airflow_dataops.hooks.quality_evaluation import Evaluation, evaluate
from airflow_dataops.hooks.suite import KINDS, read_document

__all__ = ["ExpectationsHook"]


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

    def load(
        self, suite: str, references: Collection[str] = (), now: datetime | None = None, *, stored: bool = False
    ) -> Suite:
        """Read a suite and check it: types, arguments, severities, tolerances.

        Args:
            suite: An absolute path, or a path below the folder of the suites.
            references: Names of the other tables that are given; checks on others are named, not run.
            now: What counts as now for checks on freshness; by default it is now.
            stored: Whether the data lie in a database, so that its own types can be checked.

        Raises:
            BrokenCheckError: The file or one of its expectations is wrong. A retry does not help.
        """
        document, source = read_document(self.path(suite))
        document = prepared(document, source, now=now or datetime.now(UTC), references=references, stored=stored)
        expectations_of(document, source)
        return suite_of(document, source)

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

    def evaluate(
        self,
        suite: Suite,
        path: Path,
        options: GateOptions | None = None,
        references: Mapping[str, Any] | None = None,
    ) -> AbstractContextManager[Evaluation]:
        """Carry out a suite on a parquet file; the file stays open, so that failing rows can be asked for.

        Args:
            suite: The suite.
            path: The file.
            options: A sample in place of all rows, and limits of the engine.
            references: The tables that checks refer to, by name: the path of a parquet file, or a list of paths.

        Raises:
            BrokenCheckError: The suite does not fit the data. A retry does not help.
        """
        return evaluate(suite, path, options, references)
