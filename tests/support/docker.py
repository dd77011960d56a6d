"""A real Docker engine for the tests; its containers start and stop one at a time, for engine 20.10 can deadlock."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest

URL = os.environ.get("DATAOPS_TEST_DOCKER_URL", "")
BASE_IMAGE = os.environ.get("DATAOPS_TEST_BASE_IMAGE", "python:3.11-slim")
HOW = (
    "no Docker engine: set DATAOPS_TEST_DOCKER_URL=unix:///var/run/docker.sock (and DATAOPS_TEST_BASE_IMAGE), "
    "or run `make services` as root on Debian"
)


def docker_connection(**fields: Any) -> str:
    """Return the connection to the test engine as JSON, as Airflow reads it from the environment."""
    extra = {"engine_url": URL, **fields.pop("extra", {})}
    return json.dumps({"conn_type": "dataops_docker", "extra": extra, **fields})


@pytest.fixture(scope="session")
def engine() -> Iterator[Any]:
    """Give the engine's client; whatever the session's models left on it is removed at the end."""
    if not URL:
        pytest.skip(HOW)
    import docker

    client = docker.APIClient(URL, version="auto", timeout=60)
    before = {image["Id"] for image in client.images()}
    mine = f"session={os.getpid()}"
    yield client
    for container in client.containers(all=True, filters={"label": ["dataops.run_key"]}):
        if container["Labels"].get("dataops.deployment", "").startswith(mine):
            client.remove_container(container["Id"], force=True)
    for image in client.images(filters={"label": ["dataops.run_key"]}):
        if image["Id"] not in before and image["Labels"].get("dataops.model", "").endswith(mine):
            client.remove_image(image["Id"], force=True)
    client.close()


@pytest.fixture
def docker_engine(engine: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let every operator of the test find the engine."""
    monkeypatch.setenv("AIRFLOW_CONN_DATAOPS_DOCKER", docker_connection())
    return engine


@pytest.fixture
def deployment(request: pytest.FixtureRequest) -> str:
    """Name a deployment that no other test or session uses."""
    return f"session={os.getpid()}/{request.node.name[:80]}"
