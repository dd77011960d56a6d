"""Which version of a table is current, changed in one transaction: a reader sees the old one or the new."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from sqlalchemy import Connection

from airflow_dataops.core.table import (
    Publication,
    TableName,
    current_of,
    earlier,
    expired,
    version_name,
)
from airflow_dataops.core.words import count_words
from airflow_dataops.exceptions import BrokenCheckError, ConflictError, OutageError
from airflow_dataops.hooks.table import TableDatabase
from airflow_dataops.hooks.table_book import PublicationBook
from airflow_dataops.hooks.table_grants import carry_grants, carry_index_names, carry_sequences
from airflow_dataops.hooks.table_shape import hindrances, identity
from airflow_dataops.hooks.table_view import show

__all__ = ["Mode", "Seen", "TableSwap"]

Mode = Literal["rename", "view"]


@dataclass(frozen=True, slots=True)
class Seen:
    """What somebody saw of a published table; whoever publishes asks that it is still so.

    Args:
        moved: How often what is current had changed.
        identity: Digest of the table itself; empty where there was none.
    """

    moved: int
    identity: str


class TableSwap:
    """The versions of one published table.

    Args:
        database: Where.
        target: The published table.
        mark: What changes by this generation of this task are marked with.
    """

    def __init__(self, database: TableDatabase, target: TableName, mark: str = "") -> None:
        self.database, self.target, self.mark = database, target, mark

    # -- looking -----------------------------------------------------------------------------------------

    def seen(self) -> Seen:
        """Return what is there now."""
        with self.database.look(self.target.words) as connection:
            current = current_of(PublicationBook(self.database, connection, self.target).versions())
            return Seen(current.moved if current else 0, identity(self.database, connection, self.target))

    def versions(self) -> list[Publication]:
        """Return all versions that are kept."""
        with self.database.look(self.target.words) as connection:
            return PublicationBook(self.database, connection, self.target).versions()

    def done(self, staging: TableName) -> Publication | None:
        """Return what this task has published from the staging table already; None where that is still to do."""
        with self.database.look(self.target.words) as connection:
            book = PublicationBook(self.database, connection, self.target)
            return self.published_from(connection, staging, book.versions())

    def published_from(
        self, connection: Connection, staging: TableName, versions: list[Publication]
    ) -> Publication | None:
        """Return the version that the staging table has become: it is gone, and this task was here.

        A cleared task, whose mark is new, finds its own publication while it is current.
        """
        if self.database.kind(connection, staging):
            return None
        own = [one for one in versions if one.mark == self.mark]
        current = current_of(versions)
        if current is not None and current.mark.rpartition(".")[0] == self.mark.rpartition(".")[0]:
            own.append(current)
        return max(own, key=lambda one: one.moved, default=None)

    # -- changing ----------------------------------------------------------------------------------------

    def publish(self, staging: TableName, rows: int, seen: Seen, mode: Mode, after: Publication) -> Publication:
        """Make a staging table the current version; one that this generation published already is returned.

        Args:
            staging: The loaded table.
            rows: How many rows it must have.
            seen: What the loader saw.
            mode: "rename" makes it the table, "view" lets a view show it.
            after: Numbers that the version follows, should the database have forgotten its own.

        Raises:
            ConflictError: The table changed since it was seen. A retry does not help.
            BrokenCheckError: The staging table is gone, or the target cannot be replaced so. No retry helps.
            OutageError: Others hold the table, or the database does not answer. A retry helps.
        """
        with self.database.change(f"the table {self.target.words}") as connection:
            book = PublicationBook(self.database, connection, self.target)
            book.lock()
            versions = book.versions()
            published = self.published_from(connection, staging, versions)
            if published is not None:
                return published
            current = current_of(versions)
            self.refuse_changed(connection, current, seen)
            self.verify(connection, staging, rows)
            number = max([after.version, *(one.version for one in versions)]) + 1
            moved = max([after.moved, *(one.moved for one in versions)]) + 1
            made = Publication(number, self.mark, moved, self.mark, rows)
            if mode == "view":
                self.publish_as_view(connection, staging, made, current)
            else:
                self.publish_as_table(connection, staging, current, book)
            book.write(made)
            return made

    def publish_as_table(
        self, connection: Connection, staging: TableName, current: Publication | None, book: PublicationBook
    ) -> None:
        """Let the staging table take the target's name, and what belongs to it."""
        kind = self.database.kind(connection, self.target)
        if kind and kind != "table":
            raise self.wrong_kind(kind, 'publish it with mode="view", or drop it first' if kind == "view" else None)
        if kind and current is None:
            current = Publication(0, "", 0, "", self.database.count(connection, self.target))
            book.write(current)
        if kind and current is not None:
            self.exchange(connection, staging, current.version)
        else:
            self.rename(connection, staging, self.target.name)

    def publish_as_view(
        self, connection: Connection, staging: TableName, made: Publication, current: Publication | None
    ) -> None:
        """Keep the staging table as a version and let the view show it."""
        kind = self.database.kind(connection, self.target)
        if kind and (kind != "view" or current is None):
            kept = version_name(self.target.name, current.version if current else 0)
            raise self.wrong_kind(kind, f"rename it, to {kept!r} for instance; the next publication makes the view")
        place = self.version(made.version)
        self.rename(connection, staging, place.name)
        show(self.database, connection, self.target, place)
        before = None if current is None else self.version(current.version)
        if before is not None and self.database.kind(connection, before):
            # A table that was renamed to make room for the view gives it its grants.
            for new in (place, *([] if kind else [self.target])):
                carry_grants(self.database, connection, before, new)
            carry_sequences(self.database, connection, before, place)

    def roll_back(self, version: int, seen: Seen, after: int = 0) -> Publication:
        """Make a version that is kept current again; what this generation brought back already is returned.

        Args:
            version: Its number.
            seen: What was there when it was chosen.
            after: The last change that the ledger knows, should the database have forgotten it.

        Raises:
            ConflictError: The table changed since it was seen. A retry does not help.
            BrokenCheckError: The version is not kept, or the target cannot be replaced so. No retry helps.
            OutageError: Others hold the table, or the database does not answer. A retry helps.
        """
        with self.database.change(f"the table {self.target.words}") as connection:
            book = PublicationBook(self.database, connection, self.target)
            book.lock()
            versions = {one.version: one for one in book.versions()}
            for one in versions.values():
                if one.moved_by == self.mark:
                    return one
            current = current_of(versions.values())
            self.refuse_changed(connection, current, seen)
            bad = current.version if current else 0
            earlier(versions.values(), bad, version, self.target.words)
            if self.database.kind(connection, self.target) == "view":
                show(self.database, connection, self.target, self.version(version))
            else:
                self.exchange(connection, self.version(version), bad, version)
            back = replace(versions[version], moved=max(seen.moved, after) + 1, moved_by=self.mark)
            book.write(back)
            return back

    def exchange(self, connection: Connection, chosen: TableName, current: int, number: int | None = None) -> None:
        """Let another table take the target's name and what belongs to it; the target becomes a kept version."""
        old = self.version(current)
        # First, for it locks the table: what is asked then stays true until the end.
        self.rename(connection, self.target, old.name)
        found = hindrances(self.database, connection, old)
        if found:
            raise BrokenCheckError(
                f"{self.target.words} cannot be replaced by renaming, because {', '.join(found[:5])} would stay "
                "with the old table.",
                hint='rename the table once and publish with mode="view", or remove what depends on it',
            )
        carry_grants(self.database, connection, old, chosen)
        carry_sequences(self.database, connection, old, chosen)
        carry_index_names(self.database, connection, old, chosen, (current, number))
        self.rename(connection, chosen, self.target.name)

    def prune(self, keep: int, stagings: list[TableName]) -> list[str]:
        """Drop versions beyond those to keep, and staging tables that can no longer be published.

        Returns:
            Why something could not be dropped now: a reader may still be at it. The next publication tries again.
        """
        kept = []
        for publication in expired(self.versions(), keep):
            kept += self.drop(self.version(publication.version), publication.version)
        for staging in stagings:
            kept += self.drop(staging)
        return kept

    def drop(self, table: TableName, version: int | None = None) -> list[str]:
        """Drop one table of ours; return why not, if it cannot be."""
        try:
            with self.database.change(f"the table {table.words}") as connection:
                self.database.run(connection, f"DROP TABLE IF EXISTS {self.database.name(table)}")
                if version is not None:
                    PublicationBook(self.database, connection, self.target).remove(version)
        except (BrokenCheckError, OutageError) as error:
            return [error.message]
        return []

    # -- inside one transaction --------------------------------------------------------------------------

    def version(self, number: int) -> TableName:
        """Return where a version lies while it is not current."""
        return self.target.beside(version_name(self.target.name, number))

    def rename(self, connection: Connection, table: TableName, name: str) -> None:
        """Give a table another name."""
        self.database.run(connection, f"ALTER TABLE {self.database.name(table)} RENAME TO {self.database.quoted(name)}")

    def verify(self, connection: Connection, staging: TableName, rows: int) -> None:
        """Refuse a staging table that is gone or was changed.

        Raises:
            BrokenCheckError: It is so. A retry does not help.
        """
        there = self.database.kind(connection, staging) == "table"
        found = self.database.count(connection, staging) if there else None
        if found != rows:
            now = "is gone" if found is None else f"has {count_words(found)} rows instead of {count_words(rows)}"
            raise BrokenCheckError(
                f"The staging table {staging.words} {now}.",
                hint="clear the task that loads it; it starts the table anew",
            )

    def refuse_changed(self, connection: Connection, current: Publication | None, seen: Seen) -> None:
        """Refuse to replace what somebody else published or changed meanwhile.

        Raises:
            ConflictError: It is so. A retry does not help.
        """
        moved = current.moved if current else 0
        if moved != seen.moved:
            raise ConflictError(
                f"{self.target.words} was published or rolled back by another run meanwhile: this run saw change "
                f"{seen.moved}, and now it is at {moved}.",
                hint="look at what the other run published; to replace it, clear the gate and what follows",
            )
        if identity(self.database, connection, self.target) != seen.identity:
            raise ConflictError(
                f"Somebody made, replaced or altered the table {self.target.words} since this run looked at it.",
                hint="look at what was changed; to publish all the same, clear the task that loads the data",
            )

    def wrong_kind(self, kind: str, hint: str | None) -> BrokenCheckError:
        """Return the error for a target that is something else."""
        return BrokenCheckError(
            f"{self.target.words} is a {kind}, which cannot be replaced so.",
            hint=hint or "give the published table another name",
        )
