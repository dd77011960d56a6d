"""Our catalogue of checks against what Great Expectations registers."""

from __future__ import annotations

import warnings

import pytest

from airflow_dataops.core.quality_types import COMMON, OWN_TYPES, TYPES

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import great_expectations.expectations  # noqa: F401 - registers them
    from great_expectations.expectations.registry import (
        get_expectation_impl,
        list_registered_expectation_implementations,
    )

REGISTERED = sorted(list_registered_expectation_implementations())
ABOUT_THE_EXPECTATION = {"id", "meta", "notes", "description", "rendered_content", "severity", "library_metadata"}


def test_every_registered_expectation_is_in_the_catalogue():
    assert sorted(set(TYPES) - set(OWN_TYPES)) == REGISTERED


@pytest.mark.parametrize("name", REGISTERED)
def test_arguments_are_those_of_great_expectations(name):
    fields = get_expectation_impl(name).__fields__
    theirs = {field for field in fields if field not in ABOUT_THE_EXPECTATION | COMMON}
    required = {field for field in theirs if fields[field].required}
    assert (set(TYPES[name].arguments), set(TYPES[name].required)) == (theirs, required)


@pytest.mark.parametrize("name", REGISTERED)
def test_what_judges_rows_is_told_from_what_judges_the_table(name):
    bases = {base.__name__ for base in get_expectation_impl(name).__mro__}
    by_rows = bool(bases & {"ColumnMapExpectation", "ColumnPairMapExpectation", "MulticolumnMapExpectation"})
    whole = name in {"expect_column_values_to_be_of_type", "expect_column_values_to_be_in_type_list"}
    assert TYPES[name].row_level == (by_rows and not whole)
