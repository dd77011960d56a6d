"""The peers of the quality benchmark, and the table that sets them beside us."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from _cache import PeerError, environment
from _runs import Seen, program
from _tables import Compared

OURS, LIMIT, GX = "airflow-dataops", "decoding alone, in DuckDB", "Great Expectations 1.24.1 on pandas"


@dataclass(frozen=True)
class Peer:
    """One peer.

    Args:
        name: As the table calls it.
        program: Its program in `peers`.
        home: The name of its environment.
        packages: What is installed there.
    """

    name: str
    program: str
    home: str
    packages: tuple[str, ...]


PANDAS = ("pandas==3.1.1", "pyarrow==25.0.1")

PANDERA = ("pandera[pandas,polars]==0.35.0", "polars==2.1.0", *PANDAS)
SODA = "soda-core 3.5.6 on DuckDB 1.0 (last one under Apache-2.0)"
PEERS = (
    Peer(GX, "gx_pandas", "great-expectations", ("great-expectations==1.24.1", *PANDAS)),
    Peer("pandera 0.35 on pandas", "pandera_pandas", "pandera", PANDERA),
    Peer("pandera 0.35 on polars", "pandera_polars", "pandera", PANDERA),
    Peer("polars 2.1 by hand, lazy and streaming", "polars_lazy", "polars", ("polars==2.1.0",)),
    Peer(SODA, "soda_core", "soda-core-3", ("soda-core-duckdb==3.5.6", "soda-core==3.5.6")),
    Peer(
        "airflow-dq 0.2.2 on DuckDB, outside Airflow",
        "airflow_dq_duckdb",
        "airflow-dq",
        ("airflow-dq==0.2.2", "duckdb==2.0.1"),
    ),
)


def commands(path: Path, suite: Path) -> tuple[dict[str, list[str]], dict[str, PeerError]]:
    """Return the program of each peer, and the peers that cannot be installed."""
    known: dict[str, list[str]] = {}
    absent: dict[str, PeerError] = {}
    for peer in PEERS:
        try:
            known[peer.name] = program(peer.program, path, suite, python=environment(peer.home, peer.packages))
        except PeerError as error:
            absent[peer.name] = error
    return known, absent


def table(seen: Mapping[str, Seen | PeerError], ours: Seen) -> list[Compared]:
    """Return a line for each, the cheapest first; those that failed last."""
    lines = [line(name, one, ours) for name, one in seen.items()]
    return sorted(lines, key=lambda line: (bool(line.failed), line.cpu))


def line(name: str, seen: Seen | PeerError, ours: Seen) -> Compared:
    """Return the line of one.

    Raises:
        SystemExit: It found something else than we do.
    """
    if isinstance(seen, PeerError):
        return Compared(name, failed=str(seen))
    agree(name, seen.found, ours.found)
    return Compared(
        name,
        sum(one is not None for one in seen.found),
        seen.cpu,
        seen.judging,
        seen.megabytes,
        seen.cpu / ours.cpu,
        seen.judging / ours.judging,
        seen.megabytes / ours.megabytes,
    )


def agree(name: str, theirs: Sequence[Sequence[object] | None], ours: Sequence[Sequence[object]]) -> None:
    """Stop where a peer judged a check otherwise, or counted other failing rows."""
    for number, told in enumerate(theirs):
        success, failing = ours[number]
        if told is not None and (told[0] != success or told[1] not in {None, failing}):
            raise SystemExit(f"error: check {number}: we found {ours[number]}, {name} found {told}")
