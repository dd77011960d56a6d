"""How the costs of a gate grow: with rows, from 0.1 to 30 million, and with checks, from 1 to 200 on one million rows.

    python benchmarks/quality_growth.py [--quick] [--json FILE] [--plot] [--redraw FILE]

Ours and Great Expectations' pandas engine, whole processes, on parquet; the latter up to ten million rows.
`--quick` goes to one million rows and 50 checks. `--plot` draws `docs/screenshots/quality_costs.svg`; `--redraw` draws
it from what an earlier run wrote with `--json`.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import _peers
from _cache import CACHE, data
from _many_checks import many_checks
from _measure import parser, report
from _peers import GX, OURS
from _plot import draw
from _runs import Seen, in_turn, program, sound
from _taxi import suite, write_suite

MILLION = 1_000_000
PLOT = Path(__file__).parents[1] / "docs" / "screenshots" / "quality_costs.svg"
ROWS = {"0.1m": 100_000, "0.3m": 300_000, "1m": MILLION, "3m": 3 * MILLION, "10m": 10 * MILLION, "30m": 30 * MILLION}
CHECKS = (1, 3, 10, 24, 50, 100, 200)
MOST_ROWS_OF_GX = 10 * MILLION


def main() -> int:
    """Measure, print and draw; growth has no targets, but both must find the same."""
    chosen = arguments()
    if chosen.redraw:
        draw(json.loads(Path(chosen.redraw).read_text())["points"], PLOT)
        return 0
    points = [*by_rows(chosen.quick), *by_checks(chosen.quick)]
    if chosen.plot:
        draw(points, PLOT)
    return report([], chosen, points=points)


def arguments() -> argparse.Namespace:
    """Return the options."""
    known = parser(__doc__ or "")
    known.add_argument("--plot", action="store_true", help=f"draw {PLOT.name}")
    known.add_argument("--redraw", metavar="FILE", help="draw from an earlier run's JSON and measure nothing")
    return known.parse_args()


def by_rows(quick: bool) -> list[dict[str, Any]]:
    """Measure 24 checks on more and more rows."""
    checks = write_suite(suite(), CACHE / "taxi.json")
    sizes = {name: rows for name, rows in ROWS.items() if not quick or rows <= MILLION}
    return [
        point
        for name, rows in sizes.items()
        for point in measured("rows", rows, data(f"taxi-{name}.parquet", rows), checks, gx=rows <= MOST_ROWS_OF_GX)
    ]


def by_checks(quick: bool) -> list[dict[str, Any]]:
    """Measure more and more checks on one million rows."""
    path = data("taxi-1m.parquet", MILLION)
    return [
        point
        for count in CHECKS
        if not quick or count <= 50
        for point in measured("checks", count, path, write_suite(many_checks(count), CACHE / f"taxi-{count}.json"))
    ]


def measured(what: str, count: int, path: Path, checks: Path, *, gx: bool = True) -> list[dict[str, Any]]:
    """Return what both cost at one place of the axis; they must find the same."""
    commands = {OURS: program("ours", path, checks)}
    if gx:
        commands[GX] = _peers.commands(path, checks)[0][GX]
    rounds = 3 if what == "checks" or count <= MILLION else 1
    seen = {name: sound(one, name) for name, one in in_turn(commands, rounds).items()}
    if any(one.found != seen[OURS].found for one in seen.values()):
        raise SystemExit(f"error: {count} {what}: Great Expectations found something else than we did")
    return [point(what, count, name, one) for name, one in seen.items()]


def point(what: str, count: int, who: str, seen: Seen) -> dict[str, Any]:
    """Return one point of the plot."""
    return {"along": what, "count": count, "who": who, "cpu": seen.cpu, "megabytes": seen.megabytes}


if __name__ == "__main__":
    sys.exit(main())
