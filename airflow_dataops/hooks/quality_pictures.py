"""Pictures of the columns that fail, counted by the engine: figures and lengths, values only of public columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from airflow_dataops.core.quality import Finding, GateDecision
from airflow_dataops.core.quality_check import Status, Suite
from airflow_dataops.core.quality_picture import Axis, Bar, Picture, number_axis, seconds_of, time_axis
from airflow_dataops.core.words import plain
from airflow_dataops.hooks.quality_sampling import chosen

if TYPE_CHECKING:
    import sqlglot.expressions as exp

    from airflow_dataops.core.quality_sql.table import Column
    from airflow_dataops.hooks.quality_duckdb import DuckDBEngine
    from airflow_dataops.hooks.quality_evaluation import Evaluation

__all__ = ["MOST_PICTURES", "failing_columns", "pictures_of"]

MOST_PICTURES = 12
MOST_VALUES = 10
MOST_LETTERS = 40
MOST_LOOKED_AT = 100_000
"""Of so many rows the range of an axis is told; all rows are counted."""
USUAL = (0.01, 0.99)
LENGTH_TYPES = ("expect_column_value_lengths_to_be_between", "expect_column_value_lengths_to_equal")
MISSING, BELOW = -2, -1


@dataclass(frozen=True, slots=True)
class Subject:
    """What a picture is made of.

    Args:
        engine: Holds the rows.
        column: The column.
        failing: Which rows fail one of its checks; None where no check tells.
        bounds: What the failing checks allow, from where to where.
        lengths: Whether these bounds are of lengths.
        public: Whether values may be shown.
    """

    engine: DuckDBEngine
    column: Column
    failing: exp.Expression | None
    bounds: tuple[Any, Any]
    lengths: bool
    public: bool

    def counts(self) -> list[exp.Expression]:
        """Return how many rows there are and how many fail, as figures to ask for."""
        from sqlglot import exp

        failing = exp.false() if self.failing is None else self.failing.copy()
        named = (("n", exp.Count(this=exp.Star())), ("failing", self.engine.table.dialect.count_if(failing)))
        return [exp.alias_(figure, name, quoted=True) for name, figure in named]


def failing_columns(suite: Suite, decision: GateDecision) -> dict[str, list[Finding]]:
    """Return the columns whose checks did not simply pass, worst first, with what was found of each."""
    order = (Status.FAIL, Status.SKIP, Status.WARN)
    checks = {check.id: check for check in suite.checks}
    found: dict[str, list[Finding]] = {}
    for finding in sorted((f for f in decision.findings if f.status in order), key=lambda f: order.index(f.status)):
        for column in checks[finding.id].columns:
            found.setdefault(column, []).append(finding)
    return found


def pictures_of(suite: Suite, evaluation: Evaluation, decision: GateDecision) -> tuple[Picture, ...]:
    """Return a picture of each failing column, of the worst first; a picture that fails is left out."""
    import duckdb

    from airflow_dataops.core.quality_sql.refusal import UnfitError

    pictures: list[Picture] = []
    for name, findings in failing_columns(suite, decision).items():
        if name in evaluation.engine.table.columns and len(pictures) < MOST_PICTURES:
            try:
                pictures.append(picture_of(suite, evaluation, name, findings))
            except (duckdb.Error, UnfitError):
                continue  # the verdict stands without it
    return tuple(pictures)


def picture_of(suite: Suite, evaluation: Evaluation, name: str, findings: Sequence[Finding]) -> Picture:
    """Return the picture of one column."""
    ids, sampled = [finding.id for finding in findings], evaluation.sampled
    of_sample = sampled is not None and any(one in evaluation.failing_in_sample for one in ids)
    engine = sampled.engine if sampled is not None and of_sample else evaluation.engine
    known = evaluation.failing_in_sample if of_sample else evaluation.failing
    bounds, lengths = bounds_of(suite, ids)
    column, public = engine.table.columns[name], name in suite.public
    drawn = drawing(Subject(engine, column, union(known, ids), bounds, lengths, public))
    return replace(drawn, of_sample=of_sample)


def union(known: Mapping[str, exp.Expression], ids: Sequence[str]) -> exp.Expression | None:
    """Return which rows fail at least one of these checks."""
    from airflow_dataops.core.quality_sql.dialect import disjunction

    predicates = [known[one].copy() for one in ids if one in known]
    return disjunction(*predicates) if predicates else None


def bounds_of(suite: Suite, ids: Sequence[str]) -> tuple[tuple[Any, Any], bool]:
    """Return what the first of these checks with a range allows, and whether it is one of lengths."""
    for check, expectation in zip(suite.checks, suite.expectations, strict=True):
        kwargs = expectation["kwargs"]
        if check.id in ids and check.type == "expect_column_value_lengths_to_equal":
            return (kwargs["value"], kwargs["value"]), True
        if check.id in ids and not (kwargs.get("min_value") is None and kwargs.get("max_value") is None):
            return (kwargs.get("min_value"), kwargs.get("max_value")), check.type in LENGTH_TYPES
    return (None, None), False


def drawing(subject: Subject) -> Picture:
    """Return the kind of picture that suits the column."""
    from sqlglot import exp

    from airflow_dataops.core.quality_sql.table import Kind

    kind, table = subject.column.kind, subject.engine.table
    value: exp.Expression = table.value(subject.column.name)
    if kind.is_number:
        return histogram(subject, exp.cast(value, "double"), "numbers", whole=kind is Kind.INTEGER)
    if kind.is_time:
        return histogram(subject, exp.func("EPOCH", exp.cast(value, "timestamp")), "times")
    if subject.public and kind in {Kind.TEXT, Kind.BOOLEAN} and not subject.lengths:
        return values(subject)
    if kind is Kind.TEXT:
        return histogram(subject, exp.cast(table.dialect.length(value), "double"), "lengths", whole=True)
    return presence(subject)


def histogram(subject: Subject, value: exp.Expression, kind: str, *, whole: bool = False) -> Picture:
    """Return how a column's figures are distributed."""
    low, high = usual_range(subject, value)
    if low is None or high is None:
        return presence(subject)
    given = subject.bounds if subject.lengths == (kind == "lengths") else (None, None)
    first, last = (seconds_of(bound) if kind == "times" else figure(bound) for bound in given)
    axis = (
        time_axis(low, high, (first, last)) if kind == "times" else number_axis(low, high, (first, last), whole=whole)
    )
    place = place_of(subject, value, axis)
    counted = {int(place): (int(rows), int(failing)) for place, rows, failing in ask_by(subject, place)}

    def bar(place: int, label: str) -> Bar | None:
        return Bar(label, *counted[place]) if place in counted else None

    return Picture(
        subject.column.name,
        kind,
        tuple(bar(n, axis.label(n)) or Bar(axis.label(n), 0) for n in range(axis.bars)),
        axis,
        below=bar(BELOW, "earlier" if axis.is_time else f"< {axis.label(0)}"),
        above=bar(axis.bars, "later" if axis.is_time else f"≥ {axis.label(axis.bars)}"),
        missing=bar(MISSING, "missing"),
        allowed=(first, last),
    )


def figure(bound: Any) -> float | None:
    """Return a bound that is a number; None where it is none."""
    return float(bound) if isinstance(bound, int | float) and not isinstance(bound, bool) else None


def usual_range(subject: Subject, value: exp.Expression) -> tuple[float | None, float | None]:
    """Return from where to where all but the outermost figures lie, told from a part of the rows."""
    from sqlglot import exp

    table = subject.engine.table
    share = MOST_LOOKED_AT / max(subject.engine.rows(), 1)
    wanted = [exp.func("ISFINITE", value.copy())]
    if share < 1:
        wanted.append(chosen(table.position, share, 0))
    quantiles = [exp.func("QUANTILE_DISC", value.copy(), exp.Literal.number(part)) for part in USUAL]
    ((low, high),) = subject.engine.ask(table.select(*quantiles).where(exp.and_(*wanted)))
    return low, high


def place_of(subject: Subject, value: exp.Expression, axis: Axis) -> exp.Expression:
    """Return on which bar of the axis a row lies."""
    from sqlglot import exp

    def number(figure: float) -> exp.Expression:
        return exp.cast(exp.Literal.string(repr(float(figure))), "double")

    offset = exp.Sub(this=value.copy(), expression=exp.paren(number(axis.start)))
    step = exp.Floor(this=exp.Div(this=exp.paren(offset), expression=number(axis.step)))
    last = exp.Literal.number(axis.bars)
    inside = exp.func("LEAST", exp.cast(step, "bigint"), exp.Literal.number(axis.bars - 1))
    return (
        exp.Case()
        .when(
            exp.or_(
                subject.engine.table.missing(subject.column.name), exp.Is(this=value.copy(), expression=exp.Null())
            ),
            exp.Literal.number(MISSING),
        )
        .when(exp.LT(this=value.copy(), expression=number(axis.start)), exp.Literal.number(BELOW))
        .when(exp.GTE(this=value.copy(), expression=number(axis.end)), last)
        .else_(inside)
    )


def values(subject: Subject) -> Picture:
    """Return which values are there, those with the most failing rows first."""
    bars = [Bar(plain(str(name), MOST_LETTERS) or "(blank)", int(n), int(bad)) for name, n, bad, *_ in top(subject)]
    there = presence(subject)
    rows, failing = (there.bars[0].rows, there.bars[0].failing) if there.bars else (0, 0)
    shown, wrong = sum(bar.rows for bar in bars), sum(bar.failing for bar in bars)
    if rows > shown:
        bars.append(Bar("other values", rows - shown, failing - wrong))
    return Picture(subject.column.name, "values", tuple(bars), missing=there.missing)


def top(subject: Subject) -> list[tuple[Any, ...]]:
    """Return the values with the most failing rows, of these the most frequent, with both counts."""
    from sqlglot import exp

    table = subject.engine.table
    named = exp.alias_(exp.cast(table.value(subject.column.name), "text"), "place", quoted=True)
    present = exp.not_(exp.paren(table.missing(subject.column.name)))
    query = table.select(named, *subject.counts()).where(present).group_by(exp.Literal.number(1))
    order = [exp.Ordered(this=exp.Literal.number(place), desc=place > 1) for place in (3, 2, 1)]
    return subject.engine.ask(query.order_by(*order).limit(MOST_VALUES))


def presence(subject: Subject) -> Picture:
    """Return how many rows have a value: all that may be told of what is neither a figure nor public."""
    counted = {bool(absent): (int(n), int(failing)) for absent, n, failing in ask_by(subject, absent_of(subject))}
    bars = (Bar("has a value", *counted[False]),) if False in counted else ()
    return Picture(
        subject.column.name, "presence", bars, missing=Bar("missing", *counted[True]) if True in counted else None
    )


def absent_of(subject: Subject) -> exp.Expression:
    """Return the predicate that a row has no value."""
    return subject.engine.table.missing(subject.column.name)


def ask_by(subject: Subject, key: exp.Expression) -> list[tuple[Any, ...]]:
    """Return the counts of rows and failing rows by a key."""
    from sqlglot import exp

    named = exp.alias_(key, "place", quoted=True)
    query = subject.engine.table.select(named, *subject.counts()).group_by(exp.Literal.number(1))
    return subject.engine.ask(query)
