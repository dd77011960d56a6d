"""What checks need beside the data: other tables, the time that counts as now; without it they are named, not run."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any

from airflow_dataops.core.words import plain
from airflow_dataops.exceptions import BrokenCheckError

__all__ = ["prepared", "reference_columns", "unsupported_of"]

REFERRING = "dataops_columns_to_exist_in"
STORED = "dataops_column_to_be_stored_as"
FRESH = "dataops_column_to_be_fresh"


def prepared(
    document: Any, source: str, *, now: datetime, references: Collection[str] = (), stored: bool = False
) -> Any:
    """Return a suite document with what its checks need; those that lack it are listed under ``unsupported``.

    Args:
        document: The parsed suite.
        source: Where it was read, for messages.
        now: What counts as now where a check does not say.
        references: Names of the other tables that are given.
        stored: Whether the data lie in a database, whose own types are known.

    Raises:
        BrokenCheckError: No check refers to one of the references. A retry does not help.
    """
    expectations = document.get("expectations") if isinstance(document, Mapping) else None
    if not isinstance(expectations, list):
        return document
    refuse_unused(expectations, references, source)
    kept: list[Any] = []
    lacking: list[dict[str, str]] = []
    for one in expectations:
        why = lack_of(one, references, stored=stored)
        if why:
            lacking.append({"rule": name_of(one), "why": why})
        else:
            kept.append(with_now(one, now))
    return {**document, "expectations": kept, **({"meta": with_lacking(document, lacking)} if lacking else {})}


def lack_of(expectation: Any, references: Collection[str], *, stored: bool) -> str:
    """Return what an expectation lacks; empty when it lacks nothing."""
    kind = kind_of(expectation)
    if kind == REFERRING and arguments_of(expectation).get("reference") not in references:
        name = arguments_of(expectation).get("reference")
        return f"the data of {plain(str(name))} were not given: name them under references"
    if kind == STORED and not stored:
        return "the types of the place where data lie are known of tables of a database only"
    return ""


def with_now(expectation: Any, now: datetime) -> Any:
    """Return an expectation with the time that counts as now, if it needs one."""
    if kind_of(expectation) != FRESH or arguments_of(expectation).get("now"):
        return expectation
    return {**expectation, "kwargs": {**arguments_of(expectation), "now": now.isoformat()}}


def refuse_unused(expectations: list[Any], references: Collection[str], source: str) -> None:
    """Refuse a reference that no check refers to: its name is a slip."""
    wanted = reference_columns(expectations)
    unused = [name for name in references if name not in wanted]
    if unused:
        listed = plain(", ".join(sorted(wanted)), 200) or "none"
        raise BrokenCheckError(
            f"{source} refers to no table {plain(repr(unused[0]))}; it refers to {listed}.",
            hint="correct the name under references, or leave it out",
        )


def reference_columns(expectations: Any) -> dict[str, list[str]]:
    """Return the tables that expectations refer to, and which of their columns."""
    found: dict[str, list[str]] = {}
    for name, columns in referring(expectations):
        held = found.setdefault(name, [])
        held.extend(column for column in columns if column not in held)
    return found


def referring(expectations: Any) -> Iterator[tuple[str, list[str]]]:
    """Yield each table that an expectation refers to with the columns it needs."""
    for one in expectations:
        given = arguments_of(one)
        columns = given.get("reference_columns")
        if kind_of(one) == REFERRING and isinstance(given.get("reference"), str) and isinstance(columns, list):
            yield given["reference"], columns


def kind_of(expectation: Any) -> Any:
    """Return the type of an expectation; None of something else."""
    return expectation.get("type") if isinstance(expectation, Mapping) else None


def arguments_of(expectation: Any) -> Mapping[str, Any]:
    """Return the arguments of an expectation; none of something else."""
    given = expectation.get("kwargs") if isinstance(expectation, Mapping) else None
    return given if isinstance(given, Mapping) else {}


def name_of(expectation: Mapping[str, Any]) -> str:
    """Return how people call an expectation."""
    options = options_of(expectation)
    given = arguments_of(expectation)
    columns = given.get("column_list") or [given.get("column")]
    return str(options.get("id") or plain(f"{expectation['type']} on {', '.join(map(str, columns))}"))


def options_of(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what stands under ``meta.dataops``."""
    meta = document.get("meta")
    options = meta.get("dataops") if isinstance(meta, Mapping) else None
    return options if isinstance(options, Mapping) else {}


def with_lacking(document: Mapping[str, Any], lacking: list[dict[str, str]]) -> dict[str, Any]:
    """Return the document's ``meta`` that also names what is not checked."""
    meta = document.get("meta") or {}
    return {**meta, "dataops": {**options_of(document), "unsupported": [*unsupported_of(document), *lacking]}}


def unsupported_of(document: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the rules that are named and not checked, each with why."""
    listed = options_of(document).get("unsupported")
    return [dict(one) for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []
