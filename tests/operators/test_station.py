from __future__ import annotations

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_dataops.core.ledger import Event, Measurement
from airflow_dataops.exceptions import BrokenCheckError, GateHeldError, OutageError
from airflow_dataops.operators.station import Outcome, StationOperator, run_key_of


class Counting(StationOperator):
    """A station whose work is to count how often it worked."""

    def __init__(self, *, fails: list[Exception] | None = None, **options):
        super().__init__(**options)
        self.fails = fails or []
        self.worked, self.concluded, self.took_over = 0, 0, []

    def work(self, context, ledger, claim):
        self.took_over.append(claim.taken_over)
        if self.fails:
            raise self.fails.pop(0)
        self.worked += 1
        events = [Event("test.counted", "thing", {"worked": self.worked})]
        return Outcome({"worked": self.worked}, events, [Measurement("test/worked", "p", self.worked)])

    def conclude(self, context, result):
        self.concluded += 1
        return result


def test_a_retry_after_the_result_was_recorded_replays_it_and_concludes_again(ledger, make_context):
    station = Counting(task_id="t")
    assert station.execute(make_context("t")) == station.execute(make_context("t", number=2)) == {"worked": 1}
    assert (station.worked, station.concluded) == (1, 2)
    assert len(ledger.events()) == 1


def test_a_cleared_task_works_again_and_its_figures_supersede(ledger, make_context):
    station = Counting(task_id="t")
    station.execute(make_context("t"))
    assert station.execute(make_context("t", number=2, max_tries=4)) == {"worked": 2}
    assert [event.event.payload["worked"] for event in ledger.events()] == [1, 2]
    assert ledger.series("test/worked") == [Measurement("test/worked", "p", 2)]


def test_a_retry_after_an_outage_takes_over(ledger, make_context):
    station = Counting(task_id="t", fails=[OutageError("MLflow", "http://x", "mlflow_default")])
    with pytest.raises(OutageError, match="MLflow at http://x"):
        station.execute(make_context("t"))
    assert station.execute(make_context("t", number=2)) == {"worked": 1}
    assert station.took_over == [False, True]


@pytest.mark.parametrize("error", [GateHeldError("held"), BrokenCheckError("broken", hint="mend it")])
def test_judgements_and_broken_checks_are_not_retried(error, ledger, make_context):
    with pytest.raises(AirflowFailException, match=error.message):
        Counting(task_id="t", fails=[error]).execute(make_context("t"))


def test_an_older_try_that_comes_back_from_the_dead_may_neither_begin_nor_end(ledger, make_context):
    old, new = make_context("t"), make_context("t", number=2)
    station = Counting(task_id="t")

    def overtaken(context, store, claim):
        Counting(task_id="t").execute(new)
        return Outcome({"worked": "by a zombie"}, [Event("test.counted", "thing", {})])

    station.work = overtaken
    with pytest.raises(AirflowFailException, match="overtaken by a newer try"):
        station.execute(old)
    with pytest.raises(AirflowFailException, match="overtaken by a newer try"):
        Counting(task_id="t").execute(old)
    claim = ledger.find_claim(run_key_of(new).digest)
    assert claim is not None
    assert claim.result == {"worked": 1}
    assert len(ledger.events()) == 1


def test_mapped_tasks_do_each_their_own_work(ledger, make_context):
    station = Counting(task_id="t")
    results = [station.execute(make_context("t", map_index=index)) for index in range(3)]
    assert [result["worked"] for result in results] == [1, 2, 3]


def test_a_station_without_a_ledger_works_and_forgets(make_context):
    station = Counting(task_id="t", ledger_conn_id=None)
    assert station.execute(make_context("t")) == {"worked": 1}
    assert station.execute(make_context("t", number=2)) == {"worked": 2}


def test_the_instance_keeps_two_airflows_apart(ledger, make_context, monkeypatch):
    first = run_key_of(make_context("t"))
    monkeypatch.setenv("AIRFLOW__DATAOPS__INSTANCE", "another")
    assert run_key_of(make_context("t")).digest != first.digest
