"""The key words of data contracts, by place: one that the standard does not know is a slip that would drop a rule."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from airflow_dataops.core.words import plain
from airflow_dataops.exceptions import BrokenCheckError

__all__ = ["unknown_words"]

ELEMENT = """id name physicalType physicalName description businessName authoritativeDefinitions tags customProperties
    deprecated synonyms quality relationships properties logicalType"""
WORDS = {
    "contract": """version kind apiVersion id name tenant tags status servers dataProduct description domain context
        schema support price team roles slaDefaultElement slaProperties authoritativeDefinitions customProperties
        contractCreatedTs""",
    "object": f"{ELEMENT} dataGranularityDescription context",
    "property": f"""{ELEMENT} primaryKey primaryKeyPosition logicalTypeOptions required unique semanticType partitioned
        partitionKeyPosition classification encryptedName transformSourceObjects transformLogic transformDescription
        examples enum criticalDataElement items map""",
    "relationship": "id type from to customProperties description",
    "service level": """id property value valueExt unit element driver description scheduler schedule customProperties
        authoritativeDefinitions""",
}
"""Key words of the versions 3.0 to 3.2 together. Rules may hold more: before 3.1 tools wrote their own into them."""
KNOWN = {place: frozenset(words.split()) for place, words in WORDS.items()}


def unknown_words(contract: Mapping[str, Any], source: str, *, strict: bool) -> list[str]:
    """Return the key words of a contract that no version of the standard has, each with its place.

    Args:
        contract: The parsed file.
        source: Where it was read, for messages.
        strict: Whether its version forbids them.

    Raises:
        BrokenCheckError: There is one and it is forbidden; names its place and similar words. A retry does not help.
    """
    found = [(place, where, str(name)) for place, where, words in places(contract) for name in words
             if name not in KNOWN[place]]  # fmt: skip
    if found and strict:
        place, where, name = found[0]
        similar = difflib.get_close_matches(name, KNOWN[place], n=2)
        raise BrokenCheckError(
            f"{source}: {plain(where)} has the unknown key word {plain(repr(name))}.",
            hint=f"did you mean {' or '.join(similar)}?" if similar else "own words go under customProperties",
        )
    return [f"{where}: {name}" for _, where, name in found]


def places(contract: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield every mapping with key words: its place, how messages call it, and itself."""
    yield "contract", "the contract", contract
    for level in mappings(contract.get("slaProperties")):
        yield "service level", f"the service level {level.get('property')}", level
    for one in mappings(contract.get("schema")):
        yield "object", f"the object {one.get('name')}", one
        yield from relationships(one, f"the object {one.get('name')}")
        yield from properties(one, f"{one.get('name')}")


def properties(element: Mapping[str, Any], above: str) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield the properties below an element, however deep."""
    inner = [*mappings(element.get("properties")), *mappings([element.get("items")])]
    inner += mappings(list((element.get("map") or {}).values())) if isinstance(element.get("map"), Mapping) else []
    for one in inner:
        where = f"{above}.{one.get('name', '[]')}"
        yield "property", f"the property {where}", one
        yield from relationships(one, f"the property {where}")
        yield from properties(one, where)


def relationships(element: Mapping[str, Any], where: str) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield the relationships of an element."""
    for one in mappings(element.get("relationships")):
        yield "relationship", f"a relationship of {where}", one


def mappings(given: Any) -> list[Mapping[str, Any]]:
    """Return the mappings of a list."""
    return [one for one in given if isinstance(one, Mapping)] if isinstance(given, list) else []
