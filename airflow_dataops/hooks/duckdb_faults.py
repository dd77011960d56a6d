"""What DuckDB's errors mean: a file that is not what its name says, a full disk, or too little memory."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from airflow_dataops.core.words import plain
from airflow_dataops.exceptions import OutageError, SourceError

__all__ = ["begins_with", "engine_faults", "file_faults", "readable"]

FULL = ("no space left", "offload", "max_temp_directory_size", "disk quota", "file too large")
"""How DuckDB and the system say that a disk, or what may be used of it, is full."""

UTF16 = (b"\xff\xfe", b"\xfe\xff")


@contextmanager
def engine_faults(folder: str | Path) -> Iterator[None]:
    """Tell a full disk, which may be freed, from a limit of memory under which a query never runs.

    Args:
        folder: Where DuckDB puts what does not fit into memory.

    Raises:
        OutageError: The disk is full. A retry helps once there is space.
        SourceError: The memory does not suffice. A retry does not help.
    """
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        if is_full(error):
            free = f"{shutil.disk_usage(folder).free / 1e6:.0f} MB are free" if Path(folder).exists() else "it is gone"
            reason = f"there is too little space for what does not fit into memory; {free}"
            raise OutageError("The folder for temporary files", str(folder), reason=reason) from error
        if isinstance(error, duckdb.OutOfMemoryException):
            raise SourceError(
                f"The checks need more memory than DuckDB may use: {plain(first_line(error), 200)}",
                hint="raise memory_limit, or give it fewer threads",
            ) from error
        raise


@contextmanager
def file_faults(path: Path) -> Iterator[None]:
    """Tell of a file that DuckDB cannot read; a full disk is passed on as it is.

    Raises:
        SourceError: It is so. A retry does not help.
    """
    import duckdb

    try:
        yield
    except duckdb.Error as e:
        if is_full(e) or isinstance(e, duckdb.OutOfMemoryException):
            raise
        kind = path.suffix.lstrip(".").upper() or "a file"
        reason, hint = why_unreadable(path, e)
        raise SourceError(f"{path} cannot be read as {kind}: {reason}", hint=hint) from e


def is_full(error: Exception) -> bool:
    """Whether an error says that a disk is full."""
    return any(word in str(error).lower() for word in FULL)


def first_line(error: Exception) -> str:
    """Return the first line of an error; others may hold values."""
    return next(iter(str(error).strip().splitlines()), "no reason given")[:300]


def why_unreadable(path: Path, error: Exception) -> tuple[str, str]:
    """Return why a file cannot be read, without values of it, and what to do."""
    marked = path.is_file() and begins_with(path) in UTF16
    if marked or "utf-8" in str(error).lower() or "unicode" in str(error).lower():
        found = "it is UTF-16, not UTF-8" if marked else f"it is not UTF-8 ({first_line(error)})"
        other = "utf-16" if marked else "latin1"
        return f"{found}.", f"save it as UTF-8: iconv -f {other} -t utf-8 OLD > NEW"
    return first_line(error), "look at the first lines of the file; is it whole, and is it what its name says?"


def begins_with(path: Path) -> bytes:
    """Return the first two bytes of a file."""
    with path.open("rb") as file:
        return file.read(2)


def readable(path: Path) -> bool:
    """Whether there is something at a path.

    Raises:
        SourceError: We may not look. A retry does not help.
    """
    try:
        found = path.exists()
        if found and path.is_file():
            path.open("rb").close()
    except PermissionError as error:
        raise SourceError(
            f"{path} may not be read: permission denied.", hint="let the user that runs Airflow's tasks read it"
        ) from error
    return found
