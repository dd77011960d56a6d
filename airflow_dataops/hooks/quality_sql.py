"""Databases as the engine of checks: a suite on a table where it lies, over SQLAlchemy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import sqlalchemy

from airflow_dataops.core.table import TableName
from airflow_dataops.core.words import plain
from airflow_dataops.exceptions import SourceError
from airflow_dataops.hooks.quality_sql_columns import Described, describe
from airflow_dataops.hooks.quality_sql_faults import told
from airflow_dataops.hooks.quality_sql_frame import as_frame
from airflow_dataops.hooks.quality_sqlite import bring_functions

if TYPE_CHECKING:
    import pandas as pd
    import sqlglot.expressions as exp

    from airflow_dataops.core.quality_sql.table import Table

__all__ = ["SqlEngine", "open_sql"]

POSITION = "__dataops_position"
DIALECTS = {"postgresql": "postgres", "mssql": "tsql", "awsathena": "athena", "mariadb": "mysql"}
"""sqlglot's names of dialects, where they are not SQLAlchemy's."""
MOST_FETCHED = 1_000_000
MOST_REMEMBERED = 10_000


class SqlEngine:
    """Runs compiled checks on one table, all in one transaction that sees one state of it.

    Args:
        connection: An open transaction.
        table: What the table looks like.
        conn_id: The Airflow connection, named in errors.
        row: The column of its source that tells rows apart where they lie; empty where nothing does.
    """

    def __init__(
        self, connection: sqlalchemy.Connection, table: Table, conn_id: str | None = None, row: str = ""
    ) -> None:
        self.connection = connection
        self.table = table
        self.conn_id = conn_id
        self.row = row
        self.fetched: list[Any] = []

    def ask(self, query: exp.Query) -> list[tuple[Any, ...]]:
        """Run a query and return its rows."""
        return self.run(self.table.dialect.sql(query))

    def run(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement of ours; a failing one leaves the transaction as it was."""
        try:
            with self.connection.begin_nested():
                # Names and texts may hold per cent signs, which are no placeholders.
                options = {"no_parameters": True}
                result = self.connection.exec_driver_sql(statement, execution_options=options)
                return [tuple(row) for row in result]
        except sqlalchemy.exc.SQLAlchemyError as error:
            # What the driver said may show values of rows, which a chain of errors would carry into logs.
            raise told(error, self.connection.engine.url, self.conn_id) from None

    def rows(self) -> int:
        """Return how many rows there are."""
        from sqlglot import exp

        return int(self.ask(self.table.select(exp.Count(this=exp.Star())))[0][0])

    def count_failing(self, predicates: Sequence[exp.Expression]) -> int:
        """Return how many rows meet at least one of these predicates."""
        from airflow_dataops.core.quality_sql.dialect import disjunction

        return int(self.ask(self.table.select(self.table.dialect.count_if(disjunction(*predicates))))[0][0])

    def remember(self, positions: Sequence[int]) -> exp.Expression | None:
        """Return a predicate that is true of the rows at these places of the frame; None where they are too many."""
        from sqlglot import exp

        if len(positions) > MOST_REMEMBERED or not self.fetched:
            return None
        literals = [self.place_literal(self.fetched[position]) for position in positions]
        return exp.In(this=self.table.place(), expressions=literals)

    def place_literal(self, place: Any) -> exp.Expression:
        """Return what tells a row apart as a literal."""
        from sqlglot import exp

        if isinstance(place, int):
            return self.table.dialect.literal(place)
        return exp.cast(exp.Literal.string(str(place)), exp.DataType.build("tid", dialect="postgres", udt=True))

    def frame(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Return rows as pandas reads them from parquet, for checks that only Great Expectations can run.

        Args:
            columns: Those that are needed; None for all.

        Raises:
            SourceError: The table is too large to be fetched. A retry does not help.
        """
        if (rows := self.rows()) > MOST_FETCHED:
            raise SourceError(
                f"A check that the database cannot judge would fetch all {rows} rows of the table; "
                f"{MOST_FETCHED} are allowed.",
                hint="leave the check out, say it in SQL (unexpected_rows_expectation), or judge a smaller table",
            )
        chosen = [name for name in self.table.columns if columns is None or name in columns]
        shown = [self.table.value(name) for name in chosen]
        query = self.table.select(*shown)
        if self.table.position is not None:
            query = self.table.select(self.table.place(), *shown).order_by(self.table.place())
        found = self.ask(query)
        if self.table.position is not None:
            self.fetched = [row[0] for row in found]
            found = [row[1:] for row in found]
        return as_frame([self.table.columns[name] for name in chosen], found)


@contextmanager
def open_sql(
    engine: sqlalchemy.Engine,
    table: TableName,
    order_by: Sequence[str] = (),
    *,
    references: Mapping[str, tuple[str | TableName, Sequence[str]]] | None = None,
    conn_id: str | None = None,
) -> Iterator[SqlEngine]:
    """Open a table for checks, in a transaction that only reads and sees one state of the table.

    Args:
        engine: The database.
        table: A table or view.
        order_by: Columns that tell its rows apart and order them.
        references: Tables of the same database whose keys the data may refer to, by the names that checks use; and
            which of their columns are needed.
        conn_id: The Airflow connection, named in errors.

    Raises:
        SourceError: There is no such table, or it has no such column to be ordered by. A retry does not help.
        OutageError: The database does not answer. A retry helps.
    """
    try:
        with engine.connect() as connection, connection.execution_options(**isolation(engine)).begin():
            prepare(connection)
            described = described_or_refused(connection, table)
            refuse_unknown(order_by, described, table)
            seen = table_of(engine.dialect.name, table, described, order_by)
            referred = {
                name: referred_table(connection, other, table.schema) for name, (other, _) in (references or {}).items()
            }
            yield SqlEngine(connection, replace(seen, references=referred), conn_id, described.row)
    except sqlalchemy.exc.SQLAlchemyError as error:
        raise told(error, engine.url, conn_id) from None


def described_or_refused(connection: sqlalchemy.Connection, table: TableName) -> Described:
    """Return what a table looks like.

    Raises:
        SourceError: There is none of this name. A retry does not help.
    """
    described = describe(connection, table)
    if described is None:
        raise SourceError(
            f"There is no table or view {table.words!r} in the database.",
            hint="are its name and schema right, and may the connection's user see it?",
        )
    return described


def referred_table(connection: sqlalchemy.Connection, name: str | TableName, schema: str | None) -> Table:
    """Return another table of the same database, as checks that refer to it see it."""
    table = TableName(name, schema) if isinstance(name, str) else name
    seen = table_of(connection.dialect.name, table, described_or_refused(connection, table), ())
    source = seen.source.copy()
    source.set("alias", exp_alias("reference"))
    return replace(seen, source=source)


def exp_alias(name: str) -> exp.TableAlias:
    """Return what a table is called inside a query."""
    from sqlglot import exp

    return exp.TableAlias(this=exp.to_identifier(name))


def isolation(engine: sqlalchemy.Engine) -> dict[str, Any]:
    """Return the options under which a transaction sees one state of the table, and changes nothing."""
    if engine.dialect.name == "postgresql":
        return {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    return {"dataops_read": True}


def prepare(connection: sqlalchemy.Connection) -> None:
    """Settle what the meaning of queries depends on."""
    if connection.dialect.name == "postgresql":
        settle(connection)
        # Where rows are numbered as they come, they must come in the same order each time.
        connection.exec_driver_sql("SET LOCAL synchronize_seqscans = off")
    if connection.dialect.name == "sqlite":
        driver: Any = connection.connection.driver_connection
        bring_functions(driver)
        if not driver.in_transaction:
            connection.exec_driver_sql("BEGIN")


def settle(connection: sqlalchemy.Connection) -> None:
    """Settle how PostgreSQL reads literals and compares, whatever its administrators set."""
    connection.exec_driver_sql("SET LOCAL timezone = 'UTC'")
    # Where this is off, a backslash in a literal hides the quote that ends it.
    connection.exec_driver_sql("SET LOCAL standard_conforming_strings = on")


def refuse_unknown(order_by: Sequence[str], described: Described, table: TableName) -> None:
    """Refuse to order by columns that are not there."""
    unknown = [name for name in order_by if name not in described.columns]
    if unknown:
        raise SourceError(
            f"{table.words} cannot be ordered by {plain(unknown[0])!r}; it has {plain(', '.join(described.columns))}.",
            hint="correct order_by",
        )


def table_of(backend: str, name: TableName, described: Described, order_by: Sequence[str]) -> Table:
    """Return the table as the compiler sees it; it is wrapped where values are cast or rows are numbered."""
    from sqlglot import exp

    from airflow_dataops.core.quality_sql.dialects import dialect_of
    from airflow_dataops.core.quality_sql.table import Table

    dialect = dialect_of(DIALECTS.get(backend, backend))
    inner = exp.table_(exp.to_identifier(name.name, quoted=True), db=schema_of(name))
    position: exp.Expression | None = None
    if described.row and not order_by:
        position = exp.column(described.row, table="data")
    numbered = bool(order_by) or (not described.row and backend in {"postgresql", "sqlite"})
    if numbered:
        position = exp.column(POSITION, table="data")
    source: exp.Expression = exp.alias_(inner, "data", table=True)
    if numbered or described.as_text or backend == "sqlite":
        source = wrapped(inner, described, order_by, backend, numbered=numbered).subquery("data")
    known: Mapping[str, int] = dict.fromkeys(described.complete, 0)
    return Table(described.columns, dialect, source, position, bool(order_by), known, described.unique, stored=True)


def wrapped(
    inner: exp.Expression, described: Described, order_by: Sequence[str], backend: str, *, numbered: bool
) -> exp.Select:
    """Return the rows with texts as texts and, where it is asked, numbers from 0."""
    from sqlglot import exp

    shown: list[exp.Expression] = []
    for name, column in described.columns.items():
        value: exp.Expression = exp.column(exp.to_identifier(name, quoted=True))
        if name in described.as_text:
            value = exp.cast(value, "text")
        if backend == "sqlite" and column.kind.name == "TEXT":
            value = exp.Collate(this=value, expression=exp.to_identifier("BINARY"))
        shown.append(exp.alias_(value, name, quoted=True))
    if numbered:
        by = [exp.Ordered(this=exp.column(exp.to_identifier(one, quoted=True)), nulls_first=False) for one in order_by]
        over = exp.Window(this=exp.RowNumber(), order=exp.Order(expressions=by) if by else None)
        shown.append(exp.alias_(exp.Sub(this=over, expression=exp.Literal.number(1)), POSITION))
    if described.row:
        shown.append(exp.column(described.row))
    return exp.select(*shown).from_(inner)


def schema_of(name: TableName) -> exp.Identifier | None:
    """Return the schema, quoted."""
    from sqlglot import exp

    return None if name.schema is None else exp.to_identifier(name.schema, quoted=True)
