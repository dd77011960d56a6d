"""The scoring server answers as the model itself does, drains on SIGTERM, and is alone in its folder."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from airflow_dataops.hooks.serving import invoke, ping
from airflow_dataops.runtime import serve
from tests.support.served_models import EXAMPLE

START_SECONDS = 60


def command(model: Path, state: Path, *more: str) -> list[str]:
    return [sys.executable, "-P", str(serve.__file__), "--model", str(model), "--state-dir", str(state), *more]


def start(model: Path, state: Path, *more: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command(model, state, *more), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def wait_for_state(state: Path) -> dict:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if found := serve.read_state(state):
            return found
        time.sleep(0.1)
    raise TimeoutError(f"no server in {state}")


@pytest.fixture(scope="module")
def server(model_folder, tmp_path_factory):
    state = tmp_path_factory.mktemp("state")
    process = start(model_folder, state, "--label", "dataops.model=Flüge=1")
    try:
        yield wait_for_state(state)
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def expected(model_folder):
    import mlflow.pyfunc

    return mlflow.pyfunc.load_model(str(model_folder)).predict(EXAMPLE).tolist()


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_split": EXAMPLE.to_dict(orient="split", index=False)},
        {"dataframe_records": EXAMPLE.to_dict(orient="records")},
        {"instances": EXAMPLE.to_dict(orient="records")},
        {"inputs": EXAMPLE.to_dict(orient="list")},
    ],
    ids=lambda body: next(iter(body)),
)
def test_every_form_of_request_is_answered_as_the_model_answers(server, expected, body):
    status, answer = invoke(server["url"], body)
    assert status == 200
    assert json.loads(answer)["predictions"] == expected


def test_a_wrong_request_is_refused_and_the_server_lives_on(server):
    status, _ = invoke(server["url"], {"instances": [{"nothing": 1}]})
    assert status == 400
    assert ping(server["url"])


def test_the_state_file_tells_pid_port_url_and_labels(server):
    assert server["labels"] == {"dataops.model": "Flüge=1"}
    assert server["url"] == f"http://127.0.0.1:{server['port']}"
    os.kill(server["pid"], 0)


def test_the_check_needs_no_model_and_tells_by_its_exit_code(server):
    assert serve.main(["--check", f"{server['url']}/ping"]) == 0
    assert serve.main(["--check", "http://127.0.0.1:9/ping"]) == 1


def test_one_folder_has_one_server_and_sigterm_ends_it_with_success(model_folder, tmp_path):
    process = start(model_folder, tmp_path)
    state = wait_for_state(tmp_path)
    second = subprocess.run(command(model_folder, tmp_path), check=False, capture_output=True)
    assert second.returncode == serve.ALREADY_SERVED
    assert serve.holder(tmp_path) == state["pid"] == process.pid
    process.terminate()
    process.communicate(timeout=20)
    assert process.returncode == 0
    assert serve.holder(tmp_path) is None
    assert serve.read_state(tmp_path) is None


def test_requests_in_flight_are_answered_after_sigterm(model_folder, tmp_path):
    process = start(model_folder, tmp_path)
    url = wait_for_state(tmp_path)["url"]
    rows = 200_000
    body = {"dataframe_split": {"columns": list(EXAMPLE), "data": [[1.0, 2.0]] * rows}}
    answers = []
    client = threading.Thread(target=lambda: answers.append(invoke(url, body)))
    client.start()
    time.sleep(0.4)
    process.send_signal(signal.SIGTERM)
    client.join(60)
    process.communicate(timeout=20)
    assert process.returncode == 0
    status, answer = answers[0]
    assert status == 200
    assert len(json.loads(answer)["predictions"]) == rows


def test_a_detached_server_holds_its_lock_when_the_starter_returns(model_folder, tmp_path):
    with (tmp_path / "log").open("wb") as log:
        started = subprocess.run(command(model_folder, tmp_path, "--detach"), check=False, stdout=log, stderr=log)
    assert started.returncode == 0
    pid = serve.holder(tmp_path)
    assert pid
    try:
        # Also before it listens SIGTERM ends it, and nothing stays behind.
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + 20
        while serve.holder(tmp_path) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert serve.holder(tmp_path) is None
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
