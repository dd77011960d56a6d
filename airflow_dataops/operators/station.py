"""What all stations share: claim the work, do it once, record the evidence, pass references on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowFailException

from airflow_dataops import settings
from airflow_dataops.core.ledger import Attempt, Claim, Event, Measurement, RunKey
from airflow_dataops.exceptions import DataOpsError, JudgementError
from airflow_dataops.hooks.ledger import LedgerHook
from airflow_dataops.hooks.ledger_store import LedgerStore

__all__ = ["Outcome", "StationOperator", "attempt_of", "final_errors", "run_key_of"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a station's work.

    Args:
        result: Goes to XCom and under the claim: references and figures, plain JSON under 2 kB.
        events: Go into the history together with the result.
        measurements: Go into the series together with the result.
    """

    result: dict[str, Any]
    events: Sequence[Event] = field(default=())
    measurements: Sequence[Measurement] = field(default=())


class StationOperator(BaseOperator):
    """Base of the stations.

    A subclass writes `work`, which does the side effect and looks first for what a dead try left behind, and
    may write `conclude`, which runs after every try that has a result, also one replayed from the ledger.

    Args:
        ledger_conn_id: The ledger's connection; None for a station without history.
    """

    def __init__(self, *, ledger_conn_id: str | None = LedgerHook.default_conn_name, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.ledger_conn_id = ledger_conn_id

    def execute(self, context: Context) -> dict[str, Any]:
        """Do the work once per task instance, however often Airflow tries.

        Raises:
            AirflowFailException: A judgement, a broken check or a conflict. A retry does not help.
            OutageError: A system does not answer. A retry helps.
        """
        with final_errors():
            ledger = self.ledger()
            run = run_key_of(context)
            claim = ledger.claim(run, attempt_of(context))
            if not claim.is_done:
                claim = self.do_work(context, ledger, claim, str(run))
            else:
                self.log.info("An earlier try finished this work; its result stands.")
            return self.conclude(context, dict(claim.result))

    def do_work(self, context: Context, ledger: LedgerStore, claim: Claim, actor: str) -> Claim:
        """Work under the claim and record what came of it."""
        if claim.taken_over:
            self.log.info("An earlier try died in the middle; looking for what it left behind.")
        outcome = self.work(context, ledger, claim)
        events = [Event(e.kind, e.subject, e.payload, e.actor or actor) for e in outcome.events]
        return ledger.complete(claim, outcome.result, events=events, measurements=outcome.measurements)

    def work(self, context: Context, ledger: LedgerStore, claim: Claim) -> Outcome:
        """Adopt what a dead try left, else do the side effect; verify it; say what came of it."""
        raise NotImplementedError

    def conclude(self, context: Context, result: dict[str, Any]) -> dict[str, Any]:
        """Raise the judgement or announce the result; return what goes to XCom."""
        return result

    def ledger(self) -> LedgerStore:
        """Return the open ledger."""
        return LedgerHook(self.ledger_conn_id).get_conn()


def run_key_of(context: Context) -> RunKey:
    """Return the key that all tries of this task instance share."""
    ti = context["ti"]
    return RunKey(
        settings.instance(),
        ti.dag_id,
        ti.run_id,
        ti.task_id,
        ti.map_index if ti.map_index is not None else -1,
    )


def attempt_of(context: Context) -> Attempt:
    """Return which try this is."""
    ti = context["ti"]
    return Attempt(str(ti.id), ti.try_number, getattr(ti, "max_tries", 0))


@contextmanager
def final_errors() -> Iterator[None]:
    """Turn every error that a retry cannot mend into one that Airflow does not retry."""
    try:
        yield
    except DataOpsError as error:
        if error.retry_helps:
            raise
        # Where in our code a verdict was spoken helps nobody; where a check broke does.
        raise AirflowFailException(str(error)) from (None if isinstance(error, JudgementError) else error)
