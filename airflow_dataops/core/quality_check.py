"""What a gate checks and what came of it: severities, tolerances, checks and their results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

__all__ = ["Check", "CheckResult", "Severity", "Status", "Suite", "Tolerance"]


class Severity(StrEnum):
    """What a failing check does to the data."""

    INFO = "info"
    """It is recorded, nothing else."""
    WARN = "warn"
    """The verdict's sentence mentions it."""
    QUARANTINE = "quarantine"
    """The failing rows are split off; more of them than tolerated hold the data."""
    BLOCK = "block"
    """The data are held."""

    @property
    def holds(self) -> bool:
        """Whether a check of this severity can hold data back."""
        return self in {Severity.QUARANTINE, Severity.BLOCK}


class Status(StrEnum):
    """What came of a check."""

    PASS = "pass"  # noqa: S105 - a status
    WARN = "warn"
    FAIL = "fail"
    ERROR = "error"
    SKIP = "skip"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How many failing rows are allowed.

    Args:
        share: At most this share of all rows, 0..1.
        rows: At most this many rows.
    """

    share: float | None = None
    rows: int | None = None

    def allows(self, failed: int, total: int) -> bool:
        """Whether so many failing rows out of `total` are within the tolerance."""
        if self.rows is not None:
            return failed <= self.rows
        return total == 0 or failed / total <= (self.share or 0.0)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must be true of the data.

    Args:
        id: Short and stable: type and columns, "not_be_null(dep_time)".
        type: The expectation's type as its suite names it.
        columns: The columns it reads.
        severity: What its failing does.
        tolerance: How many failing rows are allowed; None where the check's own limit counts.
        mostly: The share of rows that must pass by the suite's own limit, 1 for all.
        says: What failing rows do, to follow "12 of 100 rows" ("have no departure time"); of a check on the
            whole table a full clause ("the number of rows is not 15 000 to 40 000").
        row_level: Whether it can tell which rows fail.
        keep: Which of several rows with equal keys counts as good: none, first or last.
    """

    id: str
    type: str
    columns: tuple[str, ...] = ()
    severity: Severity = Severity.BLOCK
    tolerance: Tolerance | None = None
    mostly: float = 1.0
    says: str = ""
    row_level: bool = True
    keep: str = "none"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What an engine found out about one check.

    Args:
        check: The check.
        success: Whether it is met by the suite's own limit; None when it could not be tried.
        failed: How many rows fail; 0 for a check on the whole table.
        reason: Why the check could not be judged row by row, as a clause ("the column carrier is missing").
        of: How many rows of a sample were looked at; None for all rows.
    """

    check: Check
    success: bool | None
    failed: int = 0
    reason: str = ""
    of: int | None = None

    def looked_at(self, rows: int) -> int:
        """Return how many rows were looked at, out of `rows` rows."""
        return rows if self.of is None else self.of

    def is_exceeded(self, rows: int) -> bool:
        """Whether more fails than is allowed, out of `rows` rows."""
        rows = self.looked_at(rows)
        by_rows = self.check.row_level and self.failed and not self.reason
        if self.success is None or not by_rows:
            return not self.success
        if self.check.tolerance is not None:
            return not self.check.tolerance.allows(self.failed, rows)
        if self.check.severity is Severity.QUARANTINE and self.check.mostly >= 1:
            return False  # every failing row may be split off
        return not self.success

    def status(self, rows: int) -> Status:
        """Return what came of the check on `rows` rows."""
        if self.is_exceeded(rows):
            if self.success is None:
                return Status.SKIP
            return Status.FAIL if self.check.severity.holds else Status.WARN
        splits = self.check.severity is Severity.QUARANTINE and self.failed > 0
        return Status.WARN if splits else Status.PASS


@dataclass(frozen=True, slots=True)
class Suite:
    """A list of checks as a suite file gives it.

    Args:
        name: The suite's name.
        source: Where it was read, for messages.
        checks: The checks, in the order of the file.
        expectations: What the file says of each check, as Great Expectations writes it.
        public: Columns whose values may be shown: ``"meta": {"dataops": {"classification": {"carrier": "public"}}}``.
        unsupported: Rules of the file that are not checked, each with why.
        about: What its ``meta.dataops`` says of the data: ``classification`` by column, ``contract`` with retention.
    """

    name: str
    source: str
    checks: tuple[Check, ...]
    expectations: tuple[Mapping[str, Any], ...] = field(default=())
    public: frozenset[str] = frozenset()
    unsupported: tuple[Mapping[str, str], ...] = field(default=())
    about: Mapping[str, Any] = field(default_factory=dict)

    def where(self, number: int) -> str:
        """Return how messages name the expectation at position `number`, counted from 0."""
        check = self.checks[number]
        named = f" on {', '.join(check.columns)}" if check.columns else ""
        return f"{self.source}, expectation {number + 1} ({check.type}{named})"[:500]
