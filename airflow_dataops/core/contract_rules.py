"""Quality rules of a contract as expectations: the library's metrics, SQL, and Great Expectations' own."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

__all__ = ["quality_expectations"]

SEVERITIES = {"info": "info", "warning": "warn", "warn": "warn", "low": "warn", "minor": "warn"}
"""What a rule's severity means; every other one blocks."""
OPTIONS = {"dataops.severity": "severity", "dataops.tolerance": "tolerance", "dataops.says": "says"}
ROW_METRICS = {
    "nullValues": "expect_column_values_to_not_be_null",
    "missingValues": "expect_column_values_to_not_be_null",
    "duplicateValues": "expect_column_values_to_be_unique",
    "invalidValues": "",
}
OPERATORS = ("mustBe", "mustBeLessThan", "mustBeLessOrEqualTo", "mustBeLessThanOrEqualTo")
ROW_COUNTS = (
    "mustBe",
    "mustBeGreaterThan",
    "mustBeGreaterOrEqualTo",
    "mustBeGreaterThanOrEqualTo",
    "mustBeLessThan",
    "mustBeLessOrEqualTo",
    "mustBeLessThanOrEqualTo",
)


def quality_expectations(rules: Sequence[Mapping[str, Any]], column: str | None) -> Iterator[dict[str, Any]]:
    """Yield the expectations of rules on a column, or on the whole table, and what cannot be one."""
    for number, rule in enumerate(rules, start=1):
        named = str(rule.get("id") or rule.get("name") or rule.get("metric") or rule.get("rule") or f"rule {number}")
        name = f"{column}: {named}" if column else named
        found = translated(rule, column)
        if isinstance(found, str):
            yield {"rule": name, "why": found}
        else:
            meta = {"dataops": {**options_of(rule, name), **found.get("meta", {})}}
            yield {**found, "meta": meta, "severity": "critical"}


def options_of(rule: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return what failing the rule does."""
    options: dict[str, Any] = {"id": name, "severity": SEVERITIES.get(str(rule.get("severity", "")).lower(), "block")}
    for one in rule.get("customProperties") or []:
        if one.get("property") in OPTIONS:
            options[OPTIONS[one["property"]]] = one.get("value")
    return options


def translated(rule: Mapping[str, Any], column: str | None) -> dict[str, Any] | str:  # noqa: PLR0911 - by kind
    """Return the expectation of one rule, or why there is none."""
    kind = rule.get("type", "library")
    if kind == "text":
        return "it is written for people"
    if kind == "sql":
        return sql_rule(rule, column)
    if kind == "custom":
        return custom_rule(rule)
    metric = str(rule.get("metric") or rule.get("rule"))
    if metric == "rowCount" and column is None:
        return row_count(rule)
    if metric in ROW_METRICS and column is not None:
        return row_metric(rule, metric, column)
    if metric == "duplicateValues":
        columns = (rule.get("arguments") or {}).get("properties")
        if columns:
            keys = {"type": "expect_compound_columns_to_be_unique", "kwargs": {"column_list": columns}}
            return with_limit(rule, keys)
    return f"the metric {metric} is not known"


def row_metric(rule: Mapping[str, Any], metric: str, column: str) -> dict[str, Any] | str:
    """Return the expectation of a metric that counts rows of a column."""
    arguments = rule.get("arguments") or {}
    kind = ROW_METRICS[metric]
    kwargs: dict[str, Any] = {"column": column}
    if metric == "missingValues":
        names = [value for value in arguments.get("missingValues") or [] if value is not None]
        if names and None in arguments["missingValues"]:
            return "missing values that are null and others are two checks: write nullValues and invalidValues"
        if names:
            kind, kwargs["value_set"] = "expect_column_values_to_not_be_in_set", names
    if metric == "invalidValues":
        if ("validValues" in arguments) == ("pattern" in arguments):
            return "invalidValues needs either the argument validValues or the argument pattern"
        if "validValues" in arguments:
            kind, kwargs["value_set"] = "expect_column_values_to_be_in_set", list(arguments["validValues"])
        else:
            kind, kwargs["regex"] = "expect_column_values_to_match_regex", arguments["pattern"]
    return with_limit(rule, {"type": kind, "kwargs": kwargs})


def with_limit(rule: Mapping[str, Any], expectation: dict[str, Any]) -> dict[str, Any] | str:  # noqa: PLR0911 - by limit
    """Return the expectation with as many failing rows as the rule allows."""
    given = [name for name in rule if name.startswith(("mustBe", "mustNotBe"))]
    if not given:
        return expectation
    operator = given[0]
    value = rule[operator]
    if len(given) > 1 or operator not in OPERATORS or not isinstance(value, int | float):
        return f"{' and '.join(given)} of {value!r} is no upper limit of failing rows"
    if operator == "mustBe" and value:
        return f"mustBe {value} asks for failing rows, which is no limit"
    if rule.get("unit") == "percent":
        if operator == "mustBeLessThan":
            return "a share below a limit, without the limit itself, is not checked"
        return {**expectation, "meta": {"tolerance": value / 100}}
    # Fewer than 10.5 are 10 at most, fewer than 10 are 9.
    allowed = math.ceil(value) - 1 if operator == "mustBeLessThan" else math.floor(value)
    if allowed < 0:
        return f"{operator} {value} can never be met"
    return {**expectation, "meta": {"tolerance": {"rows": allowed}}}


def row_count(rule: Mapping[str, Any]) -> dict[str, Any] | str:
    """Return the expectation on the number of rows."""
    bounds: dict[str, Any] = {}
    if rule.get("unit") == "percent":
        return "a number of rows is no percentage"
    for operator in [name for name in rule if name.startswith("must")]:
        if operator == "mustBeBetween":
            bounds |= {"min_value": rule[operator][0], "max_value": rule[operator][1]}
        elif operator in ROW_COUNTS:
            bounds |= bound_of(operator, rule[operator])
        else:
            return f"{operator} is not checked of a number of rows"
    if not bounds:
        return "it says no limit"
    return {"type": "expect_table_row_count_to_be_between", "kwargs": bounds}


def bound_of(operator: str, value: float) -> dict[str, int]:
    """Return the whole numbers of rows that an operator allows."""
    if operator == "mustBe":
        return {"min_value": math.ceil(value), "max_value": math.floor(value)}
    if "Greater" in operator:
        return {"min_value": math.floor(value) + 1 if operator == "mustBeGreaterThan" else math.ceil(value)}
    return {"max_value": math.ceil(value) - 1 if operator == "mustBeLessThan" else math.floor(value)}


def sql_rule(rule: Mapping[str, Any], column: str | None) -> dict[str, Any] | str:
    """Return the expectation that a query, which counts what is wrong, finds nothing."""
    if rule.get("mustBe") != 0 or [name for name in rule if name.startswith("must")] != ["mustBe"]:
        return "only queries whose result must be 0 are checked"
    quoted = '"' + str(column).replace('"', '""') + '"'
    names = {r"\$?\{(?:object|table|model|schema)\}": "{batch}", r"\$?\{(?:property|column|field)\}": quoted}
    query = str(rule.get("query") or "")
    for pattern, value in names.items():
        query = re.sub(pattern, lambda _, value=value: value, query)  # type: ignore[misc]
    counted = f"({query.rstrip().rstrip(';')}) AS counted(number)"
    # The query is the contract's own; it runs in the engine that holds the data, and may only read.
    wrong = f"SELECT * FROM {counted} WHERE number IS DISTINCT FROM 0"  # noqa: S608
    return {"type": "unexpected_rows_expectation", "kwargs": {"unexpected_rows_query": wrong}}


def custom_rule(rule: Mapping[str, Any]) -> dict[str, Any] | str:
    """Return an expectation that the contract brings along."""
    engine, given = str(rule.get("engine")), rule.get("implementation")
    if engine.lower().replace("-", "").replace("_", "") not in {"greatexpectations", "gx"}:
        return f"rules for the engine {engine} are not checked"
    if not isinstance(given, Mapping) or not isinstance(given.get("kwargs"), Mapping):
        return "its implementation is no expectation: a mapping with type and kwargs is needed"
    kind = given.get("type") or given.get("expectation_type")
    return {"type": str(kind), "kwargs": dict(given["kwargs"])}
