"""Whether a version rose as its changes ask, by semantic versioning."""

from __future__ import annotations

import re
from collections.abc import Sequence

from airflow_dataops.core.contract_change import Change, Kind
from airflow_dataops.core.words import plain

__all__ = ["version_fault"]

VERSION = re.compile(r"v?(\d+)\.(\d+)(?:\.(\d+))?.*")


def version_fault(before: str, after: str, changes: Sequence[Change]) -> str:
    """Return what is wrong with how the version rose, by semantic versioning; empty when nothing is."""
    old, new = (VERSION.fullmatch(text) for text in (before, after))
    if not old or not new:
        missing = [text or "none" for text, match in ((before, old), (after, new)) if not match]
        return (
            f"The version cannot be judged: {plain(missing[0])} is no version such as 1.2.0." if before or after else ""
        )
    first, second = (tuple(int(part or 0) for part in match.groups()) for match in (old, new))
    kinds = {one.kind for one in changes}
    if not kinds and first == second:
        return ""
    needed = next_version(first, kinds)
    if second >= needed:
        return ""
    worst = next(
        (f"{kind} changes" for kind in ("breaking", "compatible", "informational") if kind in kinds), "no changes"
    )
    rose = "stayed" if first == second else "fell from" if second < first else "rose only from"
    moved_words = f"{rose} {plain(before)}" if first == second else f"{rose} {plain(before)} to {plain(after)}"
    return f"There are {worst}, but the version {moved_words}; {'.'.join(map(str, needed))} is needed."


def next_version(version: tuple[int, ...], kinds: set[Kind]) -> tuple[int, ...]:
    """Return the smallest version that tells of such changes; before 1.0.0 the second number tells of breaking ones."""
    major, minor, patch = version
    if "breaking" in kinds:
        return (major + 1, 0, 0) if major else (0, minor + 1, 0)
    if "compatible" in kinds:
        return (major, minor + 1, 0) if major else (0, minor, patch + 1)
    return (major, minor, patch + 1) if kinds else version
