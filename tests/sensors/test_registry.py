from __future__ import annotations

import asyncio
import json

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred

from airflow_dataops.exceptions import OutageError
from airflow_dataops.hooks.mlflow import MlflowHook
from airflow_dataops.sensors.registry import ModelVersionSensor
from airflow_dataops.testing.processes import free_port
from airflow_dataops.triggers.registry import ModelVersionTrigger
from tests.support.mlflow import stored_model


@pytest.fixture(scope="module")
def hook(mlflow_server):
    return MlflowHook()


@pytest.fixture(scope="module")
def stored(hook):
    run = hook.create_run(hook.experiment("sensor"), "run", 1, {})
    return run, stored_model(hook, run)


@pytest.fixture
def promote(hook, stored, model_name):
    """Register the next version and let the alias name it."""

    def do(alias="champion"):
        run, info = stored
        hook.ensure_model(model_name)
        version = hook.create_version(model_name, info.model_uri, run, {}, info.model_id)
        hook.set_alias(model_name, alias, version)
        return version

    return do


def sensor(model, **options):
    return ModelVersionSensor(task_id="wait", model=model, poke_interval=0.05, **options)


def test_a_champion_is_found_at_once_without_deferring(promote, model_name, make_context):
    promote()
    found = sensor(model_name, deferrable=True).execute(make_context())
    assert found == {"model": model_name, "alias": "champion", "version": "1"}
    assert sensor(model_name).execute(make_context()) == found


def test_the_sensor_defers_until_a_newer_version_is_champion(promote, model_name, make_context):
    promote()
    with pytest.raises(TaskDeferred) as deferred:
        sensor(model_name, deferrable=True, newer_than="1").execute(make_context())

    async def wait():
        events = deferred.value.trigger.run()
        first = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0.3)
        assert not first.done()
        await asyncio.to_thread(promote)
        return await asyncio.wait_for(first, 20)

    event = asyncio.run(wait())
    assert event.payload["version"] == "2"
    assert sensor(model_name).execute_complete(make_context(), event.payload) == event.payload


def test_a_model_nobody_made_is_waited_for(mlflow_server, model_name, make_context):
    with pytest.raises(TaskDeferred):
        sensor(model_name, deferrable=True).execute(make_context())


def test_the_trigger_does_not_hold_up_the_loop(mlflow_server, model_name):
    async def count():
        events = ModelVersionTrigger(model_name, poll_seconds=0.01).run()
        waiting = asyncio.ensure_future(anext(events))
        ticks = 0
        for _ in range(50):
            await asyncio.sleep(0.01)
            ticks += 1
        waiting.cancel()
        return ticks

    assert asyncio.run(asyncio.wait_for(count(), 10)) == 50


def test_a_dead_server_is_an_outage_also_in_the_triggerer(mlflow_server, model_name, make_context, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_MLFLOW_DEFAULT", mlflow_server.connection(port=free_port()))
    with pytest.raises(OutageError, match="mlflow_default"):
        sensor(model_name).poke(make_context())
    event = asyncio.run(anext(ModelVersionTrigger(model_name).run()))
    with pytest.raises(OutageError, match="mlflow_default"):
        sensor(model_name).execute_complete(make_context(), json.loads(json.dumps(event.payload)))


def test_a_connection_nobody_made_is_said(model_name, make_context):
    with pytest.raises(AirflowFailException, match="no Airflow connection 'nowhere'"):
        sensor(model_name, mlflow_conn_id="nowhere").poke(make_context())
    event = asyncio.run(anext(ModelVersionTrigger(model_name, mlflow_conn_id="nowhere").run()))
    with pytest.raises(AirflowFailException, match="no Airflow connection 'nowhere'"):
        sensor(model_name).execute_complete(make_context(), event.payload)


def test_a_restarted_server_skips_nothing_though_the_sensor_may_fail_softly(
    mlflow_server, model_name, make_context, monkeypatch
):
    monkeypatch.setenv("AIRFLOW_CONN_MLFLOW_DEFAULT", mlflow_server.connection(port=free_port()))
    event = asyncio.run(anext(ModelVersionTrigger(model_name).run()))
    waiting = sensor(model_name, deferrable=True, soft_fail=True)
    with pytest.raises(OutageError):
        waiting.resume_execution("execute_complete", {"event": event.payload}, make_context())


def test_the_trigger_survives_serialisation():
    trigger = ModelVersionTrigger("flights", "champion", 3, 5.0, "mlflow_default")
    path, arguments = trigger.serialize()
    assert path == "airflow_dataops.triggers.registry.ModelVersionTrigger"
    assert ModelVersionTrigger(**arguments).serialize() == (path, arguments)
