"""What a gate costs: the same 24 checks on 14 columns by us and by others, each in a process of its own.

    python benchmarks/quality.py [--quick] [--json FILE]

`--quick` judges one million rows only. Peers (each in its own environment) and data are kept in `.cache/benchmarks`,
or in the folder that DATAOPS_BENCHMARKS names.
CPU seconds are medians of runs in turn (A B A B); the numbers in brackets say how many times as much as ours.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import _peers
from _cache import CACHE, data
from _measure import Row, options, report
from _peers import GX, LIMIT, OURS
from _runs import Seen, in_turn, program, run, sound
from _tables import Compared
from _taxi import split_suite, suite, write_suite

MILLION = 1_000_000
CHECKS = CACHE / "taxi.json"
CHECKS_OF_ROWS = CACHE / "taxi-rows.json"


def main() -> int:
    """Measure and print; 1 when a target is missed."""
    chosen = options(__doc__ or "")
    write_suite(suite(), CHECKS)
    write_suite(split_suite(), CHECKS_OF_ROWS)
    rows, table = million(chosen)
    tables = {"1 M rows, parquet": table}
    if chosen.quick:
        rows += split(MILLION, "1m")
    else:
        more, tables["10 M rows, parquet"] = ten_million()
        rows += [*more, *unordered(), *ten_million_csv(), *split(10 * MILLION, "10m")]
    return report(rows, chosen, tables)


def million(chosen: argparse.Namespace) -> tuple[list[Row], list[Compared]]:
    """Compare on one million rows of parquet."""
    seen, table = together(data("taxi-1m.parquet", MILLION), rounds=3 if chosen.quick else 5)
    return against_gx("1 M rows, parquet", seen[OURS], seen[GX], whole=8, judging=5, memory=3), table


def ten_million() -> tuple[list[Row], list[Compared]]:
    """Compare on ten million rows of parquet, also with what decoding costs, and under a memory limit."""
    path = data("taxi-10m.parquet", 10 * MILLION)
    seen, table = together(path, rounds=2)
    limited = run(program("ours", path, CHECKS, "300MB"))
    if limited.found != seen[OURS].found:
        raise SystemExit("error: under a memory limit of 300 MB another result came out")
    decoding = seen[OURS].judging / seen[LIMIT].judging
    rows = [
        *against_gx("10 M rows, parquet", seen[OURS], seen[GX], whole=7, judging=6, memory=6),
        Row("10 M rows, parquet: judging against decoding alone", decoding, "×", 5),
        Row("10 M rows, parquet, engine limited to 300 MB: resident set", limited.megabytes, "MB", 450),
    ]
    return rows, table


def unordered() -> list[Row]:
    """Judge ids that are no longer known to rise: whole numbers in no order, and hashes."""
    kinds = {"ids in no order": "shuffled", "ids that are hashes": "wide"}
    paths = {what: data(f"taxi-10m-{kind}.parquet", 10 * MILLION, kind) for what, kind in kinds.items()}
    gx = _peers.commands(paths["ids in no order"], CHECKS)[0][GX]
    ours = {what: program("ours", path, CHECKS) for what, path in paths.items()}
    seen = {name: sound(one, name) for name, one in in_turn({**ours, GX: gx}, rounds=1).items()}
    rows = against_gx(
        "10 M rows, parquet, ids in no order", seen["ids in no order"], seen[GX], whole=7, judging=6, memory=6
    )
    hashes = seen["ids that are hashes"]
    if hashes.found != seen[GX].found:
        raise SystemExit("error: with hashes for ids another result came out")
    return [
        *rows,
        Row("10 M rows, parquet, ids that are hashes: ours, whole process", hashes.cpu, "CPU s"),
        Row("10 M rows, parquet, ids that are hashes: ours, peak memory", hashes.megabytes, "MB"),
    ]


def ten_million_csv() -> list[Row]:
    """Compare on ten million rows of CSV."""
    path = data("taxi-10m.csv", 10 * MILLION)
    commands = {OURS: program("ours", path, CHECKS, "1GB"), GX: _peers.commands(path, CHECKS)[0][GX]}
    seen = {name: sound(one, name) for name, one in in_turn(commands, rounds=2).items()}
    return against_gx("10 M rows, CSV, engine limited to 1 GB", seen[OURS], seen[GX], whole=2, judging=2, memory=4)


def together(path: Path, rounds: int) -> tuple[dict[str, Seen], list[Compared]]:
    """Run everybody in turn; return what was seen of those we have targets against, and the table of all."""
    peers, absent = _peers.commands(path, CHECKS)
    commands = {OURS: program("ours", path, CHECKS), **peers, LIMIT: program("decode", path)}
    seen = in_turn(commands, rounds)
    needed = {name: sound(seen.get(name) or absent[name], name) for name in (OURS, GX, LIMIT)}
    return needed, _peers.table({**seen, **absent}, needed[OURS])


def against_gx(what: str, ours: Seen, theirs: Seen, *, whole: float, judging: float, memory: float) -> list[Row]:
    """Return our share of their costs; a target of 8 × less is a limit of one eighth."""
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


def split(rows: int, name: str) -> list[Row]:
    """Split data of which one row in a hundred is bad."""
    path = data(f"taxi-{name}-broken.parquet", rows, "broken")
    told = run(program("ours_split", path, CHECKS_OF_ROWS)).found
    what = f"{rows // MILLION} M rows, {100 * told['bad'] / rows:.2g} % bad"
    return [
        Row(f"{what}: counting the bad rows, 12 checks", told["counting"], "CPU s"),
        Row(f"{what}: writing the bad rows with their reasons", told["writing_bad"], "CPU s"),
        Row(f"{what}: writing them / counting them", told["writing_bad"] / told["counting"], "×", 1.5),
        Row(f"{what}: rewriting the good rows", told["writing_good"], "CPU s"),
        Row(f"{what}: peak memory of all", told["megabytes"], "MB"),
    ]


if __name__ == "__main__":
    sys.exit(main())
