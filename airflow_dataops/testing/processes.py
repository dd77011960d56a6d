"""Programs started beside a test or a demo: on loopback, with a log file each, gone when the owner is gone."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

__all__ = ["Companions", "free_port", "wait_until"]

STOP_SECONDS = 10.0


def free_port(wanted: int | None = None) -> int:
    """Return `wanted` if nobody listens there, else any free port on loopback."""
    for port in ([wanted] if wanted else []) + [0]:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("there is no free port on 127.0.0.1")


def wait_until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Return once `condition` holds.

    Raises:
        TimeoutError: It did not hold in time; `what` says what was awaited.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:.0f} s for {what}, in vain")
        time.sleep(0.2)


class Companions:
    """Child processes with a log file each, stopped together with everything they started.

    Args:
        folder: Where logs lie, and the list of processes that a killed owner left behind.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start a program in a session of its own, with its output in ``<name>.log``."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log(name).open("ab") as log:
            self.processes[name] = subprocess.Popen(
                command, env=dict(environment), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self._remember()

    def log(self, name: str) -> Path:
        """Return the log file of a program."""
        return self.folder / f"{name}.log"

    def check(self) -> None:
        """Raise if a program ended by itself.

        Raises:
            RuntimeError: Says which, and the end of its log.
        """
        for name, process in self.processes.items():
            if process.poll() is not None:
                tail = self.log(name).read_text(errors="replace")[-2000:]
                raise RuntimeError(f"{name} ended with exit code {process.returncode}; the end of its log:\n{tail}")

    def listens(self, name: str, port: int) -> bool:
        """Whether it is our program that listens on the port, and not a stranger who was faster."""
        leader = psutil.Process(self.processes[name].pid)
        try:
            family = [leader, *leader.children(recursive=True)]
            sockets = [found for process in family for found in process.net_connections(kind="tcp")]
        except psutil.NoSuchProcess:
            return False
        return any(taken.status == psutil.CONN_LISTEN and taken.laddr.port == port for taken in sockets)

    def stop(self) -> None:
        """End all programs and their children, politely at first."""
        for process in reversed(self.processes.values()):
            end_session(process.pid)
            process.wait()
        self.processes.clear()
        self._remember()

    def stop_leftovers(self) -> None:
        """End what a killed owner left running."""
        if not self._memory.exists():
            return
        for pid, started in json.loads(self._memory.read_text()):
            # The number may belong to a stranger by now: only the start time makes it ours.
            if psutil.pid_exists(pid) and abs(psutil.Process(pid).create_time() - started) < 1:
                end_session(pid)
        self._memory.unlink()

    @property
    def _memory(self) -> Path:
        return self.folder / "processes.json"

    def _remember(self) -> None:
        alive = [process.pid for process in self.processes.values() if process.poll() is None]
        self._memory.write_text(json.dumps([(pid, psutil.Process(pid).create_time()) for pid in alive]))


def end_session(leader: int) -> None:
    """End a process and all its descendants: SIGTERM, then SIGKILL for those that stay."""
    try:
        family = [psutil.Process(leader), *psutil.Process(leader).children(recursive=True)]
    except psutil.NoSuchProcess:
        return
    tell(leader, signal.SIGTERM)
    _, stubborn = psutil.wait_procs(family, timeout=STOP_SECONDS)
    for process in stubborn:
        tell(process.pid, signal.SIGKILL)


def tell(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process that may be gone already."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
