"""Service levels of a contract: how fresh data must be, as expectations."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from airflow_dataops.core.words import plain

__all__ = ["RETENTION", "level_expectations", "seconds_of"]

RETENTION = ("retention", "re")
FRESHNESS = ("latency", "ly", "freshness", "frequency", "fy")
SECONDS = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400, "week": 604_800}
UNITS = {
    "s": "second", "sec": "second", "m": "minute", "min": "minute", "h": "hour", "hr": "hour", "d": "day", "w": "week",
    "wk": "week",
}  # fmt: skip
DURATION = re.compile(r"P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", re.ASCII)
NUMBER_AND_UNIT = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)", re.ASCII)


def level_expectations(
    levels: Any, chosen: Mapping[str, Any], objects: Sequence[Mapping[str, Any]], default: Any = None
) -> Iterator[dict[str, Any]]:
    """Yield what service levels ask of an object, and those that cannot be checked.

    Args:
        levels: The contract's ``slaProperties``.
        chosen: The object.
        objects: All objects; a level on another one is that one's business.
        default: The contract's ``slaDefaultElement``.
    """
    for level in levels if isinstance(levels, list) else []:
        if isinstance(level, Mapping) and str(level.get("property")).lower() not in RETENTION:
            yield from of_level(level, chosen, objects, level.get("element") or default)


def of_level(
    level: Mapping[str, Any], chosen: Mapping[str, Any], objects: Sequence[Mapping[str, Any]], element: Any
) -> Iterator[dict[str, Any]]:
    """Yield what one service level asks of an object."""
    name = f"service level {level.get('property')}"
    seconds = seconds_of(level.get("value"), level.get("unit"))
    if str(level.get("property")).lower() not in FRESHNESS:
        yield refused(name, "it is no property of the data")
    elif not element:
        yield refused(name, "it names no element to look at, such as orders.updated_at")
    elif seconds is None:
        told = plain(f"{level.get('value')} {level.get('unit') or ''}")
        yield refused(name, f"{told} is no length of time; units are s, m, h, d and w")
    else:
        for path in str(element).split(","):
            yield from of_element(path.strip(), name, seconds, chosen, objects)


def of_element(
    path: str, name: str, seconds: float, chosen: Mapping[str, Any], objects: Sequence[Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Yield that one column is fresh, if it is one of the object."""
    table, _, column = path.rpartition(".")
    names = {str(one.get(key)) for one in objects for key in ("name", "physicalName")}
    own = {str(chosen.get("name")), str(chosen.get("physicalName"))}
    if (table in names and table not in own) or (not table and len(objects) > 1):
        if table:
            return
        yield refused(name, f"it does not tell of which object {plain(column)} is a property")
        return
    held = [one for one in chosen.get("properties") or [] if isinstance(one, Mapping)]
    found = [one for one in held if column in {str(one.get("name")), str(one.get("physicalName"))}]
    if not found or (table and table not in own):
        yield refused(name, f"the contract has no element {plain(path)}")
        return
    physical = str(found[0].get("physicalName") or found[0].get("name"))
    yield {
        "type": "dataops_column_to_be_fresh",
        "kwargs": {"column": physical, "seconds": seconds},
        "meta": {"dataops": {"severity": "block", "id": f"{physical}: {name}"}},
        "severity": "critical",
    }


def seconds_of(value: Any, unit: Any = None) -> float | None:
    """Return a length of time in seconds, from a number and a unit, ``1d`` or ``P1DT12H``; None when it is none.

    Months and years have no fixed length.
    """
    if isinstance(value, bool) or value is None:
        return None
    text = str(value).strip()
    match = DURATION.fullmatch(text)
    if match and any(match.groups()):
        counts = zip(match.groups(), (604_800, 86_400, 3_600, 60, 1), strict=True)
        return float(sum(int(count or 0) * length for count, length in counts))
    match = NUMBER_AND_UNIT.fullmatch(text)
    word = str((match and match[2]) or unit or "d")
    word = "month" if word == "M" else word.lower()
    word = UNITS.get(word, word.removesuffix("s"))
    return float(match[1]) * SECONDS[word] if match and word in SECONDS else None


def refused(rule: str, why: str) -> dict[str, Any]:
    """Return what stands for a rule that cannot be checked."""
    return {"rule": plain(rule), "why": why}
