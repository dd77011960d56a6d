"""What is wrong in a suite or a contract by itself."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from airflow_dataops.core.lint.finding import Finding, Place
from airflow_dataops.core.lint.fit import misfit
from airflow_dataops.core.quality_check import Check, Severity
from airflow_dataops.core.quality_suite import check_of, columns_of
from airflow_dataops.core.quality_types import COMMON, TYPES, argument_faults, validate
from airflow_dataops.core.words import plain
from airflow_dataops.exceptions import BrokenCheckError

__all__ = ["Document", "Key", "Spots", "document_findings"]

Key = tuple[str | int, ...]
Spots = Mapping[Key, tuple[int, int]]
"""Where each entry of a file begins, by the way to it."""


@dataclass(frozen=True, slots=True)
class Document:
    """A suite, or one object of a contract.

    Args:
        file: Its name for people.
        name: The dataset that it is about, as it says itself.
        suite: The parsed suite; of a contract the suite that it asks for.
        raw: The file as it was parsed.
        spots: Where things stand in the file.
        way: The way to the contract's object in the file; empty for a suite.
    """

    file: str
    name: str
    suite: Mapping[str, Any]
    raw: Any
    spots: Spots = field(default_factory=dict)
    way: Key = ()

    @property
    def is_contract(self) -> bool:
        """Whether it is a contract."""
        return bool(self.way)

    def expectations(self) -> list[tuple[int, Mapping[str, Any]]]:
        """Return what is written as a check, each with its number."""
        given = self.suite.get("expectations")
        return [(n, one) for n, one in enumerate(given) if is_expectation(one)] if isinstance(given, list) else []

    def properties(self) -> dict[str, tuple[int, Mapping[str, Any]]]:
        """Return the columns of a contract by the name that the data use, each with its number."""
        found: Any = self.raw
        for step in self.way:
            found = found[step]
        listed = found.get("properties") if isinstance(found, Mapping) else None
        entries = list(enumerate(listed)) if isinstance(listed, list) else []
        columns = [(number, one) for number, one in entries if isinstance(one, Mapping)]
        return {str(one.get("physicalName") or one.get("name")): (number, one) for number, one in columns}

    def at(self, *way: str | int) -> Place:
        """Return where something stands: there, or at the nearest thing around it that has a place."""
        for length in range(len(way), -1, -1):
            if way[:length] in self.spots:
                return Place(self.file, *self.spots[way[:length]])
        return Place(self.file)

    def at_expectation(self, number: int, name: str) -> Place:
        """Return where a check stands; of a contract, the column or the rule that asks for it."""
        if not self.is_contract:
            return self.at(*self.way_to(number))
        columns = self.properties()
        column = max((one for one in columns if name.startswith(f"{one}: ")), key=len, default=None)
        return self.at(*self.way) if column is None else self.at(*self.way, "properties", columns[column][0])

    def way_to(self, number: int) -> Key:
        """Return the way to a check; in a file that lists columns instead of checks, to its column."""
        known = dict(self.expectations()).get(number)
        columns = columns_of(known["kwargs"]) if known else ()
        listed = ("expectations", number) in self.spots or not columns
        return ("expectations", number) if listed else ("columns", columns[0])

    def column_types(self) -> dict[str, str]:
        """Return the logical type of each column of a contract that has one."""
        columns = self.properties()
        return {name: str(one["logicalType"]) for name, (_, one) in columns.items() if one.get("logicalType")}


def is_expectation(one: Any) -> bool:
    """Whether an entry has the form of a check."""
    return isinstance(one, Mapping) and isinstance(one.get("type"), str) and isinstance(one.get("kwargs"), Mapping)


def document_findings(document: Document) -> Iterator[Finding]:
    """Yield what is wrong in a suite or contract by itself."""
    given = document.suite.get("expectations")
    seen: dict[str, set[str]] = {"ids": set(), "checks": set()}
    for number, one in enumerate(given if isinstance(given, list) else []):
        if is_expectation(one):
            place = document.at_expectation(number, id_of(one))
            yield from expectation_findings(one, number, place)
            yield from twice(one, place, seen)
        else:
            place = document.at("expectations", number)
            yield Finding(place, "DO201", f"Expectation {number + 1} has no 'type' and 'kwargs'.", "add them")
    for one in unsupported_of(document.suite):
        place = document.at_expectation(-1, str(one.get("rule")))
        yield Finding(place, "DO209", f"The rule {plain(str(one.get('rule')))!r} is not checked: {one.get('why')}.")
    if document.is_contract:
        yield from misfits(document, document)


def unsupported_of(suite: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the rules of a contract that no check stands for."""
    meta = suite.get("meta")
    ours = meta.get("dataops") if isinstance(meta, Mapping) else None
    listed = ours.get("unsupported") if isinstance(ours, Mapping) else None
    return [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []


def expectation_findings(one: Mapping[str, Any], number: int, place: Place) -> Iterator[Finding]:
    """Yield what is wrong with one check."""
    kind, kwargs = one["type"], one["kwargs"]
    where = f"Expectation {number + 1} ({plain(kind)})" if number >= 0 else plain(kind)
    if kind not in TYPES:
        try:
            validate(kind, kwargs, where)
        except BrokenCheckError as error:
            yield finding(place, "DO202", error)
        return
    faults = argument_faults(TYPES[kind], kwargs)
    if faults:
        yield from fault_findings(faults, kind, kwargs, where, place)
        return
    row_level = TYPES[kind].row_level
    try:
        check = check_of(one, where, set(), row_level=row_level)
    except BrokenCheckError as error:
        yield finding(place, "DO205" if "cannot tell which rows fail" in error.message else "DO206", error)
        return
    if check.severity is Severity.BLOCK and tolerates(check):
        sentence = f"{where} blocks with a tolerance: failing rows within it are published with the good ones."
        yield Finding(place, "DO207", sentence)


def tolerates(check: Check) -> bool:
    """Whether a check lets failing rows through."""
    return check.tolerance is not None and bool(check.tolerance.share or check.tolerance.rows)


def fault_findings(
    faults: Sequence[str], kind: str, kwargs: Mapping[str, Any], where: str, place: Place
) -> Iterator[Finding]:
    """Yield what is wrong with the arguments of one check."""
    patterns = [fault for fault in faults if "is no regular expression" in fault]
    for fault in patterns:
        yield Finding(place, "DO204", f"{where}: {fault}.")
    others = [fault for fault in faults if fault not in patterns]
    if others:
        known = TYPES[kind].arguments
        unknown = sorted(set(map(str, kwargs)) - known - COMMON)
        meant = {name: difflib.get_close_matches(name, known, n=1) for name in unknown}
        cures = [f"write {close[0]} for {plain(name)}" for name, close in meant.items() if close]
        allowed = f"its arguments are {', '.join(sorted(known))}"
        yield Finding(
            place, "DO203", f"{where} has wrong arguments: {'; '.join(others)[:600]}.", "; ".join(cures) or allowed
        )


def finding(place: Place, code: str, error: BrokenCheckError) -> Finding:
    """Return the finding that an error of the core stands for."""
    return Finding(place, code, " ".join(error.message.split()), error.hint or "")


def twice(one: Mapping[str, Any], place: Place, seen: Mapping[str, set[str]]) -> Iterator[Finding]:
    """Yield that a check, or its id, was there before."""
    given, written = id_of(one), repr((one["type"], sorted((str(k), repr(v)) for k, v in one["kwargs"].items())))
    if given and given in seen["ids"]:
        yield Finding(place, "DO208", f"Another check has the id {plain(given)!r}, too.")
    if written in seen["checks"]:
        named = plain(", ".join(columns_of(one["kwargs"])))
        yield Finding(
            place, "DO210", f"The check {plain(one['type'])}{f' on {named}' if named else ''} stands here twice."
        )
    seen["ids"].add(given)
    seen["checks"].add(written)


def id_of(one: Mapping[str, Any]) -> str:
    """Return the id that a check was given; empty for none."""
    meta = one.get("meta")
    options = meta.get("dataops") if isinstance(meta, Mapping) else None
    given = options.get("id") if isinstance(options, Mapping) else None
    return given if isinstance(given, str) else ""


def misfits(document: Document, contract: Document) -> Iterator[Finding]:
    """Yield the checks of a document that do not fit the types that a contract gives its columns."""
    types = contract.column_types()
    for number, one in document.expectations():
        for column in columns_of(one["kwargs"]):
            why = misfit(one["type"], one["kwargs"], types.get(column, ""))
            if why:
                place = document.at_expectation(number, id_of(one))
                sentence = f"{plain(one['type'])} on {plain(column)} {why}; the contract says {types[column]}."
                yield Finding(place, "DO403", sentence)
