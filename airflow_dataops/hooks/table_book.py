"""What a database remembers of its published tables, written in the transactions that publish them."""

from __future__ import annotations

import zlib

import sqlalchemy
from sqlalchemy import BigInteger, Column, Connection, MetaData, Table, Text

from airflow_dataops.core.table import Publication, TableName
from airflow_dataops.hooks.table import TableDatabase

__all__ = ["BOOK", "PublicationBook"]

BOOK = "__dataops_publications"
# Any constant of our own: PostgreSQL's advisory locks are numbers.
BOOK_LOCK = 0x0DA7A7AB


class PublicationBook:
    """The versions of one table, kept in a table beside it.

    A retry after a kill between the database's commit and the ledger's record finds here what was done, and
    two runs that publish at once find each other.

    Args:
        database: Where.
        connection: The transaction that reads or changes.
        target: The published table.
    """

    def __init__(self, database: TableDatabase, connection: Connection, target: TableName) -> None:
        self.database, self.connection, self.target = database, connection, target
        self.table = Table(
            BOOK,
            MetaData(),
            Column("target", Text, primary_key=True),
            Column("version", BigInteger, primary_key=True, autoincrement=False),
            Column("mark", Text, nullable=False),
            Column("moved", BigInteger, nullable=False),
            Column("moved_by", Text, nullable=False),
            Column("rows", BigInteger, nullable=False),
            schema=target.schema,
        )

    def lock(self) -> None:
        """Let nobody else publish this table until the transaction ends; make the book if there is none.

        SQLite writers are alone already.
        """
        if not self.is_there():
            self.wait_for("the book itself")
            if not self.is_there():
                self.connection.execute(sqlalchemy.schema.CreateTable(self.table))
        self.wait_for(self.target.name)

    def is_there(self) -> bool:
        """Whether there is a book in the table's schema."""
        return bool(self.database.kind(self.connection, self.target.beside(BOOK)))

    def wait_for(self, what: str) -> None:
        """Take one of our advisory locks."""
        if not self.database.is_postgres:
            return
        number = zlib.crc32(f"{self.target.schema}/{what}".encode("utf-8", "surrogatepass")) - (1 << 31)
        query = sqlalchemy.text("SELECT pg_advisory_xact_lock(:ours, :number)")
        self.connection.execute(query, {"ours": BOOK_LOCK, "number": number})

    def versions(self) -> list[Publication]:
        """Return all versions that are kept."""
        if not self.is_there():
            return []
        columns = self.table.c
        query = (
            sqlalchemy.select(columns.version, columns.mark, columns.moved, columns.moved_by, columns.rows)
            .where(columns.target == self.target.name)
            .order_by(columns.version)
        )
        return [Publication(*row) for row in self.connection.execute(query)]

    def write(self, publication: Publication) -> None:
        """Write down one version, or what became of it."""
        self.remove(publication.version)
        values = {name: getattr(publication, name) for name in Publication.__slots__}
        self.connection.execute(self.table.insert().values(target=self.target.name, **values))

    def remove(self, version: int) -> None:
        """Forget one version."""
        columns = self.table.c
        found = (columns.target == self.target.name) & (columns.version == version)
        self.connection.execute(self.table.delete().where(found))
