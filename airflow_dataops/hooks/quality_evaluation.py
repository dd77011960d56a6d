"""A suite carried out on a snapshot: what each check found, and the rows that fail."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from airflow_dataops.core.quality_check import CheckResult, Suite
from airflow_dataops.core.quality_needs import reference_columns
from airflow_dataops.core.quality_options import GateOptions
from airflow_dataops.core.quality_suite import missing_columns
from airflow_dataops.core.words import plain
from airflow_dataops.exceptions import BrokenCheckError
from airflow_dataops.hooks.expectations_report import report
from airflow_dataops.hooks.quality_duckdb import DuckDBEngine, open_duckdb
from airflow_dataops.hooks.quality_sampling import Sampled, judge, opened_sample
from airflow_dataops.hooks.quality_unfit import kind_words, unfit_reason

if TYPE_CHECKING:
    import sqlglot.expressions as exp

    from airflow_dataops.core.quality_sql.results import Found
    from airflow_dataops.core.quality_sql.table import Table

__all__ = ["Counting", "Evaluation", "evaluate", "predicates", "result_of", "with_keep"]


class Counting(Protocol):
    """What an engine must be able to do for a gate."""

    table: Table

    def count_failing(self, predicates: Sequence[exp.Expression]) -> int:
        """Return how many rows meet at least one of these predicates."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What carrying out a suite found; the data stay open, so that failing rows can be asked for.

    Args:
        results: One per check, in the suite's order.
        rows: How many rows were judged.
        report: The same in the form of Great Expectations' validation result, without values out of rows.
        path: The data.
        engine: Holds the data.
        failing: Which rows fail a check, by its id; without those of checks that were judged on a sample.
        sampled: The sample that some checks were judged on; None where all were judged on all rows.
        failing_in_sample: Which rows of the sample fail a check, by its id.
    """

    results: tuple[CheckResult, ...]
    rows: int
    report: dict[str, Any]
    path: Path
    engine: DuckDBEngine
    failing: Mapping[str, exp.Expression]
    sampled: Sampled | None = None
    failing_in_sample: Mapping[str, exp.Expression] = field(default_factory=dict)

    def count_failing(self, ids: Sequence[str]) -> int:
        """Return how many rows fail at least one of these checks."""
        return self.engine.count_failing([self.failing[name] for name in ids])

    def reasons(self, ids: Sequence[str]) -> dict[str, exp.Expression]:
        """Return which rows fail these checks."""
        return {name: self.failing[name] for name in ids}


@contextmanager
def evaluate(
    suite: Suite, path: Path, options: GateOptions | None = None, references: Mapping[str, Any] | None = None
) -> Iterator[Evaluation]:
    """Carry out a suite on a parquet file; `references` are the tables that its checks refer to, by name.

    Raises:
        BrokenCheckError: The suite does not fit the data. A retry does not help.
    """
    options = options or GateOptions()
    columns_of = reference_columns(suite.expectations)
    given = {name: (data, columns_of[name]) for name, data in (references or {}).items()}
    opened = open_duckdb(path, references=given, memory_limit=options.memory_limit, threads=options.threads)
    with opened as engine, opened_sample(engine, options) as sampled:
        columns = list(engine.table.columns)
        missing = [missing_columns(suite, number, columns) for number in range(len(suite.checks))]
        runnable = {number: with_keep(suite, number) for number, absent in enumerate(missing) if not absent}
        found, on_sample = judge(suite, runnable, engine, sampled)
        results = tuple(result_of(suite, n, found.get(n), missing[n], engine) for n in range(len(missing)))
        yield Evaluation(
            tuple(replace(r, of=sampled.rows) if sampled and n in on_sample else r for n, r in enumerate(results)),
            engine.rows(),
            report(suite, found),
            path,
            engine,
            predicates(suite, {n: one for n, one in found.items() if n not in on_sample}),
            sampled if on_sample else None,
            predicates(suite, {n: found[n] for n in on_sample}),
        )


def predicates(suite: Suite, found: Mapping[int, Found]) -> dict[str, exp.Expression]:
    """Return which rows fail, by the id of the check, where some do and can be told."""
    return {suite.checks[n].id: one.predicate for n, one in found.items() if one.predicate is not None and one.failed}


def with_keep(suite: Suite, number: int) -> Mapping[str, Any]:
    """Return an expectation with what decides which of equal keys is good."""
    expectation, keep = suite.expectations[number], suite.checks[number].keep
    if keep == "none":
        return expectation
    return {**expectation, "kwargs": {**expectation["kwargs"], "keep": keep}}


def result_of(suite: Suite, number: int, found: Found | None, missing: Sequence[str], engine: Counting) -> CheckResult:
    """Return what was found out about one check in our own words.

    Raises:
        BrokenCheckError: The check could not be carried out and the data are not to blame.
    """
    check = suite.checks[number]
    if found is None or missing:
        return CheckResult(check, success=None, reason=f"the column {plain(missing[0])} is missing")
    if found.exception:
        kinds = {name: engine.table.columns[name] for name in check.columns if name in engine.table.columns}
        reason = unfit_reason(check, suite.expectations[number]["kwargs"], kinds)
        if reason:
            return CheckResult(check, success=False, reason=reason)
        held = ", ".join(f"{plain(name)} holds {kind_words(column)}" for name, column in kinds.items())
        # Other messages may hold values.
        why = f": {plain(found.exception)}" if found.exception.startswith(("its ", "the query ")) else ""
        raise BrokenCheckError(
            f"{suite.where(number)} cannot be carried out{f' ({held})' if held else ''}{why}.",
            hint="correct its arguments or its condition, or leave it out",
        )
    if not check.row_level:
        return CheckResult(check, found.success)
    counted = CheckResult(check, found.success, found.failed)
    if check.severity.holds and found.failed and found.predicate is None:
        raise BrokenCheckError(
            f"{suite.where(number)} found {found.failed} failing rows but cannot tell which they are.",
            hint="give it the severity warn or info",
        )
    return counted if check.keep == "none" or not found.failed else replace(counted, failed=split_off(found, engine))


def split_off(found: Found, engine: Counting) -> int:
    """Return how many rows are split off where one of several equal keys is kept."""
    return engine.count_failing([found.predicate]) if found.predicate is not None else 0
