"""Logical types of a contract's columns, and their options, as expectations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["type_expectations"]

TYPES = ("string", "integer", "number", "boolean", "date", "timestamp", "time")
"""Logical types that are checked."""
BOUNDS = (
    ("minimum", "exclusiveMinimum", "min_value", "strict_min"),
    ("maximum", "exclusiveMaximum", "max_value", "strict_max"),
)
LENGTHS = {"minLength": "min_value", "maxLength": "max_value"}
FORMATS = {
    "email": r"^[^@\s]+@[^@\s]+\.[^@\s]+$",
    "uuid": r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$",
    "uri": r"^[A-Za-z][A-Za-z0-9+.-]*:\S+$",
    "ipv4": r"^(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])(\.(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])){3}$",
}
HARMLESS = {"description", "timezone", "defaultTimezone"}


def type_expectations(column: Mapping[str, Any], name: str) -> Iterator[dict[str, Any]]:
    """Yield what a column's logical type and its options ask of it."""
    logical = column.get("logicalType")
    if logical in TYPES:
        yield expectation("dataops_column_to_hold", name, "type", kind=logical)
    elif logical is not None:
        yield {"rule": f"{name}: logicalType {logical}", "why": "values of this type are not checked"}
    yield from option_expectations(column.get("logicalTypeOptions") or {}, name)


def option_expectations(options: Mapping[str, Any], name: str) -> Iterator[dict[str, Any]]:
    """Yield what the options ask."""
    for inclusive, exclusive, argument, strict in BOUNDS:
        both = [(option, options[option]) for option in (inclusive, exclusive) if option in options]
        for option, bound in both:
            bounds = {argument: bound, **({strict: True} if option == exclusive else {})}
            yield expectation("expect_column_values_to_be_between", name, option, **bounds)
    lengths = {LENGTHS[option]: options[option] for option in LENGTHS.keys() & options.keys()}
    if lengths:
        yield expectation("expect_column_value_lengths_to_be_between", name, "length", **lengths)
    if "pattern" in options:
        yield expectation("expect_column_values_to_match_regex", name, "pattern", regex=options["pattern"])
    if options.get("format") in FORMATS:
        yield expectation("expect_column_values_to_match_regex", name, "format", regex=FORMATS[options["format"]])
    bounds_known = {option for bound in BOUNDS for option in bound[:2]}
    known = {*bounds_known, *LENGTHS, *HARMLESS, "pattern", *(["format"] if options.get("format") in FORMATS else [])}
    for option in sorted(set(options) - known):
        yield {"rule": f"{name}: {option} {options[option]}", "why": "this option is not checked"}


def expectation(type_: str, column: str, rule: str, **kwargs: Any) -> dict[str, Any]:
    """Return an expectation on one column."""
    meta = {"dataops": {"severity": "block", "id": f"{column}: {rule}"}}
    return {"type": type_, "kwargs": {"column": column, **kwargs}, "meta": meta, "severity": "critical"}
