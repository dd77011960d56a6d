"""Files of DAGs, read as text to find who uses a dataset; none of their code runs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path, PurePath

from airflow_dataops.core.dag_scan import DagUse, scan
from airflow_dataops.exceptions import BrokenCheckError

__all__ = ["dag_uses"]


def dag_uses(folder: Path, paths: Sequence[PurePath], datasets: Collection[str]) -> tuple[list[DagUse], list[str]]:
    """Return the uses of files and datasets in a folder of DAGs, and the files that could not be read.

    Args:
        folder: The folder.
        paths: Files of suites and contracts.
        datasets: Names of datasets.

    Raises:
        BrokenCheckError: There is no such folder. A retry does not help.
    """
    if not folder.is_dir():
        raise BrokenCheckError(f"There is no folder of DAGs at {folder}.", hint="give the folder that Airflow reads")
    sources, unread = readable(folder)
    uses: list[DagUse] = []
    for name, text in sources.items():
        try:
            uses += scan(text, name, paths, datasets)
        except (SyntaxError, ValueError, RecursionError):
            unread.append(name)
    return uses, sorted(unread)


def readable(folder: Path) -> tuple[dict[str, str], list[str]]:
    """Return the text of each Python file, and the files that are no text."""
    sources, unread = {}, []
    for path in sorted(folder.rglob("*.py")):
        try:
            sources[str(path.relative_to(folder))] = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            unread.append(str(path.relative_to(folder)))
    return sources, unread
