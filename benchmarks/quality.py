"""What a gate costs: the same 24 checks by us and by Great Expectations, each in a process and environment of its own.

`--quick` judges one million rows only. Peers go into `.cache/benchmarks/peers`, data into `.cache/benchmarks/data`.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from _measure import PYTHON, Row, options, report
from _taxi import write_data, write_suite

HERE = Path(__file__).parent
CACHE = HERE.parent / ".cache" / "benchmarks"
PEERS = {"great-expectations": ["great-expectations==1.24.1", "pandas==3.1.1", "pyarrow==25.0.1"]}
MILLION = 1_000_000


@dataclass(frozen=True)
class Seen:
    """What one process cost, and what it found."""

    cpu: float
    imported: float
    megabytes: float
    found: object

    @property
    def judging(self) -> float:
        """CPU seconds of reading and judging, without starting and importing."""
        return self.cpu - self.imported


def main() -> int:
    """Measure and print; 1 when a target is missed."""
    chosen = options(__doc__ or "")
    suite = write_suite(CACHE / "taxi.json")
    peer = environment("great-expectations")
    rows = [*million(chosen, suite, peer)]
    if not chosen.quick:
        rows += [*ten_million(suite, peer), *ten_million_csv(suite, peer)]
    return report(rows, chosen)


def million(chosen: argparse.Namespace, suite: Path, peer: str) -> list[Row]:
    """Compare on one million rows of parquet."""
    path = CACHE / "data" / "taxi-1m.parquet"
    write_data(path, MILLION)
    ours, theirs = in_turn(path, suite, peer, rounds=3 if chosen.quick else 5)
    return [*compared("1 M rows, parquet", ours, theirs, whole=8, judging=5, memory=3)]


def ten_million(suite: Path, peer: str) -> list[Row]:
    """Compare on ten million rows of parquet, also with what decoding costs, and under a memory limit."""
    path = CACHE / "data" / "taxi-10m.parquet"
    write_data(path, 10 * MILLION)
    ours, theirs = in_turn(path, suite, peer, rounds=2)
    floor = run([PYTHON, str(HERE / "peers" / "decode.py"), str(path)])
    limited = run([PYTHON, str(HERE / "peers" / "ours.py"), str(path), str(suite), "300MB"])
    if limited.found != ours.found:
        raise SystemExit("error: under a memory limit of 300 MB another result came out")
    shuffled = CACHE / "data" / "taxi-10m-shuffled.parquet"
    write_data(shuffled, 10 * MILLION, in_order=False)
    unordered = run([PYTHON, str(HERE / "peers" / "ours.py"), str(shuffled), str(suite)])
    return [
        *compared("10 M rows, parquet", ours, theirs, whole=7, judging=6, memory=6),
        Row("10 M rows, parquet, ids in no order: ours, whole process", unordered.cpu, "CPU s"),
        Row("10 M rows, parquet, ids in no order: ours, peak memory", unordered.megabytes, "MB"),
        Row("10 M rows, parquet: judging against decoding alone", ours.judging / floor.judging, "×", 5),
        Row("10 M rows, parquet, engine limited to 300 MB: resident set", limited.megabytes, "MB", 450),
    ]


def ten_million_csv(suite: Path, peer: str) -> list[Row]:
    """Compare on ten million rows of CSV."""
    path = CACHE / "data" / "taxi-10m.csv"
    write_data(path, 10 * MILLION)
    ours, theirs = in_turn(path, suite, peer, rounds=1, memory_limit="1GB")
    return [*compared("10 M rows, CSV, engine limited to 1 GB", ours, theirs, whole=2, judging=2, memory=4)]


def compared(what: str, ours: Seen, theirs: Seen, *, whole: float, judging: float, memory: float) -> list[Row]:
    """Return our share of a peer's costs; a target of 8 × less is a limit of one eighth."""
    if ours.found != theirs.found:
        raise SystemExit(f"error: {what}: we found {ours.found}, Great Expectations found {theirs.found}")
    return [
        Row(f"{what}: ours, whole process", ours.cpu, "CPU s"),
        Row(f"{what}: Great Expectations, whole process", theirs.cpu, "CPU s"),
        Row(f"{what}: ours / theirs, whole process", ours.cpu / theirs.cpu, "×", 1 / whole),
        Row(f"{what}: ours / theirs, reading and judging", ours.judging / theirs.judging, "×", 1 / judging),
        Row(f"{what}: ours, peak memory", ours.megabytes, "MB"),
        Row(f"{what}: ours / theirs, peak memory", ours.megabytes / theirs.megabytes, "×", 1 / memory),
    ]


def in_turn(path: Path, suite: Path, peer: str, *, rounds: int, memory_limit: str = "") -> tuple[Seen, Seen]:
    """Measure both in turn, A B A B, and return the medians."""
    mine = [PYTHON, str(HERE / "peers" / "ours.py"), str(path), str(suite), *([memory_limit] if memory_limit else [])]
    other = [peer, str(HERE / "peers" / "gx_pandas.py"), str(path), str(suite)]
    seen: list[tuple[Seen, Seen]] = [(run(mine), run(other)) for _ in range(rounds)]
    return median([pair[0] for pair in seen]), median([pair[1] for pair in seen])


def median(seen: list[Seen]) -> Seen:
    """Return the medians of several runs, which all found the same."""
    return Seen(
        statistics.median(one.cpu for one in seen),
        statistics.median(one.imported for one in seen),
        statistics.median(one.megabytes for one in seen),
        seen[0].found,
    )


def run(command: list[str]) -> Seen:
    """Run a program to its end; it prints its own CPU seconds, the system tells its peak memory."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with subprocess.Popen(command, env=kept, stdout=subprocess.PIPE, text=True) as process:
        printed = process.stdout.read() if process.stdout else ""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"error: {' '.join(command)} ended with {process.returncode}")
    told = json.loads(printed.splitlines()[-1])
    return Seen(usage.ru_utime + usage.ru_stime, told["imported"], usage.ru_maxrss / 1024, told["found"])


def environment(name: str) -> str:
    """Make the environment of a peer, with compiled bytecode, and return its Python."""
    folder = CACHE / "peers" / name
    python = folder / "bin" / "python"
    if not python.exists():
        print(f"installing {name} into {folder}", file=sys.stderr)
        uv = [PYTHON, "-m", "uv"]
        subprocess.run([*uv, "venv", "--quiet", "--python", PYTHON, str(folder)], check=True)
        install = [*uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(python), *PEERS[name]]
        subprocess.run(install, check=True)
    return str(python)


if __name__ == "__main__":
    sys.exit(main())
