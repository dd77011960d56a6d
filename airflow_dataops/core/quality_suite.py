"""How a suite document of Great Expectations becomes a list of checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow_dataops.core.quality_check import Check, Severity, Suite, Tolerance
from airflow_dataops.core.quality_needs import unsupported_of
from airflow_dataops.core.quality_types import is_row_level, validate
from airflow_dataops.core.quality_words import default_says
from airflow_dataops.core.words import plain
from airflow_dataops.exceptions import BrokenCheckError

__all__ = [
    "check_of",
    "columns_of",
    "columns_read",
    "declared_columns",
    "expectations_of",
    "missing_columns",
    "suite_of",
]

SEVERITIES = {"critical": Severity.BLOCK, "warning": Severity.WARN, "info": Severity.INFO}
"""What Great Expectations' own severities mean here."""
OPTIONS = ("severity", "tolerance", "says", "id", "keep")
KEEP = ("none", "first", "last")
UNIQUENESS = ("expect_column_values_to_be_unique", "expect_compound_columns_to_be_unique")
COLUMN_ARGUMENTS = ("column", "column_A", "column_B", "column_list")
DECLARING_TYPES = (
    "expect_column_to_exist",
    "expect_table_columns_to_match_set",
    "expect_table_columns_to_match_ordered_list",
)
"""Expectations that judge whether columns are there; naming a missing column is their purpose, not a mistake."""
NAMING_TYPES = (
    "expect_column_",
    "expect_compound_columns_",
    "expect_multicolumn_",
    "expect_select_column_values_",
    "expect_table_column",
    "expect_table_row_count_to_",
)
"""How the types begin of expectations that read no column but those their arguments name."""
MAX_ID_LENGTH = 60
MAX_LIST_LENGTH = 400


def expectations_of(document: Any, source: str) -> tuple[Mapping[str, Any], ...]:
    """Return the expectations of a suite document.

    Raises:
        BrokenCheckError: The document is not a suite of Great Expectations 1.x, or it checks nothing.
    """
    expectations = document.get("expectations") if isinstance(document, Mapping) else None
    if not isinstance(expectations, list):
        raise BrokenCheckError(
            f"{source} is not a suite: a mapping with a list of 'expectations' is needed.",
            hint="save the suite with Great Expectations 1.x: json.dumps(suite.to_json_dict())",
        )
    if not expectations:
        raise BrokenCheckError(f"{source} checks nothing: its list of expectations is empty.", hint="add one")
    for number, expectation in enumerate(expectations, start=1):
        if not (isinstance(expectation, Mapping) and isinstance(expectation.get("type"), str)):
            raise BrokenCheckError(
                f"{source}, expectation {number} has no 'type'.",
                hint="suites written before Great Expectations 1.0 say 'expectation_type': save them anew with 1.x",
            )
        if not isinstance(expectation.get("kwargs"), Mapping):
            raise BrokenCheckError(f"{source}, expectation {number} has no mapping 'kwargs'.", hint="add its arguments")
    return tuple(expectations)


def suite_of(document: Mapping[str, Any], source: str) -> Suite:
    """Return the suite that a document describes.

    Args:
        document: The parsed file.
        source: Where it was read, for messages.

    Raises:
        BrokenCheckError: A type, an argument, a severity, tolerance or phrase of ours is wrong.
    """
    expectations = expectations_of(document, source)
    checks: list[Check] = []
    for number, expectation in enumerate(expectations, start=1):
        where, taken = f"{source}, expectation {number}", {check.id for check in checks}
        validate(expectation["type"], expectation["kwargs"], f"{where} ({plain(expectation['type'])})")
        row_level = is_row_level(expectation["type"])
        checks.append(check_of(expectation, where, taken, row_level=row_level))
    name = str(document.get("name") or source)
    public, unsupported = public_columns(document, source), tuple(unsupported_of(document))
    return Suite(name, source, tuple(checks), expectations, public, unsupported, about_of(document))


def public_columns(document: Mapping[str, Any], source: str) -> frozenset[str]:
    """Return the columns that the suite's ``meta.dataops.classification`` calls public.

    Raises:
        BrokenCheckError: It is no mapping of columns to words.
    """
    classified = about_of(document).get("classification") or {}
    if not (isinstance(classified, Mapping) and all(isinstance(word, str) for word in classified.values())):
        raise BrokenCheckError(
            f"{source}: meta.dataops.classification is no mapping of columns to words.",
            hint='for example "classification": {"carrier": "public", "salary": "restricted"}',
        )
    return frozenset(str(column) for column, word in classified.items() if word.strip().lower() == "public")


def about_of(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a suite's ``meta.dataops`` says of the data."""
    meta = document.get("meta")
    about = meta.get("dataops") if isinstance(meta, Mapping) else None
    return about if isinstance(about, Mapping) else {}


def check_of(expectation: Mapping[str, Any], where: str, taken: set[str], *, row_level: bool) -> Check:
    """Return the check that one expectation of a suite describes."""
    kind, kwargs = expectation["type"], expectation["kwargs"]
    columns = columns_of(kwargs)
    where = f"{where} ({kind}{' on ' + plain(', '.join(columns)) if columns else ''})"
    options = options_of(expectation, where)
    severity, tolerance = severity_of(expectation, options, where), tolerance_of(options, where)
    if not row_level and (severity is Severity.QUARANTINE or tolerance):
        asked = "quarantine" if severity is Severity.QUARANTINE else "a tolerance"
        raise BrokenCheckError(
            f"{where} asks for {asked}, but it judges the whole table and cannot tell which rows fail.",
            hint="give it the severity block, warn or info without a tolerance, or check the rows one by one",
        )
    return Check(
        id=check_id(kind, columns, taken, options.get("id")),
        type=kind,
        columns=columns,
        severity=severity,
        tolerance=tolerance,
        mostly=mostly_of(kwargs),
        says=says_of(expectation, options, columns, where, row_level=row_level),
        row_level=row_level,
        keep=keep_of(kind, options, where),
    )


def keep_of(kind: str, options: Mapping[str, Any], where: str) -> str:
    """Return which of several equal keys counts as good."""
    keep = options.get("keep", "none")
    if keep not in KEEP or (keep != "none" and kind not in UNIQUENESS):
        raise BrokenCheckError(
            f"{where}: got keep={plain(repr(keep))}; allowed are {', '.join(KEEP)}, and only of a check on uniqueness.",
            hint="correct the suite",
        )
    return str(keep)


def options_of(expectation: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    """Return what the expectation's ``meta.dataops`` says."""
    meta = expectation.get("meta")
    options = (meta.get("dataops") or {}) if isinstance(meta, Mapping) else {}
    unknown = sorted(set(options) - set(OPTIONS)) if isinstance(options, Mapping) else ["no mapping"]
    if unknown:
        raise BrokenCheckError(
            f"{where}: meta.dataops holds {plain(', '.join(map(str, unknown)))}; allowed are {', '.join(OPTIONS)}.",
            hint='for example "meta": {"dataops": {"severity": "quarantine", "tolerance": 0.04}}',
        )
    return options


def severity_of(expectation: Mapping[str, Any], options: Mapping[str, Any], where: str) -> Severity:
    """Return our severity if one is given, else what Great Expectations' own one means."""
    allowed = {severity.value: severity for severity in Severity} if "severity" in options else SEVERITIES
    given = options.get("severity", expectation.get("severity") or "critical")
    if not isinstance(given, str) or given not in allowed:
        raise BrokenCheckError(
            f"{where}: got the severity {plain(repr(given))}; allowed are {', '.join(allowed)}.",
            hint="correct the suite",
        )
    return allowed[given]


def tolerance_of(options: Mapping[str, Any], where: str) -> Tolerance | None:
    """Return how many failing rows are allowed: a share 0..1, or a count as ``{"rows": 10}``."""
    given = options.get("tolerance")
    if given is None:
        return None
    kind, value = next(iter(given.items())) if isinstance(given, Mapping) and len(given) == 1 else ("share", given)
    number = not isinstance(value, bool) and isinstance(value, int | float)
    if kind == "share" and number and 0 <= value <= 1:
        return Tolerance(share=float(value))
    if kind == "rows" and number and isinstance(value, int) and value >= 0:
        return Tolerance(rows=value)
    raise BrokenCheckError(
        f"{where}: got the tolerance {plain(repr(given))}; allowed is a share of 0 to 1, or a count.",
        hint='write "tolerance": 0.04 for 4 %, or "tolerance": {"rows": 10}',
    )


def mostly_of(kwargs: Mapping[str, Any]) -> float:
    """Return the share of rows that must pass by the expectation's own limit."""
    mostly = kwargs.get("mostly", 1)
    return float(mostly) if isinstance(mostly, int | float) else 1.0


def says_of(
    expectation: Mapping[str, Any],
    options: Mapping[str, Any],
    columns: Sequence[str],
    where: str,
    *,
    row_level: bool,
) -> str:
    """Return the phrase of the check: ours, the expectation's notes, or one made from its type."""
    says = options.get("says")
    if says is not None:
        if not isinstance(says, str) or not says.strip():
            raise BrokenCheckError(f"{where}: meta.dataops.says is no text.", hint='write "have no departure time"')
        return plain(says)
    notes = expectation.get("notes")
    note = notes[0] if isinstance(notes, list) and notes else notes
    if isinstance(note, str) and note.strip():
        return f"do not meet '{plain(note)}'" if row_level else f"'{plain(note)}' is not met"
    return default_says(expectation["type"], columns, expectation["kwargs"], row_level=row_level)


def check_id(kind: str, columns: Sequence[str], taken: set[str], given: Any = None) -> str:
    """Return the id that was given, else a short one that stays the same while the suite grows: type and columns."""
    short = (
        kind.removeprefix("expect_").removeprefix("dataops_").removeprefix("column_values_to_").removeprefix("table_")
    )
    named = plain(f"{short}({','.join(columns)})" if columns else short)[:MAX_ID_LENGTH]
    if isinstance(given, str) and given.strip():
        named = plain(given)[:MAX_ID_LENGTH]
    number, unique = 2, named
    while unique in taken:
        number, unique = number + 1, f"{named}#{number}"
    return unique


def columns_of(kwargs: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the columns that an expectation names."""
    named: list[str] = []
    for argument in COLUMN_ARGUMENTS:
        value = kwargs.get(argument)
        given = value if isinstance(value, list | tuple) else [value]
        named.extend(column for column in given if isinstance(column, str))
    return tuple(named)


def columns_read(expectations: Sequence[Mapping[str, Any]]) -> list[str] | None:
    """Return the columns whose values expectations read; None where they may read any."""
    free = any(
        not one["type"].startswith(NAMING_TYPES) or one["kwargs"].get("row_condition") is not None
        for one in expectations
    )
    return None if free else sorted({name for one in expectations for name in columns_of(one["kwargs"])})


def declared_columns(suite: Suite) -> set[str]:
    """Return the columns whose presence the suite itself judges."""
    declared: set[str] = set()
    for expectation in suite.expectations:
        if expectation["type"] in DECLARING_TYPES:
            declared.update(columns_of(expectation["kwargs"]), expectation["kwargs"].get("column_set") or ())
    return declared


def missing_columns(suite: Suite, number: int, columns: Sequence[str]) -> list[str]:
    """Return the columns that the expectation at `number` reads and the data do not have.

    Raises:
        BrokenCheckError: One of them is named nowhere as a column that must exist: the suite does not fit.
    """
    check = suite.checks[number]
    if check.type in DECLARING_TYPES:
        return []
    missing = [column for column in check.columns if column not in columns]
    unknown = [column for column in missing if column not in declared_columns(suite)]
    if unknown:
        raise BrokenCheckError(
            f"{suite.where(number)} names the unknown column {plain(unknown[0])!r}; "
            f"the data have {plain(', '.join(columns), MAX_LIST_LENGTH)}.",
            hint="correct the name in the suite; if the data should have the column, add an expect_column_to_exist "
            "for it, and data without it are held",
        )
    return missing
