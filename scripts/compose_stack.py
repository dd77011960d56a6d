"""The project of docker-compose.yaml on locally built images: build, start, ask, remove; used by test_compose.py."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from airflow_dataops.testing.processes import free_port

__all__ = ["PROJECT", "ROOT", "Failure", "Stack", "expect", "indent", "say"]

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "tests" / "compose" / "images"
PROJECT = "dataops-compose-test"
MODELS_NETWORK = f"{PROJECT}-models"
DEFAULT_ENGINE = "unix:///var/run/docker.sock"
AIRFLOW_VERSION = "3.3.2"
LINE = "flights_line"
STAND_INS = ("postgres", "registry", "haproxy", "airflow-base")
SERVICES = (
    "postgres",
    "mlflow",
    "registry",
    "docker-proxy",
    "airflow-api-server",
    "airflow-scheduler",
    "airflow-dag-processor",
    "airflow-triggerer",
)
FIRST_AIRFLOW = SERVICES.index("airflow-api-server")
BUILD_SECONDS = 1200
START_SECONDS = 240
RUN_SECONDS = 900
CALL_SECONDS = 120


class Failure(Exception):  # noqa: N818 - the word that is printed
    """What the stack does not do as it should."""


class Stack:
    """The compose project, its ports and its secrets."""

    def __init__(self, folder: Path) -> None:
        self.env_file = folder / "compose.env"
        found = {**made_services(), **os.environ}
        self.base = found.get("DATAOPS_TEST_BASE_IMAGE", "local/python:3.11-bookworm")
        self.engine_url = found.get("DATAOPS_TEST_DOCKER_URL") or found.get("DOCKER_HOST") or DEFAULT_ENGINE
        self.ports = {name: free_port() for name in ("AIRFLOW_PORT", "MLFLOW_PORT", "REGISTRY_PORT")}
        made = subprocess.run(["sh", ROOT / "compose" / "make-env.sh"], capture_output=True, text=True, check=True)
        pairs = (line.split("=", 1) for line in made.stdout.splitlines() if not line.startswith("#"))
        self.secrets = dict(pairs)
        self.env_file.touch(mode=0o600)
        self.env_file.write_text("".join(f"{name}={value}\n" for name, value in self.variables().items()))

    @property
    def mlflow(self) -> str:
        """The address of MLflow."""
        return f"http://127.0.0.1:{self.ports['MLFLOW_PORT']}"

    @property
    def airflow(self) -> str:
        """The address of Airflow."""
        return f"http://127.0.0.1:{self.ports['AIRFLOW_PORT']}"

    def variables(self) -> dict[str, str]:
        """Return the variables of the compose file."""
        return {
            **self.secrets,
            **{name: str(port) for name, port in self.ports.items()},
            "AIRFLOW_BASE_IMAGE": f"local/airflow-base:{AIRFLOW_VERSION}",
            "AIRFLOW_IMAGE": f"local/airflow:{AIRFLOW_VERSION}",
            "DATAOPS_MODELS_NETWORK": MODELS_NETWORK,
            "DOCKER_PROXY_IMAGE": "local/haproxy:test",
            "DOCKER_SOCKET": self.engine_url.removeprefix("unix://"),
            "MLFLOW_BASE_IMAGE": self.base,
            "MLFLOW_IMAGE": "local/mlflow:test",
            "MODEL_BASE_IMAGE": self.base,
            "POSTGRES_IMAGE": "local/postgres:test",
            "REGISTRY_IMAGE": "local/registry:test",
        }

    def need(self) -> None:
        """Say what is missing on this machine."""
        expect(self.engine_url.startswith("unix://"), f"the engine must be on this machine, got {self.engine_url}")
        remedy = "as root on Debian run `make services`"
        for what, command in {
            "docker-compose": ["docker-compose", "version"],
            "Docker engine": ["docker", "version"],
            f"base image {self.base}": ["docker", "image", "inspect", self.base],
        }.items():
            try:
                answered = self.command(command, check=False, timeout=30).returncode == 0
            except OSError:
                answered = False
            expect(answered, f"there is no {what}; {remedy}")

    # -- commands ----------------------------------------------------------------------------------------------------

    @cached_property
    def environment(self) -> dict[str, str]:
        """What the commands see: this engine, the classic builder, bounded calls."""
        chosen = {"DOCKER_HOST": self.engine_url, "DOCKER_BUILDKIT": "0", "COMPOSE_DOCKER_CLI_BUILD": "0"}
        return {**os.environ, **chosen, "COMPOSE_HTTP_TIMEOUT": str(CALL_SECONDS)}

    def command(
        self, command: list[str], *, check: bool = True, timeout: float = CALL_SECONDS
    ) -> subprocess.CompletedProcess[str]:
        """Run one command with its time-out."""
        done = subprocess.run(
            command, env=self.environment, cwd=ROOT, capture_output=True, text=True, timeout=timeout, check=False
        )
        if check and done.returncode:
            said = (done.stdout + done.stderr)[-3000:]
            raise Failure(f"{' '.join(command[:8])} ended with {done.returncode}:\n{indent(said)}")
        return done

    def docker(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a docker command."""
        return self.command(["docker", *arguments], **options)

    def compose(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a docker-compose command on the project."""
        chosen = ["--project-name", PROJECT, "--env-file", str(self.env_file)]
        return self.command(["docker-compose", *chosen, *arguments], **options)

    def execute(self, service: str, *command: str, **options: Any) -> str:
        """Run a command in a service and return what it printed."""
        return self.compose("exec", "-T", service, *command, **options).stdout

    # -- life --------------------------------------------------------------------------------------------------------

    def build(self) -> None:
        """Build the stand-ins, and on them what a team builds."""
        for name in STAND_INS:
            tag = AIRFLOW_VERSION if name == "airflow-base" else "test"
            say(f"building the stand-in {name}")
            arguments = ["--build-arg", f"BASE_IMAGE={self.base}", "--tag", f"local/{name}:{tag}"]
            if name == "airflow-base":
                arguments += ["--build-arg", f"AIRFLOW_VERSION={AIRFLOW_VERSION}"]
            file = str(IMAGES / f"{name}.Dockerfile")
            self.docker("build", *arguments, "--file", file, str(IMAGES), timeout=BUILD_SECONDS)
        for service in ("mlflow", "airflow-init"):
            say(f"building {service} as a team does")
            self.compose("build", service, timeout=BUILD_SECONDS)

    def start(self) -> None:
        """Start one service after the other, each when the one before is healthy."""
        for service in SERVICES[:FIRST_AIRFLOW]:
            self.start_service(service)
        say("starting airflow-init")
        self.compose("up", "--no-deps", "--exit-code-from", "airflow-init", "airflow-init", timeout=START_SECONDS)
        for service in SERVICES[FIRST_AIRFLOW:]:
            self.start_service(service)

    def start_service(self, service: str) -> None:
        """Start a service and wait until it is healthy."""
        say(f"starting {service}")
        self.compose("up", "--detach", "--no-deps", service)
        container = self.compose("ps", "--quiet", service).stdout.strip()
        wait(lambda: self.health(container) == "healthy", START_SECONDS, f"{service} to be healthy")

    def health(self, container: str) -> str:
        """Return what the engine says of a container's health."""
        return self.docker("inspect", "--format", "{{.State.Health.Status}}", container).stdout.strip()

    def remove(self) -> None:
        """Remove what this and earlier runs started, one at a time, and the images of the models."""
        try:
            listed = self.docker("ps", "--all", "--quiet", "--filter", f"network={MODELS_NETWORK}", check=False).stdout
            listed += self.compose("ps", "--quiet", check=False).stdout
            for container in dict.fromkeys(reversed(listed.split())):
                of_model = '{{with index .Config.Labels "dataops.release"}}{{$.Image}}{{end}}'
                image = self.docker("inspect", "--format", of_model, container, check=False).stdout.strip()
                self.docker("rm", "--force", container, check=False)
                if image:
                    self.docker("rmi", "--force", image, check=False)
            self.compose("down", "--volumes", "--remove-orphans", check=False)
        except (subprocess.SubprocessError, OSError) as error:
            print(f"The stack could not be removed: {error}", file=sys.stderr)

    def tell(self) -> None:
        """Print what helps to find the fault, without secrets."""
        for arguments in (("ps",), ("logs", "--no-color", "--tail", "40")):
            try:
                text = self.compose(*arguments, check=False).stdout
            except (subprocess.SubprocessError, OSError):
                continue
            for name, value in self.secrets.items():
                text = text.replace(value, f"<{name}>")
            print(text, file=sys.stderr)

    # -- asking ------------------------------------------------------------------------------------------------------

    def asked_inside(self, service: str, method: str, url: str) -> int:
        """Return the status that a service gets from an address; 0 when it does not get there."""
        done = self.compose("exec", "-T", service, "python", "-c", ASK, method, url, check=False)
        expect(done.returncode == 0, f"asking {url} from {service} failed: {done.stderr[-500:]}")
        return int(done.stdout)

    def sql(self, database: str, query: str, *, role: str = "postgres", check: bool = True) -> Any:
        """Run a query; the role's password comes from the service's own environment."""
        variable = "POSTGRES_PASSWORD" if role == "postgres" else f"{role.upper()}_DB_PASSWORD"
        psql = f'PGPASSWORD="${variable}" exec psql -h 127.0.0.1 -U {role} -d {database} -At -c "$0"'
        return self.compose("exec", "-T", "postgres", "sh", "-c", psql, query, check=check)

    def rows(self, query: str) -> list[str]:
        """Return the rows of a query on the ledger."""
        return str(self.sql("dataops", query).stdout).split("\n")[:-1]

    def pointer(self, name: str) -> dict[str, Any]:
        """Return what a pointer of the ledger holds."""
        found = self.rows(f"SELECT value FROM dataops_pointer WHERE name = '{name}'")  # noqa: S608 - our own names
        expect(len(found) == 1, f"the ledger has {len(found)} pointers {name}")
        return dict(json.loads(found[0]))

    def get(self, address: str, path: str, **headers: str) -> tuple[int, Any]:
        """Return status and body of a request."""
        return send(Request(address + path, headers=headers))  # noqa: S310 - our own addresses

    @cached_property
    def token(self) -> str:
        """The administrator's token."""
        login = {"username": "admin", "password": self.secrets["AIRFLOW_ADMIN_PASSWORD"]}
        status, body = send(json_request(f"{self.airflow}/auth/token", "POST", login))
        expect(status in {200, 201}, f"the login answered {status}")
        return str(body["access_token"])

    def api(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Ask Airflow's REST API."""
        request = json_request(f"{self.airflow}/api/v2/{path}", method, body)
        request.add_header("Authorization", f"Bearer {self.token}")
        status, answer = send(request)
        expect(status < 300, f"{method} {path} answered {status}: {answer}")
        return answer

    def run_line(self, month: str) -> Any:
        """Run the line for a month and return the run when it has ended."""
        wait(self.line_is_there, START_SECONDS, f"the DAG {LINE} to be read")
        return self.run(LINE, f"compose-{month}", {"month": month})

    def run(self, dag: str, run_id: str, conf: Mapping[str, Any]) -> Any:
        """Run a DAG and return the run when it has ended."""
        path = f"dags/{dag}/dagRuns"
        self.api("PATCH", f"dags/{dag}", {"is_paused": False})
        self.api("POST", path, {"dag_run_id": run_id, "logical_date": None, "conf": conf})
        ended = {"success", "failed"}
        wait(lambda: self.api("GET", f"{path}/{run_id}")["state"] in ended, RUN_SECONDS, f"{run_id} to end")
        return self.api("GET", f"{path}/{run_id}")

    def releases(self) -> list[str]:
        """Return the containers of models that are there, running or not."""
        chosen = ("--filter", f"network={MODELS_NETWORK}", "--filter", "label=dataops.release")
        return self.docker("ps", "--all", *chosen, "--format", "{{.Names}}").stdout.split()

    def line_is_there(self) -> bool:
        """Whether Airflow has read the DAG."""
        errors = self.api("GET", "importErrors")["import_errors"]
        expect(not errors, f"the DAGs cannot be read: {[error['stack_trace'][-500:] for error in errors]}")
        return any(dag["dag_id"] == LINE for dag in self.api("GET", "dags")["dags"])

    def task_states(self, run: Mapping[str, Any]) -> dict[str, str]:
        """Return the state of each task of a run."""
        listed = self.api("GET", f"dags/{LINE}/dagRuns/{run['dag_run_id']}/taskInstances")["task_instances"]
        return {task["task_id"]: task["state"] for task in listed}

    def mlflow_get(self, path: str) -> Any:
        """Ask MLflow."""
        status, body = self.get(self.mlflow, f"/api/2.0/mlflow/{path}")
        expect(status == 200, f"MLflow answered {status} to {path}")
        return body

    def mlflow_post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Ask MLflow with a body."""
        status, answer = send(json_request(f"{self.mlflow}/api/2.0/mlflow/{path}", "POST", body))
        expect(status == 200, f"MLflow answered {status} to {path}: {answer}")
        return answer

    def mlflow_alias(self, model: str, alias: str) -> str:
        """Return the version that an alias names."""
        return str(self.mlflow_get(f"registered-models/alias?name={model}&alias={alias}")["model_version"]["version"])

    def experiments(self) -> list[str]:
        """Return the ids of all experiments."""
        found = self.mlflow_post("experiments/search", {"max_results": 100})
        return [experiment["experiment_id"] for experiment in found["experiments"]]


ASK = """
import sys, urllib.error, urllib.request
try:
    print(urllib.request.urlopen(urllib.request.Request(sys.argv[2], method=sys.argv[1]), timeout=10).status)
except urllib.error.HTTPError as error:
    print(error.code)
except OSError:
    print(0)
"""


def made_services() -> dict[str, str]:
    """Return what `make services` wrote."""
    file = ROOT / ".cache" / "services.env"
    lines = file.read_text().splitlines() if file.is_file() else []
    return dict(line.split("=", 1) for line in lines if "=" in line)


def json_request(url: str, method: str, body: Mapping[str, Any] | None) -> Request:
    """Return a request with a JSON body."""
    data = json.dumps(body).encode() if body is not None else None
    return Request(url, data, {"Content-Type": "application/json"}, method=method)  # noqa: S310 - our own addresses


def send(request: Request) -> tuple[int, Any]:
    """Send a request; return its status and its JSON, or its text."""
    try:
        with urlopen(request, timeout=30) as answer:  # noqa: S310 - our own addresses
            status, body = answer.status, answer.read()
    except HTTPError as error:
        status, body = error.code, error.read()
    try:
        return status, json.loads(body)
    except ValueError:
        return status, body.decode(errors="replace")


def wait(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait, and say what for when it was in vain."""
    deadline = time.monotonic() + seconds
    while not condition():
        expect(time.monotonic() < deadline, f"waited {seconds:g} s for {what}, in vain")
        time.sleep(2)


def expect(truth: bool, fault: str) -> None:
    """Fail with a sentence unless something holds."""
    if not truth:
        raise Failure(fault)


def say(what: str) -> None:
    """Tell what happens now."""
    print(f"{time.strftime('%H:%M:%S')} {what}", flush=True)


def indent(text: str) -> str:
    """Set a text apart."""
    return "\n".join(f"    {line}" for line in text.splitlines())
