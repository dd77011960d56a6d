from __future__ import annotations

import pandas as pd
import pytest

from airflow_dataops.core.quality import decide
from airflow_dataops.core.quality_options import GateOptions
from airflow_dataops.core.quality_sample import is_sampled, threshold_of
from airflow_dataops.core.quality_suite import suite_of
from airflow_dataops.hooks.quality_duckdb import open_duckdb
from airflow_dataops.hooks.quality_evaluation import evaluate
from airflow_dataops.hooks.quality_sampling import chosen

ROWS = 20_000
NOT_NULL = "expect_column_values_to_not_be_null"
BETWEEN = "expect_column_values_to_be_between"
UNIQUE = "expect_column_values_to_be_unique"


def described(kind: str, column: str, severity: str, **kwargs):
    return {"type": kind, "kwargs": {"column": column, **kwargs}, "meta": {"dataops": {"severity": severity}}}


def file_of(tmp_path, **columns):
    path = tmp_path / "rows.parquet"
    pd.DataFrame({"id": range(ROWS), **columns}).to_parquet(path)
    return path


def judged(path, *expectations, sample: float | None, **options):
    """Return the results by check, and the decision."""
    suite = suite_of({"expectations": list(expectations)}, "suite.json")
    with evaluate(suite, path, GateOptions(sample=sample, **options)) as found:
        decision = decide(found.results, found.rows, found.count_failing, dataset="orders", partition="p")
        return {result.check.id: result for result in found.results}, decision


@pytest.mark.parametrize("seed", [0, 1, 12_345_678_901])
@pytest.mark.parametrize("share", [0.01, 0.3])
def test_sql_takes_the_rows_that_the_formula_names(tmp_path, share, seed):
    with open_duckdb(file_of(tmp_path)) as engine:
        query = engine.table.select(engine.table.value("id")).where(chosen(engine.table.position, share, seed))
        taken = {row[0] for row in engine.ask(query)}
    assert taken == {position for position in range(ROWS) if is_sampled(position, seed, threshold_of(share))}


@pytest.mark.parametrize(("sample", "about"), [(0.1, 2000), (500, 500)])
def test_a_share_or_a_number_of_rows_is_sampled_and_the_same_rows_each_time(tmp_path, sample, about):
    path = file_of(tmp_path, v=[1.0] * ROWS)
    first, second = (judged(path, described(NOT_NULL, "v", "block"), sample=sample)[0] for _ in range(2))
    assert first == second
    assert first["not_be_null(v)"].of == pytest.approx(about, rel=0.2)


def test_what_each_row_answers_is_sampled_and_what_needs_all_rows_is_not(tmp_path):
    path = file_of(tmp_path, v=[1.0] * ROWS)
    results, decision = judged(
        path,
        described(NOT_NULL, "v", "block"),
        described(UNIQUE, "id", "block"),
        {"type": "expect_table_row_count_to_equal", "kwargs": {"value": ROWS}},
        {"type": "expect_column_sum_to_be_between", "kwargs": {"column": "v", "min_value": ROWS, "max_value": ROWS}},
        sample=0.1,
    )
    assert [result.of is not None for result in results.values()] == [True, False, False, False]
    assert all(result.success for result in results.values())
    assert "1 of 4 checks looked at a sample of" in decision.sentence


def test_as_soon_as_one_row_must_be_split_off_all_of_them_are_found(tmp_path):
    values = [None if number % 50 == 0 else 1.0 for number in range(ROWS)]
    others = [None if number == 19_999 else 1.0 for number in range(ROWS)]
    path = file_of(tmp_path, v=values, w=others, x=values)
    checks = [described(NOT_NULL, name, "quarantine") for name in ("v", "w")]
    results, decision = judged(path, *checks, described(NOT_NULL, "x", "warn"), sample=0.1)
    assert (results["not_be_null(v)"].failed, results["not_be_null(v)"].of) == (ROWS // 50, None)
    assert (results["not_be_null(w)"].failed, results["not_be_null(w)"].of) == (1, None), "found, though not sampled"
    assert results["not_be_null(x)"].of is not None
    assert results["not_be_null(x)"].failed / results["not_be_null(x)"].of == pytest.approx(1 / 50, rel=0.5)
    assert decision.bad == ROWS // 50 + 1
    assert "be warned that" in decision.sentence


def test_what_the_sample_does_not_show_goes_on_within_the_stated_bound(tmp_path):
    missed = next(number for number in range(ROWS) if not is_sampled(number, 0, threshold_of(0.1)))
    path = file_of(tmp_path, v=[None if number == missed else 1.0 for number in range(ROWS)])
    _, sampled = judged(path, described(NOT_NULL, "v", "block"), sample=0.1)
    _, whole = judged(path, described(NOT_NULL, "v", "block"), sample=None)
    assert (sampled.verdict, whole.verdict) == ("publish", "hold")
    assert "what it does not show, at most 0.1" in sampled.sentence


def test_a_block_that_the_sample_shows_is_counted_on_all_rows(tmp_path):
    path = file_of(tmp_path, v=[float(number % 100) for number in range(ROWS)])
    _, decision = judged(path, described(BETWEEN, "v", "block", max_value=49), sample=500)
    assert decision.sentence == "Orders of p were held: 10 000 of 20 000 rows (50 %) have v above 49; none is allowed."


@pytest.mark.parametrize("sample", [1.0, ROWS, 10 * ROWS, 0.0001])
def test_a_sample_of_all_rows_or_too_few_is_none(tmp_path, sample):
    results, decision = judged(file_of(tmp_path, v=[1.0] * ROWS), described(NOT_NULL, "v", "block"), sample=sample)
    assert results["not_be_null(v)"].of is None
    assert "sample" not in decision.sentence


def test_columns_that_are_missing_or_of_another_kind_are_told_of_a_sample_too(tmp_path):
    path = file_of(tmp_path, v=["a"] * ROWS)
    _, decision = judged(path, described(BETWEEN, "v", "block", max_value=1), sample=0.1)
    assert decision.sentence == "Orders of p were held: the column v holds text where numbers are needed."


def test_what_only_great_expectations_can_judge_is_judged_on_the_sample(tmp_path):
    path = file_of(tmp_path, v=["2026-01-01"] * ROWS)
    kind = "expect_column_values_to_match_strftime_format"
    results, _ = judged(path, described(kind, "v", "block", strftime_format="%Y-%m-%d"), sample=0.1)
    (result,) = results.values()
    assert (result.success, result.of is not None) == (True, True)


def test_engine_limits_reach_the_engine(tmp_path):
    path = file_of(tmp_path, v=[1.0] * ROWS)
    suite = suite_of({"expectations": [described(NOT_NULL, "v", "block")]}, "suite.json")
    with evaluate(suite, path, GateOptions(memory_limit="200MB", threads=1, sample=0.1)) as found:
        for engine in (found.engine, found.sampled.engine):
            set_to = engine.connection.execute(
                "SELECT current_setting('memory_limit'), current_setting('threads')"
            ).fetchone()
            assert set_to == ("190.7 MiB", 1)
