"""``airflow-dataops diff contract A B``: what changed, whom it breaks, and which DAGs and owners are hit."""

from __future__ import annotations

import argparse
import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_dataops.cli.parsing import Commands, verbs
from airflow_dataops.core.contract_change import Change
from airflow_dataops.core.words import plain

if TYPE_CHECKING:
    from airflow_dataops.core.contract_facts import Agreement

__all__ = ["add_commands"]

FILE = "a data contract, a suite or a shorthand file"


def add_commands(nouns: Commands) -> None:
    """Add what can be compared."""
    contract = verbs(nouns, "diff", "what changed").add_parser(
        "contract", help="compare two contracts; exit code 1 if a change breaks somebody"
    )
    contract.add_argument("before", metavar="A", help=f"{FILE}, before")
    contract.add_argument("after", metavar="B", help=f"{FILE}, after")
    contract.add_argument(
        "--side", choices=("consumers", "producers", "both"), default="both", help="whose view counts"
    )
    contract.add_argument("--format", choices=("text", "json"), default="text")
    contract.add_argument("--dags", help="folder of DAGs in which to look for those that are hit")
    contract.add_argument(
        "--dataset", action="append", default=[], help="name of the dataset, if it differs; repeatable"
    )
    contract.add_argument("--ledger-url", help="ledger in which to look for those who read the dataset")
    contract.set_defaults(run=diff_contract)


def diff_contract(options: argparse.Namespace) -> int:
    """Compare two files and tell what came of it."""
    from airflow_dataops.core.contract_diff import changes_of
    from airflow_dataops.core.contract_facts import agreement_of
    from airflow_dataops.core.contract_version import version_fault
    from airflow_dataops.hooks.suite import parsed

    before, after = (agreement_of(parsed(Path(f)), plain(Path(f).name)) for f in (options.before, options.after))
    changes = [seen_from(one, options.side) for one in changes_of(before, after)]
    hit = everybody_hit(options, before, after)
    found: dict[str, Any] = {
        "before": {"file": options.before, "version": before.version},
        "after": {"file": options.after, "version": after.version},
        "changes": [one.to_json() for one in changes],
        "version": version_fault(before.version, after.version, changes),
        **hit,
    }
    if options.format == "json":
        print(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        print_text(changes, found)
    return 1 if any(one.kind == "breaking" for one in changes) else 0


def seen_from(change: Change, side: str) -> Change:
    """Return a change as one side sees it: what breaks the other alone is compatible."""
    if side == "both" or not change.breaks or side in change.breaks:
        return change
    return Change(change.table, change.subject, change.what, "compatible", change.breaks)


def everybody_hit(options: argparse.Namespace, before: Agreement, after: Agreement) -> dict[str, Any]:
    """Return which DAGs name the files or datasets, and who read these by the ledger."""
    from dataclasses import asdict

    named = {name for one in (before, after) if one.is_named for name in one.tables}
    datasets = set(options.dataset) or named
    hit: dict[str, Any] = {}
    if options.dags:
        from airflow_dataops.hooks.dag_files import dag_uses

        paths = [Path(file).resolve() for file in (options.before, options.after)]
        uses, unread = dag_uses(Path(options.dags), paths, datasets)
        hit = {"dags": [asdict(use) for use in uses], "unread": unread}
    if options.ledger_url:
        hit["readers"] = readers_of(options.ledger_url, datasets)
    return hit


def readers_of(url: str, datasets: Collection[str]) -> list[dict[str, Any]]:
    """Return who read the datasets by the ledger: what they made of it, how often, and when last."""
    from airflow_dataops.core.dataset import pointer_name
    from airflow_dataops.hooks.ledger_store import LedgerStore

    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    for row in LedgerStore(url).events():
        event = row.event
        # What happens to a dataset is told under its own name; who names it elsewhere has read it.
        read = sorted(n for n in names_in(event.payload, datasets) if not event.subject.startswith(pointer_name(n, "")))
        if not read:
            continue
        # instance/dag/run/task: the run changes from time to time, its reader does not.
        instance, _, rest = event.actor.partition("/")
        dag_id, task_id = rest.partition("/")[0], rest.rpartition("/")[2]
        place = (instance, dag_id, task_id)
        held = found.setdefault(place, {"dag_id": dag_id, "task_id": task_id, "reads": read, "times": 0})
        held |= {"kind": event.kind, "subject": event.subject, "times": held["times"] + 1, "last": row.at}
    return list(found.values())


def names_in(payload: Any, datasets: Collection[str]) -> set[str]:
    """Return the datasets that an event names, however deep."""
    if isinstance(payload, Mapping):
        own = {payload["dataset"]} & set(datasets) if isinstance(payload.get("dataset"), str) else set()
        return own.union(*[names_in(value, datasets) for value in payload.values()])
    if isinstance(payload, list | tuple):
        return set().union(*[names_in(value, datasets) for value in payload])
    return set()


def print_text(changes: Sequence[Change], found: dict[str, Any]) -> None:
    """Print what was found for people."""
    if not changes:
        print("Nothing changed.")
    for kind in ("breaking", "compatible", "informational"):
        of_kind = [one for one in changes if one.kind == kind]
        if of_kind:
            print(f"{kind.capitalize()} ({len(of_kind)})")
        for one in of_kind:
            place = ".".join(name for name in (one.table, one.subject) if name)
            hits = f"  [breaks {' and '.join(one.breaks)}]" if one.breaks else ""
            print(f"  {place + ': ' if place else ''}{one.what}{hits}")
    if found["version"]:
        print(found["version"])
    print_hit(found)


def print_hit(found: Mapping[str, Any]) -> None:
    """Print which DAGs and owners are hit."""
    for use in found.get("dags", ()):
        task = f", task {use['task_id']}" if use["task_id"] else ""
        print(f"DAG {use['dag_id']} of {use['owner']}{task} names {use['named']} ({use['file']}:{use['line']})")
    for file in found.get("unread", ()):
        print(f"{file} could not be read: it is no Python in UTF-8.")
    for reader in found.get("readers", ()):
        reads = ", ".join(reader["reads"])
        print(
            f"DAG {reader['dag_id']}, task {reader['task_id']} read {reads} {reader['times']} times, "
            f"last {reader['last']}: {reader['kind']} {reader['subject']}"
        )
