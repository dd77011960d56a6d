from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_dataops.core.quality import Verdict, decide
from airflow_dataops.core.quality_check import Check, CheckResult, Severity, Status, Tolerance
from airflow_dataops.core.quality_suite import suite_of
from airflow_dataops.core.quality_words import subject_words
from airflow_dataops.exceptions import BrokenCheckError


def check(severity: str = "block", tolerance: Tolerance | None = None, **more) -> Check:
    defaults = {"id": "not_be_null(dep_time)", "type": "expect_column_values_to_not_be_null"}
    says = more.pop("says", "have no departure time")
    return Check(**{**defaults, **more}, severity=Severity(severity), tolerance=tolerance, says=says)


def result(failed: int, *args, **more) -> CheckResult:
    return CheckResult(check(*args, **more), success=failed == 0, failed=failed)


def verdict(*results: CheckResult, rows: int = 24_951, failing: dict[str, set[int]] | None = None, **options):
    """Decide; unless `failing` says otherwise, a check's failing rows are the first ones."""
    positions = failing or {one.check.id: set(range(one.failed)) for one in results}

    def count_failing(ids) -> int:
        return len(set().union(*(positions[name] for name in ids)))

    return decide(results, rows, count_failing, dataset="flights", partition="2013-02", **options)


def test_more_failing_rows_than_tolerated_hold_with_one_sentence_that_says_why():
    decision = verdict(result(1261, "quarantine", Tolerance(share=0.04)))
    assert decision.verdict is Verdict.HOLD
    assert decision.sentence == (
        "Flights of 2013-02 were held: 1 261 of 24 951 rows (5.1 %) have no departure time; at most 4 % is allowed."
    )


def test_failing_rows_within_the_tolerance_are_split_off():
    decision = verdict(result(500, "quarantine", Tolerance(share=0.04)))
    assert decision.verdict is Verdict.PUBLISH_WITH_QUARANTINE
    assert (decision.bad, decision.split_by) == (500, ("not_be_null(dep_time)",))
    assert decision.sentence == (
        "Flights of 2013-02 were let through without 500 of 24 951 rows (2 %), which are in quarantine: "
        "500 (2 %) have no departure time."
    )


def test_data_that_pass_go_on_and_the_sentence_counts_rows_and_checks():
    decision = verdict(result(0), result(0, "warn"))
    assert decision.verdict is Verdict.PUBLISH
    assert decision.sentence == "Flights of 2013-02 were let through: 24 951 rows passed 2 checks."


def test_a_warning_does_not_hold_and_is_mentioned():
    decision = verdict(result(0), result(12, "warn", says="have no tail number"))
    assert decision.verdict is Verdict.PUBLISH
    assert decision.bad == 0
    assert decision.sentence == (
        "Flights of 2013-02 were let through: 24 951 rows passed 1 of 2 checks; "
        "be warned that 12 of 24 951 rows (0.05 %) have no tail number."
    )


def test_information_neither_holds_nor_warns():
    decision = verdict(result(24_951, "info"), result(0))
    assert decision.verdict is Verdict.PUBLISH
    assert "warned" not in decision.sentence
    assert decision.findings[0].status is Status.WARN


def test_a_blocking_check_allows_nothing_without_a_tolerance():
    decision = verdict(result(1, says="have no airport"))
    assert decision.verdict is Verdict.HOLD
    assert decision.sentence == (
        "Flights of 2013-02 were held: 1 of 24 951 rows (0.004 %) has no airport; none is allowed."
    )


def test_a_blocking_check_within_its_tolerance_leaves_the_rows_where_they_are():
    decision = verdict(result(10, "block", Tolerance(rows=10)))
    assert (decision.verdict, decision.bad) == (Verdict.PUBLISH, 0)
    held = verdict(result(11, "block", Tolerance(rows=10)))
    assert held.sentence.endswith("have no departure time; at most 10 rows are allowed.")


def test_the_suites_own_mostly_is_the_limit_where_no_tolerance_is_given():
    within = CheckResult(check("quarantine", mostly=0.96), success=True, failed=3)
    beyond = CheckResult(check("quarantine", mostly=0.96), success=False, failed=5)
    assert verdict(within, rows=100).verdict is Verdict.PUBLISH_WITH_QUARANTINE
    assert verdict(beyond, rows=100).verdict is Verdict.HOLD
    assert verdict(beyond, rows=100).sentence.endswith("at most 4 % is allowed.")


def test_a_row_that_fails_two_checks_is_split_off_once_and_names_both():
    first = CheckResult(check("quarantine", id="a"), success=False, failed=2)
    second = CheckResult(check("quarantine", id="b"), success=False, failed=2)
    decision = verdict(first, second, rows=9, failing={"a": {0, 3}, "b": {3, 5}})
    assert (decision.bad, decision.split_by) == (3, ("a", "b"))


def test_no_rows_are_held_unless_asked_otherwise():
    assert verdict(result(0), rows=0).sentence == "Flights of 2013-02 were held: there are no rows."
    allowed = verdict(result(0), rows=0, on_empty="publish")
    assert (allowed.verdict, allowed.sentence) == (
        Verdict.PUBLISH,
        "Flights of 2013-02 were let through without rows, as asked.",
    )


def test_no_rows_are_held_by_a_check_on_their_number_even_when_empty_data_may_go_on():
    table = CheckResult(check(row_level=False, says="the number of rows is outside 1 to 9"), success=False)
    assert verdict(table, rows=0, on_empty="publish").sentence == (
        "Flights of 2013-02 were held: the number of rows is outside 1 to 9."
    )


@pytest.mark.parametrize("on_empty", ["hold", "publish"])
def test_data_of_which_quarantine_leaves_nothing_are_held(on_empty):
    decision = verdict(result(3, "quarantine"), rows=3, on_empty=on_empty)
    assert decision.verdict is Verdict.HOLD
    assert decision.sentence == (
        "Flights of 2013-02 were held: all 3 rows would go into quarantine and none would be left."
    )
    assert decision.bad == 3


def test_a_check_that_could_not_be_tried_holds_if_it_can_hold():
    untried = CheckResult(check("quarantine"), success=None, reason="the column dep_time is missing")
    decision = verdict(untried)
    assert decision.sentence == "Flights of 2013-02 were held: the column dep_time is missing."
    assert decision.findings[0].status is Status.SKIP
    assert verdict(CheckResult(check("warn"), success=None, reason="the column x is missing")).verdict is (
        Verdict.PUBLISH
    )


@pytest.mark.parametrize("severity", ["quarantine", "block"])
def test_a_check_that_fails_without_failing_rows_is_not_tolerated(severity):
    failed = CheckResult(check(severity, Tolerance(share=1.0), says="do not meet the rule"), success=False)
    assert verdict(failed).verdict is Verdict.HOLD


def test_several_reasons_are_counted_and_the_worst_ids_come_first():
    decision = verdict(result(1, "warn", id="w"), result(2, id="b"), result(3, id="c"))
    assert decision.sentence.endswith("have no departure time; none is allowed (1 more check failed).")
    assert decision.failed == ["b", "c", "w"]


def test_held_data_name_the_rows_of_every_check_that_held():
    decision = verdict(result(2, id="b"), result(1, "warn", id="w"), rows=9)
    assert (decision.bad, decision.split_by) == (2, ("b",))


def test_the_subject_of_a_sentence_agrees_with_its_verb():
    assert subject_words("weather", "all") == ("Weather", "was")
    assert subject_words("flights", "2013-02") == ("Flights of 2013-02", "were")


def expectation(kind: str = "expect_column_values_to_not_be_null", dataops=None, **more):
    meta = {} if dataops is None else {"dataops": dataops}
    return {"type": kind, "kwargs": {"column": "dep_time"}, "meta": meta, **more}


def only_check(described) -> Check:
    return suite_of({"expectations": [described]}, "suite.json").checks[0]


@pytest.mark.parametrize(
    ("severity", "meant"), [("critical", "block"), ("warning", "warn"), ("info", "info"), (None, "block")]
)
def test_without_a_severity_of_ours_that_of_great_expectations_counts(severity, meant):
    assert only_check(expectation(severity=severity)).severity == meant


def test_our_severity_tolerance_and_phrase_win():
    read = only_check(
        expectation(dataops={"severity": "quarantine", "tolerance": 0.04, "says": "never left"}, severity="info")
    )
    assert (read.severity, read.tolerance, read.says) == ("quarantine", Tolerance(share=0.04), "never left")
    assert only_check(expectation(dataops={"tolerance": {"rows": 10}})).tolerance == Tolerance(rows=10)


def test_without_a_phrase_notes_count_and_without_notes_type_and_column():
    assert only_check(expectation()).says == "have no dep_time"
    assert only_check(expectation(notes="Planes must leave.")).says == "do not meet 'Planes must leave.'"
    between = expectation("expect_column_values_to_be_between")
    between["kwargs"] |= {"min_value": 1, "max_value": 6000}
    assert only_check(between).says == "have dep_time outside 1 to 6 000"
    assert only_check(expectation("expect_column_values_to_be_json_parseable")).says == (
        "do not meet 'column values to be json parseable' on dep_time"
    )


@pytest.mark.parametrize(
    ("dataops", "said"),
    [
        ({"severity": "fatal"}, "got the severity 'fatal'; allowed are info, warn, quarantine, block"),
        ({"severity": ["block"]}, "got the severity"),
        ({"tolerance": 4}, "got the tolerance 4; allowed is a share of 0 to 1"),
        ({"tolerance": "4%"}, "got the tolerance '4%'"),
        ({"tolerance": -0.1}, "got the tolerance -0.1"),
        ({"tolerance": True}, "got the tolerance True"),
        ({"tolerance": {"rows": 1.5}}, "got the tolerance"),
        ({"tolerance": {"lines": 1}}, "got the tolerance"),
        ({"tolerance": float("nan")}, "got the tolerance nan"),
        ({"limit": 1}, "meta.dataops holds limit; allowed are severity, tolerance, says, id, keep"),
        ({"says": 7}, "meta.dataops.says is no text"),
        ("quarantine", "meta.dataops holds no mapping"),
    ],
)
def test_a_wrong_option_names_file_expectation_and_what_is_allowed(dataops, said):
    with pytest.raises(BrokenCheckError) as caught:
        only_check(expectation(dataops=dataops))
    assert "suite.json, expectation 1 (expect_column_values_to_not_be_null on dep_time)" in str(caught.value)
    assert said in str(caught.value)


def test_a_check_on_the_whole_table_cannot_quarantine():
    with pytest.raises(BrokenCheckError, match="asks for quarantine, but it judges the whole table"):
        only_check(expectation("expect_column_mean_to_be_between", {"severity": "quarantine"}))
    with pytest.raises(BrokenCheckError, match="asks for a tolerance"):
        only_check(expectation("expect_column_mean_to_be_between", {"tolerance": 0.1}))


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (None, "is not a suite"),
        ([], "is not a suite"),
        ({"name": "x"}, "is not a suite"),
        ({"expectations": []}, "checks nothing"),
        ({"expectations": [{"expectation_type": "expect_x", "kwargs": {}}]}, "save them anew with 1.x"),
        ({"expectations": [{"type": "expect_x"}]}, "has no mapping 'kwargs'"),
        ({"expectations": ["expect_x"]}, "has no 'type'"),
    ],
)
def test_a_document_that_is_no_suite_is_refused_with_the_remedy(document, said):
    with pytest.raises(BrokenCheckError, match=said):
        suite_of(document, "suite.json")


def test_ids_are_short_unique_and_harmless():
    hostile = {"type": "expect_column_values_to_be_unique", "kwargs": {"column": "x" * 200 + "\n"}, "meta": {}}
    suite = suite_of({"expectations": [expectation(), expectation(), hostile]}, "s.json")
    ids = [check.id for check in suite.checks]
    assert ids[:2] == ["not_be_null(dep_time)", "not_be_null(dep_time)#2"]
    assert len(ids[2]) <= 60
    assert "\n" not in ids[2]


@given(
    rows=st.integers(1, 60),
    found=st.lists(
        st.tuples(st.sampled_from(list(Severity)), st.sets(st.integers(0, 59)), st.floats(0, 1)), max_size=6
    ),
)
def test_what_goes_on_is_free_of_rows_that_had_to_be_split_off(rows, found):
    results, failing = [], {}
    for number, (severity, positions, share) in enumerate(found):
        failing[str(number)] = held = {position for position in positions if position < rows}
        results.append(CheckResult(check(severity, Tolerance(share=share), id=str(number)), not held, len(held)))
    decision = verdict(*results, rows=rows, failing=failing)
    split = [r.check.id for r in results if r.check.severity is Severity.QUARANTINE]
    quarantined = set().union(*(failing[name] for name in split))
    taken = set().union(*(failing[name] for name in decision.split_by))
    assert decision.bad == len(taken)
    if decision.verdict is Verdict.HOLD:
        assert quarantined <= taken
    else:
        assert taken == quarantined
        assert len(quarantined) < rows
        assert not any(r.check.severity.holds and r.is_exceeded(rows) for r in results)
    assert decision.sentence.endswith(".")
    assert "\n" not in decision.sentence
