"""The engine as a connection: what happens when it is down, hangs, comes back, or refuses."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import shutil
import socket
import threading
from pathlib import Path

import pytest

from airflow_dataops.exceptions import BrokenCheckError, OutageError
from airflow_dataops.hooks.container import ContainerHook
from airflow_dataops.operators.deployment import DeployModelOperator
from tests.support.docker import URL

# The Docker SDK forgets to close the socket of a connection that it could not make.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")

IMAGE = {"image": "x:1", "image_id": "sha256:" + "0" * 64, "model": "late", "version": "1"}


@pytest.fixture(autouse=True)
def _forget_sockets_here():
    yield
    gc.collect()


def connect(monkeypatch, **fields):
    monkeypatch.setenv("AIRFLOW_CONN_DATAOPS_DOCKER", json.dumps({"conn_type": "dataops_docker", **fields}))


@pytest.fixture
def short_path(tmp_path_factory):
    """Give a folder for sockets, whose paths may have 107 characters."""
    folder = Path("/tmp") / f"dataops-{os.getpid()}"
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("url", ["tcp://me:sec@ret@h:2375", "tcp://me:sec/ret@h", "ssh://me:sec:ret@h"])
def test_a_password_in_the_engines_address_is_not_shown(url, monkeypatch):
    connect(monkeypatch, extra={"engine_url": url})
    assert "ret" not in ContainerHook().address


def test_an_address_that_names_no_engine_is_a_broken_check(monkeypatch):
    connect(monkeypatch, extra={"engine_url": "tcp://me:sec/ret@h"})
    with pytest.raises(BrokenCheckError, match="names no Docker engine"):
        ContainerHook().releases("flights")


def test_a_login_without_a_password_is_left_out_of_errors(monkeypatch):
    connect(monkeypatch, extra={"engine_url": "ssh://me@host:22"})
    assert ContainerHook().address == "ssh://host:22"


def test_an_engine_that_is_down_is_an_outage_with_address_and_connection(short_path, monkeypatch, ledger, make_context):
    address = f"unix://{short_path}/docker.sock"
    connect(monkeypatch, extra={"engine_url": address})
    with pytest.raises(OutageError) as caught:
        ContainerHook().releases("flights")
    assert address in str(caught.value)
    assert "'dataops_docker'" in str(caught.value)
    # In a task it stays an outage, which Airflow retries.
    station = DeployModelOperator(task_id="deploy", deployment="flights", model="models:/late/1", image=IMAGE)
    with pytest.raises(OutageError, match="does not answer"):
        station.execute(make_context())
    worked, said = ContainerHook().test_connection()
    assert not worked
    assert address in said


def test_an_engine_that_hangs_is_an_outage_within_its_time(short_path, monkeypatch):
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(f"{short_path}/docker.sock")
        silent.listen()
        connect(monkeypatch, extra={"engine_url": f"unix://{short_path}/docker.sock"})
        with pytest.raises(OutageError, match="does not answer"):
            ContainerHook(timeout=1).releases("flights")


def test_an_engine_behind_a_closed_port_is_an_outage_without_its_credentials(monkeypatch):
    connect(monkeypatch, extra={"engine_url": "tcp://me:hunter2hunter2@127.0.0.1:9"})
    with pytest.raises(OutageError, match=r"tcp://127\.0\.0\.1:9") as caught:
        ContainerHook().inspect("x")
    assert "hunter2" not in str(caught.value)


def test_without_a_connection_the_environment_names_the_engine(monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    assert ContainerHook().address == "unix:///nowhere/docker.sock"
    monkeypatch.delenv("DOCKER_HOST")
    assert ContainerHook().address == "unix:///var/run/docker.sock"


def test_a_connection_nobody_made_is_named():
    with pytest.raises(BrokenCheckError, match="no Airflow connection 'elsewhere'"):
        ContainerHook("elsewhere").releases("flights")


@pytest.mark.docker
def test_the_work_goes_on_when_the_engine_is_back(engine, short_path, monkeypatch):
    path = f"{short_path}/docker.sock"
    connect(monkeypatch, extra={"engine_url": f"unix://{path}"})
    hook = ContainerHook()
    with pytest.raises(OutageError):
        hook.inspect("nothing")
    with Forwarding(path, URL.removeprefix("unix://")):
        assert hook.inspect("nothing") is None
        assert hook.test_connection() == (
            True,
            f"Docker engine {engine.version()['Version']} answers at unix://{path}.",
        )


@pytest.mark.docker
def test_an_api_refusal_is_not_an_outage(docker_engine):
    hook = ContainerHook()
    with pytest.raises(BrokenCheckError, match="refuses"), hook.reaching():
        hook.engine.create_container("not a valid image name!", name="-")


class Forwarding:
    """A socket in front of the engine's, which can be absent and come back."""

    def __init__(self, path: str, engine: str) -> None:
        self.path, self.engine = path, engine
        self.open: list[socket.socket] = []
        self.threads: list[threading.Thread] = []

    def __enter__(self) -> None:
        self.listening = self.keep(socket.socket(socket.AF_UNIX))
        self.listening.bind(self.path)
        self.listening.listen()
        self.run(self.accept)

    def __exit__(self, *error: object) -> None:
        for one in self.open:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join()
        for one in self.open:
            one.close()

    def keep(self, one: socket.socket) -> socket.socket:
        self.open.append(one)
        return one

    def run(self, work, *arguments) -> None:
        thread = threading.Thread(target=work, args=arguments)
        self.threads.append(thread)
        thread.start()

    def accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client = self.keep(self.listening.accept()[0])
                server = self.keep(socket.socket(socket.AF_UNIX))
                server.connect(self.engine)
                self.run(pump, client, server)
                self.run(pump, server, client)


def pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            target.sendall(piece)
