"""``airflow-dataops quarantine …``: what lies in quarantine, its way out for repair and back, and its end."""

from __future__ import annotations

import argparse
import getpass
import hashlib
import json
import socket
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_dataops.cli.ledger import add_url, chosen_url
from airflow_dataops.cli.parsing import Commands, verbs
from airflow_dataops.core.ledger import Claim, Event
from airflow_dataops.core.words import count_words, plain
from airflow_dataops.exceptions import BrokenCheckError

if TYPE_CHECKING:
    from airflow_dataops.core.quarantine import Quarantined
    from airflow_dataops.hooks.dataset import DatasetHook
    from airflow_dataops.hooks.ledger_store import LedgerStore
    from airflow_dataops.operators.station import Outcome

__all__ = ["add_commands"]

HEADER = ("DATASET", "PARTITION", "VERSION", "ROWS", "OF", "STATE", "DAYS", "BY", "CHECKS")
MOST_ROWS = 20


def add_commands(nouns: Commands) -> None:
    """Add what can be done with quarantined rows."""
    quarantine = verbs(nouns, "quarantine", "rows that gates split off")
    add_list(quarantine)
    add_show(quarantine)
    add_reinject(quarantine)
    add_purge(quarantine)


def add_list(quarantine: Commands) -> None:
    """Add the list."""
    parser = quarantine.add_parser("list", help="what lies in quarantine, oldest first")
    parser.add_argument("--dataset", help="only rows split from this dataset")
    parser.add_argument("--open", action="store_true", help="only rows that can be repaired")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    add_places(parser)
    parser.set_defaults(run=list_quarantine)


def add_show(quarantine: Commands) -> None:
    """Add the look at rows, and the way out."""
    parser = quarantine.add_parser("show", help="why rows were split off, and where they stood; export them for repair")
    add_subject(parser)
    parser.add_argument("--rows", type=int, default=MOST_ROWS, help=f"how many rows are shown; default {MOST_ROWS}")
    parser.add_argument(
        "--values", action="store_true", help="show values of the columns that the contract calls public"
    )
    parser.add_argument("--output", type=Path, help="write the rows for repair to this .csv or .parquet file")
    parser.add_argument("--unmask", action="store_true", help="with --output: also columns that are not public")
    parser.add_argument("--reason", default="", help="why columns are unmasked; the history keeps it")
    add_places(parser)
    parser.set_defaults(run=show_quarantine)


def add_reinject(quarantine: Commands) -> None:
    """Add the way back."""
    parser = quarantine.add_parser("reinject", help="put repaired rows back and publish a new version")
    parser.add_argument("file", type=Path, help="the repaired rows: parquet or CSV with _dataops_row")
    add_subject(parser)
    parser.add_argument("--drop", action="store_true", help="drop quarantined rows that the file does not hold")
    add_places(parser)
    parser.set_defaults(run=reinject_rows)


def add_purge(quarantine: Commands) -> None:
    """Add the end."""
    parser = quarantine.add_parser("purge", help="delete rows that are older than they may be")
    parser.add_argument("--dataset", help="only rows split from this dataset")
    parser.add_argument("--older-than-days", help="days that rows are kept; default: the contract's retention")
    parser.add_argument("--dry-run", action="store_true", help="only say what would go")
    add_places(parser)
    parser.set_defaults(run=purge_rows)


def add_subject(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which rows are meant."""
    parser.add_argument("--dataset", required=True, help="the dataset the rows were split from")
    parser.add_argument("--partition", default="all", help="which part of it; default: all")
    parser.add_argument("--version", help="which version of the quarantine; default: the newest")


def add_places(parser: argparse.ArgumentParser) -> None:
    """Add the options that say where history and rows lie."""
    add_url(parser)
    parser.add_argument("--store", type=Path, help="the store's folder; default: the connection dataops_store")


def places(options: argparse.Namespace) -> tuple[LedgerStore, DatasetHook]:
    """Open the ledger and the store."""
    # Only commands that run pay for Airflow and the database's libraries.
    from airflow_dataops.hooks.dataset import DatasetHook
    from airflow_dataops.hooks.ledger_store import LedgerStore

    store = DatasetHook()
    if options.store is not None:
        store.root = options.store.expanduser().absolute()
    return LedgerStore(chosen_url(options)), store


def list_quarantine(options: argparse.Namespace) -> int:
    """Print what lies in quarantine."""
    from airflow_dataops.core.quarantine import State, age_in_days
    from airflow_dataops.hooks.ledger_store import now
    from airflow_dataops.operators.quarantine_purge import file_of
    from airflow_dataops.operators.quarantine_repair import lying

    ledger, store = places(options)
    found = [one for one in lying(ledger) if options.dataset in {None, one.dataset}]
    found = [one for one in found if one.state is State.OPEN or not options.open]
    told = []
    for one in found:
        days = round(age_in_days(one.at, now()), 1)
        told.append({**one.to_json(), "age_days": days, "file": file_of(store, one).is_file()})
    if options.json:
        print(json.dumps(told, indent=1))
    elif told:
        print_table([HEADER, *(line_of(one) for one in told)])
    else:
        print("Nothing lies in quarantine.")
    return 0


def line_of(one: dict[str, Any]) -> tuple[str, ...]:
    """Return one line of the list."""
    state = one["state"] if one["file"] or one["state"] == "purged" else f"{one['state']}, file missing"
    checks = ", ".join(f"{plain(name)}: {failed}" for name, failed in one["checks"].items())
    places = (plain(one["dataset"]), plain(one["partition"]), one["version"])
    return (*places, str(one["rows"]), str(one["rows_judged"]), state, f"{one['age_days']:g}", plain(one["by"]), checks)


def print_table(lines: Sequence[tuple[str, ...]]) -> None:
    """Print lines in columns."""
    widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def show_quarantine(options: argparse.Namespace) -> int:
    """Print why rows were split off, or write them to a file for repair."""
    from airflow_dataops.core.quarantine import State, chosen, public_columns
    from airflow_dataops.hooks.quarantine import data_columns, read_quarantine
    from airflow_dataops.operators.quarantine_repair import lying

    if options.unmask and not (options.output and options.reason.strip()):
        raise BrokenCheckError("--unmask needs --output and --reason.", hint='for example --reason "ticket 4711"')
    ledger, store = places(options)
    one = chosen(lying(ledger), options.dataset, options.partition, options.version)
    if one.state is State.PURGED:
        raise BrokenCheckError(f"{plain(one.snapshot.name)} was purged.", hint="deliver the rows again")
    rows = read_quarantine(store.verified_path(one.snapshot))
    public = public_columns(json.loads(store.get_evidence(one.evidence)), data_columns(rows))
    if options.output is not None:
        return export_rows(options, ledger, one, rows, data_columns(rows) if options.unmask else public)
    print(
        f"{plain(one.snapshot.name)}: {count_words(one.snapshot.rows)} of {count_words(one.rows_judged)} rows, ", end=""
    )
    print(f"{one.state.value}, put there at {one.at} by {plain(one.actor)}.")
    for name, failed in counts_of(rows).items():
        print(f"  {count_words(failed)} rows fail {plain(name)}")
    print_rows(rows, public if options.values else [], options.rows)
    hidden = [name for name in data_columns(rows) if name not in public]
    if options.values and hidden:
        print(f"Hidden, because the contract does not classify them as public: {plain(', '.join(hidden), 400)}.")
    return 0


def counts_of(rows: Any) -> dict[str, int]:
    """Return how many rows fail each check, most first."""
    import pyarrow.compute as pc

    from airflow_dataops.hooks.dataset_split import CHECKS_COLUMN

    counted = pc.value_counts(pc.list_flatten(rows.column(CHECKS_COLUMN))).to_pylist()
    return {one["values"]: one["counts"] for one in sorted(counted, key=lambda one: -one["counts"])}


def print_rows(rows: Any, columns: Sequence[str], most: int) -> None:
    """Print where the first rows stood, why they were split off, and what public columns hold."""
    from airflow_dataops.hooks.dataset_split import CHECKS_COLUMN, ROW_COLUMN

    shown = rows.select([ROW_COLUMN, CHECKS_COLUMN, *columns]).slice(0, max(most, 0)).to_pylist()
    lines = [
        (str(row[ROW_COLUMN]), *(plain(str(row[name])) for name in columns), ", ".join(map(plain, row[CHECKS_COLUMN])))
        for row in shown
    ]
    print_table([("ROW", *map(plain, columns), "FAILS"), *lines])
    if rows.num_rows > len(shown):
        print(f"… and {count_words(rows.num_rows - len(shown))} more")


def export_rows(
    options: argparse.Namespace, ledger: LedgerStore, one: Quarantined, rows: Any, columns: Sequence[str]
) -> int:
    """Write rows for repair; the history tells who took which columns, and why, before they leave."""
    from airflow_dataops.hooks.quarantine import export, kind_of

    kind_of(options.output)
    unmasked = " with columns that are not public" if options.unmask else ""
    sentence = f"{person()} took {count_words(rows.num_rows)} rows of {plain(one.snapshot.name)} out{unmasked}."
    payload = {
        "sentence": sentence,
        "quarantine": one.snapshot.to_xcom(),
        "columns": list(columns),
        "unmasked": options.unmask,
        "reason": options.reason[:500],
    }
    ledger.append(Event("quality.exported", one.subject, payload, person()))
    written = export(rows, columns, one.snapshot.version, options.output)
    print(f"{options.output} holds {count_words(rows.num_rows)} rows with {count_words(len(written))} columns.")
    left_out = [name for name in rows.column_names if name not in written and not name.startswith("_dataops_")]
    if left_out:
        print(f"Left out: {plain(', '.join(left_out), 400)}; they stay as they are when the file is reinjected.")
    return 0


def reinject_rows(options: argparse.Namespace) -> int:
    """Put repaired rows back."""
    from airflow_dataops.operators.quarantine_repair import Repair, reinject

    ledger, store = places(options)
    if not options.file.is_file():
        raise BrokenCheckError(
            f"There is no file at {options.file}.", hint="name the file that holds the repaired rows"
        )
    digest = hashlib.sha256(options.file.read_bytes()).hexdigest()[:16]
    claim = claimed(ledger, "reinject", f"{options.dataset}/{options.partition}/{options.version or ''}/{digest}")
    repair = Repair(options.dataset, options.partition, options.file, options.version, options.drop)
    finish(ledger, claim, reinject(store, ledger, claim, repair))
    return 0


def purge_rows(options: argparse.Namespace) -> int:
    """Delete rows that may not be kept."""
    from airflow_dataops.operators.quarantine import days_of
    from airflow_dataops.operators.quarantine_purge import expired, purge

    ledger, store = places(options)
    doomed = expired(store, ledger, dataset=options.dataset, days=days_of(options.older_than_days))
    outcome = purge(store, doomed, dry_run=options.dry_run)
    for event in outcome.events:
        ledger.append(Event(event.kind, event.subject, event.payload, person()))
    for name in outcome.result["versions"]:
        print(name)
    print(outcome.result["sentence"])
    return 0


def claimed(ledger: LedgerStore, verb: str, subject: str) -> Claim:
    """Take the right to do a command's work; the same command again finds what a killed one left."""
    from airflow_dataops import settings
    from airflow_dataops.core.ledger import Attempt, RunKey

    run = RunKey(settings.instance(), "airflow-dataops", f"quarantine {verb}", subject)
    return ledger.claim(run, Attempt(f"{time.time_ns():020}"))


def finish(ledger: LedgerStore, claim: Claim, outcome: Outcome) -> None:
    """Record what came of a command, in the name of who ran it, and say it."""
    events = [Event(event.kind, event.subject, event.payload, person()) for event in outcome.events]
    ledger.complete(claim, outcome.result, events=events, measurements=outcome.measurements)
    print(outcome.result["sentence"])


def person() -> str:
    """Return who runs the command, as the system knows them."""
    try:
        return f"{getpass.getuser()}@{socket.gethostname()}"
    except (OSError, KeyError):  # no entry for this user
        return f"unknown@{socket.gethostname()}"
