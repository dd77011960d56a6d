"""The ledger's vocabulary and its rules: claims, events, pointers, measurements.

Everything here is a value or a pure decision; `airflow_dataops.hooks.ledger_store` carries it to a database.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

__all__ = [
    "GENESIS",
    "Attempt",
    "Claim",
    "ClaimDecision",
    "ClaimState",
    "Event",
    "Measurement",
    "Pointer",
    "RecordedEvent",
    "RunKey",
    "canonical_json",
    "chain_faults",
    "decide_claim",
    "event_hash",
]

GENESIS = "0" * 64
"""The hash before the first event."""


def canonical_json(value: Any) -> str:
    """One spelling per value, so that equal payloads have equal hashes; NaN is refused."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


@dataclass(frozen=True, slots=True)
class RunKey:
    """Names one piece of work for ever: the same for every retry of the same task instance."""

    instance: str
    dag_id: str
    run_id: str
    task_id: str
    map_index: int = -1

    @property
    def digest(self) -> str:
        """Sixty-four hex digits that fit every tag, label and file name."""
        return hashlib.sha256(canonical_json(asdict(self)).encode()).hexdigest()

    def __str__(self) -> str:
        mapped = "" if self.map_index < 0 else f"[{self.map_index}]"
        return f"{self.instance}/{self.dag_id}/{self.run_id}/{self.task_id}{mapped}"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of a task instance.

    Args:
        id: Airflow's id of the task instance. It is a UUIDv7, made anew for each try, so ids sort by age.
        number: Airflow's try number, from 1.
        max_tries: The try number at which Airflow gives up. Airflow raises it when somebody clears the task.
    """

    id: str
    number: int = 1
    max_tries: int = 0

    def was_cleared_since(self, other: Attempt) -> bool:
        """Whether somebody asked for the work to be done again, rather than Airflow retrying it."""
        recreated = self.number <= other.number
        return recreated or self.max_tries > other.max_tries


class ClaimState(StrEnum):
    """Whether the work under a claim is finished."""

    RUNNING = "running"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to do one piece of work, and what came of it.

    Args:
        key: Digest of the run key.
        generation: Counts from 1; a cleared task that had succeeded starts the next one.
        attempt: The try that holds the claim.
        state: Running until the result is recorded.
        result: Notes of the running try, then the final result.
        taken_over: Whether an earlier try died and may have left something behind.
    """

    key: str
    generation: int
    attempt: Attempt
    state: ClaimState
    result: Mapping[str, Any] = field(default_factory=dict)
    taken_over: bool = False

    @property
    def is_done(self) -> bool:
        """Whether the result is recorded, so that nothing is left to do."""
        return self.state is ClaimState.DONE

    @property
    def tags(self) -> dict[str, str]:
        """How work under this claim is marked in outside systems, so that the next try finds it."""
        return {
            "dataops.run_key": self.key,
            "dataops.generation": str(self.generation),
            "dataops.try_number": str(self.attempt.number),
        }


class ClaimDecision(StrEnum):
    """What a try does about the claim it finds."""

    START = "start"
    TAKE_OVER = "take over"
    REPLAY = "replay"
    RENEW = "renew"
    REFUSE = "refuse"


def decide_claim(held: Claim | None, attempt: Attempt) -> ClaimDecision:
    """Return what `attempt` does about the claim it finds.

    An unfinished claim is taken over, because its owner is dead: Airflow never runs two tries of one task
    instance at once, and an older one that comes back from the dead is refused here. A finished claim is
    replayed when Airflow merely retries (the worker died after the result was recorded) and renewed when
    somebody cleared the task.
    """
    if held is None:
        return ClaimDecision.START
    if attempt.id < held.attempt.id:
        return ClaimDecision.REFUSE
    if not held.is_done:
        return ClaimDecision.TAKE_OVER
    if attempt.id == held.attempt.id or not attempt.was_cleared_since(held.attempt):
        return ClaimDecision.REPLAY
    return ClaimDecision.RENEW


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, as a station tells it.

    Args:
        kind: What happened, as ``noun.verb`` ("dataset.published").
        subject: What it happened to ("dataset/flights/2013-01").
        payload: Figures and references, never raw data; plain JSON.
        actor: Who did it: a person, or the run key's text.
    """

    kind: str
    subject: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    actor: str = ""


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """An event with its place in the chain."""

    id: int
    at: str
    run_key: str
    event: Event
    previous_hash: str
    hash: str


def event_hash(previous_hash: str, number: int, at: str, run_key: str, event: Event) -> str:
    """Return the SHA-256 that ties an event to the one before it."""
    body = [previous_hash, number, at, run_key, event.kind, event.subject, event.actor, dict(event.payload)]
    return hashlib.sha256(canonical_json(body).encode()).hexdigest()


def chain_faults(events: Iterable[RecordedEvent]) -> Iterator[str]:
    """Yield one sentence for each place where the chain of events was edited or cut."""
    previous_id, previous_hash = 0, GENESIS
    for row in events:
        if row.id != previous_id + 1:
            yield f"events {previous_id + 1} to {row.id - 1} are missing"
        elif row.previous_hash != previous_hash:
            yield f"event {row.id} does not follow event {previous_id}: one of them was replaced"
        if row.hash != event_hash(row.previous_hash, row.id, row.at, row.run_key, row.event):
            yield f"event {row.id} ({row.event.kind} of {row.event.subject}) was edited after it was written"
        previous_id, previous_hash = row.id, row.hash


@dataclass(frozen=True, slots=True)
class Measurement:
    """One point of a series.

    Args:
        series: What is measured ("dataset/flights/rows").
        partition: Which part it was measured on ("2013-01").
        value: The figure; NaN and infinity are stored as "no value".
    """

    series: str
    partition: str
    value: float | None


@dataclass(frozen=True, slots=True)
class Pointer:
    """What is current.

    Args:
        name: What is pointed at ("dataset/flights/2013-01", "model/flights/champion").
        version: Counts the moves; compare-and-set is made against it. 0 means it was never set.
        value: Where it points; plain JSON. Empty when it was never set.
        run_key: Digest of the run that moved it last.
    """

    name: str
    version: int = 0
    value: Mapping[str, Any] = field(default_factory=dict)
    run_key: str = ""
