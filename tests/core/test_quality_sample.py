from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta

from airflow_dataops.core.quality import Finding, decide
from airflow_dataops.core.quality_check import Check, CheckResult, Severity, Status, Tolerance
from airflow_dataops.core.quality_options import GateOptions
from airflow_dataops.core.quality_sample import is_judged_on_sample, is_sampled, mixed, threshold_of, upper_bound
from airflow_dataops.core.quality_score import score_of
from airflow_dataops.exceptions import BrokenCheckError

NOT_NULL = "expect_column_values_to_not_be_null"


@given(rows=st.integers(1, 10**7), part=st.floats(0, 1))
def test_the_bound_is_that_of_clopper_and_pearson(rows, part):
    failed = int(rows * part)
    expected = beta.ppf(0.95, failed + 1, rows - failed) if failed < rows else 1.0
    assert upper_bound(failed, rows) == pytest.approx(expected, rel=1e-6)


def test_without_a_failing_row_the_bound_is_about_three_over_the_sample():
    assert upper_bound(0, 10_000) == pytest.approx(3 / 10_000, rel=0.01)


def test_positions_are_mixed_without_collision_and_evenly():
    numbers = [mixed(position, 0) for position in range(50_000)]
    assert len(set(numbers)) == len(numbers)
    for threshold in (threshold_of(0.01), threshold_of(0.5)):
        share = sum(number < threshold for number in numbers) / len(numbers)
        assert share == pytest.approx(threshold / 2**32, rel=0.1)


@pytest.mark.parametrize("period", [2, 7, 10, 24, 64, 1000])
def test_a_period_in_the_data_does_not_fool_the_sample(period):
    taken = [position for position in range(100_000) if is_sampled(position, 0, threshold_of(0.1))]
    hits, expected = sum(position % period == 0 for position in taken), len(taken) / period
    assert hits == pytest.approx(expected, abs=4 * expected**0.5)


def test_another_seed_takes_other_rows():
    first, second = ([n for n in range(1000) if is_sampled(n, seed, threshold_of(0.1))] for seed in (0, 1))
    assert 60 < len(first) < 140
    assert len(set(first) & set(second)) < 40


@pytest.mark.parametrize(
    ("check", "judged"),
    [
        (Check("a", NOT_NULL), True),
        (Check("a", NOT_NULL, tolerance=Tolerance(share=0.1)), True),
        (Check("a", NOT_NULL, tolerance=Tolerance(rows=3)), False),
        (Check("a", "expect_column_values_to_be_unique"), False),
        (Check("a", "expect_column_values_to_be_increasing"), False),
        (Check("a", "expect_column_mean_to_be_between", row_level=False), False),
        (Check("a", "expect_table_row_count_to_be_between", row_level=False), False),
    ],
)
def test_what_a_sample_cannot_answer_is_asked_of_all_rows(check, judged):
    assert is_judged_on_sample(check) == judged


def test_the_sentence_states_the_sample_and_its_error():
    passed = CheckResult(Check("a", NOT_NULL, ("a",)), success=True, of=10_000)
    warned = CheckResult(
        Check("b", NOT_NULL, ("b",), Severity.WARN, says="have no b"), success=False, failed=12, of=10_000
    )
    whole = CheckResult(Check("c", "expect_column_values_to_be_unique", ("c",)), success=True)
    decision = decide([passed, warned, whole], 1_000_000, lambda ids: 0, dataset="orders", partition="p")
    assert decision.sentence == (
        "Orders of p were let through: 1 000 000 rows passed 2 of 3 checks; be warned that 12 of 10 000 sampled rows "
        "(0.1 %, of all at most 0.2 %) have no b; 2 of 3 checks looked at a sample of 10 000 of 1 000 000 rows "
        "(1 %): what it does not show, at most 0.03 % of all rows do (95 % confidence)."
    )
    assert [finding.to_json().get("sampled") for finding in decision.findings] == [10_000, 10_000, None]
    assert decision.findings[1].share == 0.0012


@pytest.mark.parametrize("sample", [0, 0.0, 1.5, -0.1, 99, True, "0.1", float("nan")])
def test_a_sample_that_means_nothing_is_refused(sample):
    with pytest.raises(BrokenCheckError, match=r"gate: got options\.sample=.*allowed: a share above 0"):
        GateOptions(sample=sample).refuse_wrong("gate")


@pytest.mark.parametrize("options", [{"threads": 0}, {"threads": 1.5}, {"memory_limit": ""}, {"seed": 0.5}])
def test_limits_that_mean_nothing_are_refused(options):
    with pytest.raises(BrokenCheckError, match=f"options.{next(iter(options))}"):
        GateOptions(**options).refuse_wrong("gate")


@pytest.mark.parametrize("sample", [None, 0.5, 1.0, 100, 10**9])
def test_samples_that_mean_something_are_taken(sample):
    GateOptions(sample=sample, threads=1, memory_limit="300MB", seed=-3).refuse_wrong("gate")


def found(severity: Severity, status: Status, share: float | None = None) -> Finding:
    return Finding("x", severity, status, 0, share, "")


@pytest.mark.parametrize(
    ("findings", "score"),
    [
        ([], 1.0),
        ([found(Severity.BLOCK, Status.PASS)], 1.0),
        ([found(Severity.BLOCK, Status.FAIL)], 0.0),
        ([found(Severity.BLOCK, Status.PASS), found(Severity.INFO, Status.WARN)], 0.8),
        ([found(Severity.QUARANTINE, Status.WARN, 0.05)], 0.95),
        ([found(Severity.QUARANTINE, Status.FAIL, 0.05)], 0.0),
        ([found(Severity.WARN, Status.WARN, 0.05), found(Severity.WARN, Status.PASS)], 0.5),
        ([found(Severity.BLOCK, Status.SKIP), found(Severity.BLOCK, Status.PASS)], 0.5),
    ],
)
def test_the_score_is_the_share_of_checks_passed_weighted_by_severity(findings, score):
    assert score_of(findings) == score
