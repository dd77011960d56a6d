"""Programs run side by side, each in a process of its own that tells what it found."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from _cache import CACHE, HERE, PeerError, last_words
from _measure import PYTHON

THREADS = "2"
LIMITS = dict.fromkeys(("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "ARROW_NUM_THREADS"), THREADS)
SWITCHED_OFF = {"GX_ANALYTICS_ENABLED": "false", "DISABLE_PANDERA_IMPORT_WARNING": "True"}


@dataclass(frozen=True)
class Seen:
    """What one process cost, and what it found."""

    cpu: float
    imported: float
    megabytes: float
    found: Any

    @property
    def judging(self) -> float:
        """CPU seconds of reading and judging, without starting and importing."""
        return self.cpu - self.imported


def program(name: str, *arguments: object, python: str = PYTHON) -> list[str]:
    """Return the command of a program in `peers`."""
    return [python, str(HERE / "peers" / f"{name}.py"), *(str(one) for one in arguments if one)]


def run(command: Sequence[str]) -> Seen:
    """Run a program to its end; it prints its own CPU seconds, the system tells its peak memory.

    Raises:
        PeerError: It failed.
    """
    kept = {name: value for name, value in os.environ.items() if name not in {"PYTHONDONTWRITEBYTECODE", "PYTHONPATH"}}
    home = {"AIRFLOW_HOME": str(CACHE / "airflow"), "PYTHONPATH": str(HERE.parent)} if command[0] == PYTHON else {}
    with tempfile.TemporaryFile("w+") as said:
        asked = {**kept, **LIMITS, **SWITCHED_OFF, **home}
        with subprocess.Popen(command, env=asked, stdout=subprocess.PIPE, stderr=said, text=True) as process:
            printed = process.stdout.read() if process.stdout else ""
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        if process.returncode:
            raise PeerError(last_words(said.read()) or f"ended with {process.returncode}")
    told = json.loads(printed.splitlines()[-1])
    return Seen(usage.ru_utime + usage.ru_stime, told["imported"], usage.ru_maxrss / 1024, told["found"])


def in_turn(commands: Mapping[str, Sequence[str]], rounds: int) -> dict[str, Seen | PeerError]:
    """Run programs in turn, A B A B, and return the medians; one that failed is not run again."""
    seen: dict[str, list[Seen]] = {name: [] for name in commands}
    failed: dict[str, PeerError] = {}
    for _ in range(rounds):
        for name in commands:
            if name not in failed:
                try:
                    seen[name].append(run(commands[name]))
                except PeerError as error:
                    failed[name] = error
    return {name: failed.get(name) or median(seen[name]) for name in commands}


def median(seen: Sequence[Seen]) -> Seen:
    """Return the medians of several runs, which all found the same."""
    if any(one.found != seen[0].found for one in seen):
        raise SystemExit("error: the same program found something else on the same data")
    return Seen(
        statistics.median(one.cpu for one in seen),
        statistics.median(one.imported for one in seen),
        statistics.median(one.megabytes for one in seen),
        seen[0].found,
    )


def sound(seen: Seen | PeerError, name: str) -> Seen:
    """Return what was measured; without this program there is nothing to compare with."""
    if isinstance(seen, PeerError):
        raise SystemExit(f"error: {name}: {seen}")
    return seen
