"""A part of the rows, always the same one, judged in place of all where that can answer a check."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_dataops.core.quality_check import Suite
from airflow_dataops.core.quality_options import FEWEST_SAMPLED, GateOptions
from airflow_dataops.core.quality_sample import FACTOR, SEED_STEP, WHOLE, is_judged_on_sample, threshold_of
from airflow_dataops.hooks import quality_run
from airflow_dataops.hooks.quality_duckdb import DuckDBEngine, open_duckdb
from airflow_dataops.hooks.quality_source import quoted

if TYPE_CHECKING:
    import sqlglot.expressions as exp

    from airflow_dataops.core.quality_sql.results import Found

__all__ = ["Sampled", "chosen", "judge", "opened_sample"]


@dataclass(frozen=True, slots=True)
class Sampled:
    """The rows that were chosen.

    Args:
        engine: Holds them; positions in it are not those of all rows.
        rows: How many they are.
    """

    engine: DuckDBEngine
    rows: int


@contextmanager
def opened_sample(engine: DuckDBEngine, options: GateOptions) -> Iterator[Sampled | None]:
    """Give the sample that was asked for; None where all rows are to be looked at or are no more than that."""
    rows, wanted = engine.rows(), options.sample or 1.0
    share = wanted if wanted <= 1 else wanted / max(rows, 1)
    if not 0 < share < 1:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="dataops-sample-") as folder:
        path = Path(folder) / "rows.parquet"
        query = engine.table.select(*[engine.table.value(name) for name in engine.table.columns])
        text = engine.table.dialect.sql(query.where(chosen(engine.table.position, share, options.seed)))
        engine.connection.execute(f"COPY ({text}) TO '{quoted(path)}' (FORMAT PARQUET)")
        with open_duckdb(path, memory_limit=options.memory_limit, threads=options.threads) as sample:
            taken = sample.rows()
            yield Sampled(sample, taken) if FEWEST_SAMPLED <= taken < rows else None


def chosen(position: exp.Expression, share: float, seed: int) -> exp.Expression:
    """Return the predicate that a row is in the sample, as `core.quality_sample.mixed` says it."""
    from sqlglot import exp

    def number(value: int) -> exp.Expression:
        return exp.Literal.number(value)

    def shifted(value: exp.Expression) -> exp.Expression:
        # What is shifted is below 2^32, so dividing and rounding down is the same and every engine can do it.
        high = exp.IntDiv(this=exp.paren(value.copy()), expression=number(1 << 16))
        return exp.BitwiseXor(this=high, expression=exp.paren(value))

    start = exp.Add(this=position.copy(), expression=number(seed * SEED_STEP % WHOLE))
    value: exp.Expression = exp.Mod(this=exp.paren(start), expression=number(WHOLE))
    for _ in range(2):
        value = exp.Mod(
            this=exp.paren(exp.Mul(this=exp.paren(shifted(value)), expression=number(FACTOR))),
            expression=number(WHOLE),
        )
    return exp.LT(this=exp.paren(shifted(value)), expression=number(threshold_of(share)))


def judge(
    suite: Suite,
    expectations: Mapping[int, Mapping[str, Any]],
    engine: DuckDBEngine,
    sampled: Sampled | None,
) -> tuple[dict[int, Found], frozenset[int]]:
    """Carry out expectations, by number; return what came of each, and which of them were judged on the sample.

    As soon as a check that can hold data back finds a failing row in the sample, all such checks are judged on all
    rows: what is held or split off is counted and found exactly, or the sample found nothing to hold or split.
    """
    numbers = {number for number in expectations if sampled and is_judged_on_sample(suite.checks[number])}
    found = run(expectations, sorted(numbers), sampled.engine) if sampled else {}
    holding = {number for number in numbers if suite.checks[number].severity.holds}
    if any(found[number].failed or found[number].exception for number in holding):
        numbers -= holding
    rest = run(expectations, [number for number in expectations if number not in numbers], engine)
    return {number: rest.get(number) or found[number] for number in expectations}, frozenset(numbers)


def run(
    expectations: Mapping[int, Mapping[str, Any]], numbers: Sequence[int], engine: DuckDBEngine
) -> dict[int, Found]:
    """Carry out some of the expectations in one go."""
    # Only gates that run pay for the compiler.
    from airflow_dataops.core.quality_sql.results import ResultFormat

    if not numbers:
        return {}
    told = quality_run.run([expectations[number] for number in numbers], engine, ResultFormat("NONE"))
    return {number: told[place] for place, number in enumerate(numbers)}
