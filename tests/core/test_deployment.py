"""The runbook of a rollout, as values."""

from __future__ import annotations

import json

import pytest

from airflow_dataops.core.deployment import (
    Observed,
    Release,
    Running,
    Step,
    example_request,
    judge_answer,
    model_version,
    next_step,
    outdated,
    release_labels,
    release_name,
    trace_of,
)
from airflow_dataops.core.ledger import Attempt, Claim, ClaimState
from airflow_dataops.exceptions import BrokenCheckError

NEW = Release("flights", "new", "late", "3", "docker", "late:3", "sha256:3", based_on=2)
UP = Observed(started=True, alive=True)
PROVEN = UP.but(healthy=True, proven=True)


@pytest.mark.parametrize(
    ("seen", "step"),
    [
        (Observed(), Step.START),
        (UP, Step.PROBE),
        (UP.but(alive=False), Step.ROLL_BACK),
        (UP.but(healthy=False), Step.ROLL_BACK),
        (UP.but(healthy=True), Step.SMOKE_TEST),
        (UP.but(healthy=True, proven=False), Step.ROLL_BACK),
        (PROVEN.but(current="old", outdated=("old",)), Step.SWITCH),
        (PROVEN.but(current="new", outdated=("old",)), Step.RETIRE),
        (PROVEN.but(current="new"), Step.DONE),
        (PROVEN.but(alive=False, current="new", outdated=("old",)), Step.ROLL_BACK),
    ],
)
def test_the_old_release_goes_only_after_the_new_one_has_proved_itself(seen, step):
    assert next_step(NEW, seen) is step


def test_a_rollout_beside_this_one_is_not_retired():
    running = [Running(name, "flights", True, based_on=n) for name, n in (("old", 1), ("beside", 2), ("new", 2))]
    assert outdated(NEW, running) == ("old",)


def test_a_release_has_one_name_for_all_tries_and_another_after_a_clear():
    def claim(generation, number):
        return Claim("ab" * 32, generation, Attempt("id", number), ClaimState.RUNNING)

    def name(model, held):
        return release_name('../../x"; DROP', model, "3", held)

    first = name("late", claim(1, 1))
    assert first == name("late", claim(1, 2))
    assert first != name("late", claim(2, 1))
    assert first != name("Late", claim(1, 1))
    assert first.replace("-", "").isalnum()


def test_labels_tell_everything_that_never_changes():
    labels = release_labels(NEW, {"dataops.run_key": "ab"})
    assert labels == {
        "dataops.deployment": "flights",
        "dataops.release": "new",
        "dataops.model": "late",
        "dataops.version": "3",
        "dataops.target": "docker",
        "dataops.image": "late:3",
        "dataops.image_id": "sha256:3",
        "dataops.based_on": "2",
        "dataops.run_key": "ab",
    }


def test_the_example_becomes_a_request_whichever_file_mlflow_wrote():
    split = {"columns": ["a"], "data": [[1]]}
    assert example_request(json.dumps({"dataframe_split": split}).encode(), None) == {"dataframe_split": split}
    assert example_request(None, json.dumps(split).encode()) == {"dataframe_split": split}
    assert example_request(None, b"[1, 2]") == {"inputs": [1, 2]}
    assert example_request(None, None) is None


@pytest.mark.parametrize(
    ("status", "answer", "said"),
    [
        (200, b'{"predictions": [0, 1]}', None),
        (200, b'{"predictions": [0]}', "2 example rows with 1 predictions"),
        (200, b"{}", "holds no predictions"),
        (200, b"<html>", "no JSON"),
        (400, b'{"error_code": "BAD_REQUEST", "message": "secret row"}', "status 400 BAD_REQUEST"),
        (504, b'"x"', "status 504"),
    ],
)
def test_an_answer_is_judged_without_repeating_data(status, answer, said):
    request = {"dataframe_split": {"columns": ["a"], "data": [[1], [2]]}}
    fault = judge_answer(request, status, answer)
    assert fault is None if said is None else said in fault
    assert "secret" not in (fault or "")


def test_the_end_of_the_servers_traceback_is_found():
    assert trace_of(json.dumps({"stack_trace": "x" * 10 + "end"}).encode(), length=3) == "end"
    assert trace_of(b"not json") == trace_of(b"[]") == ""


def test_models_are_named_by_outputs_and_uris():
    assert model_version({"model": "late", "version": 3}) == ("late", "3")
    assert model_version("models:/a/b/3") == ("a/b", "3")
    for wrong in ("late", {"model": "late"}, "models:/late", None):
        with pytest.raises(BrokenCheckError, match="pass the output"):
            model_version(wrong)
