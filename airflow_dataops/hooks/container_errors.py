"""What the Docker SDK raises, in our words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from airflow.providers.common.compat.sdk import redact
from airflow.sdk.exceptions import AirflowException

from airflow_dataops.exceptions import BrokenCheckError, DataOpsError, OutageError

__all__ = ["reaching", "short"]


@contextmanager
def reaching(address: str, conn_id: str) -> Iterator[None]:
    """Turn what the Docker SDK raises into our errors; "there is no such thing" passes through.

    Raises:
        BrokenCheckError: The engine or its registry refuses. A retry does not help.
        OutageError: The engine does not answer. A retry helps.
    """
    import docker.errors
    import requests
    import urllib3

    try:
        yield
    except docker.errors.NotFound:
        raise
    except docker.errors.APIError as error:
        raise refusal(error, address, conn_id) from error
    except (docker.errors.DockerException, requests.RequestException, urllib3.exceptions.HTTPError) as error:
        raise OutageError("The Docker engine", address, conn_id, short(error)) from error
    except AirflowException as error:
        # The provider's hook logs the reason and raises without it.
        raise OutageError("The Docker engine", address, conn_id) from error


def refusal(error: Any, address: str, conn_id: str) -> DataOpsError:
    """Return our error for an answer of the engine that is not a success."""
    said = str(redact(str(error.explanation or error)))[:500]
    if "port is already allocated" in said or "address already in use" in said:
        return BrokenCheckError(
            f"The engine at {address} cannot publish the container, because its port is taken: {said}",
            hint="leave the port at 0, which takes a free one, or give a range such as 8100-8109",
        )
    if error.is_server_error() and "unauthorized" not in said.lower():
        return OutageError("The Docker engine", address, conn_id, said)
    return BrokenCheckError(
        f"The Docker engine at {address} (connection {conn_id!r}) refuses: {said}",
        hint="correct what it names: the image, the network, or the registry's login in the connection",
    )


def short(error: object) -> str:
    """Return the reason in one bounded line."""
    return str(redact(str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__))[:300]
