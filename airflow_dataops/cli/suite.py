"""``airflow-dataops suite …``: what a suite, contract or shorthand means, and as which suite it can be written."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from airflow_dataops.cli.parsing import Commands, verbs
from airflow_dataops.core.quality_check import Check, Suite
from airflow_dataops.core.words import count_words, percent_words, plain
from airflow_dataops.exceptions import BrokenCheckError

__all__ = ["add_commands"]

FILE = "a suite, a data contract (contract.yaml#object) or a shorthand file"
MAX_WIDTH = 60


def add_commands(nouns: Commands) -> None:
    """Add what can be done with suites."""
    suite = verbs(nouns, "suite", "what is checked of data")
    show = suite.add_parser("show", help="print the checks that a file means, and what is not checked")
    show.add_argument("file", help=FILE)
    show.set_defaults(run=suite_show)
    convert = suite.add_parser("convert", help="write the suite of Great Expectations that a file means")
    convert.add_argument("file", help=FILE)
    convert.add_argument("--output", help="where to write; default: the terminal")
    convert.set_defaults(run=suite_convert)
    schema = suite.add_parser("schema", help="print the JSON Schema of our shorthand, for editors")
    schema.set_defaults(run=suite_schema)


def suite_show(options: argparse.Namespace) -> int:
    """Print checks and what is not checked."""
    from airflow_dataops.core.quality_needs import reference_columns
    from airflow_dataops.core.quality_suite import suite_of
    from airflow_dataops.hooks.suite import read_document

    suite = suite_of(*read_document(Path(options.file)))
    print(f"{plain(suite.name)}: {len(suite.checks)} checks\n")
    print_table(
        ("check", "severity", "tolerance", "rows that fail, or what is wrong"), [row_of(c) for c in suite.checks]
    )
    for name, columns in reference_columns(suite.expectations).items():
        print(f"\nIt refers to {plain(name)} ({plain(', '.join(columns))}); give its data under references.")
    print_unsupported(suite)
    return 0


def row_of(check: Check) -> tuple[str, ...]:
    """Return what is shown of a check."""
    return check.id, check.severity.value, tolerance_words(check), check.says


def tolerance_words(check: Check) -> str:
    """Return how many rows may fail."""
    if not check.row_level:
        return "–"
    if check.tolerance is not None and check.tolerance.rows is not None:
        return f"{count_words(check.tolerance.rows)} rows" if check.tolerance.rows else "none"
    share = check.tolerance.share if check.tolerance is not None else round(1 - check.mostly, 12)
    if not share and check.tolerance is None and check.severity.value == "quarantine":
        return "any"
    return percent_words(share) if share else "none"


def print_unsupported(suite: Suite) -> None:
    """Print the rules that are not checked, each with why."""
    if suite.unsupported:
        print(f"\nNot checked: {len(suite.unsupported)}\n")
        print_table(("rule", "why"), [(one.get("rule", ""), one.get("why", "")) for one in suite.unsupported])


def print_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under heads, in columns."""
    lines = [list(heads), *[[plain(cell, 200) for cell in row] for row in rows]]
    widths = [min(max(len(line[place]) for line in lines), MAX_WIDTH) for place in range(len(heads))]
    for number, line in enumerate(lines):
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
        if not number:
            print("  ".join("─" * width for width in widths))


def suite_convert(options: argparse.Namespace) -> int:
    """Write the suite as Great Expectations reads it."""
    from airflow_dataops.core.quality_suite import suite_of
    from airflow_dataops.core.quality_types import OWN_TYPES
    from airflow_dataops.hooks.suite import read_document

    document, source = read_document(Path(options.file))
    suite = suite_of(document, source)
    text = json.dumps({"meta": {}, **document}, indent=2, ensure_ascii=False, default=str) + "\n"
    if options.output:
        write(Path(options.output), text)
    else:
        print(text, end="")
    own = sum(check.type in OWN_TYPES for check in suite.checks)
    if own:
        print(f"{own} of its checks are of types that Great Expectations does not have (dataops_…).", file=sys.stderr)
    return 0


def write(path: Path, text: str) -> None:
    """Write a file.

    Raises:
        BrokenCheckError: It cannot be written.
    """
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise BrokenCheckError(f"{path} cannot be written: {error.strerror}.", hint="choose another place") from error


def suite_schema(_: argparse.Namespace) -> int:
    """Print the grammar of the shorthand."""
    from airflow_dataops.core.shorthand_schema import schema

    print(json.dumps(schema(), indent=2, ensure_ascii=False))
    return 0
