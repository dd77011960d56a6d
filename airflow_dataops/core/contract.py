"""Data contracts of the Open Data Contract Standard (ODCS 3.x) as suites.

Everything a contract asks of the data becomes a check, or is listed under ``unsupported`` by name: nothing is dropped
silently. The standard: https://bitol-io.github.io/open-data-contract-standard/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from airflow_dataops.core.contract_levels import RETENTION, level_expectations
from airflow_dataops.core.contract_relations import relationship_expectations
from airflow_dataops.core.contract_rules import quality_expectations
from airflow_dataops.core.contract_types import type_expectations
from airflow_dataops.core.contract_words import unknown_words
from airflow_dataops.core.words import plain
from airflow_dataops.exceptions import BrokenCheckError

__all__ = ["VERSIONS", "document_of", "is_contract"]

DERIVED = ("measure", "dimension")
"""Properties that are derived from columns."""
VERSIONS = ("v3.0.0", "v3.0.1", "v3.0.2", "v3.1.0", "v3.2.0")
LENIENT = ("v3.0.0", "v3.0.1")
"""Versions whose tools wrote key words of their own; later ones forbid that."""


def is_contract(document: Any) -> bool:
    """Whether a parsed file is a data contract."""
    return isinstance(document, Mapping) and document.get("kind") == "DataContract"


def document_of(contract: Mapping[str, Any], source: str, schema_object: str | None = None) -> dict[str, Any]:
    """Return the suite that a contract asks for, in Great Expectations' form.

    Args:
        contract: The parsed file.
        source: Where it was read, for messages.
        schema_object: Which object of its schema is meant; may be left out where there is one.

    Returns:
        A suite document whose ``meta.dataops`` holds ``contract``, ``classification`` by column and ``unsupported``.

    Raises:
        BrokenCheckError: The contract's version, one of its key words or the object is unknown. A retry does not help.
    """
    refuse_unknown_version(contract, source)
    unknown = unknown_words(contract, source, strict=contract["apiVersion"] not in LENIENT)
    chosen = object_of(contract, source, schema_object)
    expectations: list[dict[str, Any]] = []
    unsupported: list[dict[str, Any]] = [refused(rule, "its version knows no such key word") for rule in unknown]
    for found in everything(chosen, contract):
        (unsupported if "why" in found else expectations).append(found)
    return {
        "name": str(chosen.get("name")),
        "expectations": expectations,
        "meta": {
            "dataops": {
                "contract": about(contract),
                "classification": classification(chosen),
                "unsupported": unsupported,
            }
        },
    }


def refuse_unknown_version(contract: Mapping[str, Any], source: str) -> None:
    """Refuse a version of the standard whose words we do not know."""
    version = contract.get("apiVersion")
    if version not in VERSIONS:
        raise BrokenCheckError(
            f"{source} is a contract of version {plain(repr(version))}; allowed are {', '.join(VERSIONS)}.",
            hint="write apiVersion: v3.1.0, if it keeps to that version of the standard",
        )


def object_of(contract: Mapping[str, Any], source: str, name: str | None) -> Mapping[str, Any]:
    """Return the object of the schema that is meant."""
    objects = mappings(contract.get("schema"))
    names = [str(one.get("name")) for one in objects]
    if name is None and len(objects) == 1:
        return objects[0]
    if name in names:
        return objects[names.index(name)]
    asked = (
        f"has no object {plain(repr(name))}" if name else "describes several objects" if objects else "has no schema"
    )
    raise BrokenCheckError(
        f"{source} {asked}; it has {plain(', '.join(names)) or 'none'}.",
        hint="name the object after the file: contract.yaml#orders",
    )


def everything(chosen: Mapping[str, Any], contract: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the expectations of an object, and what cannot be one."""
    objects = mappings(contract.get("schema"))
    columns = mappings(chosen.get("properties"))
    refuse_nameless(columns, str(chosen.get("name")))
    if chosen.get("logicalType") not in (None, "object"):
        yield refused(f"logicalType {chosen['logicalType']}", "objects of this type are not checked")
    for column in columns:
        yield from column_expectations(column, physical_name(column))
    yield from key_expectations(columns)
    rules = chosen.get("quality")
    yield from quality_expectations(
        [physical(rule, columns) for rule in rules] if isinstance(rules, list) else [], None
    )
    yield from relationship_expectations(chosen, objects)
    levels = contract.get("slaProperties")
    yield from level_expectations(levels, chosen, objects, contract.get("slaDefaultElement"))


def refuse_nameless(columns: Sequence[Mapping[str, Any]], table: str) -> None:
    """Refuse a property that names no column."""
    names = [one.get("physicalName") or one.get("name") for one in columns]
    if not all(isinstance(name, str) and name for name in names):
        raise BrokenCheckError(
            f"A property of the object {plain(table)} has no name, or one that is no text.",
            hint='give each property a name; YAML reads names such as no and 2024 as text between quotes only: "no"',
        )


def mappings(given: Any) -> list[Mapping[str, Any]]:
    """Return the mappings of a list."""
    return [one for one in given if isinstance(one, Mapping)] if isinstance(given, list) else []


def physical_name(column: Mapping[str, Any]) -> str:
    """Return what the data call a column."""
    return str(column.get("physicalName") or column.get("name"))


def refused(rule: str, why: str) -> dict[str, Any]:
    """Return what stands for a rule that cannot be checked."""
    return {"rule": plain(rule), "why": why}


def column_expectations(column: Mapping[str, Any], name: str) -> Iterator[dict[str, Any]]:
    """Yield what a contract asks of one column."""
    if column.get("semanticType") in DERIVED:
        yield refused(f"{name}: semanticType {column['semanticType']}", "it is computed and no column of the data")
        return
    yield expectation("expect_column_to_exist", f"{name}: exists", column=name)
    if column.get("required") or column.get("primaryKey"):
        yield expectation("expect_column_values_to_not_be_null", f"{name}: required", column=name)
    if column.get("unique"):
        yield expectation("expect_column_values_to_be_unique", f"{name}: unique", column=name)
    yield from type_expectations(column, name)
    if isinstance(column.get("enum"), list):
        values = [one.get("value") if isinstance(one, Mapping) else one for one in column["enum"]]
        yield expectation("expect_column_values_to_be_in_set", f"{name}: enum", column=name, value_set=values)
    if column.get("physicalType"):
        stored = str(column["physicalType"])
        rule = f"{name}: physicalType {stored}"
        yield expectation("dataops_column_to_be_stored_as", rule, column=name, physical_type=stored)
    yield from quality_expectations(column.get("quality"), name)
    if column.get("properties") or column.get("items") or column.get("map"):
        yield refused(f"{name}: nested properties", "values inside of objects, arrays and maps are not checked")


def physical(rule: Any, columns: Sequence[Mapping[str, Any]]) -> Any:
    """Return a rule on several columns with the names that the data use."""
    arguments = rule.get("arguments") if isinstance(rule, Mapping) else None
    if not isinstance(arguments, Mapping) or not isinstance(arguments.get("properties"), list):
        return rule
    names = {str(one.get("name")): physical_name(one) for one in columns}
    return {**rule, "arguments": {**arguments, "properties": [names.get(p, p) for p in arguments["properties"]]}}


def key_expectations(columns: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield that the primary key is unique."""
    key = [one for one in columns if one.get("primaryKey")]
    key.sort(key=position)
    names = [physical_name(one) for one in key]
    if len(names) == 1 and not key[0].get("unique"):
        yield expectation("expect_column_values_to_be_unique", "primary key", column=names[0])
    if len(names) > 1:
        yield expectation("expect_compound_columns_to_be_unique", "primary key", column_list=names)


def position(column: Mapping[str, Any]) -> int:
    """Return where a column stands in the primary key; those without a place come first."""
    given = column.get("primaryKeyPosition")
    return given if isinstance(given, int) else 0


def expectation(type_: str, rule: str, **kwargs: Any) -> dict[str, Any]:
    """Return an expectation that stands for a rule of the contract."""
    return {
        "type": type_,
        "kwargs": kwargs,
        "meta": {"dataops": {"severity": "block", "id": plain(rule)}},
        "severity": "critical",
    }


def classification(chosen: Mapping[str, Any]) -> dict[str, str]:
    """Return how the contract classifies each column that it classifies."""
    columns = mappings(chosen.get("properties"))
    return {physical_name(one): str(one["classification"]) for one in columns if one.get("classification")}


def about(contract: Mapping[str, Any]) -> dict[str, Any]:
    """Return which contract it is, and how long data may be kept."""
    named = {name: contract.get(name) for name in ("id", "version", "status")}
    levels = [one for one in mappings(contract.get("slaProperties")) if str(one.get("property")).lower() in RETENTION]
    told = [{name: level[name] for name in ("value", "unit", "element") if name in level} for level in levels]
    return {**named, **({"retention": told} if told else {})}
