"""What changed of a contract beside its checks: service levels, owners, descriptions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from airflow_dataops.core.contract_change import Change, change, worded
from airflow_dataops.core.contract_facts import Agreement
from airflow_dataops.core.contract_levels import seconds_of

__all__ = ["about_changes"]

MONTH, YEAR = 2_629_746, 31_556_952
LONG = {"month": MONTH, "months": MONTH, "mo": MONTH, "y": YEAR, "yr": YEAR, "year": YEAR, "years": YEAR}


def about_changes(before: Agreement, after: Agreement) -> Iterator[Change]:
    """Yield what changed of service levels and of what the files tell of themselves."""
    for name in dict.fromkeys([*before.levels, *after.levels]):
        old, new = before.levels.get(name), after.levels.get(name)
        if old != new:
            first, second = (f"{one[0]} {one[1] or ''}".strip() if one else "nothing" for one in (old, new))
            yield change("", f"service level {name}", f"was {first} and is {second}", level_breaks(old, new),
                         harmless="compatible")  # fmt: skip
    for word in sorted({*before.about, *after.about}):
        if before.about.get(word) != after.about.get(word):
            yield change("", "", worded(word, before.about.get(word), after.about.get(word)))


def level_breaks(old: tuple[Any, Any] | None, new: tuple[Any, Any] | None) -> list[str]:
    """Return whom a service level that changed breaks: more of it is better for consumers; times cannot be compared."""
    if old is None or new is None:
        return ["producers"] if old is None else ["consumers"]
    first, second = amount(*old), amount(*new)
    if first is None or second is None or first == second:
        return ["consumers", "producers"]
    return ["producers" if second > first else "consumers"]


def amount(value: Any, unit: Any) -> float | None:
    """Return how much a service level promises: a share, or a length of time in seconds; None of anything else."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*%?\s*", str(value))
    if match and (unit is None or str(unit) in {"%", "percent"}):
        return float(match[1])
    if match and str(unit).lower() in LONG:
        return float(match[1]) * LONG[str(unit).lower()]
    return seconds_of(value, unit)
