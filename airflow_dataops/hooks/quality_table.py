"""A suite carried out on a table where it lies."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy

from airflow_dataops.core.quality import GateDecision, OnEmpty, decide, decision_of
from airflow_dataops.core.quality_check import Suite
from airflow_dataops.core.quality_needs import reference_columns
from airflow_dataops.core.quality_suite import missing_columns, suite_of
from airflow_dataops.core.table import TableName
from airflow_dataops.hooks import quality_run
from airflow_dataops.hooks.expectations_report import report
from airflow_dataops.hooks.quality_evaluation import predicates, result_of, with_keep
from airflow_dataops.hooks.quality_sql import SqlEngine, open_sql

if TYPE_CHECKING:
    import sqlglot.expressions as exp

    from airflow_dataops.core.quality_sql.results import Found

__all__ = ["FailingRows", "JudgedTable", "TableTask", "find_failing", "judge_table"]


@dataclass(frozen=True, slots=True)
class TableTask:
    """What is to be judged; plain JSON, so that a trigger can carry it.

    Args:
        sql_conn_id: The connection of the database.
        table: The table or view.
        schema: Its schema; None for the connection's own.
        suite: The suite's document: ``name``, ``source``, ``expectations``, ``meta``.
        subject: How sentences call the table.
        partition: Which part of the data it holds, for sentences and series.
        order_by: Columns that tell its rows apart and order them.
        on_empty: Whether a table without rows is held.
        references: Tables of the same database that the suite refers to, by the names it uses.
    """

    sql_conn_id: str
    table: str
    schema: str | None
    suite: dict[str, Any]
    subject: str
    partition: str = "all"
    order_by: tuple[str, ...] = ()
    on_empty: OnEmpty = "hold"
    references: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON, which `of` reads."""
        return {**asdict(self), "order_by": list(self.order_by), "references": dict(self.references)}

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> TableTask:
        """Return what was told as JSON."""
        return cls(**{**told, "order_by": tuple(told["order_by"])})

    @property
    def name(self) -> TableName:
        """The table's name."""
        return TableName(self.table, self.schema)


@dataclass(frozen=True, slots=True)
class FailingRows:
    """Which rows are to be moved; it may hold values out of rows, so it stays in the process.

    Args:
        reasons: Which rows fail, as SQL over ``source``, by the id of the check.
        source: What stands after FROM, as SQL.
        row: The column of `source` that tells its rows apart where they lie; empty where nothing does.
        met: The ids of the checks that a row fails, as SQL.
    """

    reasons: dict[str, str]
    source: str
    row: str
    met: str


@dataclass(frozen=True, slots=True)
class JudgedTable:
    """What came of judging.

    Args:
        decision: The verdict and what it rests on.
        report: The result in Great Expectations' form, without values out of rows.
        failing: Which rows are to be moved; None where a trigger judged.
    """

    decision: GateDecision
    report: dict[str, Any]
    failing: FailingRows | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON without values out of rows, which `of` reads."""
        return {"decision": self.decision.to_json(), "report": self.report}

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> JudgedTable:
        """Return what was told as JSON."""
        return cls(decision_of(told["decision"]), told["report"])


def judge_table(task: TableTask, database: sqlalchemy.Engine) -> JudgedTable:
    """Carry out a suite in the database, in one transaction that only reads and sees one state of the table.

    Args:
        task: What is to be judged.
        database: Where it lies, as `hooks.table.database_engine` gives it.

    Raises:
        BrokenCheckError: The suite does not fit the table, or there is none. A retry does not help.
        OutageError: The database does not answer. A retry helps.
    """
    with opened(task, database) as engine:
        suite, missing, found = carried_out(task, engine)
        failing = predicates(suite, found)
        decision = decide(
            [result_of(suite, number, found.get(number), absent, engine) for number, absent in enumerate(missing)],
            engine.rows(),
            lambda ids: engine.count_failing([failing[name] for name in ids]),
            dataset=task.subject,
            partition=task.partition,
            on_empty=task.on_empty,
        )
        return JudgedTable(decision, report(suite, found), failing_rows(engine, failing, decision.split_by))


def find_failing(task: TableTask, database: sqlalchemy.Engine, ids: Sequence[str]) -> FailingRows:
    """Carry out some checks of a suite again, to learn which rows fail them."""
    with opened(task, database) as engine:
        suite, _, found = carried_out(task, engine, ids)
        return failing_rows(engine, predicates(suite, found), ids)


@contextmanager
def opened(task: TableTask, database: sqlalchemy.Engine) -> Iterator[SqlEngine]:
    """Open the table of a task."""
    columns = reference_columns(task.suite["expectations"])
    references = {name: (other, columns[name]) for name, other in task.references.items()}
    try:
        with open_sql(database, task.name, task.order_by, references=references, conn_id=task.sql_conn_id) as engine:
            yield engine
    finally:
        database.dispose()


def carried_out(
    task: TableTask, engine: SqlEngine, only: Collection[str] | None = None
) -> tuple[Suite, list[list[str]], dict[int, Found]]:
    """Return the suite, the columns that each check misses, and what came of those that could be tried."""
    from airflow_dataops.core.quality_sql.results import ResultFormat

    suite = suite_of(task.suite, task.suite["source"])
    missing = [missing_columns(suite, number, list(engine.table.columns)) for number in range(len(suite.checks))]
    chosen = [n for n, check in enumerate(suite.checks) if not missing[n] and (only is None or check.id in only)]
    told = quality_run.run([with_keep(suite, number) for number in chosen], engine, ResultFormat("NONE"))
    return suite, missing, {number: told[place] for place, number in enumerate(chosen)}


def failing_rows(engine: SqlEngine, failing: Mapping[str, exp.Expression], ids: Sequence[str]) -> FailingRows:
    """Return which rows fail some checks, as SQL."""
    dialect, chosen = engine.table.dialect, {name: failing[name] for name in ids if name in failing}
    reasons = {name: dialect.sql(predicate) for name, predicate in chosen.items()}
    met = dialect.sql(dialect.met(chosen)) if chosen else ""
    return FailingRows(reasons, dialect.sql(engine.table.source), engine.row, met)
