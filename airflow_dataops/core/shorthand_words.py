"""The words of our shorthand for suites: what each looks like in JSON Schema, and the checks it means."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from airflow_dataops.core.contract_levels import seconds_of
from airflow_dataops.core.contract_types import FORMATS, TYPES
from airflow_dataops.core.quality_types import TYPES as CHECK_TYPES

__all__ = ["BOUND", "COLUMN_WORDS", "COUNT", "COUNTS", "NUMBERS", "TEXT", "TRUE", "Made", "Word", "bounds"]

Made: TypeAlias = "tuple[str, dict[str, Any]]"
"""A check's type and its arguments, without the column."""
Schema: TypeAlias = dict[str, Any]

TRUE: Schema = {"const": True}
TEXT: Schema = {"type": "string", "minLength": 1}
BOUND: Schema = {"type": ["number", "string"]}
VALUES: Schema = {"type": "array", "minItems": 1, "items": {"type": ["number", "string", "boolean"]}}
STEADY: Schema = {"enum": [True, "strictly"]}
PATTERN: Schema = {"type": "string", "format": "regex"}
ONE_OR_MORE: Schema = {"anyOf": [TEXT, {"type": "array", "minItems": 1, "items": TEXT}]}
PATTERNS: Schema = {"anyOf": [PATTERN, {"type": "array", "minItems": 1, "items": PATTERN}]}


def range_schema(*kinds: str) -> Schema:
    """Return the schema of a list of two bounds, of which one may be open."""
    ends = {"type": [*kinds, "null"]}
    return {"type": "array", "minItems": 2, "maxItems": 2, "items": ends, "contains": {"type": list(kinds)}}


RANGE, NUMBERS, COUNTS = range_schema("number", "string"), range_schema("number"), range_schema("integer")
COUNT: Schema = {"type": "integer", "minimum": 0}


@dataclass(frozen=True, slots=True)
class Word:
    """One word about a column.

    Args:
        says: What it means, for people and editors.
        schema: What may stand after it.
        checks: Makes the checks out of what stands there.
    """

    says: str
    schema: Schema
    checks: Callable[[Any], list[Made]]


def bounds(given: Any) -> dict[str, Any]:
    """Return the arguments of a range, or of exactly one value."""
    low, high = given if isinstance(given, list) else (given, given)
    both = {"min_value": low, "max_value": high}
    return {name: value for name, value in both.items() if value is not None}


def ranged(kind: str) -> Callable[[Any], list[Made]]:
    """Return what makes the check that a figure or value lies in a range."""
    return lambda given: [(kind, bounds(given))]


def named(kind: str, argument: str, **more: Any) -> Callable[[Any], list[Made]]:
    """Return what makes a check of one argument."""
    return lambda given: [(kind, {argument: given, **more})]


def bare(kind: str) -> Callable[[Any], list[Made]]:
    """Return what makes a check without arguments."""
    return lambda _: [(kind, {})]


def listed(one: str, many: str, *, every: bool = False) -> Callable[[Any], list[Made]]:
    """Return what makes a check of one pattern or of several."""
    argument = "like_pattern" if "like" in one else "regex"

    def make(given: Any) -> list[Made]:
        if isinstance(given, str):
            return [(one, {argument: given})]
        return [(many, {f"{argument}_list": given, **({} if every else {"match_on": "any"})})]

    return make


def steady(kind: str) -> Callable[[Any], list[Made]]:
    """Return what makes the check that values rise or fall."""
    return lambda given: [(kind, {"strictly": True} if given == "strictly" else {})]


def beside(kind: str, **more: Any) -> Callable[[Any], list[Made]]:
    """Return what makes a check of this column and another."""
    return lambda given: [(kind, {"column_B": given, **more})]


def as_json(given: Any) -> list[Made]:
    """Return the checks that texts are JSON, and that it is of a form."""
    parseable: Made = ("expect_column_values_to_be_json_parseable", {})
    if given is True:
        return [parseable]
    return [parseable, ("expect_column_values_to_match_json_schema", {"json_schema": given})]


def quantiles(given: Mapping[str, Any]) -> list[Made]:
    """Return the check on quantiles, by their shares."""
    shares = [float(share) for share in given]
    ranges = {"quantiles": shares, "value_ranges": list(given.values())}
    return [("expect_column_quantile_values_to_be_between", {"quantile_ranges": ranges})]


def elsewhere(given: str) -> list[Made]:
    """Return the check that values are found in a column of another table, ``table.column``."""
    table, _, column = given.rpartition(".")
    return [("dataops_columns_to_exist_in", {"reference": table, "reference_columns": [column]})]


def own(given: Mapping[str, Any]) -> list[Made]:
    """Return any checks of Great Expectations, by their types."""
    return [(kind, dict(kwargs or {})) for kind, kwargs in given.items()]


OF_A_COLUMN = sorted(name for name, kind in CHECK_TYPES.items() if "column" in kind.arguments)
QUANTILES: Schema = {
    "type": "object",
    "minProperties": 1,
    "patternProperties": {r"^(0(\.\d+)?|1(\.0+)?)$": NUMBERS},
    "additionalProperties": False,
}
ANY_CHECK: Schema = {
    "type": "object",
    "minProperties": 1,
    "propertyNames": {"enum": OF_A_COLUMN},
    "additionalProperties": {"type": ["object", "null"]},
}
VALUE, FIGURE = "expect_column_values_to_", "expect_column_"

COLUMN_WORDS: Mapping[str, Word] = {
    "type": Word("what it holds", {"enum": list(TYPES)}, named("dataops_column_to_hold", "kind")),
    "required": Word("each row has a value", TRUE, bare(f"{VALUE}not_be_null")),
    "empty": Word("no row has a value", TRUE, bare(f"{VALUE}be_null")),
    "unique": Word(
        "no value occurs twice; of equal ones the first or last may count as good",
        {"enum": [True, "first", "last"]},
        bare(f"{VALUE}be_unique"),
    ),
    "in": Word("values that are allowed", VALUES, named(f"{VALUE}be_in_set", "value_set")),
    "not_in": Word("values that are forbidden", VALUES, named(f"{VALUE}not_be_in_set", "value_set")),
    "between": Word("smallest and largest value, null for open", RANGE, ranged(f"{VALUE}be_between")),
    "min": Word("smallest value", BOUND, named(f"{VALUE}be_between", "min_value")),
    "max": Word("largest value", BOUND, named(f"{VALUE}be_between", "max_value")),
    "above": Word("values are above this one", BOUND, named(f"{VALUE}be_between", "min_value", strict_min=True)),
    "below": Word("values are below this one", BOUND, named(f"{VALUE}be_between", "max_value", strict_max=True)),
    "multiple_of": Word(
        "numbers are multiples of this one",
        {"type": "number", "exclusiveMinimum": 0},
        named("dataops_column_values_to_be_multiple_of", "multiple"),
    ),
    "length": Word("how long texts are", {"anyOf": [COUNT, COUNTS]}, ranged(f"{FIGURE}value_lengths_to_be_between")),
    "matches": Word(
        "a regular expression that texts hold, or several of which one is enough",
        PATTERNS,
        listed(f"{VALUE}match_regex", f"{VALUE}match_regex_list"),
    ),
    "not_matches": Word(
        "a regular expression that no text holds, or several",
        PATTERNS,
        listed(f"{VALUE}not_match_regex", f"{VALUE}not_match_regex_list", every=True),
    ),
    "like": Word(
        "an SQL pattern of texts: % any text, _ one character; or several of which one is enough",
        ONE_OR_MORE,
        listed(f"{VALUE}match_like_pattern", f"{VALUE}match_like_pattern_list"),
    ),
    "not_like": Word(
        "an SQL pattern that no text meets, or several",
        ONE_OR_MORE,
        listed(f"{VALUE}not_match_like_pattern", f"{VALUE}not_match_like_pattern_list", every=True),
    ),
    "format": Word(
        "a form of texts",
        {"enum": sorted(FORMATS)},
        lambda given: [(f"{VALUE}match_regex", {"regex": FORMATS[given]})],
    ),
    "time_format": Word(
        "a form of times as texts, as Python writes it", TEXT, named(f"{VALUE}match_strftime_format", "strftime_format")
    ),
    "time_text": Word("texts can be read as times", TRUE, bare(f"{VALUE}be_dateutil_parseable")),
    "json": Word("texts are JSON, perhaps of a JSON Schema", {"anyOf": [TRUE, {"type": "object"}]}, as_json),
    "increasing": Word("values rise from row to row", STEADY, steady(f"{VALUE}be_increasing")),
    "decreasing": Word("values fall from row to row", STEADY, steady(f"{VALUE}be_decreasing")),
    "equals_column": Word("another column has the same value", TEXT, beside(f"{FIGURE}pair_values_to_be_equal")),
    "above_column": Word(
        "another column has a smaller value", TEXT, beside(f"{FIGURE}pair_values_a_to_be_greater_than_b")
    ),
    "at_least_column": Word(
        "another column has no larger value",
        TEXT,
        beside(f"{FIGURE}pair_values_a_to_be_greater_than_b", or_equal=True),
    ),
    "exists_in": Word(
        "values occur in another table: table.column", {"type": "string", "pattern": r"^.+\.[^.]+$"}, elsewhere
    ),
    "fresh": Word(
        "how old the newest time may be: 30min, 4h, 1d, 2w",
        {"type": "string", "pattern": r"^\d+(\.\d+)? ?(s|min|h|d|w)$"},
        lambda given: [("dataops_column_to_be_fresh", {"seconds": seconds_of(given)})],
    ),
    "smallest": Word("range of the smallest value", RANGE, ranged(f"{FIGURE}min_to_be_between")),
    "largest": Word("range of the largest value", RANGE, ranged(f"{FIGURE}max_to_be_between")),
    "mean": Word("range of the mean", NUMBERS, ranged(f"{FIGURE}mean_to_be_between")),
    "median": Word("range of the median", NUMBERS, ranged(f"{FIGURE}median_to_be_between")),
    "sum": Word("range of the sum", NUMBERS, ranged(f"{FIGURE}sum_to_be_between")),
    "stdev": Word("range of the standard deviation", NUMBERS, ranged(f"{FIGURE}stdev_to_be_between")),
    "quantiles": Word("ranges of quantiles by their share, 0.5: [low, high]", QUANTILES, quantiles),
    "distinct": Word(
        "how many different values there are",
        {"anyOf": [COUNT, COUNTS]},
        ranged(f"{FIGURE}unique_value_count_to_be_between"),
    ),
    "distinct_share": Word(
        "range of the share of different values", NUMBERS, ranged(f"{FIGURE}proportion_of_unique_values_to_be_between")
    ),
    "present_share": Word(
        "range of the share of rows with a value",
        NUMBERS,
        ranged(f"{FIGURE}proportion_of_non_null_values_to_be_between"),
    ),
    "distinct_in": Word("no other values occur", VALUES, named(f"{FIGURE}distinct_values_to_be_in_set", "value_set")),
    "distinct_holds": Word(
        "all of these values occur", VALUES, named(f"{FIGURE}distinct_values_to_contain_set", "value_set")
    ),
    "distinct_equals": Word(
        "these values occur and no others", VALUES, named(f"{FIGURE}distinct_values_to_equal_set", "value_set")
    ),
    "most_common_in": Word(
        "the most frequent value is one of these", VALUES, named(f"{FIGURE}most_common_value_to_be_in_set", "value_set")
    ),
    "expect": Word("any check of Great Expectations by its type, with its arguments", ANY_CHECK, own),
}
"""What can be said of a column."""
