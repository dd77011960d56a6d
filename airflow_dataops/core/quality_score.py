"""One figure for how good a delivery is, so that it can be charted and compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from airflow_dataops.core.quality_check import Severity, Status

if TYPE_CHECKING:
    from airflow_dataops.core.quality import Finding

__all__ = ["WEIGHTS", "score_of"]

WEIGHTS = {Severity.INFO: 1, Severity.WARN: 2, Severity.QUARANTINE: 3, Severity.BLOCK: 4}
"""How much a check counts, by what its failing does."""
DECIMALS = 4


def score_of(findings: Sequence[Finding]) -> float:
    """Return the share of checks passed, weighted by severity: sum(weight * degree) / sum(weight), from 0 to 1.

    The degree of a check is 1 when it passed and 0 when it failed or could not be tried. A check within its
    tolerance whose failing rows were split off counts with the share of rows that passed it.
    """
    weights = sum(WEIGHTS[finding.severity] for finding in findings)
    if not weights:
        return 1.0
    return round(sum(WEIGHTS[finding.severity] * degree_of(finding) for finding in findings) / weights, DECIMALS)


def degree_of(finding: Finding) -> float:
    """Return how far one check was met, 0..1."""
    if finding.status is Status.PASS:
        return 1.0
    within = finding.status is Status.WARN and finding.severity is Severity.QUARANTINE
    return 1 - (finding.share or 0.0) if within else 0.0
