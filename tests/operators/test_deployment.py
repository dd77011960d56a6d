"""Rollouts of real servers as local processes: old before new, whatever happens."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import threading
from pathlib import Path

import pytest
from airflow.sdk.exceptions import AirflowFailException
from airflow.sdk.log import mask_secret

from airflow_dataops.core.deployment import pointer_name
from airflow_dataops.core.ledger import Attempt, RunKey
from airflow_dataops.core.registry import pointer_name as champion_pointer
from airflow_dataops.hooks.ledger_store import LedgerStore
from airflow_dataops.hooks.mlflow import MlflowHook
from airflow_dataops.hooks.process import ProcessHook
from airflow_dataops.hooks.serving import invoke, ping
from airflow_dataops.operators.deployment import DeployModelOperator, RollbackModelOperator
from airflow_dataops.operators.registry import move_champion
from airflow_dataops.operators.rollout import Rollout
from tests.support.deaths import killed
from tests.support.served_models import BODY, EXAMPLE


@pytest.fixture
def processes(deployment, tmp_path, monkeypatch):
    """Give the processes of the test a folder of their own, and end them all after it."""
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path / "home"))
    hook = ProcessHook()
    yield hook
    for release in hook.releases(deployment):
        hook.stop(deployment, release.name)


@pytest.fixture
def server_socket():
    """Listen on a port, so that it is taken."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def deploy(deployment, models, version, **options):
    model = {"model": models.name, "version": version}
    return DeployModelOperator(task_id="deploy", deployment=deployment, model=model, target="process", **options)


def serving(ledger, deployment):
    return ledger.pointer(pointer_name(deployment)).value


def test_a_version_serves_and_the_next_one_takes_over(processes, deployment, served_models, ledger, make_context):
    first = deploy(deployment, served_models, served_models.good).execute(make_context(run_id="1"))
    assert first["image"] is None
    assert len(json.dumps(first)) < 2000
    status, answer = invoke(first["url"], BODY)
    assert (status, len(json.loads(answer)["predictions"])) == (200, len(EXAMPLE))

    second = deploy(deployment, served_models, served_models.better).execute(make_context(run_id="2"))
    assert ping(second["url"])
    assert not ping(first["url"])
    assert [release.name for release in processes.releases(deployment)] == [second["release"]]
    pointer = serving(ledger, deployment)
    assert pointer["version"] == served_models.better
    assert pointer["previous"]["version"] == served_models.good
    assert len(ledger.events(kind="deployment.released")) == 2


@pytest.mark.parametrize(
    ("fails", "said", "logged"),
    [
        ("raises", "it answered its own input example with status 400", "about to fail"),
        ("dies", "it ended by itself", "the model ends its server"),
    ],
)
def test_a_release_that_fails_is_removed_and_the_old_one_keeps_serving(
    fails, said, logged, processes, deployment, served_models, ledger, make_context, capfd
):
    old = deploy(deployment, served_models, served_models.good).execute(make_context(run_id="1"))
    station = deploy(deployment, served_models, getattr(served_models, fails))
    mask_secret("hunter2hunter2")
    with pytest.raises(AirflowFailException, match=said) as caught:
        station.execute(make_context(run_id="2"))
    assert f"version {served_models.good} keeps serving" in str(caught.value)
    shown = capfd.readouterr().out
    assert logged in shown
    assert "hunter2" not in shown
    assert ping(old["url"])
    assert serving(ledger, deployment)["release"] == old["release"]
    assert [release.name for release in processes.releases(deployment)] == [old["release"]]
    assert [event.event.subject for event in ledger.events(kind="deployment.rejected")] == [pointer_name(deployment)]


DEATHS = [
    (Rollout, "start", "before"),
    (ProcessHook, "bring_model", "after"),
    (Rollout, "start", "after"),
    (Rollout, "smoke_test", "after"),
    (Rollout, "switch", "after"),
    (ProcessHook, "stop", "before"),
    (LedgerStore, "complete", "before"),
]


def test_tries_that_die_at_every_step_one_after_the_other_leave_one_server(
    processes, deployment, served_models, ledger, make_context
):
    deploy(deployment, served_models, served_models.good).execute(make_context(run_id="1"))
    station = deploy(deployment, served_models, served_models.better)
    for number, (owner, step, when) in enumerate(DEATHS, start=1):
        context = make_context("deploy", run_id="2", number=number, max_tries=9)
        killed(owner, step, when, lambda context=context: station.execute(context))
        assert ping(serving(ledger, deployment)["url"]), "something serves at every moment"
        assert len(processes.releases(deployment)) <= 2

    result = station.execute(make_context("deploy", run_id="2", number=len(DEATHS) + 1, max_tries=9))
    assert [release.name for release in processes.releases(deployment)] == [result["release"]]
    assert ping(result["url"])
    assert serving(ledger, deployment)["version"] == served_models.better
    assert ledger.pointer(pointer_name(deployment)).version == 2
    assert len(ledger.events(kind="deployment.released")) == 2


def test_a_retry_of_a_finished_deployment_starts_nothing_and_a_cleared_one_starts_anew(
    processes, deployment, served_models, ledger, make_context
):
    station = deploy(deployment, served_models, served_models.good)
    first = station.execute(make_context("deploy"))
    assert station.execute(make_context("deploy", number=2)) == first
    again = station.execute(make_context("deploy", number=3, max_tries=5))
    assert again["release"] != first["release"]
    assert [release.name for release in processes.releases(deployment)] == [again["release"]]


def test_a_slower_rollout_gives_way_and_cleans_up(processes, deployment, served_models, ledger, make_context):
    slow = deploy(deployment, served_models, served_models.good)
    killed(Rollout, "smoke_test", "before", lambda: slow.execute(make_context("deploy", run_id="slow")))
    fast = deploy(deployment, served_models, served_models.better).execute(make_context("deploy", run_id="fast"))
    with pytest.raises(AirflowFailException, match="moved to version 1 while version 0 was expected"):
        slow.execute(make_context("deploy", run_id="slow", number=2))
    assert [release.name for release in processes.releases(deployment)] == [fast["release"]]
    # Whoever clears the task afterwards wants this version after all.
    mine = slow.execute(make_context("deploy", run_id="slow", number=3, max_tries=5))
    assert serving(ledger, deployment)["release"] == mine["release"]


def test_a_rollout_tells_of_its_own_release_when_the_next_one_is_served_already(
    processes, deployment, served_models, ledger, make_context, monkeypatch
):
    deploy(deployment, served_models, served_models.good).execute(make_context(run_id="0"))
    retire = Rollout.retire

    def overtaken(rollout, seen):
        monkeypatch.setattr(Rollout, "retire", retire)
        deploy(deployment, served_models, served_models.good).execute(make_context(run_id="2"))
        return retire(rollout, seen)

    monkeypatch.setattr(Rollout, "retire", overtaken)
    told = deploy(deployment, served_models, served_models.better).execute(make_context(run_id="1"))
    assert told["version"] == served_models.better
    assert serving(ledger, deployment)["version"] == served_models.good
    assert len({row.event.payload["release"] for row in ledger.events(kind="deployment.released")}) == 3


def test_a_server_that_has_not_said_its_number_yet_is_waited_for(processes, deployment, monkeypatch):
    folder = processes.folder(deployment, "r")
    folder.mkdir(parents=True)
    ended = []
    with (folder / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        monkeypatch.setattr(os, "kill", lambda pid, _number: (ended.append(pid), lock.close()))
        naming = threading.Timer(0.3, lambda: (lock.write("4194304"), lock.flush()))
        naming.start()
        processes.stop(deployment, "r")
        naming.join()
    assert ended == [4194304]


def test_a_try_that_comes_back_from_the_dead_takes_nothing_from_the_newer_one(
    processes, deployment, served_models, ledger, make_context, monkeypatch
):
    station = deploy(deployment, served_models, served_models.good)
    older = make_context("deploy")
    smoke_test = Rollout.smoke_test
    newer = []

    def sleep_while_the_next_try_works(rollout, seen):
        monkeypatch.setattr(Rollout, "smoke_test", smoke_test)
        newer.append(station.execute(make_context("deploy", number=2)))
        return smoke_test(rollout, seen)

    monkeypatch.setattr(Rollout, "smoke_test", sleep_while_the_next_try_works)
    with pytest.raises(AirflowFailException, match="overtaken by a newer try"):
        station.execute(older)
    assert ping(newer[0]["url"])
    assert serving(ledger, deployment)["release"] == newer[0]["release"]


def test_a_server_knows_nothing_of_airflows_environment(
    processes, deployment, served_models, ledger, make_context, monkeypatch
):
    monkeypatch.setenv("AIRFLOW_CONN_SECRET", "postgres://me:hunter2hunter2@db/x")
    deploy(deployment, served_models, served_models.good).execute(make_context())
    pid = next(int(path.read_text()) for path in processes.root.glob("*/releases/*/lock"))
    environment = Path(f"/proc/{pid}/environ").read_bytes()
    assert b"hunter2" not in environment
    assert b"AIRFLOW" not in environment
    assert os.getsid(pid) == pid or os.getsid(pid) != os.getsid(0)


def test_a_taken_port_is_a_clear_error_and_leaves_nothing(
    processes, deployment, served_models, ledger, make_context, server_socket
):
    port = server_socket.getsockname()[1]
    with pytest.raises(AirflowFailException, match="it ended by itself; nothing serves"):
        deploy(deployment, served_models, served_models.good, port=port).execute(make_context())
    assert processes.releases(deployment) == []


def test_a_container_needs_an_image(ledger, make_context):
    station = DeployModelOperator(task_id="deploy", deployment="x", model="models:/flights/3", target="docker")
    with pytest.raises(AirflowFailException, match="got no image"):
        station.execute(make_context())


def test_an_image_of_another_version_is_refused(ledger, make_context):
    image = {"image": "x:1", "image_id": "sha256:0", "model": "flights", "version": "2"}
    station = DeployModelOperator(task_id="deploy", deployment="x", model="models:/flights/3", image=image)
    with pytest.raises(AirflowFailException, match="got an image of version 2 of flights"):
        station.execute(make_context())


def test_a_process_takes_no_range_of_ports(ledger, make_context):
    options = {"deployment": "x", "model": "models:/flights/3", "target": "process"}
    station = DeployModelOperator(task_id="deploy", **options, port="8100-8109")
    with pytest.raises(AirflowFailException, match="listens on one port"):
        station.execute(make_context())


def test_an_unknown_target_is_named(ledger, make_context):
    station = DeployModelOperator(task_id="deploy", deployment="x", model="models:/flights/3", target="moon")
    with pytest.raises(AirflowFailException, match="Got the target 'moon'"):
        station.execute(make_context())


# -- rolling back ----------------------------------------------------------------------------------------


def promote(ledger, models, version, run_id):
    """Make the version champion, as a promotion does."""
    claim = ledger.claim(RunKey("x", "line", run_id, "promote"), Attempt(run_id))
    expected = ledger.pointer(champion_pointer(models.name)).version
    move_champion(ledger, claim, MlflowHook(), models.name, version, expected, "e" * 64)


def champion(models):
    return MlflowHook().alias(models.name, "champion"), MlflowHook().alias(models.name, "previous")


def roll_back(deployment, models, **options):
    return RollbackModelOperator(task_id="back", model=models.name, deployment=deployment, **options)


@pytest.fixture
def two_releases(processes, deployment, served_models, ledger, make_context):
    """Promote and serve a first version, then a second; return the second's result."""
    for version in (served_models.good, served_models.better):
        promote(ledger, served_models, version, f"p{version}")
        result = deploy(deployment, served_models, version).execute(make_context(run_id=version))
    return result


def test_a_rollback_brings_back_version_and_champion_without_mlflows_files(
    two_releases, processes, deployment, served_models, ledger, make_context, monkeypatch
):
    monkeypatch.setattr(MlflowHook, "download_model", None)  # the copy of the first version is still here
    result = roll_back(deployment, served_models, reason="too many complaints").execute(make_context("back"))
    assert [row.event.payload["reason"] for row in ledger.events(kind="model.rolled_back")] == ["too many complaints"]
    assert (result["version"], result["rolled_back_from"]) == (served_models.good, served_models.better)
    assert champion(served_models) == (served_models.good, served_models.better)
    assert [release.name for release in processes.releases(deployment)] == [result["release"]]
    assert ping(result["url"])
    assert serving(ledger, deployment)["version"] == served_models.good
    assert len(json.dumps(result)) < 2000

    # Once more, and everything is where it started.
    again = roll_back(deployment, served_models).execute(make_context("back", run_id="again"))
    assert again["version"] == served_models.better
    assert champion(served_models) == (served_models.better, served_models.good)


ROLLBACK_DEATHS = [
    (Rollout, "start", "after"),
    (Rollout, "switch", "after"),
    (MlflowHook, "set_alias", "after"),
    (LedgerStore, "complete", "before"),
]


def test_tries_of_a_rollback_that_die_at_every_step_end_at_the_same_version(
    two_releases, processes, deployment, served_models, ledger, make_context
):
    station = roll_back(deployment, served_models)
    for number, (owner, step, when) in enumerate(ROLLBACK_DEATHS, start=1):
        context = make_context("back", number=number, max_tries=9)
        killed(owner, step, when, lambda context=context: station.execute(context))
    result = station.execute(make_context("back", number=9, max_tries=9))
    assert result["version"] == served_models.good
    assert champion(served_models) == (served_models.good, served_models.better)
    assert [release.name for release in processes.releases(deployment)] == [result["release"]]
    assert len(ledger.events(kind="model.rolled_back")) == 1


def test_a_champion_that_was_never_served_is_taken_back_without_a_rollout(
    two_releases, processes, deployment, served_models, ledger, make_context
):
    promote(ledger, served_models, served_models.raises, "p3")
    result = roll_back(deployment, served_models).execute(make_context("back"))
    assert (result["version"], result["release"]) == (served_models.better, two_releases["release"])
    assert champion(served_models)[0] == served_models.better
    assert ping(two_releases["url"])


def test_nothing_to_roll_back_to_is_a_clear_error(processes, deployment, served_models, ledger, make_context):
    with pytest.raises(AirflowFailException, match="nothing to roll back to"):
        roll_back(deployment, served_models).execute(make_context("a"))
    deploy(deployment, served_models, served_models.good).execute(make_context())
    with pytest.raises(AirflowFailException, match="nothing to roll back to"):
        roll_back(deployment, served_models).execute(make_context("b"))
    assert len(processes.releases(deployment)) == 1
