"""Repaired rows put back where they stood: judged with all others, published as a new version."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airflow_dataops.core.dataset import Snapshot, pointer_name
from airflow_dataops.core.ledger import Claim, Event, Pointer
from airflow_dataops.core.quality import GateDecision, Verdict, decide
from airflow_dataops.core.quarantine import (
    KINDS,
    Quarantined,
    chosen,
    quarantined,
    references_in,
    refuse_closed,
    suite_in,
)
from airflow_dataops.core.words import count_words, plain
from airflow_dataops.exceptions import ConflictError, GateHeldError
from airflow_dataops.hooks.dataset import DatasetHook
from airflow_dataops.hooks.dataset_split import ROW_COLUMN
from airflow_dataops.hooks.ledger_store import LedgerStore
from airflow_dataops.hooks.quality_evaluation import evaluate
from airflow_dataops.hooks.quarantine import merged_batches, read_quarantine, repaired
from airflow_dataops.operators.dataset import write_pointer
from airflow_dataops.operators.quality import split
from airflow_dataops.operators.quality_outcome import evidence_of
from airflow_dataops.operators.station import Outcome

__all__ = ["Repair", "lying", "reinject"]

MOST_FINDINGS = 100


@dataclass(frozen=True, slots=True)
class Repair:
    """What is to be put back.

    Args:
        dataset: The dataset the rows were split from.
        partition: Which part of it.
        path: The file with repaired rows.
        version: Which quarantine; by default the newest.
        drop: Whether rows that the file does not hold are dropped.
    """

    dataset: str
    partition: str
    path: Path
    version: str | None = None
    drop: bool = False


@dataclass(frozen=True, slots=True)
class Returned:
    """How many rows came of what."""

    repaired: int
    dropped: int
    left: int
    back: int


def lying(ledger: LedgerStore) -> list[Quarantined]:
    """Return what was put in quarantine, oldest first."""
    events = [row for kind in KINDS for row in ledger.events(kind=kind)]
    return quarantined(sorted(events, key=lambda row: row.id))


def reinject(store: DatasetHook, ledger: LedgerStore, claim: Claim, repair: Repair) -> Outcome:
    """Put repaired rows back into the published version and publish the result by compare-and-set.

    Everything is judged again with the suite that split the rows off; those that still fail stay in quarantine.

    Raises:
        GateHeldError: The whole would be held, or no row got better; nothing changes. A retry does not help.
        ConflictError: The published version moved, or the rows were reinjected already. A retry does not help.
        SourceError: The file does not fit the quarantine. A retry does not help.
    """
    name = pointer_name(repair.dataset, repair.partition)
    if "plan" not in claim.result:
        claim = ledger.note(claim, {"plan": plan(ledger, name, repair)})
    noted = claim.result["plan"]
    before, good = Snapshot.from_xcom(noted["quarantine"]), Snapshot.from_xcom(noted["good"])
    evidence = json.loads(store.get_evidence(noted["evidence"]))
    merged, counted, dropped = merge(store, good, before, repair, claim.key)
    suite, referred = suite_in(evidence), references_in(evidence)
    paths = {called: [store.verified_path(one) for one in parts] for called, parts in referred.items()}
    with evaluate(suite, store.verified_path(merged), references=paths) as evaluation:
        decision = decide(
            evaluation.results,
            evaluation.rows,
            evaluation.count_failing,
            dataset=repair.dataset,
            partition=repair.partition,
        )
        refuse_unmended(decision, before, dropped)
        new, left = split(store, merged, decision, evaluation, claim.key)
    if new is None:
        raise RuntimeError(f"{merged.name} was let through without rows")
    report = store.put_evidence(evidence_of(merged, evaluation, decision, suite, referred), ".json", claim.key)
    value = {"snapshot": new.to_xcom(), "verdict": decision.verdict.value}
    moved = ledger.move_pointer(claim, name, noted["expected"], value)
    write_pointer(ledger, store, repair.dataset, repair.partition, claim.key)
    back = before.rows - dropped - (left.rows if left else 0)
    counts = Returned(counted, dropped, left.rows if left else 0, back)
    result = result_of(decision, moved, left, counts, report)
    return Outcome(result, events=events_of(decision, moved, before, result, noted["previous"]))


def plan(ledger: LedgerStore, name: str, repair: Repair) -> dict[str, Any]:
    """Return what is reinjected into what, decided once so that a retry does not decide anew.

    Raises:
        ConflictError: The good rows are not what is published. A retry does not help.
    """
    one = chosen(lying(ledger), repair.dataset, repair.partition, repair.version)
    refuse_closed(one)
    current = ledger.pointer(name)
    published = current.value.get("snapshot", {})
    if one.good is None or published.get("version") != one.good.version:
        shown = f"the published version is {published.get('version')}" if published else "nothing is published"
        wanted = one.good.version if one.good else "none"
        raise ConflictError(
            f"{plain(one.snapshot.name)} belongs to the good rows {wanted}, but {shown}.",
            hint="publish these good rows first with a PublishDatasetOperator, or repair the quarantine of the "
            "published version; of a line that publishes only a table, deliver the repaired rows anew",
        )
    return {
        "quarantine": one.snapshot.to_xcom(),
        "good": one.good.to_xcom(),
        "evidence": one.evidence,
        "expected": current.version,
        "previous": dict(current.value),
    }


def merge(
    store: DatasetHook, good: Snapshot, before: Snapshot, repair: Repair, owner: str
) -> tuple[Snapshot, int, int]:
    """Write good and repaired rows as one snapshot; return it, how many rows the file held and how many it dropped.

    Raises:
        RuntimeError: A row got lost or doubled; nothing was published.
    """
    rows = read_quarantine(store.verified_path(before))
    positions = rows.column(ROW_COLUMN).to_numpy()
    mended, counted, dropped = repaired(repair.path, rows, before.version, drop=repair.drop)
    batches = merged_batches(store.verified_path(good), positions, mended)
    merged = store.write_snapshot(batches, repair.dataset, repair.partition, owner)
    if merged.rows + dropped != good.rows + before.rows:
        raise RuntimeError(
            f"{good.name} and {before.name} have {good.rows + before.rows} rows, but {merged.rows} came of them "
            f"and {dropped} were dropped"
        )
    return merged, counted, dropped


def refuse_unmended(decision: GateDecision, before: Snapshot, dropped: int) -> None:
    """Refuse a repair by which the whole gets worse or nothing gets better.

    Raises:
        GateHeldError: It is so; what is published and what lies in quarantine stay as they are.
    """
    if decision.verdict is Verdict.HOLD:
        raise GateHeldError(
            f"With the repaired rows the whole would be held. {decision.sentence}",
            hint="nothing was changed: correct the repaired file and reinject it again",
        )
    if not dropped and decision.bad >= before.rows:
        raise GateHeldError(
            f"No row of {plain(before.name)} got better: {count_words(decision.bad)} rows still fail "
            f"{plain(', '.join(decision.split_by[:3]))}.",
            hint="nothing was changed: correct the repaired file and reinject it again",
        )


def result_of(
    decision: GateDecision, moved: Pointer, left: Snapshot | None, counts: Returned, report: str
) -> dict[str, Any]:
    """Return what goes to XCom."""
    snapshot = moved.value["snapshot"]
    all_rows = count_words(counts.back + counts.dropped + counts.left)
    told = f"{count_words(counts.back)} of {all_rows} quarantined rows of "
    told += plain(f"{snapshot['dataset']}/{snapshot['partition']}")
    dropped = f", {count_words(counts.dropped)} were dropped" if counts.dropped else ""
    return {
        **moved.value,
        "quarantine": left.to_xcom() if left else None,
        "rows": decision.rows,
        "rows_repaired": counts.repaired,
        "rows_back": counts.back,
        "rows_dropped": counts.dropped,
        "rows_left": counts.left,
        "evidence": report,
        "pointer": {"name": moved.name, "version": moved.version},
        "sentence": f"{told} are back{dropped} and {count_words(counts.left)} stay in quarantine.",
    }


def events_of(
    decision: GateDecision,
    moved: Pointer,
    before: Snapshot,
    result: Mapping[str, Any],
    previous: Mapping[str, Any],
) -> list[Event]:
    """Return what goes into the history: that rows are back, and that a new version is current."""
    findings = [finding.to_json() for finding in decision.findings if finding.says][:MOST_FINDINGS]
    returned = {**result, "reinjected": before.to_xcom(), "findings": findings}
    new = Snapshot.from_xcom(moved.value["snapshot"])
    words = f"{new.name} is published: {count_words(new.rows)} rows, publication {moved.version}."
    published = {"sentence": words, **moved.value, "pointer": result["pointer"], "previous": previous}
    return [Event("quality.reinjected", moved.name, returned), Event("dataset.published", moved.name, published)]
