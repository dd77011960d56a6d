"""The gate's decision: publish, publish without the quarantined rows, or hold; and one sentence that says why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from airflow_dataops.core.quality_check import CheckResult, Severity, Status
from airflow_dataops.core.quality_score import score_of
from airflow_dataops.core.quality_words import finding_words, limit_words, sample_words, subject_words
from airflow_dataops.core.words import count_words, percent_words

__all__ = ["Finding", "GateDecision", "OnEmpty", "Verdict", "decide", "decision_of"]

OnEmpty = Literal["hold", "publish"]


class Verdict(StrEnum):
    """What may happen to the data."""

    PUBLISH = "publish"
    PUBLISH_WITH_QUARANTINE = "publish_with_quarantine"
    HOLD = "hold"


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of one check, in figures.

    Args:
        id: The check's id.
        severity: What its failing does.
        status: What came of it.
        failed: How many rows fail.
        share: Their share of all rows, 0..1; None for a check on the whole table that was met or not.
        says: What was found, in words.
        of: How many rows of a sample were looked at; None for all.
    """

    id: str
    severity: Severity
    status: Status
    failed: int
    share: float | None
    says: str
    of: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON for events and evidence."""
        found = {
            "check": self.id,
            "severity": self.severity.value,
            "status": self.status.value,
            "failed": self.failed,
            "share": self.share,
            "says": self.says,
        }
        return found if self.of is None else {**found, "sampled": self.of}


@dataclass(frozen=True, slots=True)
class GateDecision:
    """The verdict and what it rests on.

    Args:
        verdict: What may happen to the data.
        sentence: Why, for people.
        rows: How many rows were judged.
        bad: How many rows are to be split off.
        split_by: Ids of the checks whose failing rows these are.
        findings: What came of each check, in the suite's order.
    """

    verdict: Verdict
    sentence: str
    rows: int
    bad: int
    split_by: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def score(self) -> float:
        """How good the data are, 0..1."""
        return score_of(self.findings)

    @property
    def failed(self) -> list[str]:
        """Ids of the checks that did not simply pass, worst first."""
        order = [Status.FAIL, Status.SKIP, Status.WARN]
        found = [finding for finding in self.findings if finding.status in order]
        return [finding.id for finding in sorted(found, key=lambda finding: order.index(finding.status))]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON, which `decision_of` reads."""
        return {
            "verdict": self.verdict.value,
            "sentence": self.sentence,
            "rows": self.rows,
            "rows_bad": self.bad,
            "split_by": list(self.split_by),
            "checks": [finding.to_json() for finding in self.findings],
        }


def decision_of(told: Mapping[str, Any]) -> GateDecision:
    """Return the decision that was told as JSON."""
    findings = tuple(
        Finding(
            one["check"],
            Severity(one["severity"]),
            Status(one["status"]),
            one["failed"],
            one["share"],
            one["says"],
            one.get("sampled"),
        )
        for one in told["checks"]
    )
    split_by = tuple(told["split_by"])
    return GateDecision(Verdict(told["verdict"]), told["sentence"], told["rows"], told["rows_bad"], split_by, findings)


def decide(
    results: Sequence[CheckResult],
    rows: int,
    count_failing: Callable[[Sequence[str]], int],
    *,
    dataset: str,
    partition: str,
    on_empty: OnEmpty = "hold",
) -> GateDecision:
    """Return the verdict on `rows` rows of a dataset's partition.

    `count_failing` counts the rows that fail at least one of some checks, by their ids.

    A check that holds data back and is exceeded, or could not be tried, holds. So does input without rows
    (unless `on_empty` is "publish") and input of which quarantine leaves nothing. On hold the failing rows of
    all checks that hold are named, so that they can be looked at.
    """
    subject, verb = subject_words(dataset, partition)
    findings = tuple(finding_of(result, rows) for result in results)
    split = [result for result in results if result.check.severity is Severity.QUARANTINE]
    exceeded = [result for result in results if result.check.severity.holds and result.is_exceeded(rows)]
    ids = failing_ids(split)
    bad = count_failing(ids) if ids else 0
    why = why_held(exceeded, rows, bad, on_empty)
    if why:
        kept = failing_ids([result for result in results if result in split or result in exceeded])
        bad = count_failing(kept) if kept else 0
        sentence = f"{subject} {verb} held: {why}{sample_words(results, rows)}."
        return GateDecision(Verdict.HOLD, sentence, rows, bad, kept, findings)
    warned = [result for result in results if result.check.severity is Severity.WARN and result.is_exceeded(rows)]
    verdict = Verdict.PUBLISH_WITH_QUARANTINE if bad else Verdict.PUBLISH
    says = quarantine_words(split, rows, bad) if bad else passed_words(findings, rows)
    sentence = f"{subject} {verb} let through{says}{warning_words(warned, rows)}{sample_words(results, rows)}."
    return GateDecision(verdict, sentence, rows, bad, ids, findings)


def finding_of(result: CheckResult, rows: int) -> Finding:
    """Return what came of one check."""
    status = result.status(rows)
    shown = finding_words(result, rows) if result.failed or status is not Status.PASS else ""
    check = result.check
    looked_at = result.looked_at(rows)
    share = result.failed / looked_at if looked_at and check.row_level and result.success is not None else None
    return Finding(check.id, check.severity, status, result.failed, share, shown, result.of)


def failing_ids(results: Iterable[CheckResult]) -> tuple[str, ...]:
    """Return the ids of the checks that tell which rows fail, and of which some do."""
    return tuple(result.check.id for result in results if result.failed and not result.reason)


def why_held(exceeded: Sequence[CheckResult], rows: int, bad: int, on_empty: OnEmpty) -> str:
    """Return the reason of a hold, the first of several; empty when nothing holds."""
    if not rows and on_empty == "hold":
        return "there are no rows"
    if exceeded:
        first, more = exceeded[0], len(exceeded) - 1
        limit = "" if first.reason else limit_words(first.check)
        others = f" ({more} more {'check' if more == 1 else 'checks'} failed)" if more else ""
        return finding_words(first, rows) + (f"; {limit}" if limit else "") + others
    if rows and bad == rows:
        return f"all {count_words(rows)} rows would go into quarantine and none would be left"
    return ""


def passed_words(findings: Sequence[Finding], rows: int) -> str:
    """Return what is said of data that go on whole."""
    if not rows:
        return " without rows, as asked"
    passed = sum(finding.status is Status.PASS for finding in findings)
    checks = f"{passed} {'check' if passed == 1 else 'checks'}"
    if passed < len(findings):
        checks = f"{passed} of {len(findings)} checks"
    return f": {count_words(rows)} rows passed {checks}"


def quarantine_words(split: Sequence[CheckResult], rows: int, bad: int) -> str:
    """Return what is said of data that go on without some rows."""
    found = [finding_words(result, rows) for result in split if result.failed]
    quarantined = f"{count_words(bad)} of {count_words(rows)} rows ({percent_words(bad / rows)})"
    listed = joined([words.replace(f" of {count_words(rows)} rows", "", 1) for words in found])
    return f" without {quarantined}, which are in quarantine: {listed}"


def warning_words(warned: Sequence[CheckResult], rows: int) -> str:
    """Return the end of the sentence that names what was only warned of."""
    return f"; be warned that {joined([finding_words(result, rows) for result in warned])}" if warned else ""


def joined(phrases: Sequence[str], most: int = 3) -> str:
    """Return the phrases as an enumeration, the first few of many."""
    if len(phrases) > most:
        phrases = [*phrases[:most], f"{len(phrases) - most} more"]
    if len(phrases) == 1:
        return phrases[0]
    return f"{', '.join(phrases[:-1])} and {phrases[-1]}"
