from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_dataops.core.ledger import (
    GENESIS,
    Attempt,
    Claim,
    ClaimDecision,
    ClaimState,
    Event,
    RecordedEvent,
    RunKey,
    canonical_json,
    chain_faults,
    decide_claim,
    event_hash,
)

FIRST = Attempt("0001", number=1, max_tries=2)


def held_by(attempt: Attempt, state: ClaimState = ClaimState.RUNNING) -> Claim:
    return Claim("key", 1, attempt, state, {"version": "3"})


def chain(length: int) -> list[RecordedEvent]:
    rows, previous = [], GENESIS
    for number in range(1, length + 1):
        event = Event("dataset.published", f"dataset/flights/{number}", {"rows": number}, actor="somebody")
        digest = event_hash(previous, number, "2026-01-01", "run", event)
        rows.append(RecordedEvent(number, "2026-01-01", "run", event, previous, digest))
        previous = digest
    return rows


@pytest.mark.parametrize(
    ("held", "attempt", "decision"),
    [
        pytest.param(None, FIRST, ClaimDecision.START, id="nobody worked on it"),
        pytest.param(
            held_by(FIRST), Attempt("0002", 2, 2), ClaimDecision.TAKE_OVER, id="the owner died, Airflow retries"
        ),
        pytest.param(held_by(FIRST), FIRST, ClaimDecision.TAKE_OVER, id="the same try, back from a deferral"),
        pytest.param(
            held_by(Attempt("0002", 2, 2)), FIRST, ClaimDecision.REFUSE, id="an older try comes back from the dead"
        ),
        pytest.param(
            held_by(Attempt("0002", 2, 2), ClaimState.DONE), FIRST, ClaimDecision.REFUSE, id="even when all is done"
        ),
        pytest.param(
            held_by(FIRST, ClaimState.DONE), Attempt("0002", 2, 2), ClaimDecision.REPLAY, id="died after recording"
        ),
        pytest.param(held_by(FIRST, ClaimState.DONE), FIRST, ClaimDecision.REPLAY, id="the same try asks again"),
        pytest.param(
            held_by(FIRST, ClaimState.DONE), Attempt("0002", 2, 4), ClaimDecision.RENEW, id="somebody cleared the task"
        ),
        pytest.param(
            held_by(Attempt("0001", 3, 2), ClaimState.DONE),
            Attempt("0002", 1, 2),
            ClaimDecision.RENEW,
            id="the task instance was made anew",
        ),
    ],
)
def test_what_a_try_does_about_the_claim_it_finds(held, attempt, decision):
    assert decide_claim(held, attempt) is decision


def test_a_run_key_is_the_same_for_ever_and_differs_in_every_part():
    key = RunKey("default", "line", "run", "train")
    assert key.digest == "af5de1ab253d27da3e4132fec659af826295b1f2fd075e557f521f9483178d9d"
    others = [replace(key, **{name: "x"}) for name in ("instance", "dag_id", "run_id", "task_id")]
    assert len({key.digest, replace(key, map_index=0).digest, *(other.digest for other in others)}) == 6
    assert str(replace(key, map_index=2)) == "default/line/run/train[2]"


def test_parts_of_a_run_key_do_not_flow_into_each_other():
    assert RunKey("a", "b/c", "d", "e").digest != RunKey("a", "b", "c/d", "e").digest


def test_tags_mark_work_in_outside_systems():
    claim = Claim("key", 2, Attempt("0007", 3), ClaimState.RUNNING)
    assert claim.tags == {"dataops.run_key": "key", "dataops.generation": "2", "dataops.try_number": "3"}


def test_equal_values_have_one_spelling_and_nan_has_none():
    assert canonical_json({"b": 1, "a": "é"}) == '{"a":"é","b":1}'
    with pytest.raises(ValueError, match="JSON compliant"):
        canonical_json({"a": float("nan")})


def test_a_whole_chain_has_no_faults():
    assert list(chain_faults(chain(5))) == []
    assert list(chain_faults([])) == []


def test_a_removed_event_is_named():
    rows = chain(5)
    assert list(chain_faults(rows[:2] + rows[3:])) == ["events 3 to 3 are missing"]
    assert list(chain_faults(rows[2:])) == ["events 1 to 2 are missing"]


def test_a_replaced_event_with_a_hash_of_its_own_is_found():
    rows = chain(3)
    forged = replace(rows[1].event, payload={"rows": 0})
    digest = event_hash(rows[1].previous_hash, 2, rows[1].at, rows[1].run_key, forged)
    rows[1] = replace(rows[1], event=forged, hash=digest)
    assert list(chain_faults(rows)) == ["event 3 does not follow event 2: one of them was replaced"]


@given(
    position=st.integers(0, 4),
    edit=st.sampled_from(
        [
            lambda row: replace(row, at="2026-01-02"),
            lambda row: replace(row, run_key="another"),
            lambda row: replace(row, hash="0" * 63 + "1"),
            lambda row: replace(row, previous_hash="0" * 63 + "1"),
            lambda row: replace(row, event=replace(row.event, actor="nobody")),
            lambda row: replace(row, event=replace(row.event, kind="dataset.held")),
            lambda row: replace(row, event=replace(row.event, subject="dataset/orders/1")),
            lambda row: replace(row, event=replace(row.event, payload={"rows": -1})),
        ]
    ),
)
def test_any_edit_of_any_event_is_found(position, edit):
    rows = chain(5)
    rows[position] = edit(rows[position])
    assert list(chain_faults(rows)) != []
