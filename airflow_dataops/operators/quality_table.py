"""The gate on a table where it lies: the database judges, and failing rows are moved aside in one transaction."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from airflow.sdk import Context, conf

from airflow_dataops.core.dataset import Snapshot
from airflow_dataops.core.ledger import Claim, Event, Measurement, RunKey
from airflow_dataops.core.quality import GateDecision, OnEmpty, Verdict, decision_of
from airflow_dataops.core.quality_check import Severity, Suite
from airflow_dataops.core.quality_report import Report, lines_of
from airflow_dataops.core.quality_report_page import page_of
from airflow_dataops.core.quality_suite import suite_of
from airflow_dataops.core.table import TableName, mark_of, table_pointer
from airflow_dataops.core.words import plain
from airflow_dataops.exceptions import BrokenCheckError
from airflow_dataops.hooks.dataset import DatasetHook
from airflow_dataops.hooks.expectations import ExpectationsHook
from airflow_dataops.hooks.ledger_store import LedgerStore
from airflow_dataops.hooks.quality_table import JudgedTable, TableTask, find_failing, judge_table
from airflow_dataops.hooks.quality_table_move import RowMove
from airflow_dataops.hooks.table import database_engine, open_tables
from airflow_dataops.operators.quality_gate import GateStation, OnFail
from airflow_dataops.operators.quality_outcome import MOST_FINDINGS, MOST_NAMED, fitted
from airflow_dataops.operators.quality_references import end_of_interval
from airflow_dataops.operators.station import Outcome, final_errors, run_key_of
from airflow_dataops.triggers.fault import found_or_fault
from airflow_dataops.triggers.quality import TableJudgedTrigger

__all__ = ["TableGateOptions", "TableQualityGateOperator"]


@dataclass(frozen=True, slots=True)
class TableGateOptions:
    """Options of a gate on a table.

    Args:
        order_by: Columns that tell its rows apart and order them; checks on order, and keep="first" or "last", need
            them.
        quarantine_table: Where failing rows are moved, in the same schema: their columns, ``_dataops_run`` and
            ``_dataops_checks``. It is made when it does not exist. Suites that quarantine need it.
        references: Tables of the same database that the suite refers to, by the names it uses.
        on_empty: Whether a table without rows is held ("hold") or may go on ("publish").
    """

    order_by: Sequence[str] = ()
    quarantine_table: str | None = None
    references: Mapping[str, str] = field(default_factory=dict)
    on_empty: OnEmpty = "hold"


class TableQualityGateOperator(GateStation):
    """Judge a table of a database by a suite, without fetching it: the checks run there as SQL.

    All checks see one state of the table. Rows that fail a check of the severity ``quarantine`` are moved into
    `TableGateOptions.quarantine_table`, all of them in one transaction that finds the table as it was judged, or none.
    Give it a staging table (the output of a `LoadTableOperator`), and publish what it returns as ``load``.

    Args:
        table: The table or view, or the output of a `LoadTableOperator`, whose staging table is judged. (templated)
        sql_conn_id: The connection of the database. PostgreSQL and SQLite are tested; any other that SQLAlchemy and
            sqlglot know can be judged, but no rows are moved there.
        suite: A suite, a data contract or our shorthand, as for `QualityGateOperator`. (templated)
        schema: The table's schema; by default the connection's own. (templated)
        partition: Which part of the data the table holds, for sentences and series. (templated)
        on_fail: What a hold does to the task: "fail", "skip" or "warn", as for `QualityGateOperator`.
        options: Order, quarantine, references.
        deferrable: Wait for the database in the triggerer, without a worker slot; rows are moved by a worker.
        store_conn_id: Where evidence lies.
        expectations_conn_id: Where suites lie.

    Returns:
        ``{"verdict": str, "sentence": str, "table": {"table", "schema", "sql_conn_id"}, "load": {...} | None,
        "quarantine": {"table", "schema", "rows"} | None, "rows": int, "rows_bad": int, "failed": [check ids],
        "score": float, "evidence": uri, "report": uri}``; `load` is what a `PublishTableOperator` takes.

    Raises:
        AirflowFailException: The table was held, it changed while it was judged, or the suite does not fit it. A retry
            does not help.
        OutageError: The database does not answer. A retry helps.
    """

    template_fields: Sequence[str] = ("table", "suite", "schema", "partition")

    def __init__(
        self,
        *,
        table: str | Mapping[str, Any],
        sql_conn_id: str,
        suite: str,
        schema: str | None = None,
        partition: str = "all",
        on_fail: OnFail = "fail",
        options: TableGateOptions | None = None,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        store_conn_id: str = DatasetHook.default_conn_name,
        expectations_conn_id: str = ExpectationsHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.table = table
        self.sql_conn_id = sql_conn_id
        self.suite = suite
        self.schema = schema
        self.partition = partition
        self.on_fail = on_fail
        self.options = options
        self.deferrable = deferrable
        self.store_conn_id = store_conn_id
        self.expectations_conn_id = expectations_conn_id
        self.told: JudgedTable | None = None

    def execute(self, context: Context) -> Any:
        """Let the triggerer wait for the database, if that is asked; else judge here."""
        if self.deferrable:
            with final_errors():
                self.refuse_wrong_options()
                task = self.task_to_judge(context)
            self.defer(trigger=TableJudgedTrigger(task.to_json()), method_name="execute_judged")
        return super().execute(context)

    def execute_judged(self, context: Context, event: dict[str, Any]) -> Any:
        """Go on with what the triggerer was told."""
        with final_errors():
            self.told = JudgedTable.of(found_or_fault(event))
        return super().execute(context)

    def work(self, context: Context, ledger: LedgerStore, claim: Claim) -> Outcome:
        """Judge, keep the evidence, then move the failing rows; a retry finds what a dead try moved."""
        self.refuse_wrong_options()
        store, task = DatasetHook(self.store_conn_id), self.task_to_judge(context)
        noted, moved = claim.result.get("noted"), self.moved(task, claim)
        if noted and moved:
            decision = decision_in(store, noted["evidence"])
        else:
            judged = self.told or judge_table(task, database_engine(self.sql_conn_id))
            decision, noted = judged.decision, self.keep(context, store, task, judged, claim)
            claim = ledger.note(claim, {"noted": noted})
            if decision.verdict is Verdict.PUBLISH_WITH_QUARANTINE:
                self.move(task, judged, claim)
        result = self.result_of(task, decision, noted)
        return Outcome(result, events=self.events_of(task, decision, result), measurements=measured(task, decision))

    def task_to_judge(self, context: Context) -> TableTask:
        """Return what is judged: the table that was named, or the staging table of a load."""
        load = self.table if isinstance(self.table, Mapping) else {}
        options = self.options or TableGateOptions()
        hook = ExpectationsHook(self.expectations_conn_id)
        suite = hook.load(self.suite, options.references, end_of_interval(context), stored=True)
        self.name_unchecked(suite)
        self.refuse_rows_without_place(suite, options)
        return TableTask(
            self.sql_conn_id,
            str(load.get("staging") or self.table),
            load.get("schema") or self.schema or None,
            {"name": suite.name, "source": suite.source, "expectations": [*suite.expectations], "meta": meta_of(suite)},
            plain(str(load.get("table") or self.table)),
            self.partition,
            tuple(options.order_by),
            options.on_empty,
            dict(options.references),
        )

    def refuse_rows_without_place(self, suite: Suite, options: TableGateOptions) -> None:
        """Refuse a suite that quarantines where no table was named for it.

        Raises:
            BrokenCheckError: It is so. A retry does not help.
        """
        splitting = [check.id for check in suite.checks if check.severity is Severity.QUARANTINE]
        if splitting and options.quarantine_table is None and self.on_fail != "warn":
            raise BrokenCheckError(
                f"{suite.source} quarantines rows that fail {plain(splitting[0])}, but no table was named for them.",
                hint="set options=TableGateOptions(quarantine_table=…): rows are moved out of the judged table",
            )

    def quarantine(self, task: TableTask) -> TableName | None:
        """Return the quarantine table."""
        named = (self.options or TableGateOptions()).quarantine_table
        return task.name.beside(named).checked() if named else None

    def moved(self, task: TableTask, claim: Claim) -> int:
        """Return how many rows a dead try of this task has moved."""
        into = self.quarantine(task)
        if into is None or not claim.taken_over:
            return 0
        with open_tables(self.sql_conn_id) as database:
            return RowMove(database, task.name, into, mark_of(claim)).done()

    def move(self, task: TableTask, judged: JudgedTable, claim: Claim) -> None:
        """Move the failing rows."""
        into = self.quarantine(task)
        if into is None or self.on_fail == "warn":
            return
        # What a trigger judged came without the rows: they are looked for where they cannot leave the process.
        failing = judged.failing or find_failing(task, database_engine(self.sql_conn_id), judged.decision.split_by)
        with open_tables(self.sql_conn_id) as database:
            RowMove(database, task.name, into, mark_of(claim)).carry_out(judged.decision, failing)

    def keep(
        self, context: Context, store: DatasetHook, task: TableTask, judged: JudgedTable, claim: Claim
    ) -> dict[str, str]:
        """Keep the evidence and the page for people; return where they lie."""
        ours = {"table": task.name.words, "sql_conn_id": task.sql_conn_id, **judged.decision.to_json()}
        told = {**judged.report, "meta": {**judged.report["meta"], "dataops": ours}}
        document = json.dumps(told, indent=1, sort_keys=True, default=str).encode()
        evidence = store.put_evidence(document, ".json", claim.key)
        split = judged.decision.verdict is Verdict.PUBLISH_WITH_QUARANTINE and self.on_fail != "warn"
        into = self.quarantine(task) if split else None
        page = page_for(task, judged.decision, run_key_of(context), evidence, into)
        return {"evidence": evidence, "report": store.put_evidence(page, ".html", claim.key)}

    def result_of(self, task: TableTask, decision: GateDecision, noted: Mapping[str, str]) -> dict[str, Any]:
        """Return what goes to XCom."""
        into, split = self.quarantine(task), decision.verdict is Verdict.PUBLISH_WITH_QUARANTINE
        gone = decision.bad if split and into is not None and self.on_fail != "warn" else 0
        quarantine = {"table": into.name, "schema": into.schema, "rows": gone} if into is not None and gone else None
        load = dict(self.table) if isinstance(self.table, Mapping) else None
        if load is not None:
            load |= {"rows": decision.rows - gone, "verdict": decision.verdict.value}
        return fitted(
            {
                "verdict": decision.verdict.value,
                "sentence": decision.sentence,
                "table": {"table": task.table, "schema": task.schema, "sql_conn_id": task.sql_conn_id},
                "load": load,
                "quarantine": quarantine,
                "rows": decision.rows,
                "rows_bad": decision.bad,
                "failed": decision.failed[:MOST_NAMED],
                "score": decision.score,
                **noted,
            }
        )

    def events_of(self, task: TableTask, decision: GateDecision, result: Mapping[str, Any]) -> list[Event]:
        """Return what goes into the history."""
        shown = [finding.to_json() for finding in decision.findings if finding.says][:MOST_FINDINGS]
        told = {**result, "sentence": decision.sentence, "checks": len(decision.findings), "findings": shown}
        return [Event("quality.judged", table_pointer(task.sql_conn_id, task.name), told)]

    def where_failing_rows_lie(self, result: Mapping[str, Any]) -> str:
        """Return the end of the hint of a hold: nothing was moved."""
        return ""

    def refuse_wrong_options(self) -> None:
        """Refuse options that mean nothing.

        Raises:
            BrokenCheckError: An option has a value that is not allowed. A retry does not help.
        """
        if self.on_fail not in {"fail", "skip", "warn"}:
            raise BrokenCheckError(
                f"{self.task_id}: got on_fail={plain(repr(self.on_fail))}; allowed: fail, skip, warn."
            )
        if not self.table:
            raise BrokenCheckError(f"{self.task_id}: got no table.", hint="did a template come out empty?")


def decision_in(store: DatasetHook, evidence: str) -> GateDecision:
    """Return the decision that a dead try left as evidence."""
    return decision_of(json.loads(store.get_evidence(evidence))["meta"]["dataops"])


def meta_of(suite: Suite) -> dict[str, Any]:
    """Return what the suite says of itself, for a document that is read again."""
    return {"dataops": {**suite.about, "unsupported": [dict(one) for one in suite.unsupported]}}


def page_for(
    task: TableTask, decision: GateDecision, run: RunKey, evidence: str, into: TableName | None = None
) -> bytes:
    """Return the page for people; of a table in a database it has no pictures. `into` is where failing rows go."""
    suite = suite_of(task.suite, task.suite["source"])
    moved = decision.bad if into is not None else 0
    report = Report(
        decision,
        lines_of(suite, decision),
        (),
        shown_table(task, task.name, decision.rows),
        None if decision.verdict is Verdict.HOLD else shown_table(task, task.name, decision.rows - moved),
        shown_table(task, into, moved) if into is not None and moved else None,
        (suite.name, suite.source),
        run,
        PurePath(evidence).stem,
    )
    return page_of(report).encode()


def shown_table(task: TableTask, name: TableName, rows: int) -> Snapshot:
    """Return a table as a report shows it: by its place, without a version or a digest."""
    return Snapshot(task.subject, task.partition, "", f"{task.sql_conn_id}:{name.words}", "", "", rows)


def measured(task: TableTask, decision: GateDecision) -> list[Measurement]:
    """Return the figures for charts."""
    base = f"quality/{table_pointer(task.sql_conn_id, task.name)}"
    shares = [
        Measurement(f"{base}/{finding.id}", task.partition, finding.share)
        for finding in decision.findings
        if finding.share is not None
    ]
    figures = {"rows_bad": decision.bad, "score": decision.score}
    return [*shares, *(Measurement(f"{base}/{name}", task.partition, value) for name, value in figures.items())]
