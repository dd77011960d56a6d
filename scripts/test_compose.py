"""Start docker-compose.yaml on locally built images, run three months of flights through it, and look at what is left.

No image is pulled: stand-ins for the official images are built on one base image (`make services` makes it), and on
them the very Dockerfiles of compose/. Services start and stop one at a time, for engine 20.10 can deadlock otherwise.

    python scripts/test_compose.py [--keep]
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from compose_stack import PROJECT, ROOT, Failure, Stack, expect, indent, say


def main() -> int:
    """Run the test and say how it went."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keep", action="store_true", help="leave the stack running")
    keep = parser.parse_args().keep
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="dataops-compose-") as folder:
        stack = Stack(Path(folder))
        try:
            stack.need()
            test(stack)
        except (Failure, subprocess.SubprocessError, TimeoutError, OSError) as error:
            stack.tell()
            print(f"FAILED: {error}", file=sys.stderr)
            return 1
        finally:
            if keep:
                (ROOT / ".cache").mkdir(exist_ok=True)
                print(f"kept: project {PROJECT} with {shutil.move(stack.env_file, ROOT / '.cache' / 'compose.env')}")
            else:
                stack.remove()
    print(f"The team's installation works; {time.monotonic() - began:.0f} s.")
    return 0


def test(stack: Stack) -> None:
    """Do everything in order."""
    stack.remove()
    stack.build()
    stack.start()
    walls_hold(stack)
    registry_keeps_images(stack)
    stack.execute("airflow-scheduler", "python", "/opt/airflow/dags/flights/deliveries.py", "/opt/airflow/inbox")
    line_passes(stack, "2013-01", version="1")
    line_holds(stack, "2013-02")
    line_passes(stack, "2013-03", version="2")
    steps_back(stack)
    history_is_whole(stack)
    nothing_leaked(stack)


# -- what must be true -----------------------------------------------------------------------------------------------


def walls_hold(stack: Stack) -> None:
    """Check what one service may not do to another."""
    say("the databases are apart, the engine's API is narrow, foreign host names are refused")
    for role in ("airflow", "mlflow", "dataops"):
        for database in {"airflow", "mlflow", "dataops"} - {role}:
            entered = stack.sql(database, "SELECT 1", role=role, check=False)
            expect(entered.returncode != 0, f"the role {role} can enter the database {database}")
    ping, shell = (stack.asked_inside("airflow-scheduler", *call) for call in (PING, SHELL))
    expect((ping, shell) == (200, 403), f"the engine's proxy answered {ping} to a ping and {shell} to a shell")
    reached = stack.asked_inside("airflow-api-server", *PING)
    expect(reached == 0, "the API server reaches the engine")
    told = stack.get(stack.mlflow, "/api/2.0/mlflow/experiments/get?experiment_id=0", Host="evil.example")
    expect(told[0] == 403, f"MLflow answered {told[0]} to a foreign host name")


def registry_keeps_images(stack: Stack) -> None:
    """Check that a task can push an image through the engine into the registry."""
    say("a task pushes an image")
    name = f"localhost:{stack.ports['REGISTRY_PORT']}/probe"
    tag = "import docker, sys; engine = docker.APIClient('tcp://docker-proxy:2375', version='auto'); "
    push = tag + "engine.tag(sys.argv[1], sys.argv[2], '1'); print(engine.push(sys.argv[2], tag='1'))"
    said = stack.execute("airflow-scheduler", "python", "-c", push, "local/haproxy:test", name, timeout=300)
    stack.docker("rmi", f"{name}:1", check=False)
    listed = stack.get(f"http://127.0.0.1:{stack.ports['REGISTRY_PORT']}", "/v2/_catalog")[1]
    expect(listed == {"repositories": ["probe"]}, f"the registry holds {listed} after: {said[-500:]}")


PING = ("GET", "http://docker-proxy:2375/_ping")
SHELL = ("POST", "http://docker-proxy:2375/v1.41/containers/postgres/exec")


def line_passes(stack: Stack, month: str, version: str) -> None:
    """Check that a good month ends in a served model."""
    say(f"{month} runs through the line")
    run = stack.run_line(month)
    expect(run["state"] == "success", f"{month} ended as {run['state']}: {stack.task_states(run)}")
    serves(stack, version)


def steps_back(stack: Stack) -> None:
    """Check that one DAG brings the previous model back."""
    say("the model is rolled back")
    run = stack.run("rollback_model", "compose-back", {"model": "flights", "deployment": "flights", "reason": "a test"})
    expect(run["state"] == "success", f"the rollback ended as {run['state']}")
    serves(stack, "1")


def serves(stack: Stack, version: str) -> None:
    """Check that this version of the model serves, alone, and is fenced in."""
    pointer = stack.pointer("deployment/flights")
    expect((pointer["target"], pointer["version"]) == ("docker", version), f"the deployment is {pointer}")
    champion = stack.mlflow_alias("flights", "champion")
    expect(champion == version, f"the champion is version {champion}")
    healthy = stack.asked_inside("airflow-scheduler", "GET", f"{pointer['url']}/ping")
    expect(healthy == 200, f"the served model answers {healthy}")
    expect(stack.releases() == [pointer["release"]], f"there are the releases {stack.releases()}")
    for host, port in (("docker-proxy", 2375), ("postgres", 5432), ("mlflow", 5000)):
        probe = f"import socket; socket.create_connection(('{host}', {port}), 3)"
        reached = stack.docker("exec", pointer["release"], "python3", "-c", probe, check=False)
        expect(reached.returncode != 0, f"the served model reaches {host}")


def line_holds(stack: Stack, month: str) -> None:
    """Check that a bad month is held, and what was there before stays."""
    say(f"{month} is held")
    before = stack.pointer("deployment/flights")
    run = stack.run_line(month)
    states = stack.task_states(run)
    stopped = {name for name, state in states.items() if state == "failed"}
    expect(stopped <= {"gate", "publish"} and stopped, f"{month} ended as {states}")
    expect(stack.pointer("deployment/flights") == before, "the deployment changed")
    expect(stack.asked_inside("airflow-scheduler", "GET", f"{before['url']}/ping") == 200, "the model is gone")


def history_is_whole(stack: Stack) -> None:
    """Check that each thing happened once, and that the chain of events says so."""
    say("each thing happened once")
    counted = stack.rows("SELECT kind, subject, count(*) FROM dataops_event GROUP BY kind, subject ORDER BY 1, 2")
    print(indent("\n".join(counted)))
    for kind, times in {"dataset.published": 1, "image.built": 2, "model.trained": 2, "model.rolled_back": 1}.items():
        found = [row for row in counted if row.startswith(f"{kind}|")]
        expect(bool(found) and all(row.endswith(f"|{times}") for row in found), f"events of {kind}: {found}")
    verified = stack.execute("airflow-scheduler", "airflow-dataops", "audit", "verify")
    print(indent(verified.strip().splitlines()[-1]))
    runs = stack.mlflow_post("runs/search", {"experiment_ids": stack.experiments(), "filter": "status = 'FINISHED'"})
    versions = stack.mlflow_get("model-versions/search").get("model_versions", [])
    found = (len(runs.get("runs", [])), len(versions))
    expect(found[1] == 2, f"MLflow holds {found[0]} finished runs and {found[1]} model versions")


def nothing_leaked(stack: Stack) -> None:
    """Check that no log and no environment of a served model holds a secret."""
    say("no secret in any log, nor in the served model's description")
    written = stack.compose("logs", "--no-color").stdout + stack.execute(
        "airflow-scheduler", "sh", "-c", "find /opt/airflow/logs -type f -exec cat {} +"
    )
    served = stack.docker("inspect", stack.pointer("deployment/flights")["release"]).stdout
    for name, value in stack.secrets.items():
        expect(value not in written, f"{name} is in a log")
        expect(value not in served, f"{name} is in the served model's description")


if __name__ == "__main__":
    sys.exit(main())
