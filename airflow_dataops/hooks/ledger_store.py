"""The ledger on a database: SQLite (WAL) or PostgreSQL, reached by URL, without Airflow."""

from __future__ import annotations

import json
import math
import os
import secrets
import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pendulum
from sqlalchemy import Connection, Engine, Row, delete, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from airflow_dataops.core.ledger import (
    GENESIS,
    Attempt,
    Claim,
    ClaimDecision,
    ClaimState,
    Event,
    Measurement,
    Pointer,
    RecordedEvent,
    RunKey,
    canonical_json,
    chain_faults,
    decide_claim,
    event_hash,
)
from airflow_dataops.exceptions import ConflictError, StaleAttemptError
from airflow_dataops.hooks import ledger_tables as tables
from airflow_dataops.hooks.ledger_engine import (
    create_ledger_engine,
    is_sqlite,
    ledger_faults,
    upgrade_if_embedded,
)

__all__ = ["LedgerStore", "now"]

# Any constant of our own: PostgreSQL's advisory locks are numbers.
CHAIN_LOCK = 0x0DA7A095
MAX_ACTOR_LENGTH = 500


class LedgerStore:
    """Claims, events, measurements and pointers in one SQL database.

    Every write under a claim is fenced: it fails with `StaleAttemptError` once a newer try has taken over.

    Args:
        url: SQLAlchemy URL. ``sqlite://`` keeps everything in memory.
        conn_id: The Airflow connection the URL came from, named in errors.
    """

    def __init__(self, url: str, *, conn_id: str | None = None) -> None:
        self.url, self.conn_id = url, conn_id
        self.engine: Engine = create_ledger_engine(url)
        with ledger_faults(self.url, self.conn_id):
            upgrade_if_embedded(self.engine)

    # -- claims ------------------------------------------------------------------------------------------

    def claim(self, run: RunKey, attempt: Attempt) -> Claim:
        """Take the right to do the work of `run`, or find that it is done.

        Raises:
            StaleAttemptError: A newer try holds the claim. A retry does not help.
            OutageError: The database does not answer. A retry helps.
        """
        try:
            with self._write() as connection:
                return self._claim(connection, run, attempt)
        except IntegrityError:
            # Two processes inserted the same claim at once; the second look finds the winner's.
            with self._write() as connection:
                return self._claim(connection, run, attempt)

    def _claim(self, connection: Connection, run: RunKey, attempt: Attempt) -> Claim:
        held = self._held(connection, run.digest, lock=True)
        decision = decide_claim(held, attempt)
        if decision is ClaimDecision.REFUSE:
            raise stale(run.digest, attempt)
        if held is None:
            claim = Claim(run.digest, 1, attempt, ClaimState.RUNNING)
            connection.execute(insert(tables.claim).values(run=str(run)[:1500], **claim_row(claim)))
            return claim
        if decision is ClaimDecision.REPLAY:
            claim = Claim(run.digest, held.generation, attempt, ClaimState.DONE, held.result)
        elif decision is ClaimDecision.RENEW:
            claim = Claim(run.digest, held.generation + 1, attempt, ClaimState.RUNNING)
        else:
            claim = Claim(run.digest, held.generation, attempt, ClaimState.RUNNING, held.result, taken_over=True)
        connection.execute(update(tables.claim).where(tables.claim.c.key == claim.key).values(claim_row(claim)))
        return claim

    def find_claim(self, key: str) -> Claim | None:
        """Return the claim under the digest of a run key, without taking it."""
        with self._read() as connection:
            return self._held(connection, key)

    def note(self, claim: Claim, notes: Mapping[str, Any]) -> Claim:
        """Remember under a running claim what the next try must know if this one dies."""
        with self._write() as connection:
            self._fence(connection, claim)
            return self._store(connection, claim, ClaimState.RUNNING, {**claim.result, **notes})

    def complete(
        self,
        claim: Claim,
        result: Mapping[str, Any],
        *,
        events: Iterable[Event] = (),
        measurements: Iterable[Measurement] = (),
    ) -> Claim:
        """Record the result, its events and its figures in one transaction."""
        with self._write() as connection:
            self._fence(connection, claim)
            for event in events:
                self._append(connection, event, claim)
            for measurement in measurements:
                self._measure(connection, measurement, claim)
            return self._store(connection, claim, ClaimState.DONE, result)

    # -- events ------------------------------------------------------------------------------------------

    def append(self, event: Event, *, claim: Claim | None = None) -> RecordedEvent:
        """Add an event to the chain; under a claim the same event is added once per generation."""
        with self._write() as connection:
            if claim is not None:
                self._fence(connection, claim)
            return self._append(connection, event, claim)

    def events(
        self,
        *,
        kind: str | None = None,
        subject: str | None = None,
        run_key: str | None = None,
        after: int = 0,
    ) -> list[RecordedEvent]:
        """Return events in order, narrowed by exact kind, subject or run key."""
        query = select(tables.event).where(tables.event.c.id > after).order_by(tables.event.c.id)
        for column, wanted in (("kind", kind), ("subject", subject), ("run_key", run_key)):
            if wanted is not None:
                query = query.where(tables.event.c[column] == wanted)
        with self._read() as connection:
            return [recorded(row) for row in connection.execute(query)]

    def chain_faults(self) -> list[str]:
        """Return one sentence per place where the history was edited; empty when it is whole."""
        query = select(tables.event).order_by(tables.event.c.id)
        with self._read() as connection:
            rows = connection.execution_options(stream_results=True).execute(query)
            return list(chain_faults(recorded(row) for row in rows))

    # -- pointers ----------------------------------------------------------------------------------------

    def pointer(self, name: str) -> Pointer:
        """Return what is current under `name`; version 0 when it was never set."""
        with self._read() as connection:
            return self._pointer(connection, name)

    def pointers(self, prefix: str) -> list[Pointer]:
        """Return all pointers whose names begin with `prefix`, by name."""
        column = tables.pointer.c.name
        query = select(tables.pointer).where(column.startswith(prefix, autoescape=True)).order_by(column)
        with self._read() as connection:
            return [pointer_of(row) for row in connection.execute(query)]

    def move_pointer(self, claim: Claim, name: str, expected: int, value: Mapping[str, Any]) -> Pointer:
        """Point `name` at `value` if nobody moved it since version `expected`.

        A move that this run made already is found and returned, so a retry moves nothing twice.

        Raises:
            ConflictError: Somebody else moved the pointer. A retry does not help.
        """
        moved = Pointer(name, expected + 1, json.loads(canonical_json(dict(value))), claim.key)
        try:
            with self._write() as connection:
                self._fence(connection, claim)
                current = self._pointer(connection, name, lock=True)
                if current == moved:
                    return current
                if current.version != expected:
                    raise pointer_moved(name, current.version, expected)
                return self._move(connection, moved)
        except IntegrityError as error:
            # Two processes set a new pointer at once; PostgreSQL has no row to lock before the first move.
            raise pointer_moved(name, 1, expected) from error

    def _move(self, connection: Connection, moved: Pointer) -> Pointer:
        row = {"value": canonical_json(dict(moved.value)), "run_key": moved.run_key, "moved_at": now()}
        if moved.version == 1:
            connection.execute(insert(tables.pointer).values(name=moved.name, version=1, **row))
        else:
            connection.execute(
                update(tables.pointer).where(tables.pointer.c.name == moved.name).values(version=moved.version, **row)
            )
        return moved

    # -- measurements ------------------------------------------------------------------------------------

    def series(self, name: str) -> list[Measurement]:
        """Return the series in partition order; the newest run of each partition counts."""
        table = tables.measurement
        query = select(table).where(table.c.series == name).order_by(table.c.partition, table.c.at, table.c.id)
        with self._read() as connection:
            rows = connection.execute(query).all()
        newest = {row.partition: row.value for row in rows}
        return [Measurement(name, partition, value) for partition, value in newest.items()]

    def _measure(self, connection: Connection, point: Measurement, claim: Claim) -> None:
        table = tables.measurement
        finite = point.value is not None and math.isfinite(point.value)
        identity = {"series": point.series, "partition": point.partition, "run_key": claim.key}
        connection.execute(delete(table).where(*(table.c[name] == value for name, value in identity.items())))
        connection.execute(insert(table).values(value=point.value if finite else None, at=now(), **identity))

    # -- inside one transaction --------------------------------------------------------------------------

    def _held(self, connection: Connection, key: str, *, lock: bool = False) -> Claim | None:
        query = select(tables.claim).where(tables.claim.c.key == key)
        row = connection.execute(query.with_for_update() if lock else query).one_or_none()
        return None if row is None else claim_of(row)

    def _fence(self, connection: Connection, claim: Claim) -> None:
        held = self._held(connection, claim.key, lock=True)
        if held is None or held.attempt.id != claim.attempt.id or held.generation != claim.generation:
            raise stale(claim.key, claim.attempt)

    def _store(self, connection: Connection, claim: Claim, state: ClaimState, result: Mapping[str, Any]) -> Claim:
        stored = Claim(claim.key, claim.generation, claim.attempt, state, dict(result), claim.taken_over)
        connection.execute(update(tables.claim).where(tables.claim.c.key == stored.key).values(claim_row(stored)))
        return stored

    def _append(self, connection: Connection, event: Event, claim: Claim | None) -> RecordedEvent:
        self._lock_chain(connection)
        key = event_key(event, claim)
        found = connection.execute(select(tables.event).where(tables.event.c.event_key == key)).one_or_none()
        if found is not None:
            return recorded(found)
        last = connection.execute(select(tables.event).order_by(tables.event.c.id.desc()).limit(1)).one_or_none()
        number, previous = (1, GENESIS) if last is None else (last.id + 1, last.hash)
        at, run_key = now(), claim.key if claim else ""
        # As it will be read back, so that the hash is the same then: keys that are numbers become text, and the
        # name of a run, which Airflow lets grow beyond the column, is cut.
        payload = json.loads(canonical_json(dict(event.payload)))
        event = replace(event, payload=payload, actor=event.actor[:MAX_ACTOR_LENGTH])
        row = RecordedEvent(number, at, run_key, event, previous, event_hash(previous, number, at, run_key, event))
        connection.execute(insert(tables.event).values(event_key=key, **event_row(row)))
        return row

    def _pointer(self, connection: Connection, name: str, *, lock: bool = False) -> Pointer:
        query = select(tables.pointer).where(tables.pointer.c.name == name)
        row = connection.execute(query.with_for_update() if lock else query).one_or_none()
        return Pointer(name) if row is None else pointer_of(row)

    def _lock_chain(self, connection: Connection) -> None:
        # SQLite writers are alone already (BEGIN IMMEDIATE).
        if not is_sqlite(self.engine):
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": CHAIN_LOCK})

    # -- connections -------------------------------------------------------------------------------------

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        with (
            ledger_faults(self.url, self.conn_id),
            self.engine.connect().execution_options(dataops_write=True) as connection,
            connection.begin(),
        ):
            yield connection

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        with ledger_faults(self.url, self.conn_id), self.engine.connect() as connection:
            yield connection


def now() -> str:
    """Return the time in UTC as sortable text with microseconds."""
    return pendulum.now("UTC").format("YYYY-MM-DDTHH:mm:ss.SSSSSS[Z]")


def stale(key: str, attempt: Attempt) -> StaleAttemptError:
    """Return the error for a try that was overtaken."""
    return StaleAttemptError(
        f"Try {attempt.number} was overtaken by a newer try of the same task (run key {key[:12]}…) and must stop.",
        hint="nothing to do: the newer try finishes the work",
    )


def pointer_moved(name: str, found: int, expected: int) -> ConflictError:
    """Return the error for a compare-and-set that lost."""
    return ConflictError(
        f"{name} moved to version {found} while version {expected} was expected.",
        hint="somebody else moved it since the evidence was made: run the stations before this one again",
    )


def event_key(event: Event, claim: Claim | None) -> str:
    """Return what makes an event unique: its claim, generation, kind and subject, or chance."""
    if claim is None:
        return secrets.token_hex(32)
    same = RunKey(claim.key, event.kind, event.subject, str(claim.generation))
    return same.digest


def claim_row(claim: Claim) -> dict[str, Any]:
    """Return the columns that change with a claim."""
    return {
        "key": claim.key,
        "generation": claim.generation,
        "attempt_id": claim.attempt.id,
        "try_number": claim.attempt.number,
        "max_tries": claim.attempt.max_tries,
        "state": claim.state.value,
        "owner": f"{socket.gethostname()}:{os.getpid()}",
        "heartbeat": now(),
        "result": canonical_json(dict(claim.result)),
    }


def claim_of(row: Row[Any]) -> Claim:
    """Return the claim that a row holds."""
    attempt = Attempt(row.attempt_id, row.try_number, row.max_tries)
    return Claim(row.key, row.generation, attempt, ClaimState(row.state), json.loads(row.result))


def event_row(row: RecordedEvent) -> dict[str, Any]:
    """Return the columns of an event."""
    return {
        "id": row.id,
        "at": row.at,
        "kind": row.event.kind,
        "subject": row.event.subject,
        "actor": row.event.actor,
        "run_key": row.run_key,
        "payload": canonical_json(dict(row.event.payload)),
        "previous_hash": row.previous_hash,
        "hash": row.hash,
    }


def recorded(row: Row[Any]) -> RecordedEvent:
    """Return the event that a row holds."""
    event = Event(row.kind, row.subject, payload_of(row.payload), row.actor)
    return RecordedEvent(row.id, row.at, row.run_key, event, row.previous_hash, row.hash)


def payload_of(text: str) -> dict[str, Any]:
    """Return the payload of a row; one that somebody edited beyond recognition cannot hide from the audit."""
    try:
        payload = json.loads(text, parse_constant=refuse_constant)
    except ValueError:
        payload = None
    return payload if isinstance(payload, dict) else {"unreadable": text}


def refuse_constant(name: str) -> None:
    """Refuse NaN and infinity, which we never write."""
    raise ValueError(f"got {name}; JSON has no such number")


def pointer_of(row: Row[Any]) -> Pointer:
    """Return the pointer that a row holds."""
    return Pointer(row.name, row.version, json.loads(row.value), row.run_key)
