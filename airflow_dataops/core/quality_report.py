"""What a gate's report for people holds, before it becomes a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow_dataops.core.dataset import Snapshot
from airflow_dataops.core.ledger import RunKey
from airflow_dataops.core.quality import Finding, GateDecision, Verdict
from airflow_dataops.core.quality_check import Check, Status, Suite
from airflow_dataops.core.quality_picture import Picture
from airflow_dataops.core.quality_words import bound_words, limit_words
from airflow_dataops.core.words import count_words, plain

__all__ = ["ORDER", "Line", "Report", "lines_of"]

ORDER = (Status.FAIL, Status.SKIP, Status.WARN, Status.PASS)
"""In which order a report shows checks."""
MOST_LISTED = 3


@dataclass(frozen=True, slots=True)
class Line:
    """One check as the report shows it.

    Args:
        check: The check.
        finding: What came of it.
        rule: What it asks for, in words.
        limit: How many failing rows are allowed; empty for a check on the whole table.
    """

    check: Check
    finding: Finding
    rule: str
    limit: str


@dataclass(frozen=True, slots=True)
class Report:
    """All that the page shows.

    Args:
        decision: The verdict and what it rests on.
        lines: The checks, those that failed first.
        pictures: Distributions of the failing columns.
        snapshot: What was judged.
        good: What may go on; None where nothing may.
        bad: The rows that were split off; None where none was.
        suite: Name and source of the suite.
        run: Who judged.
        evidence: SHA-256 of the evidence in Great Expectations' form.
    """

    decision: GateDecision
    lines: tuple[Line, ...]
    pictures: tuple[Picture, ...]
    snapshot: Snapshot
    good: Snapshot | None
    bad: Snapshot | None
    suite: tuple[str, str]
    run: RunKey
    evidence: str

    @property
    def verdict_words(self) -> str:
        """The verdict as a badge says it."""
        if self.decision.verdict is Verdict.HOLD:
            return "Held, yet goes on" if self.good else "Held"
        return "Let through in part" if self.bad else "Let through"

    @property
    def passed(self) -> int:
        """How many checks passed."""
        return sum(line.finding.status is Status.PASS for line in self.lines)


def lines_of(suite: Suite, decision: GateDecision) -> tuple[Line, ...]:
    """Return the checks with what came of them, those that failed first, else in the suite's order."""
    findings = {finding.id: finding for finding in decision.findings}
    lines = [
        Line(check, findings[check.id], rule_words(check, expectation["kwargs"]), limit_words(check))
        for check, expectation in zip(suite.checks, suite.expectations, strict=True)
    ]
    return tuple(sorted(lines, key=lambda line: ORDER.index(line.finding.status)))


def rule_words(check: Check, kwargs: Mapping[str, Any]) -> str:
    """Return what a check asks for, such as "to be between 0 and 500"."""
    words = check.type.removeprefix("expect_").removeprefix("dataops_")
    for start in ("column_values_", "compound_columns_", "column_pair_values_", "column_"):
        words = words.removeprefix(start)
    words = words.replace("_", " ")
    low, high = kwargs.get("min_value"), kwargs.get("max_value")
    if words.endswith(" between") and not (low is None and high is None):
        ends = [*(["at least"] if high is None else []), *(["at most"] if low is None else [])]
        figures = " and ".join(bound_words(bound) for bound in (low, high) if bound is not None)
        words = " ".join([words.removesuffix(" between") if ends else words, *ends, figures])
    if isinstance(kwargs.get("value_set"), list | tuple):
        listed = [plain(str(value), 20) for value in kwargs["value_set"]]
        more = f" and {count_words(len(listed) - MOST_LISTED)} more" if len(listed) > MOST_LISTED else ""
        words = f"{words}: {', '.join(listed[:MOST_LISTED])}{more}"
    return plain(words, 120)
