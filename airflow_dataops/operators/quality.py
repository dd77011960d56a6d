"""The gate: a suite on a snapshot, a verdict, and the bad rows split off with their reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, get_args

from airflow.sdk import Context
from airflow.sdk.bases.branch import BranchMixIn

from airflow_dataops.core.dataset import Snapshot, pointer_name
from airflow_dataops.core.ledger import Claim
from airflow_dataops.core.quality import GateDecision, OnEmpty, Verdict, decide
from airflow_dataops.core.quality_options import GateOptions
from airflow_dataops.core.words import plain
from airflow_dataops.exceptions import BrokenCheckError
from airflow_dataops.hooks.dataset import DatasetHook, path_of
from airflow_dataops.hooks.dataset_split import bad_batches, good_batches, positions_in
from airflow_dataops.hooks.expectations import ExpectationsHook
from airflow_dataops.hooks.ledger_store import LedgerStore
from airflow_dataops.hooks.quality_evaluation import Evaluation
from airflow_dataops.operators.quality_gate import GateStation, OnFail
from airflow_dataops.operators.quality_lineage import lineage_of
from airflow_dataops.operators.quality_outcome import (
    Judged,
    events_of,
    evidence_of,
    measurements_of,
    report_of,
    result_of,
)
from airflow_dataops.operators.quality_references import end_of_interval, published_snapshots
from airflow_dataops.operators.station import Outcome, run_key_of

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage

__all__ = ["QualityGateOperator"]


class QualityGateOperator(GateStation, BranchMixIn):
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
        suite: A JSON or YAML file as Great Expectations 1.x writes it, a data contract, or our shorthand: an
            absolute path, or one below the folder of the suites' connection. (templated)
        references: The tables that the suite refers to, by the names it uses: the dataset whose published
            partitions hold each. Checks that refer to others are named in the evidence and not run. (templated)
        on_empty: Whether a snapshot without rows is held ("hold") or may go on ("publish"). A snapshot of
            which quarantine would leave nothing is always held.
        on_fail: What a hold does to the task. "fail" fails it, without retries. "skip" skips it and what comes after
            it. "branch" lets it succeed and follows `follow_on_hold`. "warn" lets it succeed, says the sentence as
            a warning and lets the whole snapshot go on, nothing split off, under the verdict "hold".
        follow_on_publish: With "branch": the tasks or task groups right after the gate that run when it lets data
            through; the others right after it are skipped.
        follow_on_hold: With "branch": those that run when it holds.
        options: A sample in place of all rows, and limits of the engine.
        store_conn_id: Where snapshots lie.
        expectations_conn_id: Where suites lie.

    Returns:
        ``{"verdict": str, "sentence": str, "snapshot": {...} | None, "quarantine": {...} | None, "rows": int,
        "rows_bad": int, "failed": [check ids], "score": float, "evidence": uri, "report": uri,
        "written": {"rows": int, "bytes": int}, "published_version": int}``; `snapshot` is what may go on,
        `written` what the split cost the store, the last is the version of the published pointer when the gate looked.

    Raises:
        AirflowFailException: The data were held (``on_fail="fail"``), or the suite or an option is broken or does
            not fit the data. A retry does not help.
        AirflowSkipException: The data were held (``on_fail="skip"``).
    """

    template_fields: Sequence[str] = ("snapshot", "suite", "references")
    inherits_from_skipmixin = True  # so that what a branch skipped stays skipped when it is cleared alone

    def __init__(
        self,
        *,
        snapshot: Mapping[str, Any] | str,
        suite: str,
        references: Mapping[str, str] | None = None,
        on_empty: OnEmpty = "hold",
        on_fail: OnFail = "fail",
        follow_on_publish: str | Sequence[str] | None = None,
        follow_on_hold: str | Sequence[str] | None = None,
        options: GateOptions | None = None,
        store_conn_id: str = DatasetHook.default_conn_name,
        expectations_conn_id: str = ExpectationsHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.snapshot = snapshot
        self.suite = suite
        self.references = references
        self.on_empty = on_empty
        self.on_fail = on_fail
        self.follow_on_publish = follow_on_publish
        self.follow_on_hold = follow_on_hold
        self.options = options
        self.store_conn_id = store_conn_id
        self.expectations_conn_id = expectations_conn_id

    def execute(self, context: Context) -> Any:
        """Judge once per task instance; then end the task as `on_fail` asks."""
        result = super().execute(context)
        if self.on_fail == "branch":
            self.follow(context, result)
        return result

    def work(self, context: Context, ledger: LedgerStore, claim: Claim) -> Outcome:
        """Judge and split; files are named by their content, so a retry finds those of a dead try."""
        self.refuse_wrong_options()
        store = DatasetHook(self.store_conn_id)
        snapshot, taken = self.snapshot_to_judge(context, store, ledger, claim)
        judged = self.judge(context, store, snapshot, claim)
        looked_at = ledger.pointer(pointer_name(snapshot.dataset, snapshot.partition))
        result = {**result_of(judged), "published_version": looked_at.version}
        return Outcome(
            result,
            events=[*taken.events, *events_of(judged, result)],
            measurements=[*taken.measurements, *measurements_of(judged)],
        )

    def snapshot_to_judge(
        self, context: Context, store: DatasetHook, ledger: LedgerStore, claim: Claim
    ) -> tuple[Snapshot, Outcome]:
        """Return the snapshot that was passed, and what taking it tells: nothing, another task took it."""
        return snapshot_of(self.snapshot), Outcome({})

    def judge(self, context: Context, store: DatasetHook, snapshot: Snapshot, claim: Claim) -> Judged:
        """Carry out the suite, split the rows by the verdict and keep the evidence."""
        hook = ExpectationsHook(self.expectations_conn_id)
        referred = {name: published_snapshots(store, dataset) for name, dataset in (self.references or {}).items()}
        suite = hook.load(self.suite, referred, end_of_interval(context))
        self.name_unchecked(suite)
        paths = {name: [store.verified_path(one) for one in parts] for name, parts in referred.items()}
        with store.steady(snapshot) as path, hook.evaluate(suite, path, self.options, paths) as evaluation:
            decision = decide(
                evaluation.results,
                evaluation.rows,
                evaluation.count_failing,
                dataset=snapshot.dataset,
                partition=snapshot.partition,
                on_empty=self.on_empty,
            )
            held_but_on = decision.verdict is Verdict.HOLD and self.on_fail == "warn"
            # Where every row goes on, none may lie in quarantine as well.
            parts = (snapshot, None) if held_but_on else split(store, snapshot, decision, evaluation, claim.key)
            evidence = store.put_evidence(
                evidence_of(snapshot, evaluation, decision, suite, referred), ".json", claim.key
            )
            run = run_key_of(context)
            page = report_of(suite, evaluation, decision, (snapshot, *parts), run=run, evidence=evidence)
        return Judged(snapshot, decision, *parts, evidence, store.put_evidence(page, ".html", claim.key))

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> OperatorLineage | None:
        """Tell OpenLineage what was judged and where the rows went; only its provider calls this."""
        if self.judged_result is None:
            return None
        return lineage_of(self.judged_result, DatasetHook(self.store_conn_id))

    get_openlineage_facets_on_failure = get_openlineage_facets_on_complete

    def follow(self, context: Context, result: Mapping[str, Any]) -> None:
        """Skip what comes right after the gate, but for the branch of the verdict."""
        if self.do_xcom_push:  # skipping ends the task by an exception, so that Airflow pushes nothing
            outputs = result if self.multiple_outputs else {}
            for name, value in {**outputs, "return_value": result}.items():
                context["ti"].xcom_push(key=name, value=value)
        held = result["verdict"] == Verdict.HOLD
        self.do_branch(context, self.follow_on_hold if held else self.follow_on_publish)

    def refuse_wrong_options(self) -> None:
        """Refuse options that mean nothing.

        Raises:
            BrokenCheckError: An option has a value that is not allowed. A retry does not help.
        """
        for name, allowed in (("on_empty", get_args(OnEmpty)), ("on_fail", get_args(OnFail))):
            if getattr(self, name) not in allowed:
                raise BrokenCheckError(
                    f"{self.task_id}: got {name}={plain(repr(getattr(self, name)))}; allowed: {', '.join(allowed)}."
                )
        (self.options or GateOptions()).refuse_wrong(self.task_id)
        branches = (self.follow_on_publish, self.follow_on_hold)
        if (self.on_fail == "branch") != all(branch is not None for branch in branches) or (
            self.on_fail != "branch" and any(branch is not None for branch in branches)
        ):
            raise BrokenCheckError(
                f"{self.task_id}: got on_fail={self.on_fail!r} with follow_on_publish={plain(repr(branches[0]))} and "
                f"follow_on_hold={plain(repr(branches[1]))}; both belong to on_fail='branch', which needs both.",
                hint="an empty list follows nothing: follow_on_hold=[]",
            )
        self.refuse_unknown_branches(branches)

    def refuse_unknown_branches(self, branches: Sequence[str | Sequence[str] | None]) -> None:
        """Refuse branches that are not right after this task: Airflow would skip everything."""
        dag = self.get_dag()
        if dag is None or self.on_fail != "branch":
            return
        named = {name for branch in branches for name in ([branch] if isinstance(branch, str) else branch or ())}
        roots = {name: {root.task_id for root in group.roots} for name, group in dag.task_group_dict.items() if name}
        unknown = sorted(name for name in named if not roots.get(name, {name}) & self.downstream_task_ids)
        if unknown:
            after = plain(", ".join(sorted(self.downstream_task_ids)) or "nothing", 400)
            raise BrokenCheckError(
                f"{self.task_id}: got the branch {plain(unknown[0])!r}; right after this task comes {after}.",
                hint="set it after the gate with >>, or correct follow_on_publish or follow_on_hold",
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
