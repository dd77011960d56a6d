"""The command line: ``airflow-dataops …``, a module for each noun."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence

from airflow_dataops.cli import check, diff, ledger, quarantine, suggest, suite
from airflow_dataops.exceptions import DataOpsError

__all__ = ["main"]

NOUNS = (check, diff, ledger, quarantine, suggest, suite)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 is success, 1 a finding, 2 a misuse or an outage."""
    options = build_parser().parse_args(arguments)
    before = logging.root.manager.disable
    # Airflow writes the log to stdout, where the output of a command must stand alone.
    logging.disable(max(before, logging.INFO))
    try:
        return int(options.run(options))
    except DataOpsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    finally:
        logging.disable(before)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = argparse.ArgumentParser(prog="airflow-dataops", description="Data and model production line.")
    nouns = parser.add_subparsers(required=True, metavar="COMMAND")
    for noun in NOUNS:
        noun.add_commands(nouns)
    return parser
