from __future__ import annotations

import asyncio
import json

import pytest
from airflow.sdk.exceptions import TaskDeferred

from airflow_dataops.exceptions import OutageError
from airflow_dataops.operators.dataset import PublishDatasetOperator, SnapshotDatasetOperator
from airflow_dataops.sensors.dataset import DatasetPublishedSensor
from airflow_dataops.triggers.dataset import DatasetPublishedTrigger


@pytest.fixture
def publish(ledger, store_path, make_context, tmp_path):
    def run(number: int) -> None:
        path = tmp_path / f"{number}.csv"
        path.write_text(f"id\n{number}\n")
        taken = SnapshotDatasetOperator(task_id="snapshot", dataset="orders", partition="p", path=str(path)).execute(
            make_context("snapshot", run_id=f"r{number}")
        )
        PublishDatasetOperator(task_id="publish", dataset="orders", gate=taken).execute(
            make_context("publish", run_id=f"r{number}")
        )

    return run


def sensor(**options) -> DatasetPublishedSensor:
    return DatasetPublishedSensor(task_id="wait", dataset="orders", partition="p", poke_interval=0.05, **options)


def test_a_published_partition_is_found_at_once_without_deferring(publish, make_context):
    publish(1)
    assert sensor(deferrable=True).execute(make_context())["pointer"]["version"] == 1


def test_the_sensor_defers_until_a_newer_version_is_published(publish, make_context):
    publish(1)
    with pytest.raises(TaskDeferred) as deferred:
        sensor(deferrable=True, newer_than=1).execute(make_context())

    async def wait():
        events = deferred.value.trigger.run()
        first = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0.2)
        assert not first.done()
        await asyncio.to_thread(publish, 2)
        return await asyncio.wait_for(first, 20)

    event = asyncio.run(wait())
    assert event.payload["pointer"] == {"name": "dataset/orders/p", "version": 2}


def test_a_ledger_that_goes_away_while_the_task_waits_is_an_outage(ledger, make_context, monkeypatch):
    down = {"conn_type": "dataops_ledger", "host": "127.0.0.1", "port": 1, "login": "u", "password": "p%40'wort"}
    with pytest.raises(TaskDeferred) as deferred:
        sensor(deferrable=True).execute(make_context())
    monkeypatch.setenv("AIRFLOW_CONN_DATAOPS_LEDGER", json.dumps(down))
    event = asyncio.run(anext(deferred.value.trigger.run()))
    with pytest.raises(OutageError, match=r"127\.0\.0\.1:1.*'dataops_ledger'") as outage:
        sensor(deferrable=True).execute_complete(make_context(), event.payload)
    assert "wort" not in str(event.payload)
    assert str(outage.value).count("hint: ") == 1


def test_the_trigger_survives_serialisation(ledger):
    trigger = DatasetPublishedTrigger("orders", "p", 3, 5.0, "dataops_ledger")
    path, arguments = trigger.serialize()
    assert path == "airflow_dataops.triggers.dataset.DatasetPublishedTrigger"
    assert DatasetPublishedTrigger(**arguments).serialize() == (path, arguments)
