"""Our shorthand for suites: a few lines of YAML that say what must be true, as a suite of Great Expectations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from airflow_dataops.core.quality_types import is_row_level
from airflow_dataops.core.shorthand_faults import refuse_faults
from airflow_dataops.core.shorthand_schema import SEVERITIES
from airflow_dataops.core.shorthand_words import COLUMN_WORDS, Made, bounds
from airflow_dataops.exceptions import BrokenCheckError

__all__ = ["document_of_shorthand", "is_shorthand"]

DESCRIBING = ("description", "classification", "says", "where", *SEVERITIES)
"""Words about a column, or a check, that are no check themselves."""
WHOLE = ("expect_column_to_exist", "dataops_column_to_hold", "expect_column_type_to_be")
"""Checks to which no condition on rows applies."""
LIMITS = {"equals": "equal_to", "not_equals": "not_equal_to", "not_between": "outside"}


def is_shorthand(document: Any) -> bool:
    """Whether a parsed file is written in our shorthand."""
    return isinstance(document, Mapping) and "dataops" in document and "expectations" not in document


def document_of_shorthand(given: Mapping[str, Any], source: str) -> dict[str, Any]:
    """Return the suite that a shorthand file means, in Great Expectations' form.

    Args:
        given: The parsed file.
        source: Where it was read, for messages.

    Raises:
        BrokenCheckError: A word or what stands after it is wrong; names its place. A retry does not help.
    """
    document = as_json(given, source)
    refuse_faults(document, source)
    about = {name: document[name] for name in ("description", "version", "owner") if name in document}
    words = {name: groups_of(words) for name, words in (document.get("columns") or {}).items()}
    classified = {name: group["classification"] for name in words for group in words[name] if "classification" in group}
    return {
        "name": str(document.get("name") or source),
        "expectations": list(expectations(document, words)),
        "meta": {"dataops": {"shorthand": about, "classification": classified, "unsupported": []}},
    }


def as_json(given: Any, source: str) -> Any:
    """Return a parsed YAML document as JSON has it: times and keys are text.

    Raises:
        BrokenCheckError: A key is a truth value, as YAML reads ``no`` and ``on``.
    """
    if isinstance(given, Mapping):
        for name in given:
            if isinstance(name, bool) or name is None:
                raise BrokenCheckError(
                    f"{source} has the key {name}, which YAML made of a word such as {'on' if name else 'no'}.",
                    hint='write it between quotes: "no"',
                )
        return {str(name): as_json(value, source) for name, value in given.items()}
    if isinstance(given, list | tuple):
        return [as_json(value, source) for value in given]
    return given.isoformat() if hasattr(given, "isoformat") else given


def groups_of(words: Any) -> list[dict[str, Any]]:
    """Return the groups of words about a column."""
    if words is None:
        return []
    if isinstance(words, str):
        return [{"type": words}]
    return [words] if isinstance(words, dict) else list(words)


def expectations(document: Mapping[str, Any], columns: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield everything that a shorthand file asks."""
    exact = document.get("exact_columns")
    if exact == "in order":
        yield expectation("expect_table_columns_to_match_ordered_list", {"column_list": list(columns)})
    elif exact:
        yield expectation("expect_table_columns_to_match_set", {"column_set": list(columns), "exact_match": True})
    for name, groups in columns.items():
        yield expectation("expect_column_to_exist", {"column": name})
        for group in groups:
            yield from of_column(name, group)
    yield from of_key(document.get("key"), columns)
    if "rows" in document:
        yield of_rows(document["rows"])
    for check in document.get("checks") or []:
        yield of_check(check)


def of_column(column: str, words: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what a group of words asks of a column."""
    for word, given in words.items():
        if word in DESCRIBING:
            continue
        keep = {"keep": given} if word == "unique" and given is not True else {}
        for kind, kwargs in COLUMN_WORDS[word].checks(given):
            yield expectation(kind, with_column((kind, kwargs), column), words, **keep)


def with_column(made: Made, column: str) -> dict[str, Any]:
    """Return a check's arguments with its column, however its type calls it."""
    kind, kwargs = made
    argument = "column_A" if "pair_values" in kind else "column"
    return (
        {"column_list": [column], **kwargs} if kind == "dataops_columns_to_exist_in" else {argument: column, **kwargs}
    )


def of_key(key: Any, columns: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield that the key tells rows apart: each part is there, and together they are unique."""
    names = [key] if isinstance(key, str) else key or []
    for name in names:
        if name not in columns:
            yield expectation("expect_column_to_exist", {"column": name})
        said = [
            group for group in columns.get(name, []) if "required" in group and not set(group) & {"where", *SEVERITIES}
        ]
        if not said:
            yield expectation("expect_column_values_to_not_be_null", {"column": name})
    if len(names) == 1:
        yield expectation("expect_column_values_to_be_unique", {"column": names[0]})
    if len(names) > 1:
        yield expectation("expect_compound_columns_to_be_unique", {"column_list": list(names)})


def of_rows(rows: Any) -> dict[str, Any]:
    """Return the check on the number of rows."""
    words = rows if isinstance(rows, dict) else {"equals" if isinstance(rows, int) else "between": rows}
    limits = bounds(words["equals"]) if "equals" in words else {}
    limits |= bounds(words["between"]) if "between" in words else {}
    limits |= {f"{name}_value": words[name] for name in ("min", "max") if name in words}
    return expectation("expect_table_row_count_to_be_between", limits, words)


def of_check(check: Mapping[str, Any]) -> dict[str, Any]:
    """Return a check on several columns, or on the whole table."""
    if "expect" in check:
        return expectation(check["expect"], dict(check.get("with") or {}), check)
    if "sql" in check:
        return expectation("dataops_query_value_to_be", {"query": check["sql"], **limits_of(check)}, check)
    if "unique" in check:
        keep = {"keep": check["keep"]} if "keep" in check else {}
        return expectation("expect_compound_columns_to_be_unique", {"column_list": check["unique"]}, check, **keep)
    if "sum" in check:
        kwargs = {"column_list": check["sum"], "sum_total": check["equals"]}
        return expectation("expect_multicolumn_sum_to_equal", kwargs, check)
    keys = {"reference": check["exist_in"], "reference_columns": check.get("as") or check["columns"]}
    return expectation("dataops_columns_to_exist_in", {"column_list": check["columns"], **keys}, check)


def limits_of(check: Mapping[str, Any]) -> dict[str, Any]:
    """Return the limits of a query's value."""
    limits = bounds(check["between"]) if "between" in check else {}
    for word, argument in LIMITS.items():
        limits |= {argument: check[word]} if word in check else {}
    for word, argument in (("min", "min_value"), ("above", "min_value"), ("max", "max_value"), ("below", "max_value")):
        limits |= {argument: check[word]} if word in check else {}
    strict = {"above": "strict_min", "below": "strict_max"}
    return limits | {argument: True for word, argument in strict.items() if word in check}


def expectation(
    kind: str, kwargs: Mapping[str, Any], words: Mapping[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    """Return an expectation with what failing it does; where rows are split off, checks on the whole block."""
    words, by_row = words or {}, is_row_level(kind)
    severity = next((name for name in SEVERITIES if name in words), "block")
    options: dict[str, Any] = {"severity": "block" if severity == "quarantine" and not by_row else severity}
    allowed = words.get(severity, True)
    if by_row and allowed is not True:
        options["tolerance"] = allowed
    if by_row and "says" in words:
        options["says"] = words["says"]
    given = dict(kwargs)
    if "where" in words and kind not in WHOLE:
        given |= {"row_condition": words["where"], "condition_parser": "pandas"}
    return {"type": kind, "kwargs": given, "meta": {"dataops": {**options, **more}}, "severity": "critical"}
