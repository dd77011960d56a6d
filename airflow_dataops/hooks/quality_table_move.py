"""Failing rows of a table moved into another one: all of them or none, and no row lost."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy

from airflow_dataops.core.quality import GateDecision
from airflow_dataops.core.table import TableName
from airflow_dataops.exceptions import BrokenCheckError, ConflictError, JudgementError
from airflow_dataops.hooks.quality_sql import settle
from airflow_dataops.hooks.quality_sqlite import bring_functions
from airflow_dataops.hooks.quality_table import FailingRows
from airflow_dataops.hooks.table import TableDatabase
from airflow_dataops.hooks.table_shape import literal

__all__ = ["CHECKS_COLUMN", "RUN_COLUMN", "RowMove"]

RUN_COLUMN = "_dataops_run"
CHECKS_COLUMN = "_dataops_checks"
BAD = "dataops_bad_rows"
POINTING = """
SELECT count(*) FROM pg_constraint
WHERE contype = 'f' AND confrelid = to_regclass(%s) AND confdeltype IN ('c', 'n', 'd')
"""
"""Foreign keys under which a deletion changes rows of other tables, too."""
ORPHANS = """
SELECT count(*) FROM sqlite_master AS one, pragma_foreign_key_check(one.name) AS broken
WHERE one.type = 'table' AND lower(broken.parent) = lower(%s)
AND EXISTS (SELECT 1 FROM pragma_foreign_key_list(one.name) AS key WHERE lower(key."table") = lower(%s))
"""
"""Rows of SQLite that point at nothing in a table; its foreign keys are off on our connections."""


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
            return self.moved(connection)

    def moved(self, connection: sqlalchemy.Connection) -> int:
        """Return the same inside a transaction."""
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
            BrokenCheckError: It is a view, or a deletion or insertion would do more or less than move the rows. A retry
                does not help.
        """
        if not failing.row:
            raise BrokenCheckError(
                f"{self.table.words} is no plain table, so its failing rows cannot be moved into {self.into.words}.",
                hint="give the checks the severity block or warn, or judge the table below the view",
            )
        with self.database.change(f"the table {self.table.words}") as connection:
            self.hold_writers(connection)
            self.refuse_pointed_at(connection)
            self.mark_bad(connection, failing)
            bad, rows = self.counted(connection), self.database.count(connection, self.table)
            self.refuse_changed(decision, bad, rows)
            before, orphans = self.moved(connection), self.orphans(connection)
            self.insert_and_delete(connection, failing.row)
            self.refuse_lost(rows, bad, self.database.count(connection, self.table), self.moved(connection) - before)
            self.refuse_orphans(self.orphans(connection) - orphans)

    def hold_writers(self, connection: sqlalchemy.Connection) -> None:
        """Let nobody write to the table until the transaction ends; readers go on."""
        if self.database.is_postgres:
            settle(connection)
            named = self.database.name(self.table)
            self.database.run(connection, f"LOCK TABLE {named} IN SHARE ROW EXCLUSIVE MODE")
        else:
            bring_functions(connection.connection.driver_connection)  # type: ignore[arg-type]

    def refuse_pointed_at(self, connection: sqlalchemy.Connection) -> None:
        """Refuse to delete rows with which the database would delete or empty others."""
        if not self.database.is_postgres:
            return  # there rows are counted afterwards
        query = POINTING % literal(self.database.name(self.table))
        if self.database.run(connection, query).scalar_one():
            raise BrokenCheckError(
                f"Rows of other tables would go with those of {self.table.words}: a foreign key that points at it says "
                "ON DELETE CASCADE, SET NULL or SET DEFAULT. Nothing was moved.",
                hint="judge a staging table to which no foreign key points, or declare the key ON DELETE NO ACTION",
            )

    def orphans(self, connection: sqlalchemy.Connection) -> int:
        """Return how many rows point at nothing in the table; PostgreSQL lets none do so."""
        if self.database.is_postgres:
            return 0
        named = literal(self.table.name)
        return int(self.database.run(connection, ORPHANS % (named, named)).scalar_one())

    def refuse_orphans(self, made: int) -> None:
        """Refuse to leave rows behind that point at moved ones."""
        if made > 0:
            raise JudgementError(
                f"{made} rows of other tables point at failing rows of {self.table.words}. Nothing was moved.",
                hint="move or repair the rows that point at them first, or judge a staging table",
            )

    def refuse_lost(self, rows: int, bad: int, left: int, moved: int) -> None:
        """Refuse what triggers, rules or row security made of the move."""
        if (left, moved) != (rows - bad, bad):
            raise BrokenCheckError(
                f"{self.table.words} had {rows} rows, {bad} of them failing; {left} would stay and {moved} would be in "
                f"{self.into.words}. Nothing was moved.",
                hint="look for triggers, rules or row security on both tables, or judge a staging table without them",
            )

    def mark_bad(self, connection: sqlalchemy.Connection, failing: FailingRows) -> None:
        """Write down once which rows fail, and why."""
        fails = " OR ".join(f"({predicate})" for predicate in failing.reasons.values()) or "1 = 0"
        shown = f"data.{failing.row} AS place, {failing.met or literal('')} AS reasons"
        self.database.run(connection, f"DROP TABLE IF EXISTS {self.bad}")
        marked = f"SELECT {shown} FROM {failing.source} WHERE {fails}"  # noqa: S608 - by the compiler
        self.database.run(connection, f"CREATE TEMPORARY TABLE {BAD} AS {marked}")

    def counted(self, connection: sqlalchemy.Connection) -> int:
        """Return how many rows are marked."""
        return int(self.database.run(connection, f"SELECT count(*) FROM {self.bad}").scalar_one())  # noqa: S608 - ours

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
        columns = self.columns(connection)
        shown = ", ".join(f"t.{name}" for name in columns)
        reasons = f"rtrim(b.reasons, {literal(chr(10))})"
        shown += f", {literal(self.key)} AS {RUN_COLUMN}, {reasons} AS {CHECKS_COLUMN}"
        marked = f"SELECT {shown} FROM {source} AS t JOIN {self.bad} AS b ON t.{row} = b.place"  # noqa: S608 - quoted
        if not self.database.kind(connection, self.into):
            run(connection, f"CREATE TABLE {target} AS {marked} WHERE 1 = 0")
        # By name: a quarantine table that exists may have its columns in another order.
        run(connection, f"INSERT INTO {target} ({', '.join([*columns, RUN_COLUMN, CHECKS_COLUMN])}) {marked}")
        run(connection, f"DELETE FROM {source} WHERE {row} IN (SELECT place FROM {self.bad})")  # noqa: S608 - quoted
        run(connection, f"DROP TABLE {self.bad}")

    @property
    def bad(self) -> str:
        """The temporary table of marked rows, and never one of somebody's own that is called so."""
        return f"{'pg_temp' if self.database.is_postgres else 'temp'}.{BAD}"

    def columns(self, connection: sqlalchemy.Connection) -> list[str]:
        """Return the table's quoted columns."""
        told = sqlalchemy.inspect(connection).get_columns(self.table.name, schema=self.table.schema)
        return [self.database.quoted(str(one["name"])) for one in told]
