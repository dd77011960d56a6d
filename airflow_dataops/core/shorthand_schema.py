"""The shorthand's grammar as a JSON Schema: editors complete and check by it, and so does our parser."""

from __future__ import annotations

from itertools import combinations
from typing import Any

from airflow_dataops.core.quality_types import TYPES
from airflow_dataops.core.shorthand_words import BOUND, COLUMN_WORDS, COUNT, COUNTS, NUMBERS, TEXT, TRUE

__all__ = ["CHECK_WORDS", "SEVERITIES", "VERSION", "schema"]

VERSION = 1
SEVERITIES = ("info", "warn", "quarantine", "block")
SEVERITY_WORDS = {
    "info": "failing is recorded, nothing else",
    "warn": "failing is mentioned",
    "quarantine": "failing rows are split off",
    "block": "failing holds the data; so it is without a word",
}
CHECK_WORDS = ("expect", "sql", "unique", "sum", "exist_in")
"""The word that tells what a check on several columns, or on the whole table, is."""
NAMES: dict[str, Any] = {"type": "array", "minItems": 1, "uniqueItems": True, "items": TEXT}
PAIR: dict[str, Any] = {**NAMES, "minItems": 2}
SCALAR: dict[str, Any] = {"type": ["number", "string", "boolean"]}
TOLERANCE: dict[str, Any] = {
    "anyOf": [
        TRUE,
        {"type": "number", "minimum": 0, "maximum": 1},
        {"type": "object", "properties": {"rows": COUNT}, "required": ["rows"], "additionalProperties": False},
    ]
}


def schema() -> dict[str, Any]:
    """Return the schema of a shorthand file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "airflow-dataops suite",
        "description": "What must be true of a dataset, in short words.",
        **mapping(
            {
                "dataops": {"const": VERSION, "description": "version of these words"},
                "name": described(TEXT, "what the data are called"),
                "description": described({"type": "string"}, "what the data are, for people"),
                "version": described(SCALAR, "version of this file, such as 1.2.0"),
                "owner": described(TEXT, "whom to ask"),
                "columns": described(columns(), "what must be true of each column; each of them must be there"),
                "exact_columns": described({"enum": [True, "in order"]}, "there are no other columns"),
                "key": described({"anyOf": [TEXT, NAMES]}, "the column, or columns, that tell a row from all others"),
                "rows": described(rows(), "how many rows there are"),
                "checks": described({"type": "array", "items": {"oneOf": checks()}}, "checks on several columns"),
            },
            ["dataops"],
        ),
        "anyOf": [{"required": [word]} for word in ("columns", "key", "rows", "checks")],
        "$defs": {"column": column()},
    }


def described(what: dict[str, Any], says: str) -> dict[str, Any]:
    """Return a schema with what editors show."""
    return {**what, "description": says}


def mapping(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    """Return the schema of a mapping that holds nothing else."""
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def columns() -> dict[str, Any]:
    """Return the schema of the columns: a type, some words, or several groups of words."""
    reference = {"$ref": "#/$defs/column"}
    many = {"type": "array", "minItems": 1, "items": reference}
    one = {"anyOf": [{"enum": COLUMN_WORDS["type"].schema["enum"]}, {"type": "null"}, reference, many]}
    return {"type": "object", "minProperties": 1, "propertyNames": {"minLength": 1}, "additionalProperties": one}


def column() -> dict[str, Any]:
    """Return the schema of the words about one column."""
    words = {name: described(word.schema, word.says) for name, word in COLUMN_WORDS.items()}
    about = {
        "description": described({"type": "string"}, "what it is, for people"),
        "classification": described(TEXT, "how far values may be shown, such as public"),
    }
    return with_options(mapping({**words, **about}, []), SEVERITIES, where=True)


def with_options(what: dict[str, Any], severities: tuple[str, ...], *, where: bool) -> dict[str, Any]:
    """Return a schema of checks with what failing them does."""
    options = {name: described(TOLERANCE, f"{SEVERITY_WORDS[name]}; or how many may fail") for name in severities}
    options["says"] = described({"type": "string", "pattern": r"\S"}, "what failing rows do, after '12 of 100 rows'")
    if where:
        options["where"] = described(TEXT, "which rows are looked at, such as amount > 0")
    return {**what, "properties": {**what["properties"], **options}, "allOf": exclusive(*combinations(severities, 2))}


def exclusive(*pairs: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return that of each pair of words only one may be said."""
    return [{"not": {"required": list(pair)}} for pair in pairs]


def whole(what: dict[str, Any]) -> dict[str, Any]:
    """Return a schema of a check on the whole table, which knows no failing rows."""
    severities = ("info", "warn", "block")
    made = with_options(what, severities, where=False)
    for name in severities:
        made["properties"][name] = described(TRUE, SEVERITY_WORDS[name])
    return made


def rows() -> dict[str, Any]:
    """Return the schema of the number of rows."""
    limits = ("between", "min", "max", "equals")
    worded = whole(mapping({"between": COUNTS, "min": COUNT, "max": COUNT, "equals": COUNT}, []))
    worded["allOf"] += exclusive(*[pair for pair in combinations(limits, 2) if pair != ("min", "max")])
    return {"anyOf": [COUNT, COUNTS, {**worded, "anyOf": [{"required": [word]} for word in limits]}]}


def checks() -> list[dict[str, Any]]:
    """Return the schemas of checks on several columns, in the order of `CHECK_WORDS`."""
    limits = {
        "equals": SCALAR,
        "not_equals": SCALAR,
        "between": NUMBERS,
        "not_between": {**NUMBERS, "items": {"type": "number"}},
        **dict.fromkeys(("min", "max", "above", "below"), BOUND),
    }
    sql = whole(mapping({"sql": TEXT, **limits}, ["sql"]))
    sql["anyOf"] = [{"required": [word]} for word in limits]
    sides = (("between", "min", "above"), ("between", "max", "below"))
    sql["allOf"] += exclusive(*[pair for side in sides for pair in combinations(side, 2)])
    kinds = {"enum": sorted(TYPES)}
    return [
        with_options(mapping({"expect": kinds, "with": {"type": "object"}}, ["expect"]), SEVERITIES, where=True),
        sql,
        with_options(
            mapping({"unique": PAIR, "keep": {"enum": ["first", "last"]}}, ["unique"]), SEVERITIES, where=True
        ),
        with_options(mapping({"sum": PAIR, "equals": {"type": "number"}}, ["sum", "equals"]), SEVERITIES, where=True),
        with_options(
            mapping({"exist_in": TEXT, "columns": NAMES, "as": NAMES}, ["exist_in", "columns"]), SEVERITIES, where=True
        ),
    ]
