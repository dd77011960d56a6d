"""What a contract, suite or shorthand agrees on, in one form, so that two of them can be compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from airflow_dataops.core.contract import document_of, is_contract, mappings, physical_name
from airflow_dataops.core.quality_needs import unsupported_of
from airflow_dataops.core.quality_suite import suite_of
from airflow_dataops.core.shorthand import document_of_shorthand, is_shorthand

__all__ = ["EXISTS", "Agreement", "Rule", "Table", "agreement_of"]

EXISTS = "expect_column_to_exist"
UNNAMED = "data"
ENFORCED = {"quarantine", "block"}
NOT_COMPARED = ("now", "condition_parser", "keep")
ABOUT = ("description", "classification", "businessName", "deprecated", "tags")


@dataclass(frozen=True, slots=True)
class Rule:
    """One check as a promise.

    Args:
        kind: The type of the check.
        columns: The columns it reads.
        arguments: Its other arguments.
        severity: What its failing does.
        allowed: The share of rows that may fail, 0..1, or how many (1 and more); 0 for none.
        id: How reports call it.
    """

    kind: str
    columns: tuple[str, ...]
    arguments: Mapping[str, Any]
    severity: str
    allowed: float
    id: str

    @property
    def is_enforced(self) -> bool:
        """Whether data that fail it are kept from readers: only then can they rely on it."""
        return self.severity in ENFORCED


@dataclass(frozen=True, slots=True)
class Table:
    """What is agreed on for one object.

    Args:
        name: Its name.
        columns: What is told of each column beside its checks, by name.
        rules: The checks.
        unsupported: Rules that are named and not checked.
    """

    name: str
    columns: Mapping[str, Mapping[str, Any]]
    rules: tuple[Rule, ...]
    unsupported: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class Agreement:
    """What a file agrees on.

    Args:
        source: The file, as messages call it.
        is_named: Whether its tables are named by the names of the data; a suite has but a title.
        version: Its own version; empty where it has none.
        tables: By name.
        about: What it tells of itself: status, description, owners.
        levels: Service levels that are no checks: by property and element, value and unit.
    """

    source: str
    is_named: bool
    version: str
    tables: Mapping[str, Table]
    about: Mapping[str, Any] = field(default_factory=dict)
    levels: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)


def agreement_of(document: Mapping[str, Any], source: str) -> Agreement:
    """Return what a parsed file agrees on.

    Raises:
        BrokenCheckError: It is no contract, suite or shorthand, or is broken. A retry does not help.
    """
    if is_contract(document):
        return of_contract(document, source)
    if is_shorthand(document):
        made = document_of_shorthand(document, source)
        told = dict(made["meta"]["dataops"]["shorthand"])
        words = document.get("columns") or {}
        version = str(told.pop("version", ""))
        about = {str(name): told_in(given) for name, given in words.items()}
        table = table_of({**made, "name": document.get("name")}, source, about)
        return Agreement(source, bool(document.get("name")), version, {table.name: table}, told)
    made = dict(document) if isinstance(document, Mapping) else {"expectations": None}
    table = table_of(made, source, {})
    return Agreement(source, False, "", {table.name: table})


def told_in(words: Any) -> dict[str, Any]:
    """Return what a shorthand tells of a column, in any of its groups of words."""
    groups = [words] if isinstance(words, Mapping) else words if isinstance(words, list) else []
    return {word: group[word] for group in groups for word in ABOUT if word in group}


def of_contract(contract: Mapping[str, Any], source: str) -> Agreement:
    """Return what a data contract agrees on."""
    tables = {}
    for one in mappings(contract.get("schema")):
        made = document_of(contract, source, str(one.get("name")))
        told = {physical_name(c): {w: c[w] for w in ("id", *ABOUT) if w in c} for c in mappings(one.get("properties"))}
        tables[made["name"]] = table_of(made, source, told)
    about = {name: contract.get(name) for name in ("status", "domain", "description", "servers") if contract.get(name)}
    return Agreement(
        source, True, str(contract.get("version") or ""), tables, {**about, **owners_of(contract)}, levels_of(contract)
    )


def owners_of(contract: Mapping[str, Any]) -> dict[str, Any]:
    """Return who answers for a contract: its team and roles."""
    team = contract.get("team")
    members = team.get("members") if isinstance(team, Mapping) else team
    names = sorted(str(one.get("username") or one.get("name")) for one in mappings(members))
    named = {"team": str(team.get("name"))} if isinstance(team, Mapping) and team.get("name") else {}
    return {**named, **({"owners": names} if names else {})}


def levels_of(contract: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return the service levels of a contract that are no checks."""
    fresh = ("latency", "ly", "freshness", "frequency", "fy")
    levels = [one for one in mappings(contract.get("slaProperties")) if str(one.get("property")).lower() not in fresh]
    return {
        f"{one.get('property')}{' of ' + str(one['element']) if one.get('element') else ''}": (
            one.get("value"),
            one.get("unit"),
        )
        for one in levels
    }


def table_of(document: Mapping[str, Any], source: str, columns: Mapping[str, Mapping[str, Any]]) -> Table:
    """Return what a suite document agrees on for its data."""
    name, unsupported = str(document.get("name") or UNNAMED), names_of(unsupported_of(document))
    if document.get("expectations") == []:
        return Table(name, dict(columns), (), unsupported)
    suite = suite_of(document, source)
    rules = []
    for check, expectation in zip(suite.checks, suite.expectations, strict=True):
        arguments = {
            name: value
            for name, value in expectation["kwargs"].items()
            if name not in {"column", "column_A", "column_B", "column_list", "mostly", *NOT_COMPARED}
        }
        allowed = 1 - check.mostly if check.tolerance is None else check.tolerance.share or check.tolerance.rows or 0
        if check.tolerance is None and check.severity == "quarantine" and check.mostly >= 1:
            allowed = 1.0  # any number may be split off
        rules.append(Rule(check.type, check.columns, arguments, check.severity.value, float(allowed), check.id))
    told = {name: columns.get(name, {}) for rule in rules if rule.kind == EXISTS for name in rule.columns}
    return Table(name, {**told, **columns}, tuple(rules), unsupported)


def names_of(unsupported: Sequence[Mapping[str, str]]) -> frozenset[str]:
    """Return the names of rules that are not checked; service levels are compared by what they say."""
    return frozenset(name for one in unsupported if not (name := one.get("rule", "")).startswith("service level "))
