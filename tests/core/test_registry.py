from __future__ import annotations

import pytest

from airflow_dataops.core.ledger import Pointer
from airflow_dataops.core.registry import champion_of, decide_move, decide_rollback, model_uri, pointer_name
from airflow_dataops.exceptions import BrokenCheckError, ConflictError

NAME = pointer_name("flights")


def pointer(version=0, value=None, run_key=""):
    return Pointer(NAME, version, value or {}, run_key)


def test_the_first_champion_has_no_previous():
    assert decide_move(pointer(), "k", "1", 0, "h").value == {"version": "1", "previous": None, "evidence_hash": "h"}


def test_the_champion_before_becomes_the_previous():
    move = decide_move(pointer(4, {"version": "7", "previous": "6"}, "other"), "k", "8", 4, "h")
    assert (move.expected, move.value["previous"]) == (4, "7")


def test_a_retry_decides_the_same_step_again():
    before = pointer(4, {"version": "7", "previous": "6"}, "other")
    step = decide_move(before, "k", "8", 4, "h")
    after = pointer(5, dict(step.value), "k")
    assert decide_move(after, "k", "8", 4, "h") == step


def test_somebody_elses_step_is_a_conflict():
    with pytest.raises(ConflictError, match="champion of flights changed since the evidence was made: it is version 9"):
        decide_move(pointer(5, {"version": "9"}, "other"), "k", "8", 4, "h")


def test_promoting_the_champion_again_keeps_what_was_before_it():
    move = decide_move(pointer(4, {"version": "8", "previous": "7"}, "other"), "k", "8", 4, "h")
    assert move.value["previous"] == "7"


def test_a_rollback_goes_to_the_version_before():
    assert decide_rollback(pointer(2, {"version": "2", "previous": "1"})) == "1"


@pytest.mark.parametrize("value", [{}, {"version": "1", "previous": None}])
def test_without_a_version_before_there_is_no_rollback(value):
    with pytest.raises(BrokenCheckError, match="nothing to roll back to"):
        decide_rollback(pointer(1, value))


@pytest.mark.parametrize(("version", "alias", "agreed"), [(None, None, True), ("1", "1", True), ("1", "2", False)])
def test_ledger_and_alias_must_agree(version, alias, agreed):
    current = pointer(1, {"version": version}) if version else pointer()
    if agreed:
        assert champion_of(current, alias) == version
    else:
        with pytest.raises(ConflictError, match="moved by hand"):
            champion_of(current, alias)


@pytest.mark.parametrize(("version", "alias"), [(None, "1"), ("1", None)])
def test_one_sided_champions_are_conflicts(version, alias):
    current = pointer(1, {"version": version}) if version else pointer()
    with pytest.raises(ConflictError, match="no version"):
        champion_of(current, alias)


def test_hostile_names_stay_one_segment_of_the_uri():
    assert model_uri("../../x y") == "dataops://model/%2E.%2F..%2Fx%20y"
