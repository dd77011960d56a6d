"""Quarantined rows that are older than they may be: found by the history, deleted, and told of."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from airflow_dataops.core.ledger import Event
from airflow_dataops.core.quarantine import Quarantined, State, age_in_days, retention_days
from airflow_dataops.core.words import count_words, plain
from airflow_dataops.hooks.dataset import DatasetHook, remove_file
from airflow_dataops.hooks.ledger_store import LedgerStore, now
from airflow_dataops.operators.quarantine_repair import lying
from airflow_dataops.operators.station import Outcome

__all__ = ["Doomed", "expired", "purge"]

MOST_NAMED = 10


@dataclass(frozen=True, slots=True)
class Doomed:
    """Rows that may not be kept any longer.

    Args:
        one: The rows.
        age: How many days they lie.
        limit: How many days they may.
    """

    one: Quarantined
    age: float
    limit: float


def expired(store: DatasetHook, ledger: LedgerStore, *, dataset: str | None, days: float | None) -> list[Doomed]:
    """Return rows older than `days`, or than their contract's retention; never those that a pointer names."""
    at, found, named = now(), [], pointed_at(ledger)
    for one in lying(ledger):
        if one.state is State.PURGED or (dataset is not None and one.dataset != dataset):
            continue
        limit = days if days is not None else retention_days(json.loads(store.get_evidence(one.evidence)))
        identity = (one.snapshot.dataset, one.snapshot.partition, one.snapshot.version)
        age = age_in_days(one.at, at)
        if limit is not None and age > limit and identity not in named:
            found.append(Doomed(one, age, limit))
    return found


def pointed_at(ledger: LedgerStore) -> set[tuple[str, str, str]]:
    """Return the snapshots that are published."""
    values = [pointer.value.get("snapshot") or {} for pointer in ledger.pointers("dataset/")]
    return {(value["dataset"], value["partition"], value["version"]) for value in values if "version" in value}


def purge(store: DatasetHook, doomed: Sequence[Doomed], *, dry_run: bool) -> Outcome:
    """Delete the files of rows that may not be kept and return an event for each.

    Raises:
        OutageError: A file cannot be deleted. A retry helps.
    """
    size, rows = 0, sum(one.one.snapshot.rows for one in doomed)
    for one in doomed:
        path = file_of(store, one.one)
        size += path.stat().st_size if path.is_file() else 0
        if not dry_run:
            with store.reaching():
                remove_file(path)
    verb = "would be purged" if dry_run else "were purged"
    sentence = f"{count_words(rows)} quarantined rows in {len(doomed)} versions {verb}."
    versions = [plain(one.one.snapshot.name) for one in doomed]
    result = {
        "purged": len(doomed),
        "rows": rows,
        "bytes": size,
        "dry_run": dry_run,
        "versions": versions[:MOST_NAMED],
        "sentence": sentence,
    }
    return Outcome(result, events=[] if dry_run else [event_of(one) for one in doomed])


def file_of(store: DatasetHook, one: Quarantined) -> Path:
    """Return where rows lie in this store; a path out of the history is not trusted when it comes to deleting."""
    snapshot = one.snapshot
    return store.snapshot_folder(snapshot.dataset, snapshot.partition) / f"{snapshot.version}.parquet"


def event_of(doomed: Doomed) -> Event:
    """Return what the history tells of rows that are gone."""
    one = doomed.one
    sentence = (
        f"{count_words(one.snapshot.rows)} quarantined rows of {plain(one.dataset)}/{plain(one.snapshot.partition)} "
        f"were purged after {doomed.age:.0f} days; {doomed.limit:g} are allowed."
    )
    payload = {"sentence": sentence, "quarantine": one.snapshot.to_xcom(), "was": one.state.value}
    return Event("quality.purged", one.subject, {**payload, "age_days": round(doomed.age, 3), "limit": doomed.limit})
