"""What the benchmarks share: fair repetition, medians, a table, and a verdict on targets."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeAlias

from _tables import Compared, markdown

Tables: TypeAlias = Mapping[str, Sequence[Compared]]


@dataclass(frozen=True)
class Cost:
    """CPU seconds (user and system) and peak resident memory of one process and its children."""

    cpu_seconds: float
    peak_megabytes: float


@dataclass(frozen=True)
class Row:
    """One line of a benchmark's table; `limit` is the target, None where nothing is promised."""

    what: str
    value: float
    unit: str
    limit: float | None = None

    @property
    def met(self) -> bool:
        return self.limit is None or self.value <= self.limit


def run_process(command: Sequence[str], environment: Mapping[str, str]) -> Cost:
    """Run a program to its end and return what it cost."""
    process = subprocess.Popen(command, env=dict(environment), stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"{' '.join(command)} failed with status {status}")
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def alternate(variants: Mapping[str, Callable[[], Cost]], rounds: int) -> dict[str, Cost]:
    """Measure the variants in turn, A B A B, so that noise meets all alike; return medians."""
    seen: dict[str, list[Cost]] = {name: [] for name in variants}
    for measure in variants.values():
        measure()  # a first run fills the caches
    for _ in range(rounds):
        for name, measure in variants.items():
            seen[name].append(measure())
    return {
        name: Cost(
            statistics.median(cost.cpu_seconds for cost in costs),
            statistics.median(cost.peak_megabytes for cost in costs),
        )
        for name, costs in seen.items()
    }


def parser(description: str) -> argparse.ArgumentParser:
    """Return a parser of the options that every benchmark has."""
    known = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    known.add_argument("--quick", action="store_true", help="fewer rounds")
    known.add_argument("--json", help="write the rows to this file")
    return known


def options(description: str) -> argparse.Namespace:
    """Return the options that every benchmark has."""
    return parser(description).parse_args()


def report(rows: Sequence[Row], chosen: argparse.Namespace, tables: Tables | None = None, **more: object) -> int:
    """Print the rows, then tables of several programs, as Markdown; 1 when a target is missed."""
    told = {
        "rows": [{**asdict(row), "met": row.met} for row in rows],
        "tables": {what: [asdict(line) for line in lines] for what, lines in (tables or {}).items()},
        **more,
    }
    print(markdown(told))
    if chosen.json:
        Path(chosen.json).parent.mkdir(parents=True, exist_ok=True)
        Path(chosen.json).write_text(json.dumps(told, indent=2))
    return 0 if all(row.met for row in rows) else 1


def clean_environment(home: Path) -> dict[str, str]:
    """Return an environment with an Airflow home of its own and compiled bytecode allowed."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return {**kept, "AIRFLOW_HOME": str(home), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}


PYTHON = sys.executable
