"""Proposals on one column."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from airflow_dataops.core.contract_types import FORMATS
from airflow_dataops.core.suggestion.names import calendar_range, is_identifier, is_person
from airflow_dataops.core.suggestion.profile import ColumnProfile
from airflow_dataops.core.suggestion.ranges import bounds_of, median_bounds, natural
from airflow_dataops.core.suggestion.shapes import pattern_of
from airflow_dataops.core.words import count_words, percent_words

__all__ = [
    "BLOCK",
    "FEW_VALUES",
    "FORMS",
    "QUARANTINE",
    "STANDARD_FORMS",
    "TIME_FORMS",
    "WARN",
    "Proposal",
    "column_proposals",
    "is_restricted",
]

FEW_VALUES = 20
ROWS_PER_VALUE = 20
MOSTLY_EMPTY = 0.5
LEAST_PARTITIONS = 3
TYPE_LISTS = {
    "integer": ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float64"],
    "number": ["float32", "float64", "int64"],
    "boolean": ["bool", "object"],
    "text": ["str", "object"],
}
"""By what a column holds, the types that pandas gives it; a missing whole number makes a column of floats."""
DATE = "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
CLOCK = "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
STANDARD_FORMS = {name: FORMATS[name] for name in ("email", "uuid", "uri", "ipv4")}
"""Those forms that data contracts have a name for which texts do not have by chance."""
TIME_FORMS = {"date": f"^{DATE}$", "time in UTC": f"^{DATE}T{CLOCK}Z$", "date and time": f"^{DATE}[ T]{CLOCK}$"}
FORMS = {**STANDARD_FORMS, **TIME_FORMS}
"""Well-known forms of texts."""
PERSONAL_FORMATS = {"email", "iban", "phone"}
QUARANTINE: Mapping[str, Any] = {"severity": "quarantine", "tolerance": 0.01}
BLOCK: Mapping[str, Any] = {"severity": "block"}
WARN: Mapping[str, Any] = {"severity": "warn"}


@dataclass(frozen=True, slots=True, eq=False)
class Proposal:
    """One check that is proposed.

    Args:
        aspect: What it is about: exists, type, required, values, range, pattern, length, unique, order, …
        columns: The columns that it reads.
        type: As suites name it.
        kwargs: Its arguments.
        options: What its failing does: severity and tolerance.
        why: Why it is proposed, in words.
    """

    aspect: str
    columns: tuple[str, ...]
    type: str
    kwargs: Mapping[str, Any]
    options: Mapping[str, Any] = field(default_factory=lambda: BLOCK)
    why: str = ""

    @property
    def key(self) -> tuple[str, tuple[str, ...]]:
        """What makes it the same check when it was learned from other data."""
        return self.aspect, self.columns


def column_proposals(name: str, parts: Sequence[ColumnProfile]) -> Iterator[Proposal]:
    """Yield what is proposed for a column that all partitions have."""
    yield Proposal("exists", (name,), "expect_column_to_exist", {"column": name}, BLOCK, "every partition has it")
    kinds = {part.kind for part in parts if part.present}
    if not kinds:
        return
    kind = "number" if kinds == {"integer", "number"} else kinds.pop() if len(kinds) == 1 else "other"
    if kind in TYPE_LISTS:
        listed = {"column": name, "type_list": TYPE_LISTS[kind]}
        why = f"holds {KIND_WORDS[kind]} everywhere"
        yield Proposal("type", (name,), "expect_column_values_to_be_in_type_list", listed, BLOCK, why)
    yield from presence(name, parts)
    full = [part for part in parts if part.present]
    person = is_restricted(name, parts)
    if kind in {"integer", "number"} and not person:
        yield from number_proposals(name, kind, full)
    if kind in {"date", "timestamp"} and not person:
        yield from time_proposals(name, full)
    if kind == "text":
        yield from text_proposals(name, full, person=person)


def is_restricted(name: str, parts: Sequence[ColumnProfile]) -> bool:
    """Whether a column seems to tell something of persons, by its name or by what it holds."""
    held = {known for part in parts for known, number in part.formats.items() if number * 2 > part.present > 0}
    return is_person(name) or bool(held & PERSONAL_FORMATS)


KIND_WORDS = {"integer": "whole numbers", "number": "numbers", "boolean": "truth values", "text": "text"}


def presence(name: str, parts: Sequence[ColumnProfile]) -> Iterator[Proposal]:
    """Yield how many values may be missing."""
    kind, shares = "expect_column_values_to_not_be_null", [part.missing / part.rows for part in parts if part.rows]
    worst = max(shares, default=0.0)
    if worst == 0:
        yield Proposal("required", (name,), kind, {"column": name}, QUARANTINE, "no value was ever missing")
    elif worst < MOSTLY_EMPTY:
        mostly = math.floor((1 - worst - max(0.01, worst / 2)) * 100) / 100
        why = f"at most {percent_words(worst)} were missing"
        yield Proposal("required", (name,), kind, {"column": name, "mostly": mostly}, WARN, why)


def number_proposals(name: str, kind: str, parts: Sequence[ColumnProfile]) -> Iterator[Proposal]:
    """Yield ranges of numbers, and of their median."""
    least, most = min(part.least for part in parts), max(part.most for part in parts)
    quantiles = [part.quantiles for part in parts if part.quantiles]
    between, why = "expect_column_values_to_be_between", f"values lay from {shown(least)} to {shown(most)}"
    clock = all(part.formats.get("clock") == part.present for part in parts)
    meant = calendar_range(name, least, most, clock=clock)
    if meant:
        yield ranged(name, between, meant[0], meant[1], f"{why}; the name says what is possible")
        return
    if kind == "integer" and is_identifier(name):
        if least >= 0:
            yield ranged(name, between, 0, None, f"{why}; it tells things apart, so it may grow")
        return
    bounds = bounds_of(least, most, quantiles) if quantiles else None
    if bounds is None:
        return
    if bounds.far:
        far = f"nearly all values lay within, but some from {shown(least)} to {shown(most)}: look at them"
        yield ranged(name, between, bounds.low, bounds.high, far, mostly=0.99, options=WARN)
    else:
        low, high = natural([part.least for part in parts]), natural([part.most for part in parts])
        yield ranged(name, between, bounds.low if low is None else low, bounds.high if high is None else high, why)
    middle = median_bounds(quantiles) if len(quantiles) >= LEAST_PARTITIONS else None
    if middle:
        medians = [q[1] for q in quantiles]
        told = f"medians lay from {shown(min(medians))} to {shown(max(medians))}"
        kwargs = {"column": name, "min_value": middle[0], "max_value": middle[1]}
        yield Proposal("median", (name,), "expect_column_median_to_be_between", kwargs, WARN, told)


def ranged(
    name: str,
    kind: str,
    low: Any,
    high: Any,
    why: str,
    *,
    mostly: float | None = None,
    options: Mapping[str, Any] = QUARANTINE,
) -> Proposal:
    """Return a proposal on the range of values."""
    ends = {"min_value": low, "max_value": high, "mostly": mostly}
    kwargs = {"column": name, **{end: value for end, value in ends.items() if value is not None}}
    return Proposal("range", (name,), kind, kwargs, options, why)


def shown(value: float) -> str:
    """Return a number for a sentence."""
    return count_words(int(value)) if float(value).is_integer() and abs(value) < 2**53 else f"{value:.4g}"


def time_proposals(name: str, parts: Sequence[ColumnProfile]) -> Iterator[Proposal]:
    """Yield that times do not lie before the year in which they began; the future is open."""
    least = min(str(part.least) for part in parts)
    if least[:4].isdigit():
        why = f"the earliest was in {least[:4]}; how late they may be only the calendar tells"
        yield ranged(name, "expect_column_values_to_be_between", f"{least[:4]}-01-01", None, why)


def text_proposals(name: str, parts: Sequence[ColumnProfile], *, person: bool) -> Iterator[Proposal]:
    """Yield allowed values, forms and lengths of texts; of persons never a value."""
    counts: Counter[Any] = Counter()
    few = all(part.values is not None for part in parts)
    for part in parts:
        counts.update(part.values or {})
    if few and not person and len(counts) <= FEW_VALUES and counts.total() >= ROWS_PER_VALUE * len(counts):
        kwargs = {"column": name, "value_set": sorted(counts)}
        why = f"{len(counts)} different values in {count_words(counts.total())}"
        yield Proposal("values", (name,), "expect_column_values_to_be_in_set", kwargs, QUARANTINE, why)
    pattern, told = form_of(parts, person=person)
    if pattern:
        kwargs = {"column": name, "regex": pattern}
        yield Proposal("pattern", (name,), "expect_column_values_to_match_regex", kwargs, QUARANTINE, told)
    elif all(part.lengths for part in parts):
        yield lengthened(name, [part.lengths for part in parts if part.lengths])


def lengthened(name: str, lengths: Sequence[tuple[int, int]]) -> Proposal:
    """Return a proposal on the length of texts: the same, or at most half as long again as the longest."""
    low, high = min(one[0] for one in lengths), max(one[1] for one in lengths)
    top = high if low == high else math.ceil(high * 1.5 / 5) * 5
    kwargs = {"column": name, "min_value": low if low == high else min(low, 1), "max_value": top}
    why = f"texts were {low} characters long" if low == high else f"texts were {low} to {high} characters long"
    return Proposal("length", (name,), "expect_column_value_lengths_to_be_between", kwargs, QUARANTINE, why)


def form_of(parts: Sequence[ColumnProfile], *, person: bool) -> tuple[str | None, str]:
    """Return the pattern that all texts match, and what it is called."""
    for known, pattern in FORMS.items():
        if all(part.formats.get(known) == part.present for part in parts):
            return pattern, f"all were of the form {known}"
    if any(part.shapes is None for part in parts):
        return None, ""
    ends = [str(end) for part in parts for end in (part.least, part.most)]
    prefix = "" if person else common_beginning(ends)
    shapes = {shape for part in parts for shape in part.shapes or ()}
    return pattern_of(shapes, prefix), f"all texts were of {len(shapes)} shape{'s' if len(shapes) != 1 else ''}"


def common_beginning(texts: Sequence[str]) -> str:
    """Return what all texts begin with; of sorted texts the first and the last tell."""
    first, last = min(texts), max(texts)
    length = next((n for n, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), len(first))
    return first[:length]
