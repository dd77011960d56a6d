"""Files in object storage, brought near through fsspec: a suite asks many questions, the network only one."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

from airflow_dataops.core.words import plain
from airflow_dataops.exceptions import BrokenCheckError, OutageError, SourceError

__all__ = ["brought", "is_remote"]


def is_remote(data: Any) -> bool:
    """Whether data are the address of a file in object storage, as text or as Airflow's `ObjectStoragePath`."""
    if isinstance(data, str):
        return "://" in data and not data.startswith("file:")
    return hasattr(type(data), "fs")  # of the class: a frame may have a column of that name


def brought(data: Any, folder: str) -> Path:
    """Return a copy of a file in object storage.

    Args:
        data: The address, such as ``s3://bucket/orders.parquet``, or Airflow's `ObjectStoragePath`.
        folder: Where the copy lies.

    Raises:
        SourceError: There is no such file. A retry does not help.
        BrokenCheckError: Nothing that is installed speaks this protocol. A retry does not help.
        OutageError: The storage does not answer. A retry helps.
    """
    system, inside = system_of(data)
    copy, shown = Path(folder) / PurePosixPath(inside).name, plain(str(data), 300)
    try:
        system.get_file(inside, str(copy))
    except FileNotFoundError as error:
        raise SourceError(
            f"There is no file at {shown}.", hint="has the delivery arrived, and is the name right?"
        ) from error
    except Exception as error:  # each storage has errors of its own
        raise OutageError("The storage", shown, reason=type(error).__name__) from error
    return copy


def system_of(data: Any) -> tuple[Any, str]:
    """Return the file system of an address, and the path inside of it.

    Raises:
        BrokenCheckError: Nothing that is installed speaks this protocol. A retry does not help.
    """
    if not isinstance(data, str):
        return data.fs, str(data.path)
    import fsspec

    try:
        system, inside = fsspec.core.url_to_fs(data)
    except (ImportError, ValueError) as error:
        raise BrokenCheckError(
            f"{plain(data, 300)} cannot be reached: {plain(str(error), 200)}",
            hint="install the file system of its protocol, such as s3fs or gcsfs",
        ) from error
    return system, str(inside)
