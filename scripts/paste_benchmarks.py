"""Renews the tables of benchmarks in README.md from what the benchmarks wrote with `--json`.

    python scripts/paste_benchmarks.py FOLDER [README.md]

FOLDER holds parsing.json, stations.json, quality.json, quality_growth.json, quality_postgres.json; a table whose files
are not all there stays as it is.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "benchmarks"), str(ROOT / "scripts")]

from _tables import compared_table, growth_table, rows_table  # noqa: E402
from paste import paste  # noqa: E402

Told = Sequence[Mapping[str, Any]]


def all_rows(told: Told) -> str:
    """Return one table of all rows."""
    return rows_table([row for one in told for row in one["rows"]])


def all_tables(told: Told) -> str:
    """Return the tables that set others beside us."""
    return "\n\n".join(compared_table(what, lines) for one in told for what, lines in one["tables"].items())


def growth(told: Told) -> str:
    """Return the points of the plot."""
    return growth_table(told[0]["points"])


MARKS: dict[str, tuple[tuple[str, ...], Callable[[Told], str]]] = {
    "benchmarks": (("parsing", "stations"), all_rows),
    "quality": (("quality",), all_rows),
    "quality-peers": (("quality",), all_tables),
    "quality-growth": (("quality_growth",), growth),
    "quality-postgres": (("quality_postgres",), all_rows),
}
"""Of each mark in the document, the files its table is made of, and how."""


def main(folder: Path, document: Path) -> None:
    """Renew every table whose files and whose mark are there; say which."""
    for mark, (names, made) in MARKS.items():
        files = [folder / f"{name}.json" for name in names]
        absent = [file.name for file in files if not file.exists()]
        if f"<!-- {mark} -->" not in document.read_text():
            print(f"{mark}: {document.name} has no place for it")
        elif absent:
            print(f"{mark}: kept, for {', '.join(absent)} is not in {folder}")
        else:
            paste(document, mark, made([json.loads(file.read_text()) for file in files]))
            print(f"{mark}: renewed")


if __name__ == "__main__":
    if len(sys.argv) not in {2, 3}:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) == 3 else ROOT / "README.md")
