"""What can be checked: every type of check, its arguments, and whether it tells which rows fail."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from airflow_dataops.core.words import plain
from airflow_dataops.exceptions import BrokenCheckError

__all__ = ["COMMON", "OWN_TYPES", "TYPES", "CheckType", "argument_faults", "is_row_level", "validate"]

COMMON = frozenset({"row_condition", "condition_parser", "batch_id", "result_format", "catch_exceptions", "windows"})
"""Arguments that say which rows are looked at, or how to run."""


@dataclass(frozen=True, slots=True)
class CheckType:
    """One type of check.

    Args:
        name: As suites write it.
        row_level: Whether it can tell which rows fail.
        arguments: Names of its arguments.
        required: Those that must be given.
    """

    name: str
    row_level: bool
    arguments: frozenset[str]
    required: frozenset[str]


def types_of(text: str, *, row_level: bool) -> dict[str, CheckType]:
    """Return the types of a table: a name, then its arguments, ``*`` after those that must be given."""
    found = {}
    for line in text.strip().splitlines():
        name, *arguments = line.split()
        names = frozenset(argument.rstrip("*") for argument in arguments)
        required = frozenset(argument.rstrip("*") for argument in arguments if argument.endswith("*"))
        mostly = frozenset({"mostly"}) if row_level or name in WHOLE_COLUMN_WITH_MOSTLY else frozenset[str]()
        found[name] = CheckType(name, row_level, names | mostly, required)
    return found


WHOLE_COLUMN_WITH_MOSTLY = {
    "expect_column_values_to_be_of_type",
    "expect_column_values_to_be_in_type_list",
    "expect_query_results_to_match_comparison",
}
"""Types with a share that do not judge row by row: a column has one type in pandas."""

ROW_TYPES = types_of(
    """
    expect_column_pair_values_a_to_be_greater_than_b column_A* column_B* or_equal ignore_row_if
    expect_column_pair_values_to_be_equal column_A* column_B* ignore_row_if
    expect_column_pair_values_to_be_in_set column_A* column_B* value_pairs_set* ignore_row_if
    expect_column_value_lengths_to_be_between column* min_value max_value strict_min strict_max
    expect_column_value_lengths_to_equal column* value*
    expect_column_value_z_scores_to_be_less_than column* threshold* double_sided*
    expect_column_values_to_be_between column* min_value max_value strict_min strict_max
    expect_column_values_to_be_dateutil_parseable column*
    expect_column_values_to_be_decreasing column* strictly
    expect_column_values_to_be_in_set column* value_set*
    expect_column_values_to_be_increasing column* strictly
    expect_column_values_to_be_json_parseable column*
    expect_column_values_to_be_null column*
    expect_column_values_to_be_unique column*
    expect_column_values_to_match_json_schema column* json_schema*
    expect_column_values_to_match_like_pattern column* like_pattern* escape
    expect_column_values_to_match_like_pattern_list column* like_pattern_list* match_on escape
    expect_column_values_to_match_regex column* regex
    expect_column_values_to_match_regex_list column* regex_list* match_on
    expect_column_values_to_match_strftime_format column* strftime_format*
    expect_column_values_to_not_be_in_set column* value_set*
    expect_column_values_to_not_be_null column*
    expect_column_values_to_not_be_outliers column* method multiplier
    expect_column_values_to_not_match_like_pattern column* like_pattern* escape
    expect_column_values_to_not_match_like_pattern_list column* like_pattern_list* escape
    expect_column_values_to_not_match_regex column* regex*
    expect_column_values_to_not_match_regex_list column* regex_list*
    expect_compound_columns_to_be_unique column_list* ignore_row_if
    expect_multicolumn_sum_to_equal column_list* sum_total* ignore_row_if
    expect_multicolumn_values_to_be_equal column_list* ignore_row_if
    expect_select_column_values_to_be_unique_within_record column_list* ignore_row_if
    """,
    row_level=True,
)
TABLE_TYPES = types_of(
    """
    expect_column_distinct_values_to_be_in_set column* value_set*
    expect_column_distinct_values_to_contain_set column* value_set*
    expect_column_distinct_values_to_equal_set column* value_set*
    expect_column_kl_divergence_to_be_less_than column* partition_object threshold internal_weight_holdout \
        tail_weight_holdout bucketize_data min_value max_value
    expect_column_max_to_be_between column* min_value max_value strict_min strict_max
    expect_column_mean_to_be_between column* min_value max_value strict_min strict_max
    expect_column_median_to_be_between column* min_value max_value strict_min strict_max
    expect_column_min_to_be_between column* min_value max_value strict_min strict_max
    expect_column_most_common_value_to_be_in_set column* value_set* ties_okay
    expect_column_proportion_of_non_null_values_to_be_between column* min_value max_value strict_min strict_max
    expect_column_proportion_of_unique_values_to_be_between column* min_value max_value strict_min strict_max
    expect_column_quantile_values_to_be_between column* quantile_ranges* allow_relative_error
    expect_column_stdev_to_be_between column* min_value max_value strict_min strict_max
    expect_column_sum_to_be_between column* min_value max_value strict_min strict_max
    expect_column_to_exist column* column_index
    expect_column_type_to_be column* type_*
    expect_column_unique_value_count_to_be_between column* min_value max_value strict_min strict_max
    expect_column_values_to_be_in_type_list column* type_list
    expect_column_values_to_be_of_type column* type_*
    expect_query_results_to_match_comparison base_query* comparison_data_source_name* comparison_query*
    expect_table_column_count_to_be_between min_value max_value
    expect_table_column_count_to_equal value*
    expect_table_columns_to_match_ordered_list column_list
    expect_table_columns_to_match_set column_set exact_match
    expect_table_row_count_to_be_between min_value max_value strict_min strict_max
    expect_table_row_count_to_equal value*
    expect_table_row_count_to_equal_other_table other_table_name*
    unexpected_rows_expectation unexpected_rows_query*
    """,
    row_level=False,
)
LIMITS = "equal_to not_equal_to min_value max_value strict_min strict_max outside"
OWN_TYPES = {
    **types_of(
        """
        dataops_column_values_to_be_multiple_of column* multiple*
        dataops_column_values_to_be_present column* missing_values*
        dataops_columns_to_exist_in column_list* reference* reference_columns*
        """,
        row_level=True,
    ),
    **types_of(
        f"""
        dataops_column_to_be_fresh column* seconds* now
        dataops_column_to_be_stored_as column* physical_type*
        dataops_column_to_hold column* kind*
        dataops_duplicate_values_to_be column_list* unit {LIMITS}
        dataops_failing_rows_to_be column* expectation* unit {LIMITS}
        dataops_query_value_to_be query* column {LIMITS}
        """,
        row_level=False,
    ),
}
"""Types that contracts need and Great Expectations does not have."""
TYPES: dict[str, CheckType] = {**ROW_TYPES, **TABLE_TYPES, **OWN_TYPES}
"""All types, by name."""


def is_text(value: Any) -> bool:
    """Whether a value is text."""
    return isinstance(value, str)


def is_list(value: Any) -> bool:
    """Whether a value is a list."""
    return isinstance(value, list | tuple)


def is_texts(value: Any) -> bool:
    """Whether a value is a list of texts."""
    return is_list(value) and all(isinstance(entry, str) for entry in value)


def is_truth(value: Any) -> bool:
    """Whether a value is true, false or not given."""
    return value is None or isinstance(value, bool)


def is_number(value: Any) -> bool:
    """Whether a value is a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_bound(value: Any) -> bool:
    """Whether a value can bound others: a number, a time as text or object, or nothing."""
    return value is None or is_number(value) or isinstance(value, str | date)


def is_share(value: Any) -> bool:
    """Whether a value is a share from 0 to 1."""
    return is_number(value) and 0 <= value <= 1


def is_mapping(value: Any) -> bool:
    """Whether a value is a mapping."""
    return isinstance(value, Mapping)


KINDS: Mapping[Callable[[Any], bool], tuple[str, str]] = {
    is_text: (
        "a text",
        """column kind column_A column_B regex like_pattern strftime_format type_ unexpected_rows_query base_query
        comparison_query comparison_data_source_name other_table_name query unit reference physical_type now""",
    ),
    is_texts: ("a list of texts", "regex_list like_pattern_list column_list reference_columns"),
    is_list: ("a list", "value_set value_pairs_set missing_values outside"),
    is_truth: ("true or false", "strict_min strict_max strictly or_equal double_sided ties_okay exact_match"),
    is_number: ("a number", "value sum_total multiplier multiple seconds"),
    is_bound: ("a number or a time", "min_value max_value"),
    is_share: ("a share of 0 to 1", "mostly"),
    is_mapping: ("a mapping", "json_schema quantile_ranges expectation"),
}
"""What an argument must be, how people call that, and the arguments it holds for."""
IGNORE_PAIR = ("both_values_are_missing", "either_value_is_missing", "neither")
IGNORE_MANY = ("all_values_are_missing", "any_value_is_missing", "never")


def is_row_level(kind: str) -> bool:
    """Whether a type of check can tell which rows fail."""
    return TYPES[kind].row_level


def validate(kind: str, kwargs: Mapping[str, Any], where: str) -> None:
    """Check the type of a check and its arguments.

    Args:
        kind: The type.
        kwargs: The arguments.
        where: How messages call it.

    Raises:
        BrokenCheckError: One of them is wrong. A retry does not help.
    """
    if kind not in TYPES:
        similar = difflib.get_close_matches(kind, TYPES, n=3)
        hint = f"did you mean {' or '.join(similar)}?" if similar else "see Great Expectations' gallery for its types"
        raise BrokenCheckError(f"{where} is of an unknown type.", hint=hint)
    faults = argument_faults(TYPES[kind], kwargs)
    if faults:
        raise BrokenCheckError(f"{where} has wrong arguments: {'; '.join(faults)[:600]}.", hint="mend the suite")
    inner = kwargs.get("expectation")
    if isinstance(inner, Mapping):
        validate(str(inner.get("type")), inner.get("kwargs") or {}, f"{where}, of which it counts the failing rows,")


def argument_faults(known: CheckType, kwargs: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with a check's arguments, in words."""
    faults = [f"{name}: field required" for name in sorted(known.required - set(kwargs))]
    faults += [f"{plain(name)}: extra fields not permitted" for name in sorted(set(kwargs) - known.arguments - COMMON)]
    for fits, (words, names) in KINDS.items():
        given = [name for name in names.split() if name in kwargs and name in known.arguments]
        wrong = [name for name in given if not fits(kwargs[name])]
        faults += [f"{name}: got {plain(repr(kwargs[name]), 80)}, which is not {words}" for name in wrong]
    return faults or meaning_faults(known, kwargs)


def meaning_faults(known: CheckType, kwargs: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with arguments that are of the right kind."""
    faults = []
    low, high = kwargs.get("min_value"), kwargs.get("max_value")
    if isinstance(low, int | float) and isinstance(high, int | float) and low > high:
        faults.append(f"min_value {low} is above max_value {high}")
    allowed = IGNORE_PAIR if "column_A" in known.arguments else IGNORE_MANY
    if "ignore_row_if" in kwargs and kwargs["ignore_row_if"] not in allowed:
        faults.append(f"ignore_row_if: got {plain(repr(kwargs['ignore_row_if']))}, allowed are {', '.join(allowed)}")
    patterns = [kwargs.get("regex", ""), *(kwargs.get("regex_list") or [])]
    for pattern in patterns:
        try:
            re.compile(pattern)
        except (re.error, RecursionError) as error:
            faults.append(f"{plain(repr(pattern), 80)} is no regular expression: {error}")
    return faults
