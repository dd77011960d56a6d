"""The gate: a suite on a snapshot, a verdict, and the bad rows split off with their reasons."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowSkipException

from airflow_dataops.core.dataset import Snapshot, pointer_name
from airflow_dataops.core.ledger import Claim, Event, Measurement
from airflow_dataops.core.quality import GateDecision, OnEmpty, Verdict, decide
from airflow_dataops.core.words import count_words, plain
from airflow_dataops.exceptions import BrokenCheckError, GateHeldError
from airflow_dataops.hooks.dataset import DatasetHook, path_of
from airflow_dataops.hooks.dataset_split import bad_batches, good_batches, positions_in
from airflow_dataops.hooks.expectations import ExpectationsHook
from airflow_dataops.hooks.ledger_store import LedgerStore
from airflow_dataops.hooks.quality_evaluation import Evaluation
from airflow_dataops.operators.station import Outcome, StationOperator

__all__ = ["OnHold", "QualityGateOperator"]

OnHold = Literal["fail", "skip"]
MOST_NAMED = 5
MOST_FINDINGS = 100


class QualityGateOperator(StationOperator):
    """Judge a snapshot by a suite of Great Expectations: publish, publish with quarantine, or hold.

    What a failing expectation does is told by its ``meta``::

        "meta": {"dataops": {"severity": "quarantine", "tolerance": 0.04, "says": "have no departure time"}}

    ``info`` records, ``warn`` mentions, ``quarantine`` splits the failing rows off while they are within the
    tolerance (a share of all rows, or ``{"rows": 10}``; the expectation's own ``mostly`` where none is given,
    and without both any number) and holds beyond it, ``block`` holds. Without it the expectation's own
    severity counts: critical blocks, warning warns, info records.

    Rows that were split off lie in the dataset ``<dataset>.quarantine`` under the same partition, each with
    its position (``_dataops_row``) and the checks it failed (``_dataops_checks``). When the gate holds,
    nothing goes on and the failing rows lie there for inspection.

    Args:
        snapshot: The output of a `SnapshotDatasetOperator`. (templated)
        suite: A JSON or YAML file as Great Expectations 1.x writes it: an absolute path, or one below the
            folder of the suites' connection. (templated)
        on_empty: Whether a snapshot without rows is held ("hold") or may go on ("publish"). A snapshot of
            which quarantine would leave nothing is always held.
        on_hold: Whether a hold fails the task ("fail") or skips what comes after it ("skip").
        store_conn_id: Where snapshots lie.
        expectations_conn_id: Where suites lie.

    Returns:
        ``{"verdict": str, "sentence": str, "snapshot": {...}, "quarantine": {...} | None, "rows": int,
        "rows_bad": int, "failed": [check ids], "evidence": uri, "written": {"rows": int, "bytes": int},
        "published_version": int}``; `written` is what the split cost the store, the last the version of the
        published pointer when the gate looked.

    Raises:
        AirflowFailException: The data were held (``on_hold="fail"``), or the suite is broken or does not fit
            the data. A retry does not help.
        AirflowSkipException: The data were held (``on_hold="skip"``).
    """

    template_fields: Sequence[str] = ("snapshot", "suite")

    def __init__(
        self,
        *,
        snapshot: Mapping[str, Any] | str,
        suite: str,
        on_empty: OnEmpty = "hold",
        on_hold: OnHold = "fail",
        store_conn_id: str = DatasetHook.default_conn_name,
        expectations_conn_id: str = ExpectationsHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.snapshot = snapshot
        self.suite = suite
        self.on_empty = on_empty
        self.on_hold = on_hold
        self.store_conn_id = store_conn_id
        self.expectations_conn_id = expectations_conn_id

    def work(self, context: Context, ledger: LedgerStore, claim: Claim) -> Outcome:
        """Judge and split; files are named by their content, so a retry finds those of a dead try."""
        self.refuse_wrong_options()
        snapshot = snapshot_of(self.snapshot)
        store = DatasetHook(self.store_conn_id)
        hook = ExpectationsHook(self.expectations_conn_id)
        suite = hook.load(self.suite)
        with store.steady(snapshot) as path, hook.evaluate(suite, path) as evaluation:
            decision = decide(
                evaluation.results,
                evaluation.rows,
                evaluation.count_failing,
                dataset=snapshot.dataset,
                partition=snapshot.partition,
                on_empty=self.on_empty,
            )
            good, bad = split(store, snapshot, decision, evaluation, claim.key)
        evidence = store.put_evidence(evidence_of(snapshot, evaluation, decision), ".json", claim.key)
        looked_at = ledger.pointer(pointer_name(snapshot.dataset, snapshot.partition))
        told = result_of(decision, good, bad, evidence)
        result = {**told, "written": written(snapshot, good, bad), "published_version": looked_at.version}
        return Outcome(
            result,
            events=events_of(snapshot, decision, result),
            measurements=measurements_of(snapshot, decision),
        )

    def conclude(self, context: Context, result: dict[str, Any]) -> dict[str, Any]:
        """Tell the verdict; on hold stop the line, as asked."""
        if result["verdict"] != Verdict.HOLD:
            self.log.info("%s", result["sentence"])
            return result
        if self.on_hold == "skip":
            raise AirflowSkipException(result["sentence"])
        self.log.error("%s", result["sentence"])  # above the traceback: people read the first line
        kept = f"; the failing rows lie at {result['quarantine']['uri']}" if result["quarantine"] else ""
        raise GateHeldError(result["sentence"], hint=f"every check's figures lie at {result['evidence']}{kept}")

    def refuse_wrong_options(self) -> None:
        """Refuse options that mean nothing.

        Raises:
            BrokenCheckError: An option has a value that is not allowed. A retry does not help.
        """
        for name, allowed in (("on_empty", get_args(OnEmpty)), ("on_hold", get_args(OnHold))):
            if getattr(self, name) not in allowed:
                raise BrokenCheckError(
                    f"{self.task_id}: got {name}={getattr(self, name)!r}; allowed: {', '.join(allowed)}."
                )


def snapshot_of(value: Mapping[str, Any] | str) -> Snapshot:
    """Return the snapshot that was passed.

    Raises:
        BrokenCheckError: The value is something else. A retry does not help.
    """
    if isinstance(value, Mapping):
        return Snapshot.from_xcom(value)
    raise BrokenCheckError(
        f"snapshot is {str(value)[:200]!r}, which is no snapshot.",
        hint="pass the output of a SnapshotDatasetOperator",
    )


def split(
    store: DatasetHook, snapshot: Snapshot, decision: GateDecision, evaluation: Evaluation, owner: str
) -> tuple[Snapshot | None, Snapshot | None]:
    """Write the bad rows, and the good rows where they differ from all rows; return both snapshots.

    Raises:
        RuntimeError: A row got lost or doubled; nothing was published.
    """
    held = decision.verdict is Verdict.HOLD
    if not decision.bad:
        return (None if held else snapshot), None
    quarantine = f"{snapshot.dataset}.quarantine"
    reasons, path = evaluation.reasons(decision.split_by), evaluation.path
    failing = evaluation.engine.failing_rows(reasons)
    bad = store.write_snapshot(bad_batches(path, failing), quarantine, snapshot.partition, owner)
    if held:
        return None, bad
    good = store.write_snapshot(
        good_batches(path, positions_in(path_of(bad.uri))), snapshot.dataset, snapshot.partition, owner
    )
    if good.rows + bad.rows != snapshot.rows or bad.rows != decision.bad:
        raise RuntimeError(
            f"{snapshot.name} has {snapshot.rows} rows, but {good.rows} good and {bad.rows} bad ones were written"
        )
    return good, bad


def written(snapshot: Snapshot, good: Snapshot | None, bad: Snapshot | None) -> dict[str, int]:
    """Return what the split wrote; nothing where the snapshot itself goes on."""
    files = [one for one in (good, bad) if one is not None and one != snapshot]
    return {"rows": sum(one.rows for one in files), "bytes": sum(path_of(one.uri).stat().st_size for one in files)}


def result_of(decision: GateDecision, good: Snapshot | None, bad: Snapshot | None, evidence: str) -> dict[str, Any]:
    """Return what goes to XCom."""
    return {
        "verdict": decision.verdict.value,
        "sentence": decision.sentence,
        "snapshot": good.to_xcom() if good else None,
        "quarantine": bad.to_xcom() if bad else None,
        "rows": decision.rows,
        "rows_bad": decision.bad,
        "failed": decision.failed[:MOST_NAMED],
        "evidence": evidence,
    }


def evidence_of(snapshot: Snapshot, evaluation: Evaluation, decision: GateDecision) -> bytes:
    """Return the report of Great Expectations with our decision in its ``meta``, the same for the same data."""
    ours = {
        "snapshot": snapshot.to_xcom(),
        "verdict": decision.verdict.value,
        "sentence": decision.sentence,
        "rows": decision.rows,
        "rows_bad": decision.bad,
        "checks": [finding.to_json() for finding in decision.findings],
    }
    report = {**evaluation.report, "meta": {**evaluation.report["meta"], "dataops": ours}}
    return json.dumps(report, indent=1, sort_keys=True, default=str).encode()


def events_of(snapshot: Snapshot, decision: GateDecision, result: Mapping[str, Any]) -> list[Event]:
    """Return what goes into the history."""
    subject = pointer_name(snapshot.dataset, snapshot.partition)
    shown = [finding.to_json() for finding in decision.findings if finding.says][:MOST_FINDINGS]
    judged = {**result, "judged": snapshot.name, "checks": len(decision.findings), "findings": shown}
    events = [Event("quality.judged", subject, judged)]
    if result["quarantine"]:
        counted = f"{count_words(decision.bad)} of {count_words(decision.rows)} rows"
        whole, into = f"{snapshot.dataset}/{snapshot.partition}", result["quarantine"]["dataset"]
        sentence = f"{counted} of {plain(whole)} are in quarantine as {plain(into)}."
        kept = {name: result[name] for name in ("verdict", "quarantine", "rows", "rows_bad")}
        events.append(Event("quality.quarantined", subject, {"sentence": sentence, **kept}))
    return events


def measurements_of(snapshot: Snapshot, decision: GateDecision) -> list[Measurement]:
    """Return the figures for charts: the share of failing rows by check, and the rows split off."""
    base = f"quality/{snapshot.dataset}"
    shares = [
        Measurement(f"{base}/{finding.id}", snapshot.partition, finding.share)
        for finding in decision.findings
        if finding.share is not None
    ]
    return [*shares, Measurement(f"{base}/rows_bad", snapshot.partition, decision.bad)]
