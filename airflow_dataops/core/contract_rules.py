"""Quality rules of a contract as expectations: the library's metrics, SQL, and Great Expectations' own."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from airflow_dataops.core.contract_limits import OPERATORS, is_percent, limits_of, tolerance_of
from airflow_dataops.core.quality_types import TYPES
from airflow_dataops.core.words import plain

__all__ = ["quality_expectations"]

SEVERITIES = {"info": "info", "warning": "warn", "warn": "warn", "low": "warn", "minor": "warn", "trivial": "warn"}
"""What a rule's severity means; every other one blocks."""
OPTIONS = {"dataops.severity": "severity", "dataops.tolerance": "tolerance", "dataops.says": "says"}
TOLD = ("dimension", "businessImpact", "description", "method", "unit")
"""What a result tells of a rule beside what came of it."""
DESCRIBING = """id name type metric rule arguments query engine implementation unit severity dimension businessImpact
    description method schedule scheduler tags customProperties authoritativeDefinitions"""
"""Key words of a rule beside its operators."""
FIGURES = ("dataops_query_value_to_be", "dataops_failing_rows_to_be", "dataops_duplicate_values_to_be")
ONE_COLUMN = ("nullValues", "missingValues", "invalidValues")
OLD_NAMES = {"nullCheck": "nullValues", "duplicateCount": "duplicateValues", "countCheck": "rowCount"}
"""How contracts before 3.1 called metrics."""
DEFAULTS = {"nullCheck", "nullValues", "uniqueCheck"}


def quality_expectations(rules: Any, column: str | None) -> Iterator[dict[str, Any]]:
    """Yield for each rule on a column, or on the whole table, its expectation or what stands for it."""
    for number, rule in enumerate(rules if isinstance(rules, list) else [], start=1):
        if not isinstance(rule, Mapping):
            yield {"rule": rule_name({}, column, number), "why": "it is no mapping"}
            continue
        name = rule_name(rule, column, number)
        found = translated(rule, column)
        if isinstance(found, str):
            yield {"rule": name, "why": found}
        else:
            told = {word: rule[word] for word in TOLD if rule.get(word) is not None}
            options = {**options_of(rule, name), **found.pop("options", {})}
            yield {
                **found,
                **notes_of(rule, found["type"]),
                "meta": {"dataops": options, **({"contract": told} if told else {})},
                "severity": "critical",
            }


def notes_of(rule: Mapping[str, Any], kind: str) -> dict[str, str]:
    """Return what people are told of a check whose type does not say what it means: its description or name."""
    told = rule.get("description") or rule.get("name")
    return {"notes": str(told)} if told and kind in FIGURES else {}


def rule_name(rule: Mapping[str, Any], column: str | None, number: int) -> str:
    """Return how people call a rule."""
    named = rule.get("id") or rule.get("name") or rule.get("metric") or rule.get("rule") or f"rule {number}"
    return plain(f"{column}: {named}" if column else str(named))


def options_of(rule: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return what failing the rule does."""
    options: dict[str, Any] = {"id": name, "severity": SEVERITIES.get(str(rule.get("severity", "")).lower(), "block")}
    given = rule.get("customProperties")
    for one in given if isinstance(given, list) else []:
        if isinstance(one, Mapping) and str(one.get("property")) in OPTIONS:
            options[OPTIONS[str(one["property"])]] = one.get("value")
    return options


def translated(rule: Mapping[str, Any], column: str | None) -> dict[str, Any] | str:
    """Return the expectation of one rule, or why there is none."""
    unknown = [str(name) for name in rule if name not in DESCRIBING.split() and name not in OPERATORS]
    if unknown:
        return f"its key word {', '.join(sorted(unknown))} is not known"
    kind = str(rule.get("type") or "library")
    kinds = {"sql": sql_rule, "custom": custom_rule, "library": metric_rule}
    if kind == "text":
        return "it is written for people"
    if kind not in kinds:
        return f"rules of the type {kind} are not checked"
    return kinds[kind](rule, column)


def metric_rule(rule: Mapping[str, Any], column: str | None) -> dict[str, Any] | str:
    """Return the expectation of a metric of the standard's library."""
    metric = str(rule.get("metric") or rule.get("rule"))
    metric = OLD_NAMES.get(metric, metric)
    arguments = rule.get("arguments") or {}
    if not isinstance(arguments, Mapping):
        return "its arguments are no mapping"
    if metric == "rowCount" and column is None:
        return row_count(rule)
    if metric == "duplicateValues":
        return duplicates(rule, [column] if column else arguments.get("properties"))
    if metric in ONE_COLUMN and column is not None:
        found = failing_rows(metric, arguments, column)
        return found if isinstance(found, str) else with_limit(rule, found)
    of_column = metric in ONE_COLUMN or metric == "rowCount"
    return f"the metric {metric} is not known {'at this level' if of_column else ''}".rstrip()


def failing_rows(metric: str, arguments: Mapping[str, Any], column: str) -> dict[str, Any] | str:
    """Return the expectation that the rows fail which a metric counts."""
    kwargs: dict[str, Any] = {"column": column}
    if metric == "nullValues":
        return {"type": "expect_column_values_to_not_be_null", "kwargs": kwargs}
    if metric == "missingValues":
        return missing_values(arguments.get("missingValues"), kwargs)
    return invalid_values(arguments, kwargs)


def invalid_values(arguments: Mapping[str, Any], kwargs: Mapping[str, Any]) -> dict[str, Any] | str:
    """Return the expectation that values are among those that are valid, or of the form that is."""
    given = {name: arguments[name] for name in ("validValues", "pattern") if name in arguments}
    if len(given) != 1:
        return "invalidValues needs either the argument validValues or the argument pattern"
    if "pattern" in given and not is_pattern(given["pattern"]):
        return f"its pattern {plain(repr(given['pattern']))} is no regular expression"
    if "pattern" in given:
        return {"type": "expect_column_values_to_match_regex", "kwargs": {**kwargs, "regex": given["pattern"]}}
    if not isinstance(given["validValues"], list):
        return "its validValues are no list"
    return {"type": "expect_column_values_to_be_in_set", "kwargs": {**kwargs, "value_set": given["validValues"]}}


def missing_values(listed: Any, kwargs: Mapping[str, Any]) -> dict[str, Any] | str:
    """Return the expectation that no value is one of those that stand for nothing."""
    values = [None] if listed is None else listed
    if not isinstance(values, list):
        return "its missingValues are no list"
    others = [value for value in values if value is not None]
    if not others:
        return {"type": "expect_column_values_to_not_be_null", "kwargs": dict(kwargs)}
    if len(others) == len(values):
        return {"type": "expect_column_values_to_not_be_in_set", "kwargs": {**kwargs, "value_set": others}}
    return {"type": "dataops_column_values_to_be_present", "kwargs": {**kwargs, "missing_values": others}}


def is_pattern(given: Any) -> bool:
    """Whether something is a regular expression."""
    try:
        re.compile(given)
    except (re.error, TypeError, RecursionError):
        return False
    return True


def with_limit(rule: Mapping[str, Any], rows: dict[str, Any]) -> dict[str, Any] | str:
    """Return the expectation with as many failing rows as the rule allows, or one that judges their number."""
    if str(rule.get("rule")) in DEFAULTS and not any(operator in rule for operator in OPERATORS):
        return rows
    limits = limits_of(rule)
    if isinstance(limits, str):
        return limits
    tolerance = tolerance_of(rule)
    if tolerance is not None:
        return {**rows, "options": {"tolerance": tolerance}}
    unit = {"unit": "percent"} if is_percent(rule) else {}
    return {
        "type": "dataops_failing_rows_to_be",
        "kwargs": {"column": rows["kwargs"]["column"], "expectation": rows, **unit, **limits},
    }


def duplicates(rule: Mapping[str, Any], columns: Any) -> dict[str, Any] | str:
    """Return the expectation on how many values, or combinations of values, occur more than once."""
    if not (isinstance(columns, list) and columns and all(isinstance(name, str) for name in columns)):
        return "duplicateValues of an object needs the argument properties"
    limits = limits_of(rule)
    if isinstance(limits, str):
        return limits
    if limits == {"equal_to": 0}:
        return unique(columns)
    unit = {"unit": "percent"} if is_percent(rule) else {}
    return {"type": "dataops_duplicate_values_to_be", "kwargs": {"column_list": columns, **unit, **limits}}


def unique(columns: Sequence[str]) -> dict[str, Any]:
    """Return the expectation that no value, or combination of values, occurs twice."""
    if len(columns) == 1:
        return {"type": "expect_column_values_to_be_unique", "kwargs": {"column": columns[0]}}
    return {"type": "expect_compound_columns_to_be_unique", "kwargs": {"column_list": list(columns)}}


def row_count(rule: Mapping[str, Any]) -> dict[str, Any] | str:
    """Return the expectation on the number of rows."""
    if is_percent(rule):
        return "a number of rows is no percentage"
    limits = limits_of(rule)
    if isinstance(limits, str):
        return limits
    if set(limits) <= {"min_value", "max_value", "strict_min", "strict_max"}:
        return {"type": "expect_table_row_count_to_be_between", "kwargs": whole_bounds(limits)}
    if set(limits) == {"equal_to"} and str(limits["equal_to"]).isdecimal():
        return {"type": "expect_table_row_count_to_equal", "kwargs": {"value": int(limits["equal_to"])}}
    return {"type": "dataops_query_value_to_be", "kwargs": {"query": "SELECT count(*) FROM {object}", **limits}}


def whole_bounds(limits: Mapping[str, Any]) -> dict[str, int]:
    """Return the smallest and the largest whole number that bounds allow: fewer than 10.5 are 10 at most."""
    bounds = {}
    if "min_value" in limits:
        low = limits["min_value"]
        bounds["min_value"] = math.floor(low) + 1 if limits.get("strict_min") else math.ceil(low)
    if "max_value" in limits:
        high = limits["max_value"]
        bounds["max_value"] = math.ceil(high) - 1 if limits.get("strict_max") else math.floor(high)
    return bounds


def sql_rule(rule: Mapping[str, Any], column: str | None) -> dict[str, Any] | str:
    """Return the expectation on the value that a query finds."""
    query = rule.get("query")
    if not isinstance(query, str) or not query.strip():
        return "it has no query"
    limits = limits_of(rule)
    if isinstance(limits, str):
        return limits
    named = {"column": column} if column else {}
    return {"type": "dataops_query_value_to_be", "kwargs": {"query": query, **named, **limits}}


def custom_rule(rule: Mapping[str, Any], column: str | None) -> dict[str, Any] | str:
    """Return an expectation that the contract brings along, as YAML text or as a mapping."""
    engine, given = str(rule.get("engine")), rule.get("implementation")
    if engine.lower().replace("-", "").replace("_", "").replace(" ", "") not in {"greatexpectations", "gx"}:
        return f"rules for the engine {engine} are not checked"
    if isinstance(given, str):
        try:
            given = yaml.safe_load(given)
        except yaml.YAMLError:
            return "its implementation is no YAML"
    if not isinstance(given, Mapping) or not isinstance(given.get("kwargs", {}), Mapping):
        return "its implementation is no expectation: a mapping with type and kwargs is needed"
    kind = snake_case(str(given.get("type") or given.get("expectation_type")))
    if kind not in TYPES:
        return f"Great Expectations has no {plain(kind)}"
    kwargs = {snake_case(str(name)): value for name, value in (given.get("kwargs") or {}).items()}
    if column and "column" in TYPES[kind].arguments:
        kwargs.setdefault("column", column)
    return {"type": kind, "kwargs": kwargs}


def snake_case(name: str) -> str:
    """Return a name as Great Expectations 1.x writes it: ``minValue`` is min_value, ``column_A`` stays."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower() if "_" not in name else name
