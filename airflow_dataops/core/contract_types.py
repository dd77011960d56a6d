"""Logical types of a contract's columns, and their options, as expectations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from airflow_dataops.core.contract_rules import is_pattern
from airflow_dataops.core.words import plain

__all__ = ["FORMATS", "type_expectations"]

TYPES = ("string", "integer", "number", "boolean", "date", "timestamp", "time")
"""Logical types that are checked."""
BOUNDS = {
    "minimum": ("min_value", None),
    "exclusiveMinimum": ("min_value", "strict_min"),
    "maximum": ("max_value", None),
    "exclusiveMaximum": ("max_value", "strict_max"),
}
LENGTHS = {"minLength": "min_value", "maxLength": "max_value"}
OCTET = r"(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"
GROUP = "[0-9a-fA-F]{1,4}"
FORMATS = {
    "email": r"^[^@\s]+@[^@\s]+\.[^@\s]+$",
    "uuid": r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$",
    "uri": r"^[A-Za-z][A-Za-z0-9+.-]*:\S+$",
    "hostname": r"^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$",
    "ipv4": rf"^{OCTET}(\.{OCTET}){{3}}$",
    "ipv6": (
        rf"^(({GROUP}:){{7}}{GROUP}|({GROUP}:){{1,7}}:|({GROUP}:){{1,6}}:{GROUP}|({GROUP}:){{1,5}}(:{GROUP}){{1,2}}"
        rf"|({GROUP}:){{1,4}}(:{GROUP}){{1,3}}|({GROUP}:){{1,3}}(:{GROUP}){{1,4}}|({GROUP}:){{1,2}}(:{GROUP}){{1,5}}"
        rf"|{GROUP}:(:{GROUP}){{1,6}}|:((:{GROUP}){{1,7}}|:)|::(ffff:)?{OCTET}(\.{OCTET}){{3}})$"
    ),
    "byte": r"^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
}
"""Forms of texts that are checked."""
WIDTHS = {f"{sign}{bits}": (sign, bits) for sign in "iu" for bits in (8, 16, 32, 64, 128)}
"""Forms of whole numbers: sign, and how many bits they take."""
ZONES = {True: "timestamp with time zone", False: "timestamp without time zone"}


def type_expectations(column: Mapping[str, Any], name: str) -> Iterator[dict[str, Any]]:
    """Yield what a column's logical type and its options ask of it, and what cannot be checked."""
    logical, options = column.get("logicalType"), column.get("logicalTypeOptions") or {}
    if logical in TYPES:
        yield expectation("dataops_column_to_hold", name, "type", kind=logical)
    elif logical is not None:
        yield refused(name, f"logicalType {logical}", "values of this type are not checked")
    if not isinstance(options, Mapping):
        yield refused(name, "logicalTypeOptions", "they are no mapping")
        return
    lengths = {LENGTHS[option]: options[option] for option in LENGTHS if is_length(options.get(option))}
    if lengths:
        yield expectation("expect_column_value_lengths_to_be_between", name, "length", **lengths)
    for option, value in options.items():
        if option not in LENGTHS or not is_length(value):
            yield option_expectation(str(option), value, name, str(logical))


def is_length(value: Any) -> bool:
    """Whether a value can bound the length of a text."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def option_expectation(option: str, value: Any, name: str, logical: str) -> dict[str, Any]:
    """Return what one option asks, or what stands for it."""
    if option in BOUNDS and is_bound(value, logical):
        side, strict = BOUNDS[option]
        bounds = {side: value, **({strict: True} if strict else {})}
        return expectation("expect_column_values_to_be_between", name, option, **bounds)
    if option == "multipleOf" and is_number(value) and value > 0:
        return expectation("dataops_column_values_to_be_multiple_of", name, option, multiple=value)
    if option == "pattern" and is_pattern(value):
        return expectation("expect_column_values_to_match_regex", name, option, regex=value)
    if option == "timezone" and isinstance(value, bool) and logical == "timestamp":
        return expectation("dataops_column_to_hold", name, option, kind=ZONES[value])
    if option == "format":
        return format_expectation(value, name)
    return refused(name, f"{option} {value}", "this option is not checked")


def format_expectation(value: Any, name: str) -> dict[str, Any]:
    """Return what the form of values asks: of texts a pattern, of whole numbers a range."""
    if isinstance(value, str) and value in FORMATS:
        return expectation("expect_column_values_to_match_regex", name, "format", regex=FORMATS[value])
    if isinstance(value, str) and value in WIDTHS:
        return expectation("expect_column_values_to_be_between", name, "format", **range_of(*WIDTHS[value]))
    return refused(name, f"format {value}", "this form is not checked: columns of dates and times have types")


def is_number(value: Any) -> bool:
    """Whether a value is a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_bound(value: Any, logical: str) -> bool:
    """Whether a value can bound values of a type; times of day are not compared."""
    if logical in {"date", "timestamp"}:
        return isinstance(value, str) or hasattr(value, "isoformat")
    return logical != "time" and is_number(value)


def range_of(sign: str, bits: int) -> dict[str, int]:
    """Return the smallest and the largest whole number of a width."""
    if sign == "u":
        return {"min_value": 0, "max_value": 2**bits - 1}
    return {"min_value": -(2 ** (bits - 1)), "max_value": 2 ** (bits - 1) - 1}


def refused(column: str, rule: str, why: str) -> dict[str, Any]:
    """Return what stands for a rule that cannot be checked."""
    return {"rule": plain(f"{column}: {rule}"), "why": why}


def expectation(type_: str, column: str, rule: str, **kwargs: Any) -> dict[str, Any]:
    """Return an expectation on one column."""
    given = {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in kwargs.items()}
    meta = {"dataops": {"severity": "block", "id": f"{column}: {rule}"}}
    return {"type": type_, "kwargs": {"column": column, **given}, "meta": meta, "severity": "critical"}
