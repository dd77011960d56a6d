"""Failing rows of a table moved into another one: all of them or none, and no row lost."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy

from airflow_dataops.core.quality import GateDecision
from airflow_dataops.core.table import TableName
from airflow_dataops.exceptions import BrokenCheckError, ConflictError
from airflow_dataops.hooks.quality_sqlite import bring_functions
from airflow_dataops.hooks.quality_table import FailingRows
from airflow_dataops.hooks.table import TableDatabase
from airflow_dataops.hooks.table_shape import literal

__all__ = ["CHECKS_COLUMN", "RUN_COLUMN", "RowMove"]

RUN_COLUMN = "_dataops_run"
CHECKS_COLUMN = "_dataops_checks"
BAD = "dataops_bad_rows"


@dataclass(frozen=True, slots=True)
class RowMove:
    """Moves the failing rows of one table, once for each run.

    Args:
        database: The database.
        table: The table.
        into: The quarantine table; made like the table, with the columns ``_dataops_run`` and ``_dataops_checks``.
        key: The run key.
    """

    database: TableDatabase
    table: TableName
    into: TableName
    key: str

    def done(self) -> int:
        """Return how many rows this run has moved already."""
        with self.database.look(f"the table {self.into.words}") as connection:
            if not self.database.kind(connection, self.into):
                return 0
            named = self.database.name(self.into)
            query = f"SELECT count(*) FROM {named} WHERE {RUN_COLUMN} = {literal(self.key)}"  # noqa: S608 - quoted
            return int(self.database.run(connection, query).scalar_one())

    def carry_out(self, decision: GateDecision, failing: FailingRows) -> None:
        """Move the rows in one transaction.

        Args:
            decision: How many rows were judged, and how many fail.
            failing: Which they are.

        Raises:
            ConflictError: The table changed since it was judged; nothing was moved. A cleared task judges it anew.
            BrokenCheckError: It is a view, whose rows cannot be moved. A retry does not help.
        """
        if not failing.row:
            raise BrokenCheckError(
                f"{self.table.words} is no plain table, so its failing rows cannot be moved into {self.into.words}.",
                hint="give the checks the severity block or warn, or judge the table below the view",
            )
        with self.database.change(f"the table {self.table.words}") as connection:
            self.hold_writers(connection)
            self.mark_bad(connection, failing)
            bad, rows = self.counted(connection), self.database.count(connection, self.table)
            self.refuse_changed(decision, bad, rows)
            self.insert_and_delete(connection, failing.row)
            left = self.database.count(connection, self.table)
            if left + bad != rows:
                raise RuntimeError(f"{self.table.words} had {rows} rows, but {left} stayed and {bad} were moved")

    def hold_writers(self, connection: sqlalchemy.Connection) -> None:
        """Let nobody write to the table until the transaction ends; readers go on."""
        if self.database.is_postgres:
            self.database.run(connection, "SET LOCAL timezone = 'UTC'")
            named = self.database.name(self.table)
            self.database.run(connection, f"LOCK TABLE {named} IN SHARE ROW EXCLUSIVE MODE")
        else:
            bring_functions(connection.connection.driver_connection)  # type: ignore[arg-type]

    def mark_bad(self, connection: sqlalchemy.Connection, failing: FailingRows) -> None:
        """Write down once which rows fail, and why."""
        fails = " OR ".join(f"({predicate})" for predicate in failing.reasons.values()) or "1 = 0"
        shown = f"data.{failing.row} AS place, {failing.met or literal('')} AS reasons"
        self.database.run(connection, f"DROP TABLE IF EXISTS {BAD}")
        marked = f"SELECT {shown} FROM {failing.source} WHERE {fails}"  # noqa: S608 - by the compiler
        self.database.run(connection, f"CREATE TEMPORARY TABLE {BAD} AS {marked}")

    def counted(self, connection: sqlalchemy.Connection) -> int:
        """Return how many rows are marked."""
        return int(self.database.run(connection, f"SELECT count(*) FROM {BAD}").scalar_one())  # noqa: S608 - ours

    def refuse_changed(self, was: GateDecision, bad: int, rows: int) -> None:
        """Refuse to move other rows than those that were judged."""
        if (bad, rows) != (was.bad, was.rows):
            raise ConflictError(
                f"{self.table.words} changed while it was judged: it had {was.rows} rows, {was.bad} of them failing, "
                f"and has {rows} now, {bad} of them failing. Nothing was moved.",
                hint="clear this task when nobody writes to the table, or judge a staging table",
            )

    def insert_and_delete(self, connection: sqlalchemy.Connection, row: str) -> None:
        """Copy the marked rows and delete them where they were."""
        source, target, run = self.database.name(self.table), self.database.name(self.into), self.database.run
        reasons = f"rtrim(b.reasons, {literal(chr(10))})"
        shown = f"t.*, {literal(self.key)} AS {RUN_COLUMN}, {reasons} AS {CHECKS_COLUMN}"
        marked = f"SELECT {shown} FROM {source} AS t JOIN {BAD} AS b ON t.{row} = b.place"  # noqa: S608 - quoted
        if not self.database.kind(connection, self.into):
            run(connection, f"CREATE TABLE {target} AS {marked} WHERE 1 = 0")
        run(connection, f"INSERT INTO {target} {marked}")
        run(connection, f"DELETE FROM {source} WHERE {row} IN (SELECT place FROM {BAD})")  # noqa: S608 - quoted
        run(connection, f"DROP TABLE {BAD}")
