"""The compiler against Great Expectations itself, on tables and suites drawn by chance.

``DATAOPS_DIFFERENTIAL_CASES`` says how many pairs of a table and a check are compared, by default 1 000.
"""

from __future__ import annotations

import json
import math
import os
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from airflow_dataops.core.quality_sql import session
from airflow_dataops.testing import run_suite
from tests.differential.cases import CHECKS, check, table

CASES = int(os.environ.get("DATAOPS_DIFFERENTIAL_CASES", "1000"))
CHECKS_IN_SUITE = 20
MAX_EXCEPTED = 0.02
MIN_COMPILED = 0.95


def equal(ours: Any, theirs: Any) -> bool:
    """Whether two results are equal, numbers to nine digits."""
    if isinstance(ours, bool) or isinstance(theirs, bool):
        return ours == theirs
    if isinstance(ours, int | float) and isinstance(theirs, int | float):
        return ours == theirs or math.isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-12)
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(equal(ours[name], theirs[name]) for name in ours)
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(equal, ours, theirs))
    return bool(ours == theirs)


def without(result: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in result.items() if name not in names}


def excepted(expectation: dict[str, Any], ours: dict[str, Any], theirs: dict[str, Any]) -> bool:
    """Whether a difference is one that docs/quality.md lists."""
    kind, kwargs = expectation["type"], expectation["kwargs"]
    if theirs["exception_info"]["raised_exception"] and "serializable" in theirs["exception_info"]["exception_message"]:
        return True  # numbers of numpy in a result of Great Expectations
    if kind == "expect_column_pair_values_to_be_in_set" and kwargs.get("row_condition"):
        return True  # Great Expectations tells rows outside the condition
    told = [ours["result"], theirs["result"]]
    if kind == "expect_column_values_to_not_be_null" and ours["success"] == theirs["success"]:
        lists = ("partial_unexpected_list", "partial_unexpected_counts", "unexpected_list")  # NaN and NaT for null
        return equal(*[without(result, *lists) for result in told])
    if "set" in kind and "partial_missing_list" in told[0] and ours["success"] == theirs["success"]:
        shuffled = [{**one, "partial_missing_list": sorted(map(str, one["partial_missing_list"]))} for one in told]
        return equal(*shuffled)  # the order of Python's sets
    if ("column_A" in kwargs or "column_list" in kwargs) and ours["success"] == theirs["success"]:
        return equal(*[without(result, "partial_unexpected_counts") for result in told])  # NaN among them
    # 1e300 squared is more than a double holds.
    return kwargs.get("column") == "f" and "stdev" in kind


def compare(expectation: dict[str, Any], ours: dict[str, Any], theirs: dict[str, Any]) -> bool:
    """Return whether the results are equal; False is an exception from the list.

    Raises:
        AssertionError: They differ and no exception covers it.
    """
    same = ours["success"] == theirs["success"] and equal(ours["result"], theirs["result"])
    same &= ours["exception_info"]["raised_exception"] == theirs["exception_info"]["raised_exception"]
    if same:
        return True
    assert excepted(expectation, ours, theirs), json.dumps(
        {"check": expectation, "ours": ours, "theirs": theirs}, indent=1, default=str
    )[:6000]
    return False


def test_the_compiler_and_great_expectations_say_the_same(monkeypatch):
    counted = {"compared": 0, "excepted": 0, "refused": 0}
    judge_all = session.judge_all

    def counting(*arguments, **options):
        found, refused = judge_all(*arguments, **options)
        counted["refused"] += len(refused)
        return found, refused

    monkeypatch.setattr(session, "judge_all", counting)

    @settings(
        max_examples=math.ceil(CASES / CHECKS_IN_SUITE),
        deadline=None,
        phases=[Phase.generate],
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.randoms(use_true_random=True), st.integers(0, 2**32))
    def compared(random, seed):
        random.seed(seed)
        frame = table(random)
        suite = {"name": "drawn", "expectations": [check(random) for _ in range(CHECKS_IN_SUITE)]}
        level = random.choice(["BOOLEAN_ONLY", "BASIC", "SUMMARY", "COMPLETE"])
        theirs = run_suite(suite, frame, engine="gx", result_format=level)["results"]
        before = counted["refused"]
        ours = run_suite(suite, frame, result_format=level)["results"]
        assert counted["refused"] - before <= CHECKS_IN_SUITE
        for expectation, one, other in zip(suite["expectations"], ours, theirs, strict=True):
            counted["compared"] += 1
            counted["excepted"] += not compare(expectation, one, other)

    compared()
    assert counted["compared"] >= CASES
    assert counted["excepted"] <= counted["compared"] * MAX_EXCEPTED
    assert counted["refused"] <= counted["compared"] * (1 - MIN_COMPILED)


@pytest.mark.parametrize("kind", sorted(CHECKS))
def test_every_kind_of_check_is_drawn_with_arguments_that_great_expectations_takes(kind):
    from random import Random

    from airflow_dataops.hooks.expectations_engine import build, quiet

    with quiet():
        assert build({"type": kind, "kwargs": CHECKS[kind](Random(1))}, 0, "drawn").expectation_type == kind
