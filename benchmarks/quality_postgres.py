"""What a gate costs in PostgreSQL: 24 checks on a table of one million rows, by us and by Great Expectations.

    DATAOPS_TEST_POSTGRES_URL=postgresql://user:password@host/database \
    python benchmarks/quality_postgres.py [--quick] [--json FILE]

The table lies in a schema of its own, which is dropped after. CPU seconds of the server are counted where it runs on
this machine; nothing else should use it meanwhile.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from _cache import CACHE, PeerError, data, environment
from _measure import Row, options, report
from _peers import PANDAS
from _postgres import SCHEMA, TABLE, VARIABLE, Server, address, loaded_table, server_of
from _runs import Seen, program, run
from _taxi import suite, write_suite

MILLION = 1_000_000
PACKAGES = ("great-expectations[postgresql]==1.24.1", "psycopg2-binary==2.9.13", *PANDAS)


@dataclass(frozen=True)
class Both:
    """What one run cost on both sides of the connection."""

    seen: Seen
    wall: float
    server: float


COSTS: tuple[tuple[str, str, float | None, Callable[[Both], float]], ...] = (
    ("wall time", "s", None, lambda one: one.wall),
    ("client, whole process", "CPU s", None, lambda one: one.seen.cpu),
    ("server", "CPU s", None, lambda one: one.server),
    ("client and server", "CPU s", 1, lambda one: one.seen.cpu + one.server),
)
"""What is compared: its name, its unit, our largest share, how a run tells it."""


def main() -> int:
    """Measure and print; 1 when a target is missed."""
    chosen = options(__doc__ or "")
    url = address()
    if not url:
        print(f"error: {VARIABLE} names no database.\n\nhint: `make services` starts one", file=sys.stderr)
        return 1
    checks = write_suite(suite(), CACHE / "taxi.json")
    gx = environment("great-expectations-postgres", PACKAGES)
    asked = (url, SCHEMA, TABLE, checks)
    with loaded_table(url, data("taxi-1m.parquet", MILLION)) as connection:
        server = server_of(connection)
        commands = [program("ours_postgres", *asked), program("gx_postgres", *asked, python=gx)]
        seen = [[measured(one, server) for one in commands] for _ in range(1 if chosen.quick else 3)]
    return report(compared([pair[0] for pair in seen], [pair[1] for pair in seen]), chosen)


def measured(command: Sequence[str], server: Server | None) -> Both:
    """Run a program; return its own costs, the time it took, and what the server spent meanwhile."""
    spent, began = server.cpu() if server else 0.0, time.monotonic()
    try:
        seen = run(command)
    except PeerError as error:
        raise SystemExit(f"error: {Path(command[1]).name}: {error}") from error
    return Both(seen, time.monotonic() - began, server.cpu() - spent if server else 0.0)


def compared(ours: Sequence[Both], theirs: Sequence[Both]) -> list[Row]:
    """Return medians and our share of their costs."""
    if ours[0].seen.found != theirs[0].seen.found:
        raise SystemExit(f"error: we found {ours[0].seen.found}, Great Expectations found {theirs[0].seen.found}")
    what = "1 M rows in PostgreSQL"
    rows: list[Row] = []
    for said, unit, limit, cost in COSTS:
        mine, other = middle(ours, cost), middle(theirs, cost)
        if other:
            rows += [
                Row(f"{what}: ours, {said}", mine, unit),
                Row(f"{what}: Great Expectations, {said}", other, unit),
                Row(
                    f"{what}: ours / theirs, {said}",
                    mine / other,
                    "×",
                    limit,
                ),
            ]
    return rows


def middle(runs: Sequence[Both], cost: Callable[[Both], float]) -> float:
    """Return the median of one cost."""
    return statistics.median(cost(one) for one in runs)


if __name__ == "__main__":
    sys.exit(main())
