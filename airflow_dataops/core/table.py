"""How SQL tables are named while they are written, audited and published."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from airflow_dataops.core.dataset import safe_segment
from airflow_dataops.core.ledger import Claim
from airflow_dataops.core.words import plain
from airflow_dataops.exceptions import BrokenCheckError

__all__ = [
    "MAX_NAME_BYTES",
    "Publication",
    "SqlTable",
    "TableName",
    "current_of",
    "earlier",
    "expired",
    "mark_of",
    "staging_name",
    "table_asset_uri",
    "table_pointer",
    "version_name",
]

MAX_NAME_BYTES = 63
"""PostgreSQL cuts longer names silently, so that two could become one."""


@dataclass(frozen=True, slots=True)
class TableName:
    """A table in a schema; None is the connection's own schema."""

    name: str
    schema: str | None = None

    @property
    def words(self) -> str:
        """How people call it."""
        return plain(self.name if self.schema is None else f"{self.schema}.{self.name}")

    def beside(self, name: str) -> TableName:
        """Return another table of the same schema."""
        return TableName(name, self.schema)

    def checked(self) -> TableName:
        """Return the name itself.

        Raises:
            BrokenCheckError: It is empty, too long or holds a NUL. A retry does not help.
        """
        for part in (self.name, self.schema):
            if part is not None and (not part or "\0" in part or len(part.encode("utf-8", "replace")) > MAX_NAME_BYTES):
                raise BrokenCheckError(
                    f"Got {plain(part)!r} as the name of a table or schema; it must have 1 to {MAX_NAME_BYTES} bytes "
                    "and no NUL.",
                    hint="did a template come out empty? look at the task's rendered fields",
                )
        return self


@dataclass(frozen=True, slots=True)
class Publication:
    """One version of a published table, as the database itself remembers it.

    Args:
        version: Its number; 0 is what was there before the first publication.
        mark: Which generation of which task published it; see `mark_of`.
        moved: Counts the changes of what is current, from 1; the version with the highest number is current.
        moved_by: Which generation of which task made it current last.
        rows: How many rows it had when it was published.
    """

    version: int
    mark: str
    moved: int
    moved_by: str
    rows: int


def mark_of(claim: Claim) -> str:
    """Return what a change under a claim is marked with, so that a retry finds it."""
    return f"{claim.key}.{claim.generation}"


def current_of(versions: Iterable[Publication]) -> Publication | None:
    """Return the version that is current; None where nothing was published yet."""
    return max(versions, key=lambda one: one.moved, default=None)


def expired(versions: Iterable[Publication], keep: int) -> list[Publication]:
    """Return the versions to drop so that `keep` stay besides the current one; those longest out of use go first."""
    return sorted(versions, key=lambda one: (one.moved, one.version), reverse=True)[keep + 1 :]


@dataclass(frozen=True, slots=True)
class SqlTable:
    """A table or view of a database.

    Args:
        url: The database, as SQLAlchemy writes it, as text or as its URL; never shown with its password.
        name: The table.
        schema: Its schema; None for the connection's own.
    """

    url: Any = field(repr=False)
    name: str
    schema: str | None = None


def staging_name(table: str, key: str) -> str:
    """Return where a load writes; the same for every try of the same run."""
    return bounded(table, f"__dataops_{key[:12]}")


def version_name(table: str, number: int) -> str:
    """Return where a version of a table lies while it is not current."""
    return bounded(table, f"__v{number}")


def bounded(table: str, suffix: str) -> str:
    """Return table and suffix in at most 63 bytes; long names are told apart by a hash."""
    if len(f"{table}{suffix}".encode()) <= MAX_NAME_BYTES:
        return f"{table}{suffix}"
    suffix = f"~{hashlib.sha256(table.encode()).hexdigest()[:10]}{suffix}"
    kept = table.encode()[: MAX_NAME_BYTES - len(suffix)].decode("utf-8", "ignore")
    return f"{kept}{suffix}"


def table_pointer(conn_id: str, table: TableName) -> str:
    """Return the ledger's name for what is published as this table."""
    return "/".join(["table", *(safe_segment(part) for part in (conn_id, table.schema or "-", table.name))])


def table_asset_uri(conn_id: str, table: TableName) -> str:
    """Return the URI of the Airflow asset that tells of new versions of the table."""
    return f"dataops://{table_pointer(conn_id, table)}"


def earlier(versions: Iterable[Publication], current: int, wanted: int | None, called: str) -> int:
    """Return the version to go back to: the one asked for, else the older one that was current last.

    A version from which somebody went back already is no candidate while there is one that was current after it.

    Raises:
        BrokenCheckError: It is not kept, or there is none. A retry does not help.
    """
    moved = {one.version: one.moved for one in versions if one.version != current}
    others = sorted(moved)
    older = [number for number in others if number < current]
    chosen = wanted if wanted is not None else max(older, key=moved.__getitem__, default=None)
    if chosen in others and chosen is not None:
        return chosen
    kept = ", ".join(map(str, others)) or "none"
    what = "the version before" if wanted is None else f"version {wanted}"
    raise BrokenCheckError(
        f"{called} cannot go back to {what}: its current version is {current}, and kept besides are {kept}.",
        hint="name a version that is kept, or publish again; PublishTableOperator(keep=…) says how many stay",
    )
