"""What goes over the wire to MLflow, and what never shows."""

from __future__ import annotations

import base64
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from airflow.sdk import Connection

from airflow_dataops.exceptions import BrokenCheckError
from airflow_dataops.hooks.mlflow import MlflowHook, rest_client
from airflow_dataops.hooks.mlflow_client import MlflowRest


@pytest.fixture
def heard():
    """Listen, answer like MLflow's health page, and remember who asked."""
    said: list[str] = []

    class Listening(BaseHTTPRequestHandler):
        def do_GET(self):
            said.append(self.headers["Authorization"])
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Listening) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield said, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("password", ["p@ss/w%rd\"'#", "пароль", "é"])
def test_every_password_reaches_the_server_as_it_is(heard, password):
    said, address = heard
    with MlflowRest(address, login="jo", password=password).session as session:
        session.get(address)
    assert base64.b64decode(said[0].removeprefix("Basic ")).decode() == f"jo:{password}"


def test_a_token_from_a_file_with_a_line_break_is_taken_without_it(heard):
    said, address = heard
    rest = MlflowRest(address, password="token\n", bearer=True)
    with rest.session as session:
        session.get(address)
    assert said == ["Bearer token"]
    assert rest.environment()["MLFLOW_TRACKING_TOKEN"] == "token"


@pytest.mark.parametrize("host", ["http://me:pa#secret@h", "http://me:secret/x@h", "h:secret", "http://[::secret"])
def test_a_host_that_is_no_address_is_a_broken_check_without_its_password(host):
    with pytest.raises(BrokenCheckError, match="names no MLflow server") as refused:
        rest_client(Connection(conn_id="x", conn_type="mlflow", host=host), "x")
    assert "secret" not in str(refused.value)
    assert refused.value.__suppress_context__


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("/nowhere/model", "no files of a model to be read at /nowhere/model"),
        ("weird://me:secret@x", "no files of a model to be read at weird://x"),
        ("s3://nobody/x", "not installed here"),
    ],
)
def test_files_that_mlflow_does_not_serve_and_we_cannot_read_are_a_broken_check(uri, said, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "boto3", None)
    monkeypatch.setitem(sys.modules, "botocore", None)
    hook = MlflowHook()
    hook.rest = MlflowRest("http://127.0.0.1:9")
    monkeypatch.setattr(hook, "model_version", lambda *_: {})
    monkeypatch.setattr(hook.rest, "get", lambda *_, **__: {"artifact_uri": uri})
    with pytest.raises(BrokenCheckError, match=said) as refused:
        hook.download_model("late", "1", tmp_path / "model")
    assert "secret" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []
