"""What every place that can serve a model offers, and how a served model is asked."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import urlsplit

from airflow_dataops.core.deployment import Release, Running

__all__ = ["ServingTarget", "invoke", "ping"]


class ServingTarget(Protocol):
    """A place that serves models: a Docker engine, local processes; a swarm or a cluster later."""

    kind: str
    """How the place is called in results: "docker", "process"."""

    def start(self, release: Release, labels: Mapping[str, str]) -> None:
        """Start the release; one that is there under its name already is adopted, a dead one replaced."""

    def observe(self, deployment: str, name: str) -> Running | None:
        """Return what is there under the name, dead or alive; None when nothing is."""

    def releases(self, deployment: str) -> Sequence[Running]:
        """Return all releases of the deployment, dead or alive."""

    def example(self, deployment: str, name: str) -> dict[str, Any] | None:
        """Return a request made from the example that the served model was logged with."""

    def logs(self, deployment: str, name: str, lines: int = 50) -> str:
        """Return the last lines that the release wrote, without secrets; empty when there are none."""

    def keep(self, deployment: str, name: str) -> None:
        """See to it that a proven release comes back after a restart of its host, where the place can."""

    def stop(self, deployment: str, name: str) -> None:
        """Let requests in flight finish, then stop and remove the release; nothing happens when it is gone."""


def ping(url: str, timeout: float = 3.0) -> bool:
    """Whether the model at `url` says that it is healthy."""
    try:
        status, _ = ask(url, "GET", "/ping", timeout=timeout)
    except (OSError, http.client.HTTPException):
        return False
    return status == http.client.OK


def invoke(url: str, request: Mapping[str, Any], timeout: float = 30.0) -> tuple[int, bytes]:
    """Send a request to the model at `url` and return status and body.

    Raises:
        OSError: It does not answer in time.
        HTTPException: It breaks the answer off.
    """
    return ask(url, "POST", "/invocations", body=json.dumps(request).encode(), timeout=timeout)


def ask(url: str, method: str, path: str, *, body: bytes | None = None, timeout: float) -> tuple[int, bytes]:
    """Send one HTTP request; proxies of the environment do not apply, for the model is near."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port, timeout=timeout)
    try:
        connection.request(method, path, body=body, headers={"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()
