"""What a gate says to people: one plain sentence per verdict, one phrase per check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow_dataops.core.quality_check import Check, CheckResult
from airflow_dataops.core.quality_sample import CONFIDENCE, upper_bound
from airflow_dataops.core.words import at_most_words, count_words, percent_words, plain

__all__ = ["bound_words", "default_says", "finding_words", "limit_words", "sample_words", "subject_words"]

ROW_PHRASES = {
    "expect_column_values_to_not_be_null": "have no {columns}",
    "expect_column_values_to_be_null": "have a value in {columns}",
    "expect_column_values_to_be_unique": "share their {columns} with another row",
    "expect_compound_columns_to_be_unique": "share their {columns} with another row",
    "expect_column_values_to_be_in_set": "have {columns} outside the allowed set",
    "expect_column_values_to_not_be_in_set": "have a forbidden {columns}",
    "expect_column_values_to_be_between": "have {columns} {range}",
    "expect_column_value_lengths_to_be_between": "have {columns} with a length {range}",
    "expect_column_values_to_match_regex": "have {columns} of the wrong form",
    "dataops_column_values_to_be_present": "have no {columns}",
    "dataops_column_values_to_be_multiple_of": "have {columns} that is no multiple of {multiple}",
    "dataops_columns_to_exist_in": "have {columns} that is not in {reference}",
}
TABLE_PHRASES = {
    "expect_column_to_exist": "the column {columns} is missing",
    "dataops_column_to_hold": "the column {columns} holds something else than {kind}",
    "dataops_column_to_be_fresh": "the newest {columns} is too old",
    "dataops_column_to_be_stored_as": "the column {columns} is not stored as {physical_type}",
    "dataops_duplicate_values_to_be": "too many or too few values of {columns} occur more than once",
    "dataops_failing_rows_to_be": "the number of rows that fail on {columns} is not the one agreed on",
    "dataops_query_value_to_be": "a query finds another value than agreed on",
    "expect_table_row_count_to_be_between": "the number of rows is {range}",
    "expect_table_columns_to_match_set": "the columns are not the expected ones",
    "expect_table_columns_to_match_ordered_list": "the columns are not the expected ones in their order",
    "expect_column_mean_to_be_between": "the mean of {columns} is {range}",
    "expect_column_median_to_be_between": "the median of {columns} is {range}",
    "expect_column_min_to_be_between": "the smallest {columns} is {range}",
    "expect_column_max_to_be_between": "the largest {columns} is {range}",
    "expect_column_sum_to_be_between": "the sum of {columns} is {range}",
}
SINGULAR = {"have ": "has ", "share their ": "shares its ", "do ": "does "}


def subject_words(dataset: str, partition: str) -> tuple[str, str]:
    """Return how the data are called at the start of a sentence, and the verb that agrees with it."""
    name = plain(dataset)
    name = name[:1].upper() + name[1:]
    verb = "were" if name.endswith("s") else "was"
    return (name if partition == "all" else f"{name} of {plain(partition)}"), verb


def default_says(kind: str, columns: Sequence[str], kwargs: Mapping[str, Any], *, row_level: bool) -> str:
    """Return the phrase for a check whose suite gives none, from its type and columns."""
    shown = {"columns": plain(", ".join(columns)), "range": range_words(kwargs)}
    shown |= {name: plain(str(kwargs.get(name))) for name in ("kind", "multiple", "reference", "physical_type")}
    phrases = ROW_PHRASES if row_level else TABLE_PHRASES
    if kind in phrases:
        return phrases[kind].format(**shown)
    rule = kind.removeprefix("expect_").replace("_", " ")
    named = f" on {shown['columns']}" if columns else ""
    return f"do not meet '{rule}'{named}" if row_level else f"'{rule}'{named} is not met"


def range_words(kwargs: Mapping[str, Any]) -> str:
    """Return how a value lies that is out of the range the suite gives."""
    low, high = kwargs.get("min_value"), kwargs.get("max_value")
    if low is None or high is None:
        return f"above {bound_words(high)}" if low is None else f"below {bound_words(low)}"
    return f"outside {bound_words(low)} to {bound_words(high)}"


def bound_words(bound: Any) -> str:
    """Return one end of a range."""
    return count_words(bound) if isinstance(bound, int) else plain(str(bound))


def finding_words(result: CheckResult, rows: int) -> str:
    """Return what was found, such as "1 261 of 24 951 rows (5.1 %) have no departure time"."""
    if result.reason:
        return result.reason
    if not result.check.row_level:
        return result.check.says
    apart = limit_share(result.check)
    rows = result.looked_at(rows)
    share = percent_words(result.failed / rows if rows else 0.0, apart_from=apart)
    if result.of is not None:
        share += f", of all at most {at_most_words(upper_bound(result.failed, rows))}"
    counted = f"{count_words(result.failed)} of {count_words(rows)} {'' if result.of is None else 'sampled '}rows"
    return f"{counted} ({share}) {agreeing(result.check.says, result.failed)}"


def sample_words(results: Sequence[CheckResult], rows: int) -> str:
    """Return the end of the sentence that says what a sample leaves open; empty where all rows were looked at."""
    sizes = [result.of for result in results if result.of is not None]
    if not sizes:
        return ""
    checks = f"{len(sizes)} of {len(results)} checks looked at a sample of"
    sample = f"{count_words(sizes[0])} of {count_words(rows)} rows ({percent_words(sizes[0] / rows)})"
    bound, sure = at_most_words(upper_bound(0, sizes[0])), percent_words(CONFIDENCE)
    return f"; {checks} {sample}: what it does not show, at most {bound} of all rows do ({sure} confidence)"


def agreeing(says: str, failed: int) -> str:
    """Return the phrase with its verb in the singular where one row fails."""
    if failed == 1:
        for plural, singular in SINGULAR.items():
            if says.startswith(plural):
                return singular + says.removeprefix(plural)
    return says


def limit_share(check: Check) -> float | None:
    """Return the largest allowed share of failing rows; None where the limit is a count."""
    if check.tolerance is not None:
        return check.tolerance.share
    return round(1 - check.mostly, 12)


def limit_words(check: Check) -> str:
    """Return what is allowed, such as "at most 4 % is allowed"; empty for a check on the whole table."""
    if not check.row_level:
        return ""
    if check.tolerance is not None and check.tolerance.rows:
        return f"at most {count_words(check.tolerance.rows)} rows are allowed"
    share = limit_share(check)
    return f"at most {percent_words(share)} is allowed" if share else "none is allowed"
