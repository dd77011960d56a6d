"""Models served by processes on this host: for laptops, demos and tests that have no container engine."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from airflow.providers.common.compat.sdk import redact
from airflow.sdk import BaseHook

from airflow_dataops import settings
from airflow_dataops.core.deployment import Release, Running, example_request
from airflow_dataops.core.image import slug
from airflow_dataops.exceptions import BrokenCheckError
from airflow_dataops.runtime import serve

__all__ = ["ProcessHook"]

PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "PYTHONPATH", "LD_LIBRARY_PATH", "OMP_NUM_THREADS")
"""All that a server inherits: Airflow's environment holds connections with their passwords."""

DRAIN_SECONDS = 30
START_SECONDS = 60
MAX_LOG_BYTES = 16_000

Fetch = Callable[[str, str, Path], object]


class ProcessHook(BaseHook):
    """Starts scoring servers that outlive the task that started them.

    ::

        HOME/processes/<deployment>/models/<model>/<version>/    the model, kept for a rollback
        HOME/processes/<deployment>/releases/<release>/          lock, server.json, release.json, log

    A server holds the lock of its folder as long as it lives. Nothing else is trusted: a process id can be
    somebody else's tomorrow. The folders' names hold no percent sign, because MLflow would decode it.

    Args:
        fetch: Brings a model: called with its name, its version and a new folder, which must appear whole or not
            at all (`MlflowHook.download_model`).
        root: Where the folders lie; by default ``$AIRFLOW_HOME/dataops/processes``.
        bind: Address to listen on.
        port: Port to listen on; 0 takes a free one. Old and new serve side by side, so a fixed one is only for
            deployments that are made once.
    """

    kind = "process"

    def __init__(
        self,
        fetch: Fetch | None = None,
        *,
        root: Path | None = None,
        bind: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        super().__init__()
        self.fetch = fetch
        self.root = root or settings.home() / "processes"
        self.bind = bind
        self.port = port

    def get_conn(self) -> Path:
        """Return the folder of all deployments on this host."""
        return self.root

    # -- one release -------------------------------------------------------------------------------------

    def start(self, release: Release, labels: Mapping[str, str]) -> None:
        """Start the release in the background; when this returns, it lives and loads its model.

        Raises:
            BrokenCheckError: It ended at once: another Python, a port that is taken. A retry does not help.
        """
        folder = self.folder(release.deployment, release.name)
        if serve.holder(folder) is not None:
            return
        model = self.bring_model(release)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "release.json").write_text(json.dumps({**release.to_json(), "labels": dict(labels)}))
        with (folder / "log").open("wb") as log:
            done = subprocess.run(
                self.command(folder, model, labels),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=server_environment(),
                cwd=folder,
                start_new_session=True,
                timeout=START_SECONDS,
                check=False,
            )
        if done.returncode not in {0, serve.ALREADY_SERVED}:
            raise BrokenCheckError(
                f"The scoring server of {release.name} ended at once with exit code {done.returncode}: "
                f"{self.logs(release.deployment, release.name, 5)}",
                hint=f"try it by hand: {sys.executable} {serve.__file__} --model {model}",
            )

    def command(self, folder: Path, model: Path, labels: Mapping[str, str]) -> list[str]:
        """Return the server's command line; its labels show in the list of processes."""
        command = [sys.executable, "-P", str(serve.__file__), "--detach", "--model", str(model)]
        command += ["--host", self.bind, "--port", str(self.port), "--state-dir", str(folder)]
        command += ["--drain", str(DRAIN_SECONDS)]
        return command + [part for key, value in labels.items() for part in ("--label", f"{key}={value}")]

    def observe(self, deployment: str, name: str) -> Running | None:
        """Return what is there under the name, dead or alive; None when nothing is."""
        return observed(self.folder(deployment, name))

    def releases(self, deployment: str) -> list[Running]:
        """Return all releases of the deployment, dead or alive."""
        folders = sorted(self.deployment_folder(deployment).glob("releases/*"))
        return [found for folder in folders if (found := observed(folder))]

    def example(self, deployment: str, name: str) -> dict[str, Any] | None:
        """Return a request made from the example that the served model was logged with."""
        release = json.loads((self.folder(deployment, name) / "release.json").read_text())
        folder = model_root(self.model_folder(deployment, release["model"], release["version"]))
        return example_request(content(folder / "serving_input_example.json"), content(folder / "input_example.json"))

    def logs(self, deployment: str, name: str, lines: int = 50) -> str:
        """Return the last lines that the release wrote, without secrets; empty when there are none."""
        written = (content(self.folder(deployment, name) / "log") or b"")[-MAX_LOG_BYTES:]
        tail = written.decode(errors="replace").splitlines()[-lines:]
        return str(redact("\n".join(tail)))

    def keep(self, deployment: str, name: str) -> None:
        """Do nothing: a process does not come back after a restart of its host; deploy again."""

    def stop(self, deployment: str, name: str) -> None:
        """Let requests in flight finish, then end the process and remove its folder; the model stays."""
        folder = self.folder(deployment, name)
        end_process(folder)
        shutil.rmtree(folder, ignore_errors=True)

    # -- models ------------------------------------------------------------------------------------------

    def bring_model(self, release: Release) -> Path:
        """Return the folder with the release's model; it is fetched once and appears as a whole or not at all."""
        target = self.model_folder(release.deployment, release.model, release.version)
        if not target.exists():
            if self.fetch is None:
                raise BrokenCheckError(f"There is no copy of {release.model} version {release.version} at {target}.")
            self.fetch(release.model, release.version, target)
        return model_root(target)

    # -- folders -----------------------------------------------------------------------------------------

    def deployment_folder(self, deployment: str) -> Path:
        """Return the folder of a deployment."""
        return self.root / slug(deployment)

    def folder(self, deployment: str, name: str) -> Path:
        """Return the folder of a release."""
        return self.deployment_folder(deployment) / "releases" / slug(name)

    def model_folder(self, deployment: str, model: str, version: str) -> Path:
        """Return the folder of the copy of a model version."""
        return self.deployment_folder(deployment) / "models" / slug(model) / slug(version)


def observed(folder: Path) -> Running | None:
    """Return the release in a folder, dead or alive; None when there is none or it was never started."""
    described = content(folder / "release.json")
    if described is None:
        return None
    release = json.loads(described)
    alive = serve.holder(folder) is not None
    state = serve.read_state(folder) if alive else None
    return Running(
        name=release["name"],
        deployment=release["deployment"],
        alive=alive,
        url=state["url"] if state else None,
        based_on=release["based_on"],
        run_key=release["labels"].get("dataops.run_key", ""),
    )


def model_root(folder: Path) -> Path:
    """Return the folder that holds ``MLmodel``: the given one or the one inside it."""
    if (folder / "MLmodel").is_file():
        return folder
    return next((path.parent for path in folder.glob("*/MLmodel")), folder)


def content(path: Path) -> bytes | None:
    """Return a file's bytes, or None when there is no such file."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def server_environment() -> dict[str, str]:
    """Return the environment of a server: nothing of Airflow's is in it."""
    passed_on = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return {**passed_on, "PYTHONUNBUFFERED": "1", "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}


def end_process(folder: Path) -> None:
    """Ask the server of a folder to finish; end it by force when it takes longer than it may."""
    for number, patience in ((signal.SIGTERM, DRAIN_SECONDS + 5), (signal.SIGKILL, 5)):
        deadline = time.monotonic() + patience
        told = False
        while (pid := serve.holder(folder)) is not None and time.monotonic() < deadline:
            # A server that has just taken the lock has not said yet who it is, and 0 would be all of us.
            if pid and not told:
                told = True
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
            time.sleep(0.05)
