from __future__ import annotations

import math
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_dataops.core.ledger import Attempt, Claim, Event, Measurement, Pointer, RunKey
from airflow_dataops.exceptions import BrokenCheckError, ConflictError, StaleAttemptError
from airflow_dataops.hooks.ledger_store import LedgerStore
from tests.support import ledger_workers as workers
from tests.support.together import run_together

PROCESSES = 16
RUN = RunKey("test", "line", "run", "station")


def claim(store: LedgerStore, number: int = 1, run: RunKey = RUN, max_tries: int = 5) -> Claim:
    return store.claim(run, Attempt(f"{number:08d}", number, max_tries))


def alter(store: LedgerStore, *statements: str) -> None:
    """Do to the tables what nobody should: write without asking the ledger."""
    with store.engine.connect().execution_options(dataops_write=True) as connection, connection.begin():
        for statement in statements:
            connection.exec_driver_sql(statement)


# -- claims ----------------------------------------------------------------------------------------------------


def test_a_first_try_starts_and_its_result_is_replayed_to_the_next(any_ledger):
    first = claim(any_ledger)
    assert (first.generation, first.is_done, first.taken_over) == (1, False, False)
    any_ledger.complete(first, {"version": "3"})
    second = claim(any_ledger, 2)
    assert second.is_done
    assert second.result == {"version": "3"}


def test_the_next_try_reads_what_the_dead_one_noted(any_ledger):
    first = any_ledger.note(claim(any_ledger), {"job": "42"})
    any_ledger.note(first, {"page": 2})
    second = claim(any_ledger, 2)
    assert second.taken_over
    assert second.result == {"job": "42", "page": 2}


def test_a_try_that_was_killed_is_taken_over(any_ledger):
    code = (
        "import sys; from tests.support.ledger_workers import die_between_claim_and_complete as die; die(sys.argv[1])"
    )
    command = [sys.executable, "-c", code, any_ledger.url]
    died = subprocess.run(command, cwd=Path(__file__).parents[2], check=False, timeout=60)
    assert died.returncode == -signal.SIGKILL
    second = any_ledger.claim(workers.RUN, workers.attempt(2))
    assert second.taken_over
    assert second.result == {"external_id": "42"}
    any_ledger.complete(second, {"version": "3"}, events=[Event("station.done", "it")])
    assert len(any_ledger.events()) == 1


def test_clearing_a_finished_task_starts_a_new_generation(any_ledger):
    any_ledger.complete(claim(any_ledger), {"version": "3"}, events=[Event("model.trained", "m")])
    again = claim(any_ledger, 2, max_tries=8)
    assert (again.generation, again.is_done, dict(again.result)) == (2, False, {})
    any_ledger.complete(again, {"version": "4"}, events=[Event("model.trained", "m")])
    assert [event.event.kind for event in any_ledger.events()] == ["model.trained"] * 2


@pytest.mark.parametrize("write", ["note", "complete", "append", "move_pointer"])
def test_a_zombie_writes_nothing(any_ledger, write):
    zombie = claim(any_ledger)
    claim(any_ledger, 2)
    writes = {
        "note": lambda: any_ledger.note(zombie, {"a": 1}),
        "complete": lambda: any_ledger.complete(zombie, {"a": 1}, events=[Event("a.b", "c")]),
        "append": lambda: any_ledger.append(Event("a.b", "c"), claim=zombie),
        "move_pointer": lambda: any_ledger.move_pointer(zombie, "p", 0, {"a": 1}),
    }
    with pytest.raises(StaleAttemptError, match="overtaken by a newer try"):
        writes[write]()
    assert any_ledger.events() == []
    assert any_ledger.pointer("p").version == 0
    assert not any_ledger.find_claim(RUN.digest).is_done


def test_a_zombie_cannot_take_the_claim_back(any_ledger):
    claim(any_ledger, 2)
    with pytest.raises(StaleAttemptError):
        claim(any_ledger, 1)


def test_the_result_of_an_older_generation_is_refused(any_ledger):
    first = any_ledger.complete(claim(any_ledger), {})
    claim(any_ledger, 2, max_tries=8)
    with pytest.raises(StaleAttemptError):
        any_ledger.complete(first, {"late": True})


def test_result_events_and_figures_are_recorded_together_or_not_at_all(any_ledger):
    held = claim(any_ledger)
    unwritable = Measurement("series", "p", object())  # the last thing written fails
    with pytest.raises(TypeError):
        any_ledger.complete(held, {"a": 1}, events=[Event("a.b", "c")], measurements=[unwritable])
    assert any_ledger.events() == []
    assert not any_ledger.find_claim(held.key).is_done


def test_a_claim_nobody_made_is_not_found(any_ledger):
    assert any_ledger.find_claim("0" * 64) is None


def test_of_16_processes_one_starts_and_one_holds_the_claim(any_ledger):
    answers = run_together(workers.claim_only, [(any_ledger.url, number) for number in range(1, PROCESSES + 1)])
    assert {answer for answer, _ in answers} <= {"held", "refused"}, answers
    assert sum(first for _, first in answers) == 1
    assert any_ledger.find_claim(workers.RUN.digest).attempt == workers.attempt(PROCESSES)


def test_of_16_processes_one_does_the_work(any_ledger):
    answers = run_together(workers.claim_and_complete, [(any_ledger.url, number) for number in range(1, PROCESSES + 1)])
    outcomes = [answer for answer, _ in answers]
    assert set(outcomes) <= {"completed", "replayed", "refused"}, answers
    assert outcomes.count("completed") == 1
    assert sum(first for _, first in answers) <= 1
    assert len(any_ledger.events(kind="station.done")) == 1
    winner = any_ledger.find_claim(workers.RUN.digest)
    assert winner.is_done
    assert winner.result == {"by": outcomes.index("completed") + 1}


# -- pointers --------------------------------------------------------------------------------------------------


def test_a_pointer_moves_from_the_version_it_was_seen_at(any_ledger):
    held = claim(any_ledger)
    assert any_ledger.pointer("model/m/champion") == Pointer("model/m/champion")
    moved = any_ledger.move_pointer(held, "model/m/champion", 0, {"version": "1"})
    assert moved == any_ledger.pointer("model/m/champion")
    with pytest.raises(ConflictError, match="moved to version 1 while version 0 was expected"):
        any_ledger.move_pointer(held, "model/m/champion", 0, {"version": "2"})


def test_a_retry_finds_its_own_move(any_ledger):
    value = {"version": "1", "weights": (1, 2)}
    first = any_ledger.move_pointer(claim(any_ledger), "p", 0, value)
    assert any_ledger.move_pointer(claim(any_ledger, 2), "p", 0, value) == first
    assert any_ledger.pointer("p").version == 1


def test_pointers_are_listed_by_a_prefix_taken_literally(any_ledger):
    held = claim(any_ledger)
    for name in ("dataset/a_b/1", "dataset/a_b/2", "dataset/axb/1", 'dataset/"; DROP TABLE dataops_pointer; --/é'):
        any_ledger.move_pointer(held, name, 0, {"name": name})
    assert [pointer.name for pointer in any_ledger.pointers("dataset/a_b/")] == ["dataset/a_b/1", "dataset/a_b/2"]
    assert len(any_ledger.pointers("dataset/")) == 4


def test_16_processes_lose_no_update_of_one_pointer(any_ledger):
    answers = run_together(workers.count_up, [(any_ledger.url, number, 20) for number in range(PROCESSES)])
    assert all(isinstance(answer, int) for answer in answers), answers
    counter = any_ledger.pointer("counter")
    assert counter.value == {"count": PROCESSES * 20}
    assert counter.version == PROCESSES * 20


def test_of_16_processes_one_sets_a_new_pointer(any_ledger):
    answers = run_together(workers.set_first, [(any_ledger.url, number) for number in range(PROCESSES)])
    assert sorted(answers) == ["conflict"] * (PROCESSES - 1) + ["moved"]
    assert any_ledger.pointer("new").value == {"by": answers.index("moved")}


# -- events ----------------------------------------------------------------------------------------------------


def test_events_are_kept_in_order_and_narrowed(any_ledger):
    held = claim(any_ledger)
    any_ledger.append(Event("a.b", "one", {"rows": 1}, actor="me"))
    any_ledger.append(Event("a.c", "two"), claim=held)
    assert [row.id for row in any_ledger.events()] == [1, 2]
    assert any_ledger.events(kind="a.b")[0].event == Event("a.b", "one", {"rows": 1}, actor="me")
    assert [row.id for row in any_ledger.events(subject="two")] == [2]
    assert [row.id for row in any_ledger.events(run_key=held.key)] == [2]
    assert [row.id for row in any_ledger.events(after=1)] == [2]


def test_an_event_of_a_run_is_told_once_by_all_its_tries(any_ledger):
    event = Event("model.promoted", "m", {"version": "1"})
    first = any_ledger.append(event, claim=claim(any_ledger))
    assert any_ledger.append(event, claim=claim(any_ledger, 2)) == first
    assert len(any_ledger.events()) == 1


@pytest.mark.parametrize(
    "payload",
    [{10: "ten", 2: "two"}, {"floats": [0.1, 1e300, -0.0]}, {"deep": {"z": None, "a": (1,)}}, {"é\x00": "😀"}],
)
def test_every_payload_reads_back_with_the_hash_it_was_written_with(any_ledger, payload):
    any_ledger.append(Event("a.b", "c", payload))
    assert any_ledger.chain_faults() == []


def test_the_longest_name_of_a_run_fits_into_the_history(any_ledger):
    any_ledger.append(Event("a.b", "c", actor="d" * 1000))
    assert any_ledger.chain_faults() == []


def test_16_processes_append_to_one_whole_chain(any_ledger):
    answers = run_together(workers.append_events, [(any_ledger.url, number, 25) for number in range(PROCESSES)])
    assert answers == [25] * PROCESSES
    assert [row.id for row in any_ledger.events()] == list(range(1, PROCESSES * 25 + 1))
    assert any_ledger.chain_faults() == []


@pytest.mark.parametrize(
    ("statements", "fault"),
    [
        (["UPDATE dataops_event SET payload = '{\"rows\":0}' WHERE id = 2"], "event 2 (a.b of s2) was edited"),
        (["UPDATE dataops_event SET payload = 'no JSON' WHERE id = 2"], "event 2 (a.b of s2) was edited"),
        (["UPDATE dataops_event SET payload = '{\"rows\":NaN}' WHERE id = 2"], "event 2 (a.b of s2) was edited"),
        (["UPDATE dataops_event SET actor = 'another' WHERE id = 1"], "event 1 (a.b of s1) was edited"),
        (["DELETE FROM dataops_event WHERE id = 2"], "events 2 to 2 are missing"),
        (["DELETE FROM dataops_event WHERE id < 3"], "events 1 to 2 are missing"),
        (
            [
                "UPDATE dataops_event SET id = 99 WHERE id = 2",
                "UPDATE dataops_event SET id = 2 WHERE id = 3",
                "UPDATE dataops_event SET id = 3 WHERE id = 99",
            ],
            "event 2 does not follow event 1",
        ),
    ],
    ids=["payload", "broken payload", "NaN", "actor", "removed", "removed at the start", "reordered"],
)
def test_an_altered_history_is_found(any_ledger, statements, fault):
    for number in range(1, 5):
        any_ledger.append(Event("a.b", f"s{number}", {"rows": number}))
    assert any_ledger.chain_faults() == []
    alter(any_ledger, *statements)
    assert fault in "\n".join(any_ledger.chain_faults())


# -- measurements ----------------------------------------------------------------------------------------------


def test_a_second_run_of_a_partition_supersedes_and_never_doubles(any_ledger):
    first, second = (claim(any_ledger, run=RunKey("test", "line", run, "gate")) for run in ("run-1", "run-2"))
    any_ledger.complete(first, {}, measurements=[Measurement("rows", "01", 10), Measurement("rows", "02", 20)])
    any_ledger.complete(first, {}, measurements=[Measurement("rows", "01", 11)])
    assert any_ledger.series("rows") == [Measurement("rows", "01", 11), Measurement("rows", "02", 20)]
    any_ledger.complete(second, {}, measurements=[Measurement("rows", "01", 12)])
    assert any_ledger.series("rows") == [Measurement("rows", "01", 12), Measurement("rows", "02", 20)]


@pytest.mark.parametrize("value", [math.nan, math.inf, None])
def test_what_is_no_number_is_kept_as_no_value(any_ledger, value):
    any_ledger.complete(claim(any_ledger), {}, measurements=[Measurement("auc", "01", value)])
    assert any_ledger.series("auc") == [Measurement("auc", "01", None)]


# -- what does not fit -----------------------------------------------------------------------------------------


@pytest.mark.postgres
def test_a_name_too_long_for_the_database_is_a_broken_check(postgres_ledger_url):
    store = LedgerStore(postgres_ledger_url)
    with pytest.raises(BrokenCheckError, match="cannot store a value: value too long"):
        store.move_pointer(claim(store), "x" * 501, 0, {})


def test_memory_forgets_when_it_is_closed():
    store = LedgerStore("sqlite://")
    store.complete(claim(store), {"a": 1})
    assert claim(store, 2).is_done
    assert not claim(LedgerStore("sqlite://")).is_done
