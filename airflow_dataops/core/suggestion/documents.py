"""Proposals as a suite, as a contract, and as a table for people."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_dataops.core.suggestion.columns import STANDARD_FORMS, Proposal
from airflow_dataops.core.suggestion.freshness import Rhythm
from airflow_dataops.core.words import percent_words, plain

__all__ = ["Judged", "contract_document", "expectation_of", "property_of", "suite_document", "summary_lines"]

LOGICAL = {
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
    "text": "string",
    "date": "date",
    "timestamp": "timestamp",
}
ENDS = {
    "range": {"min_value": "minimum", "max_value": "maximum"},
    "length": {"min_value": "minLength", "max_value": "maxLength"},
}
SAID_BY_SEVERITY = (("severity", "block"), ("severity", "warn"), ("severity", "info"))
SEVERITIES = {"block": "critical", "quarantine": "critical", "warn": "warning", "info": "info"}
RULE_SEVERITIES = {"info": "info", "warn": "warning"}


@dataclass(frozen=True, slots=True)
class Judged:
    """A proposal and how it would have done.

    Args:
        proposal: The check.
        passed: How many past partitions it would have passed, learned from the others.
        tried: How many there are; 0 where there are too few to tell.
        threshold: The share below which it is switched off.
        holds: Whether all the data it was learned from pass it.
    """

    proposal: Proposal
    passed: int = 0
    tried: int = 0
    threshold: float = 0.95
    holds: bool = True

    @property
    def share(self) -> float | None:
        """The share of past partitions that it would have passed."""
        return self.passed / self.tried if self.tried else None

    @property
    def on(self) -> bool:
        """Whether it counts; else it only records."""
        return self.holds and (self.share is None or self.share >= self.threshold)

    @property
    def share_words(self) -> str:
        """The share for people."""
        return "untried" if self.share is None else f"{self.passed} of {self.tried}"

    @property
    def options(self) -> dict[str, Any]:
        """What failing it does."""
        return dict(self.proposal.options) if self.on else {"severity": "info"}


def expectation_of(proposal: Proposal, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return a proposal in Great Expectations' form."""
    return {"type": proposal.type, "kwargs": dict(proposal.kwargs), "meta": {"dataops": dict(options)}}


def suite_document(judged: Sequence[Judged], name: str, learned: str) -> dict[str, Any]:
    """Return the proposals as a suite of Great Expectations; what speaks for each stands in its ``meta``."""
    expectations = []
    for one in judged:
        document = expectation_of(one.proposal, one.options)
        told = {"why": one.proposal.why, "passed": one.share_words, "share": one.share and round(one.share, 4)}
        severity = SEVERITIES[one.options["severity"]]
        expectations.append({**document, "meta": {**document["meta"], "suggested": told}, "severity": severity})
    return {"name": name, "expectations": expectations, "meta": {"suggested": {"from": learned}}}


# -- the contract -----------------------------------------------------------------------------------------


def contract_document(
    judged: Sequence[Judged],
    name: str,
    learned: str,
    columns: Mapping[str, Mapping[str, Any]],
    rhythm: Rhythm | None = None,
) -> dict[str, Any]:
    """Return the proposals as a data contract of the Open Data Contract Standard 3.1.

    Args:
        judged: The proposals.
        name: The dataset.
        learned: From what they were learned, in words.
        columns: Each column with what `property_of` says of it.
        rhythm: How often new data come.
    """
    properties = {column: dict(known) for column, known in columns.items()}
    key = next((one.proposal.columns for one in judged if one.on and one.proposal.aspect in {"key", "unique"}), ())
    for position, column in enumerate(key, start=1):
        properties[column] |= {"required": True, "primaryKey": True, "primaryKeyPosition": position}
    rules: list[dict[str, Any]] = []
    for one in judged:
        told = one.proposal.columns
        if one.on and told and said_by_schema(one, properties[told[0]], told == key):
            continue
        (properties[told[0]].setdefault("quality", []) if len(told) == 1 else rules).append(rule_of(one))
    schema = {"name": name, "logicalType": "object", "properties": list(properties.values())}
    return {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-") or "dataset",
        "name": name,
        "version": "0.1.0",
        "status": "draft",
        "description": {"limitations": f"Proposed from {learned}; to be reviewed before anybody relies on it."},
        "schema": [{**schema, **({"quality": rules} if rules else {})}],
        **({"slaProperties": [level_of(name, rhythm)]} if rhythm else {}),
    }


def level_of(name: str, rhythm: Rhythm) -> dict[str, Any]:
    """Return the service level that new data come as often as they did.

    It names no element, so that no gate judges by it yet: past data are old by the clock, and nothing tells how
    late they were delivered.
    """
    told = f"{rhythm.words}; to have it checked, add element: {plain(name)}.{plain(rhythm.column)}"
    return {"property": "frequency", "value": rhythm.days, "unit": "d", "description": told}


def property_of(name: str, kind: str, *, restricted: bool) -> dict[str, Any]:
    """Return a column of the contract without any rule."""
    logical = {"logicalType": LOGICAL[kind]} if kind in LOGICAL else {}
    return {"name": name, **logical, **({"classification": "restricted"} if restricted else {})}


def said_by_schema(one: Judged, column: dict[str, Any], is_key: bool) -> bool:
    """Say a proposal by the words that a contract has for columns; False for one that needs a rule."""
    proposal = one.proposal
    kwargs, aspect = proposal.kwargs, proposal.aspect
    if "mostly" in kwargs:
        return False
    if aspect in {"exists", "type"} or (is_key and aspect in {"key", "unique"}):
        return True
    if aspect == "required":
        column["required"] = True
    elif aspect == "unique":
        column["unique"] = True
    elif aspect in ENDS:
        options = {ENDS[aspect][end]: kwargs[end] for end in ENDS[aspect] if end in kwargs}
        column["logicalTypeOptions"] = {**column.get("logicalTypeOptions", {}), **options}
    elif aspect == "pattern":
        known = [name for name, pattern in STANDARD_FORMS.items() if pattern == kwargs["regex"]]
        column["logicalTypeOptions"] = {"format": known[0]} if known else {"pattern": kwargs["regex"]}
    else:
        return False
    return True


def rule_of(one: Judged) -> dict[str, Any]:
    """Return a proposal as a quality rule."""
    proposal, options = one.proposal, one.options
    rule: dict[str, Any] = {
        "name": f"{proposal.aspect} of {plain(' and '.join(proposal.columns))}"
        if len(proposal.columns) > 1
        else proposal.aspect,
        "description": f"{proposal.why}; past partitions passed: {one.share_words}",
        **library_or_custom(proposal),
        "severity": RULE_SEVERITIES.get(options["severity"], "error"),
    }
    # What the standard's own words say is said by them; the rest by ours.
    said = {name: value for name, value in options.items() if (name, value) not in SAID_BY_SEVERITY}
    ours = [{"property": f"dataops.{name}", "value": value} for name, value in said.items()]
    return {**rule, **({"customProperties": ours} if ours else {})}


def library_or_custom(proposal: Proposal) -> dict[str, Any]:
    """Return a proposal in the words of the standard's library where it has some, else as an expectation."""
    kwargs, aspect = proposal.kwargs, proposal.aspect
    if aspect == "rows":
        both = [kwargs.get("min_value"), kwargs.get("max_value")]
        limit = {"mustBeBetween": both} if None not in both else {"mustBeGreaterOrEqualTo": kwargs["min_value"]}
        return {"metric": "rowCount", **limit}
    if aspect == "required":
        allowed = round(100 * (1 - kwargs.get("mostly", 1)), 6)
        return {"metric": "nullValues", "mustBeLessOrEqualTo": allowed, "unit": "percent"}
    if aspect == "values":
        return {"metric": "invalidValues", "arguments": {"validValues": list(kwargs["value_set"])}, "mustBe": 0}
    implementation = {"type": proposal.type, "kwargs": dict(kwargs)}
    return {"type": "custom", "engine": "greatExpectations", "implementation": implementation}


# -- for people -------------------------------------------------------------------------------------------


def summary_lines(judged: Sequence[Judged]) -> list[str]:
    """Return a table: the check, what failing does, the share of past partitions passed, why."""
    rows = [("check", "failing", "passed", "why"), *together([summary_row(one) for one in judged])]
    widths = [max(len(row[place]) for row in rows) for place in range(3)]
    return ["  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]]) for row in rows]


def together(rows: Sequence[tuple[str, str, str, str]]) -> list[tuple[str, str, str, str]]:
    """Return the lines with what every column has (exists, type, required) on one of them, where all went alike."""
    found: list[tuple[str, str, str, str]] = []
    for check, failing, passed, why in rows:
        column, _, aspect = check.rpartition(": ")
        before = found[-1] if found else ("", "", "", "")
        if aspect in {"type", "required"} and before[0].startswith(f"{column}: exists") and before[2] == passed:
            found[-1] = (f"{before[0]}, {aspect}", joined_words(before[1], failing), passed, f"{before[3]}; {why}")
        else:
            found.append((check, failing, passed, why))
    return found


def joined_words(first: str, second: str) -> str:
    """Return both words, or one where they are the same."""
    return first if second in first.split(", ") else f"{first}, {second}"


def summary_row(one: Judged) -> tuple[str, str, str, str]:
    """Return a line of the table."""
    columns = ", ".join(plain(column, 30) for column in one.proposal.columns)
    limits = limit_words(one.proposal.kwargs)
    failing = one.proposal.options["severity"] if one.on else "off"
    return f"{columns or 'the table'}: {one.proposal.aspect}{limits}", failing, one.share_words, one.proposal.why


def limit_words(kwargs: Mapping[str, Any]) -> str:
    """Return what a check allows, shortly."""
    if "min_value" in kwargs or "max_value" in kwargs:
        ends = f" {kwargs.get('min_value', '')}..{kwargs.get('max_value', '')}"
        return ends + (f" for {percent_words(kwargs['mostly'])}" if "mostly" in kwargs else "")
    if "regex" in kwargs:
        return f" {plain(kwargs['regex'], 40)}"
    if "value_set" in kwargs:
        return f" {plain(', '.join(map(str, kwargs['value_set'])), 40)}"
    return f" for {percent_words(kwargs['mostly'])}" if "mostly" in kwargs else ""
