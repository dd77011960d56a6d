from __future__ import annotations

import json
import os
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from airflow.sdk import Connection

from airflow_dataops.exceptions import BrokenCheckError, OutageError
from airflow_dataops.hooks.mlflow import MlflowHook, rest_client, tags_of
from airflow_dataops.hooks.mlflow_artifacts import folder_digest
from airflow_dataops.testing.processes import free_port
from tests.support.mlflow import stored_model

HOSTILE = ['"; DROP TABLE models; --', "Flüge ✈ 'späte'", "a`b' or \"c"]


def connect(monkeypatch, **fields):
    monkeypatch.setenv("AIRFLOW_CONN_MLFLOW_TEST", json.dumps({"conn_type": "mlflow", **fields}))
    return MlflowHook("mlflow_test")


def logged_model(hook, name="probe"):
    """Log a small model and return its run and its source."""
    experiment = hook.experiment(f"experiment of {name}")
    run = hook.create_run(experiment, "run", 1, {"dataops.run_key": "ab" * 32})
    return run, stored_model(hook, run, experiment)


@pytest.fixture(scope="module")
def hook(mlflow_server):
    return MlflowHook()


@pytest.fixture(scope="module")
def model(hook):
    return logged_model(hook)


def test_the_test_button_tells_version_and_address(hook, mlflow_server):
    worked, said = hook.test_connection()
    assert worked
    assert mlflow_server.address in said


def test_a_connection_nobody_made_is_a_clear_error_and_makes_no_database(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BrokenCheckError, match="no Airflow connection 'nowhere'") as caught:
        MlflowHook("nowhere").alias("flights", "champion")
    assert "AIRFLOW_CONN_NOWHERE" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("fields", [{}, {"host": ""}, {"host": "mlflow", "schema": "ftp"}])
def test_a_connection_without_a_server_is_a_clear_error(fields, monkeypatch):
    with pytest.raises(BrokenCheckError, match="names no MLflow server"):
        connect(monkeypatch, **fields).rest  # noqa: B018


@pytest.mark.parametrize(
    ("fields", "address"),
    [
        ({"host": "mlflow", "port": 5000}, "http://mlflow:5000"),
        ({"host": "mlflow", "schema": "https"}, "https://mlflow"),
        ({"host": "https://user:secret@mlflow.example/prefix/"}, "https://mlflow.example/prefix"),
        ({"host": "::1", "port": 5000, "schema": "http"}, "http://[::1]:5000"),
    ],
)
def test_host_port_and_schema_make_the_address_without_credentials(fields, address):
    if fields["host"] == "::1":
        fields = {**fields, "host": "[::1]"}
    assert rest_client(Connection(conn_id="c", conn_type="mlflow", **fields), "c").address == address


def test_a_dead_server_is_told_within_seconds_with_address_and_connection(monkeypatch):
    port = free_port()
    began = time.monotonic()
    with pytest.raises(OutageError, match=f"MLflow at http://127.0.0.1:{port} \\(connection 'mlflow_test'\\)"):
        connect(monkeypatch, host="127.0.0.1", port=port).alias("flights", "champion")
    assert time.monotonic() - began < 8


def test_a_silent_server_is_an_outage(monkeypatch):
    monkeypatch.setattr("airflow_dataops.hooks.mlflow_client.READ_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        hook = connect(monkeypatch, host="127.0.0.1", port=silent.getsockname()[1])
        with pytest.raises(OutageError, match="timed out"):
            hook.end_run("r", "KILLED", 1, timeout=0.3)


class Answers(BaseHTTPRequestHandler):
    """Answers every request with the status in the path's server and remembers what was asked."""

    status, body, seen = 500, b"{}", []

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        type(self).seen.append((self.command, self.headers.get("Authorization")))
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    do_GET = do_POST = do_DELETE = answer  # noqa: N815

    def log_message(self, *args):
        """Say nothing."""


@pytest.fixture
def answers():
    handler = type("Handler", (Answers,), {"seen": []})
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    handler.port = server.server_port
    yield handler
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_failing_server_is_an_outage_and_a_post_is_sent_once(status, answers, monkeypatch):
    answers.status = status
    hook = connect(monkeypatch, host="127.0.0.1", port=answers.port)
    with pytest.raises(OutageError, match=f"HTTP {status}"):
        hook.create_run("1", "run", 1, {})
    hook.rest.session.close()
    assert len(answers.seen) == 1


def test_a_server_that_is_not_mlflow_is_named(answers, monkeypatch):
    answers.status, answers.body = 200, b"<html>hello</html>"
    hook = connect(monkeypatch, host="127.0.0.1", port=answers.port)
    with pytest.raises(BrokenCheckError, match="is not MLflow"):
        hook.aliases("flights")
    hook.rest.session.close()


@pytest.mark.parametrize(("extra", "sent"), [({}, "Basic YWRhOnNlY3JldA=="), ({"auth": "bearer"}, "Bearer secret")])
def test_login_and_token_are_sent_but_never_shown(extra, sent, answers, monkeypatch):
    answers.status = 401
    hook = connect(monkeypatch, host="127.0.0.1", port=answers.port, login="ada", password="secret", extra=extra)
    with pytest.raises(BrokenCheckError) as caught:
        hook.aliases("flights")
    hook.rest.session.close()
    assert answers.seen == [("GET", sent)]
    assert "secret" not in str(caught.value)


def test_an_experiment_is_made_once_and_a_deleted_one_is_named(hook):
    first = hook.experiment(HOSTILE[0])
    assert hook.experiment(HOSTILE[0]) == first
    hook.rest.post("experiments/delete", experiment_id=first)
    with pytest.raises(BrokenCheckError, match="was deleted in MLflow"):
        hook.experiment(HOSTILE[0])


def test_a_run_is_found_by_its_key_and_keeps_what_is_logged(hook):
    experiment = hook.experiment("runs")
    run = hook.create_run(experiment, "run", 1, {"dataops.run_key": "cd" * 32})
    hook.log_batch(run, params={"depth": "3"}, tags={"a": "b"}, metrics={"auc": 0.5}, at=5)
    hook.set_tag(run, "c", "d")
    hook.end_run(run, "FINISHED", 10)
    (found,) = hook.runs(experiment, "dataops.run_key", "cd" * 32)
    assert (found["info"]["run_id"], found["info"]["status"]) == (run, "FINISHED")
    assert tags_of(found["data"]).items() >= {"a": "b", "c": "d"}.items()
    assert hook.run(run)["data"]["metrics"][0]["value"] == 0.5


@pytest.mark.parametrize("name", HOSTILE)
def test_versions_and_aliases_of_hostile_names(name, hook, model):
    run, info = model
    hook.ensure_model(name)
    hook.ensure_model(name)
    assert hook.alias(name, "champion") is None
    version = hook.create_version(name, info.model_uri, run, {"dataops.run_key": "ef" * 32}, info.model_id)
    assert [found["version"] for found in hook.versions(name, "dataops.run_key", "ef" * 32)] == [version]
    hook.set_alias(name, "champion", version)
    assert hook.alias(name, "champion") == version
    hook.delete_alias(name, "champion")
    hook.delete_alias(name, "champion")
    assert hook.alias(name, "champion") is None


def test_a_path_as_model_name_is_refused_in_mlflows_words(hook):
    with pytest.raises(BrokenCheckError, match=r"Invalid model name '../../x'"):
        hook.ensure_model("../../x")


def test_a_model_that_does_not_exist_has_no_alias(hook):
    assert hook.alias("nobody made this", "champion") is None


def test_a_downloaded_model_is_whole_and_loads(hook, model, tmp_path):
    run, info = model
    hook.ensure_model("download")
    digest = hook.artifact_digest(info.artifact_path)
    tags = {"dataops.model_digest": digest}
    version = hook.create_version("download", info.model_uri, run, tags, info.model_id)
    folder = hook.download_model("download", version, tmp_path / "deep" / "model")
    assert (folder / "MLmodel").is_file()
    assert folder_digest(folder) == digest
    assert [path.name for path in folder.parent.iterdir()] == ["model"]
    with pytest.raises(ValueError, match="not empty"):
        hook.download_model("download", version, folder)


def test_an_edited_model_is_refused_and_leaves_nothing(hook, model, tmp_path):
    run, info = model
    hook.ensure_model("edited")
    version = hook.create_version("edited", info.model_uri, run, {"dataops.model_digest": "0" * 64}, info.model_id)
    with pytest.raises(BrokenCheckError, match="not the ones that were registered"):
        hook.download_model("edited", version, tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_missing_artifacts_are_named(hook):
    with pytest.raises(BrokenCheckError, match="no files under"):
        hook.artifact_digest("mlflow-artifacts:/999/models/m-0/artifacts")


def test_the_environment_of_the_library_is_restored(hook, monkeypatch):
    monkeypatch.setenv("MLFLOW_RUN_ID", "inherited")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    before = dict(os.environ)
    with hook.environment("r1", "7"):
        assert os.environ["MLFLOW_RUN_ID"] == "r1"
        assert os.environ["MLFLOW_TRACKING_URI"] == hook.rest.address
    assert dict(os.environ) == before
