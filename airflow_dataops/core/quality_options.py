"""How a gate looks at the data: at all rows or a sample, and how much memory and how many threads it may use."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_dataops.core.words import plain
from airflow_dataops.exceptions import BrokenCheckError

__all__ = ["FEWEST_SAMPLED", "GateOptions"]

FEWEST_SAMPLED = 100
"""A smaller sample says next to nothing: of 100 rows without a fault up to 3 % of all may be faulty."""


@dataclass(frozen=True, slots=True)
class GateOptions:
    """Options of a gate's engine.

    Args:
        sample: Which part of the rows to look at: a share above 0 and up to 1, or a number of rows from 100; None for
            all. The same rows are taken each time. Checks that a sample cannot answer look at all rows, and as soon
            as one that can hold data finds a failing row, all that can hold or split look at all rows.
        seed: Takes another sample.
        memory_limit: What DuckDB may use, such as "300MB"; beyond it intermediate results go to disk.
        threads: How many threads it may use; None for as many as there are cores.
    """

    sample: float | None = None
    seed: int = 0
    memory_limit: str | None = None
    threads: int | None = None

    def refuse_wrong(self, where: str) -> None:
        """Refuse values that mean nothing.

        Raises:
            BrokenCheckError: One is not allowed. A retry does not help.
        """
        for name, fits, allowed in (
            ("sample", is_sample(self.sample), "a share above 0 and up to 1, or a number of rows from 100"),
            ("seed", is_whole(self.seed), "a whole number"),
            ("memory_limit", self.memory_limit is None or bool(self.memory_limit), 'a size such as "300MB"'),
            ("threads", self.threads is None or (is_whole(self.threads) and self.threads > 0), "a number from 1"),
        ):
            if not fits:
                got = plain(repr(getattr(self, name)))
                raise BrokenCheckError(f"{where}: got options.{name}={got}; allowed: {allowed}.")


def is_whole(value: object) -> bool:
    """Whether a value is a whole number and no truth value."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_sample(value: object) -> bool:
    """Whether a value is a share or a number of rows."""
    if is_whole(value):
        return isinstance(value, int) and value >= FEWEST_SAMPLED
    return value is None or (isinstance(value, float) and 0 < value <= 1)
