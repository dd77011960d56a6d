"""``airflow-dataops suggest``: a suite and a contract for review, learned from data."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_dataops.cli.ledger import add_url, chosen_url
from airflow_dataops.cli.parsing import Commands
from airflow_dataops.exceptions import BrokenCheckError

if TYPE_CHECKING:
    from airflow_dataops.hooks.suggestion import Suggestion

__all__ = ["add_commands"]


def add_commands(nouns: Commands) -> None:
    """Add the command."""
    suggest = nouns.add_parser(
        "suggest",
        help="propose a suite and a contract from data, for review",
        description="Profiles partitions and proposes checks, each with the share of past partitions that it would "
        "have passed when learned from the others.",
    )
    suggest.add_argument(
        "data", nargs="?", type=Path, metavar="DATA", help="a parquet or CSV file, or a folder of them"
    )
    suggest.add_argument("--dataset", help="name of the dataset; without DATA its published partitions are taken")
    suggest.add_argument("--partitions", metavar="GLOB", help="which files of the folder; default: all parquet and CSV")
    suggest.add_argument(
        "--output", type=Path, action="append", metavar="FILE", help="suite.json or contract.yaml; may be repeated"
    )
    suggest.add_argument("--threshold", type=share, default=0.95, help="checks that pass less are off; default: 0.95")
    add_url(suggest)
    suggest.set_defaults(run=suggest_checks)


def share(text: str) -> float:
    """Return a share of 0 to 1."""
    value = float(text)
    if not 0 <= value <= 1:
        raise ValueError(text)
    return value


def suggest_checks(options: argparse.Namespace) -> int:
    """Learn, print the table and write the files."""
    from airflow_dataops.core.suggestion.documents import summary_lines
    from airflow_dataops.hooks.suggestion import files_of, published_of, suggest

    outputs = options.output or []
    for path in outputs:
        refuse_unwritable(path)
    history: list[int] = []
    if options.data is not None:
        sources = files_of(options.data, options.partitions)
    elif options.dataset:
        sources, history = published_of(options.dataset, chosen_url(options))
    else:
        raise BrokenCheckError("Nothing to learn from was named.", hint="name a file, a folder, or a --dataset")
    name = options.dataset or options.data.resolve().name.partition(".")[0]
    found = suggest(sources, name, threshold=options.threshold, history=history)
    print("\n".join([f"Learned from {found.learned}.", "", *summary_lines(found.judged)]))
    print("\n".join(["", *found.remarks] if found.remarks else []))
    for path in outputs:
        write(path, found)
        print(f"Written to {path}: review it before a gate uses it.")
    return 0


def refuse_unwritable(path: Path) -> None:
    """Refuse, before anything is computed, a file that cannot be written."""
    if path.suffix.lower() not in {".json", ".yaml", ".yml"}:
        raise BrokenCheckError(
            f"Got the output {path}; allowed are names in .json (a suite) and .yaml (a contract).", hint="rename it"
        )
    if not path.absolute().parent.is_dir():
        raise BrokenCheckError(f"There is no folder for {path}.", hint="make it, or name another")


def write(path: Path, found: Suggestion) -> None:
    """Write a suite as JSON, a contract as YAML."""
    import yaml

    if path.suffix.lower() == ".json":
        text = json.dumps(found.suite(), indent=2, ensure_ascii=False)
    else:
        text = yaml.safe_dump(found.contract(), sort_keys=False, allow_unicode=True, width=110)
    try:
        path.write_text(text if text.endswith("\n") else f"{text}\n", "utf-8")
    except OSError as error:
        raise BrokenCheckError(f"{path} cannot be written: {error.strerror}.", hint="name another file") from error
