"""What is wrong with a shorthand file, in words: its place, what stands there, what is allowed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from typing import Any

from airflow_dataops.core.shorthand_schema import CHECK_WORDS, schema
from airflow_dataops.core.words import plain
from airflow_dataops.exceptions import BrokenCheckError

__all__ = ["refuse_faults"]

CHOICES = ("anyOf", "oneOf")
MOST = 600
HINT = "`airflow-dataops suite schema` prints all words; editors complete them"


def refuse_faults(document: Any, source: str) -> None:
    """Refuse a document that breaks the grammar.

    Raises:
        BrokenCheckError: It does; tells the first fault. A retry does not help.
    """
    import jsonschema  # noqa: PLC0415 - only suites in shorthand pay for it

    checker = jsonschema.FormatChecker(formats=["regex"])
    validator = jsonschema.Draft202012Validator(schema(), format_checker=checker)
    found = min(validator.iter_errors(document), key=depth, default=None)
    if found is not None:
        error = innermost(found)
        place = ".".join(str(step) for step in error.absolute_path)
        where = f"{source}: {plain(place, MOST)}" if place else source
        said, hint = told(error)
        raise BrokenCheckError(f"{where} {said}.", hint=hint)


def depth(error: Any) -> tuple[bool, int, str]:
    """Return how soon a fault is told: those near the top first, a missing word after wrong ones."""
    return error.validator in CHOICES and not error.path, len(error.absolute_path), str(error.json_path)


def innermost(error: Any) -> Any:
    """Return the fault that is meant: of several forms, of the one that the writer chose."""
    while error.validator in CHOICES and error.context:
        branches: dict[int, list[Any]] = {}
        for one in error.context:
            branches.setdefault(int(one.schema_path[0]), []).append(one)
        meant = [errors for errors in branches.values() if not any(map(is_other_form, errors))]
        if len(meant) != 1:
            return error
        error = min(meant[0], key=lambda one: len(one.absolute_path))
    return error


def is_other_form(error: Any) -> bool:
    """Whether a fault tells that another form was chosen."""
    if error.validator == "required":
        return not any(word in error.instance for word in error.validator_value if word in CHECK_WORDS)
    return bool(error.validator in {"type", "enum", "const"} and len(error.path) == 0)


def told(error: Any) -> tuple[str, str]:
    """Return what is wrong in words, and what to do."""
    if error.validator == "additionalProperties":
        known = sorted(error.schema.get("properties") or error.schema.get("patternProperties") or [])
        unknown = next(unknown_words(error))
        similar = difflib.get_close_matches(unknown, known, n=2)
        said = f"has the unknown word {plain(repr(unknown))}; allowed are {plain(', '.join(known), MOST)}"
        return said, f"did you mean {' or '.join(similar)}?" if similar else HINT
    if error.validator == "propertyNames" or (error.validator == "enum" and "expect_" in str(error.validator_value)):
        similar = difflib.get_close_matches(str(error.instance), [str(one) for one in error.validator_value], n=2)
        hint = f"did you mean {' or '.join(similar)}?" if similar else "see Great Expectations' gallery for its types"
        return f"names {plain(repr(error.instance))}, which is no check that fits there", hint
    if error.validator == "not":
        return f"says {' and '.join(error.validator_value['required'])}; only one of them can count", "leave one out"
    if error.validator == "oneOf":
        return f"has none of the words {', '.join(CHECK_WORDS)}, which tell what is checked", HINT
    if error.validator in CHOICES and not error.path and isinstance(error.instance, dict):
        words = [one["required"][0] for one in error.validator_value if one.get("required")]
        if words:
            return f"says nothing to check; one of {', '.join(words)} is needed", HINT
    return f"is {plain(repr(error.instance))}; allowed is {allowed(error.schema)}", HINT


def unknown_words(error: Any) -> Iterator[str]:
    """Yield the words that a mapping may not hold."""
    patterns = error.schema.get("patternProperties") or {}
    for name in error.instance:
        if name not in (error.schema.get("properties") or {}) and not any(re.search(one, name) for one in patterns):
            yield str(name)


def allowed(grammar: Any) -> str:
    """Return what a grammar allows, in words."""
    if "const" in grammar:
        return str(grammar["const"]).lower()
    if "enum" in grammar:
        return " or ".join(str(one).lower() if isinstance(one, bool) else str(one) for one in grammar["enum"])
    if any(choice in grammar for choice in CHOICES):
        return " or ".join(allowed(one) for choice in CHOICES for one in grammar.get(choice) or [])
    kinds = grammar.get("type", "a group of words")
    words = {
        "array": "a list", "object": "a mapping", "number": "a number", "integer": "a whole number", "string": "a text",
        "boolean": "true or false", "null": "null",
    }  # fmt: skip
    told = " or ".join(words.get(kind, kind) for kind in ([kinds] if isinstance(kinds, str) else kinds))
    if grammar.get("type") == "array" and "items" in grammar:
        size = "two of these, not both null" if grammar.get("maxItems") else "these"
        told += f" of {size}: {allowed(grammar['items'])}"
    limits = {"minimum": "at least", "maximum": "at most", "exclusiveMinimum": "above", "pattern": "of the form",
              "minItems": "with at least", "minLength": "of a length of at least"}  # fmt: skip
    for word, says in limits.items():
        if word in grammar and not grammar.get("maxItems"):
            told += f" {says} {grammar[word]}"
    return "a regular expression" if grammar.get("format") == "regex" else told
