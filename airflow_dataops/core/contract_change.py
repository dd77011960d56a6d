"""One change between two contracts, and how it is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from airflow_dataops.core.contract_facts import Rule
from airflow_dataops.core.contract_strength import spelled
from airflow_dataops.core.words import plain

__all__ = ["Change", "Kind", "change", "name_of", "told_of", "value_words", "worded"]

Kind = Literal["breaking", "compatible", "informational"]
WORDS = {
    "dataops_column_to_hold": "type",
    "dataops_column_to_be_stored_as": "physical type",
    "dataops_column_to_be_fresh": "freshness",
    "dataops_columns_to_exist_in": "foreign key",
    "dataops_query_value_to_be": "query",
    "expect_column_values_to_not_be_null": "required",
    "expect_column_values_to_be_unique": "unique",
    "expect_compound_columns_to_be_unique": "key",
    "expect_column_values_to_be_in_set": "allowed values",
    "expect_column_values_to_be_between": "range",
    "expect_column_value_lengths_to_be_between": "length",
    "expect_column_values_to_match_regex": "form",
    "expect_table_row_count_to_be_between": "number of rows",
}
"""What people call a check."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change.

    Args:
        table: The object.
        subject: The column, or columns; empty for the whole table.
        what: What changed, as a clause.
        kind: Breaking, compatible or informational.
        breaks: Whom it breaks: "consumers", "producers", or both.
    """

    table: str
    subject: str
    what: str
    kind: Kind
    breaks: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return {**asdict(self), "breaks": list(self.breaks)}


def change(table: str, subject: str, what: str, breaks: Sequence[str] = (), harmless: Kind = "informational") -> Change:
    """Return a change; one that breaks nobody is as harmless as is said."""
    return Change(plain(table), plain(subject), plain(what, 400), "breaking" if breaks else harmless, tuple(breaks))


def name_of(rule: Rule) -> str:
    """Return what people call a check."""
    return WORDS.get(rule.kind, rule.kind.removeprefix("expect_").removeprefix("dataops_").replace("_", " "))


def value_words(rule: Rule) -> str:
    """Return what a check asks, to follow its name; empty where its name says it."""
    told = told_of(rule)
    return f": {told}" if told != "as named" else ""


def told_of(rule: Rule) -> str:
    """Return what a check asks, in short."""
    shown = {name: value for name, value in rule.arguments.items() if value is not None}
    parts = [str(shown[name]) for name in ("kind", "physical_type") if name in shown]
    parts += [
        f"{name.replace('_', ' ')} {value}" for name, value in shown.items() if name not in {"kind", "physical_type"}
    ]
    if rule.allowed:
        parts.append(f"{rule.allowed * 100:g} % may fail" if rule.allowed < 1 else allowed_words(rule))
    return ", ".join(parts) or "as named"


def allowed_words(rule: Rule) -> str:
    """Return how many rows may fail."""
    return (
        "any number may fail"
        if rule.allowed == 1 and rule.severity == "quarantine"
        else f"{rule.allowed:g} rows may fail"
    )


def worded(word: str, old: Any, new: Any) -> str:
    """Return that something told has changed."""
    first, second = ("nothing" if one is None else plain(spelled(one).strip('"')) for one in (old, new))
    return f"{word} was {first} and is {second}"
