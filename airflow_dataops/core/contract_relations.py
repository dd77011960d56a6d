"""Relationships of a contract: foreign keys as expectations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from airflow_dataops.core.words import plain

__all__ = ["relationship_expectations"]

TYPE = "dataops_columns_to_exist_in"


def relationship_expectations(
    chosen: Mapping[str, Any], objects: Sequence[Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Yield what the relationships of an object and of its properties ask, and what cannot be checked."""
    for one in mappings(chosen.get("properties")):
        for relation in mappings(one.get("relationships")):
            yield of_relation(relation, [one], chosen, objects, str(one.get("physicalName") or one.get("name")))
    for relation in mappings(chosen.get("relationships")):
        sources = [found_property(path, [chosen], chosen) for path in listed(relation.get("from"))]
        yield of_relation(relation, [source and source[1] for source in sources], chosen, objects, None)


def of_relation(
    relation: Mapping[str, Any],
    sources: Sequence[Mapping[str, Any] | None],
    chosen: Mapping[str, Any],
    objects: Sequence[Mapping[str, Any]],
    column: str | None,
) -> dict[str, Any]:
    """Return the expectation of one relationship, or what stands for it."""
    paths = listed(relation.get("to"))
    name = plain(f"{column + ': ' if column else ''}relationship {', '.join(map(str, paths)) or None}")
    targets = [found_property(path, objects, chosen) for path in paths]
    why = relation_fault(relation, sources, targets)
    if why:
        return {"rule": name, "why": why}
    reached = [target for target in targets if target]
    kwargs = {
        "column_list": [physical_name(source) for source in sources if source],
        "reference": reached[0][0],
        "reference_columns": [
            target[1] if isinstance(target[1], str) else physical_name(target[1]) for target in reached
        ],
    }
    meta = {"dataops": {"severity": "block", "id": str(relation.get("id") or name)}}
    return {"type": TYPE, "kwargs": kwargs, "meta": meta, "severity": "critical"}


def relation_fault(
    relation: Mapping[str, Any], sources: Sequence[Any], targets: Sequence[tuple[str, Any] | None]
) -> str:
    """Return why a relationship cannot be checked; empty when it can."""
    if relation.get("type", "foreignKey") != "foreignKey":
        return f"relationships of the type {relation['type']} are not checked"
    if not sources or None in sources:
        return "its 'from' names no property of this object"
    if not targets or None in targets:
        return "its 'to' names no property: write table.column, or schema/<id>/properties/<id> of this contract"
    if len(sources) != len(targets):
        return f"its 'from' names {len(sources)} properties and its 'to' {len(targets)}"
    if len({target[0] for target in targets if target}) > 1:
        return "its 'to' names properties of several objects"
    return ""


def found_property(
    path: Any, objects: Sequence[Mapping[str, Any]], chosen: Mapping[str, Any]
) -> tuple[str, Any] | None:
    """Return the object's name and the property that a path means; only the column's name of an object elsewhere.

    Args:
        path: ``table.column``, ``column``, or ``schema/<id>/properties/<id>``, perhaps after ``contract.yaml#``.
        objects: Where to look.
        chosen: The object that the relationship belongs to.
    """
    text = str(path)
    elsewhere, _, inside = text.rpartition("#")
    if "/" in inside:
        parts = inside.strip("/").split("/")
        if elsewhere or len(parts) != len(("schema", "object", "properties", "property")):
            return None
        return chosen_property(objects, "id", parts[1], parts[3])
    parts = inside.split(".")
    if len(parts) == 1:
        parts = [str(chosen.get("name")), *parts]
    if len(parts) > len(("table", "column")):
        return None
    if elsewhere or parts[0] not in [str(one.get("name")) for one in objects]:
        return None if len(objects) == 1 and objects[0] is chosen and not elsewhere else (parts[0], parts[1])
    return chosen_property(objects, "name", *parts)


def chosen_property(
    objects: Sequence[Mapping[str, Any]], key: str, table: str, column: str
) -> tuple[str, Mapping[str, Any]] | None:
    """Return the property of an object by their names, or by their ids."""
    for one in objects:
        for held in mappings(one.get("properties")):
            if str(one.get(key)) == table and str(held.get(key)) == column:
                return str(one.get("name")), held
    return None


def physical_name(one: Mapping[str, Any]) -> str:
    """Return what the data call a column."""
    return str(one.get("physicalName") or one.get("name"))


def listed(given: Any) -> list[Any]:
    """Return what is given as a list."""
    return list(given) if isinstance(given, list | tuple) else [] if given is None else [given]


def mappings(given: Any) -> list[Mapping[str, Any]]:
    """Return the mappings of a list."""
    return [one for one in given if isinstance(one, Mapping)] if isinstance(given, list) else []
