"""The Kullback-Leibler divergence of observed from expected shares."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

__all__ = ["divergence"]


def divergence(
    counts: Mapping[Any, int], expected: Mapping[str, Any], kwargs: Mapping[str, Any]
) -> tuple[bool, dict[str, Any]]:
    """Return whether the divergence is at most the threshold, and the result.

    Values that were not expected share ``tail_weight_holdout`` between them; without it the divergence is infinite.

    Args:
        counts: How often each value occurs.
        expected: ``values`` and their ``weights``.
        kwargs: The check's arguments: ``threshold``, ``tail_weight_holdout``.

    Source:
        sum of p log(p / q) over values, p and q scaled to sum 1, as `scipy.stats.entropy` computes it.
    """
    holdout = float(kwargs.get("tail_weight_holdout") or 0)
    weights = dict(zip(expected["values"], expected["weights"], strict=True))
    total = sum(counts.values())
    new = [value for value in counts if value not in weights]
    values = [*weights, *new]
    observed = [counts.get(value, 0) / total if total else 0.0 for value in values]
    scale = (1 - holdout) if new else 1.0
    wanted = [weights[value] * scale if value in weights else holdout / len(new) for value in values]
    distance = relative_entropy(observed, wanted)
    threshold = kwargs.get("threshold")
    success = threshold is None or (not math.isnan(distance) and distance <= threshold)
    result = {
        "observed_value": distance if math.isfinite(distance) else None,
        "details": {
            "observed_partition": {"values": values, "weights": observed},
            "expected_partition": {"values": values, "weights": wanted},
        },
    }
    return success, result


def relative_entropy(observed: list[float], wanted: list[float]) -> float:
    """Return the divergence; infinite where something was seen that was not expected at all."""
    seen, expected = math.fsum(observed), math.fsum(wanted)
    if not seen or not expected:
        return math.nan
    parts = []
    for p, q in ((p / seen, q / expected) for p, q in zip(observed, wanted, strict=True)):
        if p and not q:
            return math.inf
        parts.append(p * math.log(p / q) if p else 0.0)
    return math.fsum(parts)
