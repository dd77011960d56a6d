"""Whether a check became stricter or looser: what its readers can rely on, and what its makers must keep."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from airflow_dataops.core.contract_facts import Rule

__all__ = ["LOOSER", "TIGHTER", "merged", "moves"]

LOOSER, TIGHTER = "looser", "tighter"
BOTH = frozenset({LOOSER, TIGHTER})
WIDENING = {
    ("integer", "number"),
    ("timestamp with time zone", "timestamp"),
    ("timestamp without time zone", "timestamp"),
}
"""Types whose values are all values of the other."""
ALLOWED_SETS = ("expect_column_values_to_be_in_set", "expect_column_distinct_values_to_be_in_set")
FORBIDDEN_SETS = ("expect_column_values_to_not_be_in_set", "expect_column_distinct_values_to_contain_set")
BOUNDS = frozenset({"min_value", "max_value", "strict_min", "strict_max"})


def moves(before: Rule, after: Rule) -> frozenset[str]:
    """Return in which directions a check moved: looser, tighter, both where it is another one, none where it stayed."""
    found = argument_moves(before, after)
    if before.allowed != after.allowed:
        found |= {LOOSER if after.allowed > before.allowed else TIGHTER}
    return found


def argument_moves(before: Rule, after: Rule) -> frozenset[str]:
    """Return in which directions the arguments of a check moved."""
    old, new = before.arguments, after.arguments
    if spelled(old) == spelled(new):
        return frozenset()
    changed = {name for name in {*old, *new} if spelled(old.get(name)) != spelled(new.get(name))}
    if changed == {"kind"}:
        return typed((old["kind"], new["kind"]))
    if changed == {"value_set"} and before.kind in {*ALLOWED_SETS, *FORBIDDEN_SETS}:
        return contained(old["value_set"], new["value_set"], before.kind in ALLOWED_SETS)
    if changed == {"seconds"}:
        return frozenset({LOOSER if new["seconds"] > old["seconds"] else TIGHTER})
    if changed <= BOUNDS:
        return side(old, new, "min", 1) | side(old, new, "max", -1)
    return BOTH


def typed(kinds: tuple[str, str]) -> frozenset[str]:
    """Return how a type moved: to one that holds its values, to one whose values it held, or elsewhere."""
    if kinds in WIDENING:
        return frozenset({LOOSER})
    return frozenset({TIGHTER}) if kinds[::-1] in WIDENING else BOTH


def contained(old: Any, new: Any, allowed: bool) -> frozenset[str]:
    """Return how a set of values moved; more allowed ones are looser, more forbidden ones tighter."""
    before, after = ({spelled(value) for value in values} for values in (old, new))
    more, fewer = after - before, before - after
    return frozenset(
        [*([LOOSER if allowed else TIGHTER] if more else []), *([TIGHTER if allowed else LOOSER] if fewer else [])]
    )


def side(old: Mapping[str, Any], new: Mapping[str, Any], end: str, sign: int) -> frozenset[str]:
    """Return how one end of a range moved; `sign` is 1 where a larger bound is stricter."""
    first, second = (ended(given, end) for given in (old, new))
    if first == second:
        return frozenset()
    if first is None or second is None:
        return frozenset({TIGHTER if first is None else LOOSER})
    try:
        larger = second[0] > first[0] if first[0] != second[0] else None
    except TypeError:
        return BOTH
    if larger is None:  # only whether the bound itself is allowed
        return frozenset({TIGHTER if second[1] else LOOSER})
    return frozenset({TIGHTER if larger == (sign > 0) else LOOSER})


def ended(given: Mapping[str, Any], end: str) -> tuple[Any, bool] | None:
    """Return one end of a range: the bound, and whether it is forbidden itself; None where it is open."""
    bound = given.get(f"{end}_value")
    return None if bound is None else (bound, bool(given.get(f"strict_{end}")))


def merged(rules: list[Rule]) -> list[Rule]:
    """Return rules with ranges of the same values put together: at least 0 and at most 10 is 0 to 10."""
    kept: dict[str, Rule] = {}
    for rule in rules:
        outside = {name: value for name, value in rule.arguments.items() if name not in BOUNDS}
        ranged = bool(set(rule.arguments) & BOUNDS) and "equal_to" not in rule.arguments
        place = spelled([rule.kind, rule.columns, rule.severity, rule.allowed, outside, None if ranged else rule.id])
        held = kept.get(place)
        kept[place] = rule if held is None else joined(held, rule)
    return list(kept.values())


def joined(first: Rule, second: Rule) -> Rule:
    """Return both ranges as one: at each end the stricter bound."""
    arguments = dict(first.arguments)
    for end, sign in (("min", 1), ("max", -1)):
        if side(first.arguments, second.arguments, end, sign) == {TIGHTER}:
            names = (f"{end}_value", f"strict_{end}")
            arguments = {name: value for name, value in arguments.items() if name not in names}
            arguments |= {name: second.arguments[name] for name in names if name in second.arguments}
    return Rule(first.kind, first.columns, arguments, first.severity, first.allowed, first.id)


def spelled(value: Any) -> str:
    """Return one spelling per value, whatever order its keys have; 1 and 1.0 are one value."""
    number = isinstance(value, float) and value.is_integer()
    return json.dumps(int(value) if number else value, sort_keys=True, default=str)
