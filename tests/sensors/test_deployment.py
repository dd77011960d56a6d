"""Waiting for what a deployment serves."""

from __future__ import annotations

import asyncio
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from airflow.sdk.exceptions import TaskDeferred

from airflow_dataops.core.deployment import pointer_name
from airflow_dataops.core.ledger import Attempt, RunKey
from airflow_dataops.hooks.ledger_store import LedgerStore
from airflow_dataops.hooks.process import ProcessHook
from airflow_dataops.sensors.deployment import ContainerHealthySensor
from airflow_dataops.triggers.deployment import ContainerHealthyTrigger


class Healthy(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/ping" else 404)
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def served():
    """Serve something that is healthy."""
    with HTTPServer(("127.0.0.1", 0), Healthy) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def point(ledger: LedgerStore, url: str | None) -> None:
    name = pointer_name("flights")
    before = ledger.pointer(name).version
    claim = ledger.claim(RunKey("x", "d", str(before), "t"), Attempt("1"))
    told = {"deployment": "flights", "model": "late", "version": "3", "target": "process", "release": "r", "url": url}
    ledger.move_pointer(claim, name, before, told)


def sensor(**options) -> ContainerHealthySensor:
    return ContainerHealthySensor(task_id="wait", deployment="flights", poke_interval=0.05, timeout=20, **options)


def test_a_healthy_deployment_is_found_at_once(served, ledger, make_context):
    point(ledger, served)
    found = sensor(deferrable=True).execute(make_context())
    assert (found["version"], found["url"], found["release"]) == ("3", served, "r")


def test_the_sensor_defers_until_something_healthy_serves(served, ledger, make_context):
    with pytest.raises(TaskDeferred) as deferred:
        sensor(deferrable=True).execute(make_context())

    async def wait():
        events = deferred.value.trigger.run()
        first = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0.2)
        assert not first.done()
        await asyncio.to_thread(point, ledger, "http://127.0.0.1:9")
        await asyncio.sleep(0.2)
        assert not first.done()
        await asyncio.to_thread(point, ledger, served)
        return await asyncio.wait_for(first, 20)

    event = asyncio.run(wait())
    assert event.payload["url"] == served
    assert sensor().execute_complete(make_context(), event.payload)["url"] == served


def test_a_worker_waits_without_the_triggerer_too(served, ledger, make_context):
    point(ledger, served)
    assert sensor(deferrable=False).execute(make_context())["url"] == served


def test_another_server_on_the_port_of_a_dead_release_is_not_taken_for_it(
    served, ledger, make_context, tmp_path, monkeypatch
):
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    point(ledger, served)
    folder = ProcessHook().folder("flights", "r")
    folder.mkdir(parents=True)
    known = {"name": "r", "deployment": "flights", "based_on": 0, "labels": {}}
    (folder / "release.json").write_text(json.dumps(known))
    assert not sensor().poke(make_context())


def test_the_trigger_survives_serialisation():
    path, arguments = ContainerHealthyTrigger("flights", 3.0, "a", "b").serialize()
    assert path == "airflow_dataops.triggers.deployment.ContainerHealthyTrigger"
    assert ContainerHealthyTrigger(**arguments).serialize() == (path, arguments)
