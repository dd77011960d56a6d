"""The proxy before the Docker engine lets through what deploying models needs, and nothing else."""

from __future__ import annotations

import http.client
import http.server
import os
import shutil
import socketserver
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_dataops.testing.processes import free_port
from tests.compose.conftest import ROOT

ALLOWED = [
    ("GET", "/_ping"),
    ("HEAD", "/_ping"),
    ("GET", "/version"),
    ("GET", "/v1.41/info"),
    ("GET", "/v1.41/containers/json?all=1&filters=%7B%22label%22%3A%5B%22a%22%5D%7D"),
    ("GET", "/v1.41/containers/flights-v1-0a1b/json"),
    ("GET", "/v1.41/containers/flights-v1-0a1b/logs?stdout=1&tail=50"),
    ("GET", "/v1.41/containers/flights-v1-0a1b/archive?path=%2Fopt%2Fdataops%2Fmodel%2Finput_example.json"),
    ("POST", "/v1.41/containers/create?name=flights-v1-0a1b"),
    ("POST", "/v1.41/containers/flights-v1-0a1b/start"),
    ("POST", "/v1.41/containers/flights-v1-0a1b/stop?t=30"),
    ("POST", "/v1.41/containers/flights-v1-0a1b/update"),
    ("POST", "/v1.41/containers/flights-v1-0a1b/wait"),
    ("DELETE", "/v1.41/containers/flights-v1-0a1b?force=1"),
    ("POST", "/v1.41/build?t=dataops/flights:3"),
    ("POST", "/v1.41/auth"),
    ("GET", "/v1.41/images/json"),
    ("GET", "/v1.41/images/sha256:0a1b/json"),
    ("GET", "/v1.41/images/localhost:5000/dataops/flights:3/json"),
    ("POST", "/v1.41/images/create?fromImage=python"),
    ("POST", "/v1.41/images/localhost:5000/dataops/flights/push?tag=3"),
    ("POST", "/v1.41/images/sha256:0a1b/tag?repo=dataops/flights"),
    ("DELETE", "/v1.41/images/sha256:0a1b"),
    ("GET", "/v1.41/networks/dataops-models"),
    ("POST", "/v1.41/networks/dataops-models/connect"),
]
DENIED = [
    ("POST", "/v1.41/containers/postgres/exec"),
    ("POST", "/containers/postgres/exec"),
    ("POST", "/v1.41/exec/0a1b/start"),
    ("POST", "/v1.41/containers/postgres/attach"),
    ("GET", "/v1.41/containers/postgres/attach/ws"),
    ("GET", "/v1.41/containers/postgres/export"),
    ("GET", "/v1.41/containers/postgres/archive?path=%2Fvar%2Flib%2Fpostgresql"),
    ("GET", "/v1.41/containers/postgres/archive?path=%2Fopt%2Fdataops%2Fmodel%2F..%2F..%2F..%2Fetc%2Fshadow.json"),
    ("PUT", "/v1.41/containers/postgres/archive?path=%2Fopt%2Fdataops%2Fmodel%2Finput_example.json"),
    ("POST", "/v1.41/containers/postgres/json"),
    ("POST", "/v1.41/containers/prune"),
    ("POST", "/v1.41/images/prune"),
    ("GET", "/v1.41/images/get?names=postgres"),
    ("POST", "/v1.41/images/load"),
    ("POST", "/v1.41/commit?container=postgres"),
    ("GET", "/v1.41/volumes"),
    ("POST", "/v1.41/volumes/create"),
    ("DELETE", "/v1.41/volumes/postgres"),
    ("POST", "/v1.41/swarm/init"),
    ("GET", "/v1.41/secrets"),
    ("GET", "/v1.41/plugins"),
    ("GET", "/v1.41/events"),
    ("POST", "/v1.41/session"),
    ("GET", "/v1.41/system/df"),
    ("POST", "/v1.41/build/prune"),
    # Paths that another reader could take for something else.
    ("POST", "/v1.41/images/x/../../containers/postgres/exec"),
    ("POST", "/v1.41//containers/postgres/exec"),
    ("POST", "/v1.41/containers/postgres%2Fexec"),
    ("POST", "/v1.41/images/x%2F..%2F..%2Fexec/tag"),
    ("POST", "/version"),
    ("DELETE", "/v1.41/networks"),
    ("GET", "/"),
]


class Engine(http.server.BaseHTTPRequestHandler):
    """Says yes to everything, so that a refusal is the proxy's."""

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 - names that the base class calls

    def address_string(self) -> str:
        return "proxy"

    def log_message(self, *arguments: object) -> None:
        pass


class UnixServer(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


@pytest.fixture(scope="module")
def proxy_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Start the real HAProxy with the real configuration before an engine that says yes to everything."""
    haproxy = shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin")
    if haproxy is None:
        pytest.skip("no HAProxy: as root on Debian run `make services`, or apt-get install haproxy")
    socket, port = tmp_path_factory.mktemp("engine") / "docker.sock", free_port()
    with UnixServer(str(socket), Engine) as engine:
        threading.Thread(target=engine.serve_forever, daemon=True).start()
        with start(haproxy, socket, port) as proxy:
            wait_for(port)
            yield port
            proxy.kill()
        engine.shutdown()


def start(haproxy: str, socket: Path, port: int) -> subprocess.Popen[bytes]:
    environment = {"ENGINE_SOCKET": str(socket), "LISTEN": f"127.0.0.1:{port}"}
    command = [haproxy, "-db", "-f", str(ROOT / "compose" / "docker-proxy.cfg")]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            if ask(port, "GET", "/_ping") == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError("HAProxy did not start in 20 s")


def ask(port: int, method: str, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path)
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()


@pytest.mark.parametrize(("method", "path"), ALLOWED)
def test_what_deploying_needs_passes(proxy_port: int, method: str, path: str) -> None:
    assert ask(proxy_port, method, path) == 200


@pytest.mark.parametrize(("method", "path"), DENIED)
def test_everything_else_is_refused(proxy_port: int, method: str, path: str) -> None:
    assert ask(proxy_port, method, path) == 403
