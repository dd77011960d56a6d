"""What the many processes of the ledger's tests do."""

from __future__ import annotations

import os
import random
import signal
import time

from airflow_dataops.core.ledger import Attempt, Claim, Event, RunKey
from airflow_dataops.exceptions import ConflictError, StaleAttemptError
from airflow_dataops.hooks.ledger_engine import create_ledger_engine, upgrade
from airflow_dataops.hooks.ledger_store import LedgerStore

RUN = RunKey("test", "line", "run", "station")


def attempt(number: int) -> Attempt:
    """Return try `number`; ids sort by age, as Airflow's do."""
    return Attempt(f"{number:08d}", number, 99)


def claim_and_complete(url: str, number: int) -> tuple[str, bool]:
    """Do the work of one try: return what became of it, and whether it found nobody before it."""
    store = LedgerStore(url)
    try:
        claim = store.claim(RUN, attempt(number))
        if claim.is_done:
            return "replayed", False
        first = claim.generation == 1 and not claim.taken_over
        store.complete(claim, {"by": number}, events=[Event("station.done", "it")])
    except StaleAttemptError:
        return "refused", False
    return "completed", first


def claim_only(url: str, number: int) -> tuple[str, bool]:
    """Claim and stay there: return what became of it, and whether it found nobody before it."""
    try:
        claim = LedgerStore(url).claim(RUN, attempt(number))
    except StaleAttemptError:
        return "refused", False
    return "held", not claim.taken_over


def count_up(url: str, number: int, times: int) -> int:
    """Add one to a shared counter `times` times by compare-and-set; return how often another was faster."""
    store = LedgerStore(url)
    claim = store.claim(RunKey("test", "line", "run", f"counter-{number}"), attempt(1))
    lost = done = 0
    while done < times:
        current = store.pointer("counter")
        try:
            store.move_pointer(claim, "counter", current.version, {"count": current.value.get("count", 0) + 1})
            done += 1
        except ConflictError:
            lost += 1
            time.sleep(random.uniform(0, 0.05))  # as Airflow's retries, not as a storm
    return lost


def set_first(url: str, number: int) -> str:
    """Try to be the first to set a pointer."""
    store = LedgerStore(url)
    claim = store.claim(RunKey("test", "line", "run", f"first-{number}"), attempt(1))
    try:
        store.move_pointer(claim, "new", 0, {"by": number})
    except ConflictError:
        return "conflict"
    return "moved"


def append_events(url: str, number: int, times: int) -> int:
    """Append events without a claim, as listeners and people do."""
    store = LedgerStore(url)
    for turn in range(times):
        store.append(Event("test.happened", f"subject-{number}", {"turn": turn}))
    return times


def migrate(url: str) -> str:
    """Bring the ledger up to date, as every worker of a cluster does at its first task."""
    return upgrade(create_ledger_engine(url))


def die_between_claim_and_complete(url: str) -> None:
    """Take the claim, note where we are, and be killed as the kernel kills."""
    store = LedgerStore(url)
    claim: Claim = store.claim(RUN, attempt(1))
    store.note(claim, {"external_id": "42"})
    os.kill(os.getpid(), signal.SIGKILL)
