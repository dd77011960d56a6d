"""Checks on the form of texts."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlglot import exp

from airflow_dataops.core.quality_sql.column_values import column_rule
from airflow_dataops.core.quality_sql.compiler import Arguments, compiles
from airflow_dataops.core.quality_sql.dialect import disjunction, negation
from airflow_dataops.core.quality_sql.python_values import DistinctRule
from airflow_dataops.core.quality_sql.refusal import UncompilableError, UnfitError
from airflow_dataops.core.quality_sql.rule import Rule
from airflow_dataops.core.quality_sql.table import Column, Kind

__all__ = ["text_column"]


def text_column(given: Arguments) -> Column:
    """Return the column if it holds text.

    Raises:
        UncompilableError: It holds something else, of which pandas judges the printed form.
    """
    column = given.column()
    if column.kind is not Kind.TEXT:
        raise UncompilableError(f"the column {column.name} holds {column.kind}, not text")
    return column


def strict_text_column(given: Arguments) -> Column:
    """Return the column if it holds text.

    Raises:
        UnfitError: It holds something else.
    """
    column = given.column()
    if column.kind is not Kind.TEXT:
        raise UnfitError(f"the column {column.name} holds {column.kind} where text is needed")
    return column


@compiles("expect_column_value_lengths_to_be_between", "expect_column_value_lengths_to_equal")
def lengths(given: Arguments) -> Rule:
    """Fail texts that are too short or too long, in code points."""
    column, kwargs, literal = text_column(given), given.kwargs, given.table.dialect.literal
    length = given.table.dialect.length(given.table.value(column.name))
    if "value" in kwargs:
        return column_rule(given, exp.NEQ(this=length, expression=literal(kwargs["value"])))
    wrong: list[exp.Expression] = []
    if kwargs.get("min_value") is not None:
        below = exp.LTE if kwargs.get("strict_min") else exp.LT
        wrong.append(below(this=length.copy(), expression=literal(kwargs["min_value"])))
    if kwargs.get("max_value") is not None:
        above = exp.GTE if kwargs.get("strict_max") else exp.GT
        wrong.append(above(this=length.copy(), expression=literal(kwargs["max_value"])))
    if not wrong:
        raise UnfitError("min_value and max_value cannot both be None")
    return column_rule(given, disjunction(*wrong))


@compiles("expect_column_values_to_match_regex", "expect_column_values_to_not_match_regex")
def regex(given: Arguments) -> Rule:
    """Fail texts that do (not) hold a match."""
    return by_patterns(given, [given.kwargs.get("regex", "(?s).*")], every=True)


@compiles("expect_column_values_to_match_regex_list", "expect_column_values_to_not_match_regex_list")
def regex_list(given: Arguments) -> Rule:
    """Fail texts that hold no match of any (every) pattern, or one of a forbidden pattern."""
    return by_patterns(given, list(given.kwargs["regex_list"]), every=given.kwargs.get("match_on", "any") == "all")


def by_patterns(given: Arguments, patterns: list[str], *, every: bool) -> Rule:
    """Return a rule in SQL where the engine means the same, else one that Python judges on distinct values."""
    column = text_column(given)
    forbidden = given.kind.startswith("expect_column_values_to_not_")
    every = every and not forbidden
    try:
        matches = [given.table.dialect.matches(given.table.value(column.name), p) for p in patterns]
    except UncompilableError:
        return in_python(given, column, patterns, every=every, forbidden=forbidden)
    if forbidden:
        return column_rule(given, disjunction(*matches))
    found = exp.and_(*matches, copy=False) if every else disjunction(*matches)
    return column_rule(given, negation(found))


def in_python(given: Arguments, column: Column, patterns: list[str], *, every: bool, forbidden: bool) -> Rule:
    """Return the rule that Python judges."""
    compiled = [re.compile(pattern) for pattern in patterns]
    quantifier: Callable[[Any], bool] = all if every else any

    def passes(value: str) -> bool:
        return quantifier(pattern.search(value) is not None for pattern in compiled) != forbidden

    return DistinctRule(given.table, column.name, passes, given.domain, given.mostly)


@compiles(
    "expect_column_values_to_match_like_pattern",
    "expect_column_values_to_not_match_like_pattern",
    "expect_column_values_to_match_like_pattern_list",
    "expect_column_values_to_not_match_like_pattern_list",
)
def like(given: Arguments) -> Rule:
    """Fail texts that are (not) LIKE a pattern: ``%`` any text, ``_`` one character, case counts.

    Great Expectations' pandas engine has no LIKE; the meaning is that of its SQL engines.
    """
    kwargs = given.kwargs
    strict_text_column(given)
    patterns = [kwargs["like_pattern"]] if "like_pattern" in kwargs else list(kwargs["like_pattern_list"])
    written = [like_as_regex(pattern, kwargs.get("escape")) for pattern in patterns]
    return by_patterns(given, written, every=kwargs.get("match_on") == "all")


def like_as_regex(pattern: str, escape: str | None) -> str:
    """Return a LIKE pattern as a regular expression over the whole text."""
    parts, escaped = [], False
    for letter in pattern:
        if not escaped and escape and letter == escape:
            escaped = True
            continue
        wild = {"%": ".*", "_": "."}.get(letter) if not escaped else None
        parts.append(wild or re.escape(letter))
        escaped = False
    return rf"(?s)\A{''.join(parts)}\Z"


@compiles("expect_column_values_to_match_strftime_format")
def strftime(given: Arguments) -> Rule:
    """Fail texts that are no time in a format."""
    wanted = given.kwargs["strftime_format"]

    def passes(value: str) -> bool:
        try:
            datetime.strptime(value, wanted)  # noqa: DTZ007 - only whether it can be read matters
        except ValueError:
            return False
        return True

    return judged_by(given, passes)


@compiles("expect_column_values_to_be_dateutil_parseable")
def dateutil(given: Arguments) -> Rule:
    """Fail texts that dateutil cannot read as a time."""
    from dateutil.parser import parse  # noqa: PLC0415 - only this check pays for it

    def passes(value: str) -> bool:
        try:
            parse(value)
        except (ValueError, OverflowError):
            return False
        return True

    return judged_by(given, passes)


@compiles("expect_column_values_to_be_json_parseable")
def json_parseable(given: Arguments) -> Rule:
    """Fail texts that are no JSON."""
    column = text_column(given)
    return DistinctRule(given.table, column.name, is_json, given.domain, given.mostly)


def is_json(value: str) -> bool:
    """Whether a text is JSON, as Python's parser takes it (NaN and Infinity included)."""
    try:
        json.loads(value)
    except (ValueError, RecursionError):
        return False
    return True


@compiles("expect_column_values_to_match_json_schema")
def json_schema(given: Arguments) -> Rule:
    """Fail texts whose JSON does not meet a schema."""
    import jsonschema  # noqa: PLC0415 - only this check pays for it

    schema: Mapping[str, Any] = given.kwargs["json_schema"]

    def passes(value: str) -> bool:
        try:
            jsonschema.validate(json.loads(value), schema)
        except jsonschema.ValidationError:
            return False
        except (ValueError, jsonschema.SchemaError) as error:
            raise UnfitError(f"{type(error).__name__}: a value is no JSON, or the schema is none") from None
        return True

    return judged_by(given, passes)


def judged_by(given: Arguments, passes: Callable[[str], bool]) -> Rule:
    """Return the rule that judges distinct texts with a function."""
    column = strict_text_column(given)
    return DistinctRule(given.table, column.name, passes, given.domain, given.mostly)
