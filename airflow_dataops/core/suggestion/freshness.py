"""How often new data come, told from the newest time in each partition."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from airflow_dataops.core.suggestion.columns import TIME_FORMS
from airflow_dataops.core.suggestion.profile import ColumnProfile, PartitionProfile

__all__ = ["Rhythm", "rhythm_of"]

LEAST_PARTITIONS = 3
SECONDS_PER_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Rhythm:
    """The rhythm in which new data come.

    Args:
        column: The column that tells.
        shortest: The shortest step between the newest times of two partitions, in days.
        longest: The longest.
    """

    column: str
    shortest: float
    longest: float

    @property
    def days(self) -> int:
        """After how many days newer data are to be expected."""
        return max(math.ceil(self.longest), 1)

    @property
    def words(self) -> str:
        """The rhythm in words."""
        steps = f"{self.shortest:.3g} to {self.longest:.3g}" if self.shortest != self.longest else f"{self.longest:.3g}"
        return f"the newest {self.column} moved on by {steps} days from partition to partition"


def rhythm_of(parts: Sequence[PartitionProfile], columns: Sequence[str]) -> Rhythm | None:
    """Return the rhythm that the first column tells whose newest time moves on from partition to partition."""
    for name in columns if len(parts) >= LEAST_PARTITIONS else ():
        newest = [time_of(part.columns[name]) for part in parts]
        known = [one for one in newest if one is not None]
        steps = [(after - before).total_seconds() / SECONDS_PER_DAY for before, after in pairwise(known)]
        if len(known) == len(parts) and min(steps) > 0:
            return Rhythm(name, min(steps), max(steps))
    return None


def time_of(column: ColumnProfile) -> datetime | None:
    """Return the newest time of a column; None where it holds something else."""
    textual = column.kind == "text" and any(column.formats.get(form) == column.present for form in TIME_FORMS)
    if not column.present or not (textual or column.kind in {"date", "timestamp"}):
        return None
    return moment(column.most)


def moment(text: Any) -> datetime | None:
    """Return a time in UTC."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
