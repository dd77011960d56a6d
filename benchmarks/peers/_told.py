"""How a program tells what it cost and what it found."""

from __future__ import annotations

import json
import resource
from collections.abc import Sequence

CHECKS = 24


def cpu() -> float:
    """Return the CPU seconds this process used so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def tell(imported: float, found: Sequence[object]) -> None:
    """Print the last line, which the benchmark reads.

    Args:
        imported: CPU seconds until everything was imported.
        found: Of each of the suite's checks, in its order, whether it passed and how many rows fail (None where that
            is not told); None for a check that cannot be said.
    """
    print(json.dumps({"imported": imported, "cpu": cpu(), "found": found}))
