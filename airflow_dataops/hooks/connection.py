"""What hooks share when they look their connection up."""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import BaseHook, Connection
from airflow.sdk.exceptions import AirflowNotFoundException

from airflow_dataops.exceptions import BrokenCheckError

__all__ = ["connected_folder", "existing_connection"]


def existing_connection(conn_id: str, hint: str) -> Connection:
    """Return the connection of this name.

    Raises:
        BrokenCheckError: There is none. A retry does not help.
    """
    try:
        return BaseHook.get_connection(conn_id)
    except AirflowNotFoundException as error:
        raise BrokenCheckError(f"There is no Airflow connection {conn_id!r}.", hint=hint) from error


def connected_folder(conn_id: str, default_conn_id: str, default: Path) -> Path:
    """Return the folder that a connection's extra field ``path`` names.

    Args:
        conn_id: The connection.
        default_conn_id: The one that need not exist.
        default: The folder where the connection names none.

    Raises:
        BrokenCheckError: There is no such connection. A retry does not help.
    """
    try:
        connection = existing_connection(conn_id, f"create it with the extra field path, or use {default_conn_id!r}")
    except BrokenCheckError:
        if conn_id != default_conn_id:
            raise
        return default
    return Path(connection.extra_dejson.get("path") or default).expanduser()
