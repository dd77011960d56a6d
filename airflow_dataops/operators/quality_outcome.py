"""What a gate tells: its result, its evidence, its events and its figures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, TypeAlias

from airflow_dataops.core.dataset import Snapshot, pointer_name
from airflow_dataops.core.ledger import Event, Measurement, RunKey
from airflow_dataops.core.quality import GateDecision
from airflow_dataops.core.quality_check import Suite
from airflow_dataops.core.quality_report import Report, lines_of
from airflow_dataops.core.quality_report_page import page_of
from airflow_dataops.core.words import count_words, plain
from airflow_dataops.hooks.dataset import path_of
from airflow_dataops.hooks.quality_evaluation import Evaluation
from airflow_dataops.hooks.quality_pictures import pictures_of

__all__ = [
    "MOST_FINDINGS",
    "MOST_NAMED",
    "Judged",
    "events_of",
    "evidence_of",
    "fitted",
    "measurements_of",
    "report_of",
    "result_of",
]

MOST_NAMED = 5
MOST_FINDINGS = 100
MOST_BYTES = 1900
"""What a result may weigh as JSON; the version of the published pointer comes on top."""
SHORTEST_SENTENCE = 80


Parts: TypeAlias = tuple[Snapshot, Snapshot | None, Snapshot | None]
"""What was judged, what may go on, and what was split off."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of a gate's work.

    Args:
        snapshot: What was judged.
        decision: The verdict and what it rests on.
        good: What may go on; None where nothing may.
        bad: The rows that were split off; None where none was.
        evidence: Where every check's figures lie.
        report: Where the page for people lies.
    """

    snapshot: Snapshot
    decision: GateDecision
    good: Snapshot | None
    bad: Snapshot | None
    evidence: str
    report: str


def result_of(judged: Judged) -> dict[str, Any]:
    """Return what goes to XCom, in less than 2 kB however long names are."""
    decision = judged.decision
    result: dict[str, Any] = {
        "verdict": decision.verdict.value,
        "sentence": decision.sentence,
        "snapshot": judged.good.to_xcom() if judged.good else None,
        "quarantine": judged.bad.to_xcom() if judged.bad else None,
        "rows": decision.rows,
        "rows_bad": decision.bad,
        "failed": decision.failed[:MOST_NAMED],
        "score": decision.score,
        "evidence": judged.evidence,
        "report": judged.report,
        "written": written(judged),
    }
    return fitted(result)


def written(judged: Judged) -> dict[str, int]:
    """Return what the split wrote; nothing where the snapshot itself goes on."""
    files = [one for one in (judged.good, judged.bad) if one is not None and one != judged.snapshot]
    return {"rows": sum(one.rows for one in files), "bytes": sum(path_of(one.uri).stat().st_size for one in files)}


def fitted(result: dict[str, Any]) -> dict[str, Any]:
    """Return the result with fewer names and, if need be, less of the sentence, so that it is small enough."""
    failed, sentence = list(result["failed"]), str(result["sentence"])
    while failed and weight({**result, "failed": failed}) > MOST_BYTES:
        failed.pop()
    while weight({**result, "failed": failed, "sentence": sentence}) > MOST_BYTES and len(sentence) > SHORTEST_SENTENCE:
        sentence = plain(sentence, max(len(sentence) * 3 // 4, SHORTEST_SENTENCE))
    return {**result, "failed": failed, "sentence": sentence}


def weight(result: Mapping[str, Any]) -> int:
    """Return how many bytes a result takes as Airflow writes it."""
    return len(json.dumps(result))


def evidence_of(
    snapshot: Snapshot,
    evaluation: Evaluation,
    decision: GateDecision,
    suite: Suite,
    referred: Mapping[str, Sequence[Snapshot]],
) -> bytes:
    """Return the report of Great Expectations with our decision in its ``meta``, the same for the same data."""
    ours = {
        "snapshot": snapshot.to_xcom(),
        "verdict": decision.verdict.value,
        "sentence": decision.sentence,
        "rows": decision.rows,
        "rows_bad": decision.bad,
        "score": decision.score,
        "checks": [finding.to_json() for finding in decision.findings],
        "unsupported": [dict(one) for one in suite.unsupported],
        "references": {name: [one.to_xcom() for one in parts] for name, parts in referred.items()},
    }
    report = {**evaluation.report, "meta": {**evaluation.report["meta"], "dataops": ours}}
    return json.dumps(report, indent=1, sort_keys=True, default=str).encode()


def report_of(
    suite: Suite, evaluation: Evaluation, decision: GateDecision, parts: Parts, *, run: RunKey, evidence: str
) -> bytes:
    """Return the page for people, the same for the same data, suite and run.

    Args:
        suite: What was asked.
        evaluation: What was found; open, so that columns can be drawn.
        decision: The verdict.
        parts: What was judged, what may go on, and what was split off.
        run: Who judged.
        evidence: Where every check's figures lie.
    """
    report = Report(
        decision,
        lines_of(suite, decision),
        pictures_of(suite, evaluation, decision),
        *parts,
        (suite.name, suite.source),
        run,
        PurePath(evidence).stem,
    )
    return page_of(report).encode()


def events_of(judged: Judged, result: Mapping[str, Any]) -> list[Event]:
    """Return what goes into the history; its sentence is whole."""
    snapshot, decision = judged.snapshot, judged.decision
    subject = pointer_name(snapshot.dataset, snapshot.partition)
    shown = [finding.to_json() for finding in decision.findings if finding.says][:MOST_FINDINGS]
    told = {**result, "sentence": decision.sentence, "judged": snapshot.name}
    events = [Event("quality.judged", subject, {**told, "checks": len(decision.findings), "findings": shown})]
    if judged.bad:
        counted = f"{count_words(decision.bad)} of {count_words(decision.rows)} rows"
        whole, into = f"{snapshot.dataset}/{snapshot.partition}", judged.bad.dataset
        sentence = f"{counted} of {plain(whole)} are in quarantine as {plain(into)}."
        kept = {name: result[name] for name in ("verdict", "quarantine", "rows", "rows_bad")}
        events.append(Event("quality.quarantined", subject, {"sentence": sentence, **kept}))
    return events


def measurements_of(judged: Judged) -> list[Measurement]:
    """Return the figures for charts: the share of failing rows by check, the rows split off, and the score."""
    base, partition = f"quality/{judged.snapshot.dataset}", judged.snapshot.partition
    shares = [
        Measurement(f"{base}/{finding.id}", partition, finding.share)
        for finding in judged.decision.findings
        if finding.share is not None
    ]
    return [
        *shares,
        Measurement(f"{base}/rows_bad", partition, judged.decision.bad),
        Measurement(f"{base}/score", partition, judged.decision.score),
    ]
