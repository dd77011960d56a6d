"""Operators of a contract (``mustBe`` …) as bounds of a figure, and as the number of rows that may fail."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

__all__ = ["OPERATORS", "is_percent", "limits_of", "tolerance_of"]

LIMITS = {
    "mustBe": ("equal_to",),
    "mustNotBe": ("not_equal_to",),
    "mustBeGreaterThan": ("min_value", True),
    "mustBeGreaterOrEqualTo": ("min_value", False),
    "mustBeGreaterThanOrEqualTo": ("min_value", False),
    "mustBeLessThan": ("max_value", True),
    "mustBeLessOrEqualTo": ("max_value", False),
    "mustBeLessThanOrEqualTo": ("max_value", False),
    "mustBeBetween": ("min_value", "max_value"),
    "mustNotBeBetween": ("outside",),
}
"""What an operator bounds; of one that bounds a side, whether the bound itself is forbidden."""
OPERATORS = tuple(LIMITS)
BOTH_ENDS = 2
HUNDRED = 100
PERCENT = ("percent", "percentage", "%")


def is_percent(rule: Mapping[str, Any]) -> bool:
    """Whether a rule counts in per cent."""
    return str(rule.get("unit", "")).strip().lower() in PERCENT


def limits_of(rule: Mapping[str, Any]) -> dict[str, Any] | str:
    """Return the bounds that all operators of a rule set together, or why they cannot be understood."""
    given = [name for name in rule if str(name).startswith(("mustBe", "mustNotBe"))]
    if not given:
        return "it says no limit, such as mustBe: 0"
    limits: dict[str, Any] = {}
    for operator in given:
        fault = operator_fault(operator, rule[operator])
        if fault:
            return fault
        for name, value in bounds_of(operator, rule[operator]).items():
            if name in limits:
                return f"{' and '.join(given)} say two limits on one side"
            limits[name] = value
    low, high = limits.get("min_value"), limits.get("max_value")
    strict = limits.get("strict_min") or limits.get("strict_max")
    if low is not None and high is not None and (low > high or (low == high and strict)):
        return f"{' and '.join(given)} can never be met together"
    return limits


def operator_fault(operator: str, value: Any) -> str:
    """Return what is wrong with an operator or its value; empty when nothing is."""
    if operator not in LIMITS:
        return f"the operator {operator} is not known; allowed are {', '.join(LIMITS)}"
    if operator in {"mustBe", "mustNotBe"}:
        return (
            "" if isinstance(value, bool | int | float | str) else f"{operator} needs a number, a truth value or text"
        )
    if operator.endswith("Between"):
        if not (isinstance(value, list | tuple) and len(value) == BOTH_ENDS and all(map(is_number, value))):
            return f"{operator} needs a list of two numbers"
        return "" if value[0] <= value[1] else f"{operator} {list(value)} begins with the larger number"
    return "" if is_number(value) else f"{operator} needs a number"


def is_number(value: Any) -> bool:
    """Whether a value is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def bounds_of(operator: str, value: Any) -> dict[str, Any]:
    """Return the bounds that one operator sets."""
    names = LIMITS[operator]
    if names == ("min_value", "max_value"):
        return {"min_value": value[0], "max_value": value[1]}
    if names == ("outside",):
        return {"outside": list(value)}
    if len(names) == 1:
        return {str(names[0]): value}
    side, strict = str(names[0]), names[1]
    return {side: value, **({f"strict_{side[:3]}": True} if strict else {})}


def tolerance_of(rule: Mapping[str, Any]) -> float | dict[str, int] | None:
    """Return how many failing rows a rule allows, if all it says is how many there may be at most; else None."""
    limits = limits_of(rule)
    if isinstance(limits, str):
        return None
    if limits == {"equal_to": 0}:
        return {"rows": 0}
    if set(limits) - {"max_value", "strict_max"}:
        return None
    if is_percent(rule):
        share = limits["max_value"] / HUNDRED
        return share if 0 <= share <= 1 and "strict_max" not in limits else None
    # Fewer than 10.5 are 10 at most, fewer than 10 are 9.
    allowed = math.ceil(limits["max_value"]) - 1 if limits.get("strict_max") else math.floor(limits["max_value"])
    return {"rows": allowed} if allowed >= 0 else None
