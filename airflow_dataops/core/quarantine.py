"""What lies in quarantine: told by the history alone, with what became of it and how long it may be kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from airflow_dataops.core.dataset import Snapshot, pointer_name
from airflow_dataops.core.ledger import RecordedEvent
from airflow_dataops.core.quality_check import Suite
from airflow_dataops.core.quality_suite import public_columns as public_by_suite
from airflow_dataops.core.quality_suite import suite_of
from airflow_dataops.core.words import plain
from airflow_dataops.exceptions import BrokenCheckError, ConflictError

__all__ = [
    "KINDS",
    "SUFFIX",
    "Quarantined",
    "State",
    "age_in_days",
    "chosen",
    "public_columns",
    "quarantined",
    "refuse_closed",
    "retention_days",
    "suite_in",
]

SUFFIX = ".quarantine"
KINDS = ("quality.judged", "quality.reinjected", "quality.purged")
"""The events that tell what lies in quarantine."""
DAYS = {"d": 1, "day": 1, "days": 1, "w": 7, "week": 7, "weeks": 7, "y": 365, "yr": 365, "year": 365, "years": 365}
MONTHS = {"m": 30, "mo": 30, "month": 30, "months": 30}


class State(StrEnum):
    """What became of quarantined rows."""

    OPEN = "open"
    """Their good rows went on without them; they can be repaired."""
    HELD = "held"
    """The gate held everything; they are kept for inspection, and the delivery is to be repaired."""
    REINJECTED = "reinjected"
    SUPERSEDED = "superseded"
    """The partition was judged anew since."""
    PURGED = "purged"


@dataclass(frozen=True, slots=True)
class Quarantined:
    """Rows that a verdict split off.

    Args:
        snapshot: The rows, with their positions and the checks they failed.
        good: The rows that went on without them; None where nothing did.
        subject: The history's name of the partition they were split from.
        rows_judged: How many rows there were together.
        checks: How many rows failed each check.
        evidence: Where the report lies, which holds the suite.
        at: When, in UTC.
        actor: Which run, or who.
        state: What became of them.
    """

    snapshot: Snapshot
    good: Snapshot | None
    subject: str
    rows_judged: int
    checks: Mapping[str, int]
    evidence: str
    at: str
    actor: str
    state: State

    @property
    def dataset(self) -> str:
        """The dataset the rows were split from."""
        return self.snapshot.dataset.removesuffix(SUFFIX)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON for people and programs."""
        return {
            "dataset": self.dataset,
            "partition": self.snapshot.partition,
            "version": self.snapshot.version,
            "rows": self.snapshot.rows,
            "rows_judged": self.rows_judged,
            "checks": dict(self.checks),
            "at": self.at,
            "by": self.actor,
            "state": self.state.value,
            "uri": self.snapshot.uri,
        }


def quarantined(events: Iterable[RecordedEvent]) -> list[Quarantined]:
    """Return what was put in quarantine, oldest first, from events of `KINDS` in order."""
    kept: dict[tuple[str, str], Quarantined] = {}
    for row in events:
        payload, subject = row.event.payload, row.event.subject
        if row.event.kind == "quality.purged":
            change(kept, subject, payload["quarantine"]["version"], State.PURGED)
            continue
        if row.event.kind == "quality.reinjected":
            change(kept, subject, payload["reinjected"]["version"], State.REINJECTED)
        else:
            for (name, version), one in list(kept.items()):
                if name == subject and one.state in {State.OPEN, State.HELD}:
                    change(kept, subject, version, State.SUPERSEDED)
        if payload.get("quarantine"):
            added = entry(row)
            kept.pop((subject, added.snapshot.version), None)
            kept[subject, added.snapshot.version] = added
    return list(kept.values())


def change(kept: dict[tuple[str, str], Quarantined], subject: str, version: str, state: State) -> None:
    """Note what became of rows."""
    if (subject, version) in kept:
        kept[subject, version] = replace(kept[subject, version], state=state)


def entry(row: RecordedEvent) -> Quarantined:
    """Return what an event put in quarantine."""
    payload = row.event.payload
    held = payload["verdict"] == "hold"
    good = payload.get("snapshot")
    failed = {
        one["check"]: int(one["failed"])
        for one in payload.get("findings") or []
        if one.get("failed") and (one["severity"] == "quarantine" or (held and one["status"] == "fail"))
    }
    return Quarantined(
        snapshot=Snapshot.from_xcom(payload["quarantine"]),
        good=Snapshot.from_xcom(good) if good and not held else None,
        subject=row.event.subject,
        rows_judged=int(payload["rows"]),
        checks=failed,
        evidence=str(payload["evidence"]),
        at=row.at,
        actor=row.event.actor,
        state=State.HELD if held else State.OPEN,
    )


def chosen(found: Sequence[Quarantined], dataset: str, partition: str, version: str | None = None) -> Quarantined:
    """Return the rows that are meant: of a version, or the newest of a partition.

    Raises:
        BrokenCheckError: There are none. A retry does not help.
    """
    subject = pointer_name(dataset, partition)
    those = [one for one in found if one.subject == subject]
    fitting = [one for one in those if version in {None, one.snapshot.version}]
    if fitting:
        return fitting[-1]
    named = f" as version {plain(version)}" if version else ""
    known = ", ".join(one.snapshot.version for one in those[-5:]) or "none"
    raise BrokenCheckError(
        f"No rows of {plain(f'{dataset}/{partition}')} were put in quarantine{named}; versions known: {known}.",
        hint="`airflow-dataops quarantine list` names what lies there",
    )


def refuse_closed(one: Quarantined) -> None:
    """Refuse to reinject rows that are not open.

    Raises:
        BrokenCheckError: They were held with everything else, or purged. A retry does not help.
        ConflictError: They were reinjected, or the partition was judged anew since.
    """
    name = plain(one.snapshot.name)
    if one.state is State.HELD:
        raise BrokenCheckError(
            f"{name} cannot be reinjected: the gate held all rows, so there is no version to put them back into.",
            hint="repair the delivery and let the line run again",
        )
    if one.state is State.PURGED:
        raise BrokenCheckError(f"{name} was purged.", hint="deliver the rows again")
    if one.state is not State.OPEN:
        done = "was reinjected already" if one.state is State.REINJECTED else "is out of date: the partition was judged"
        raise ConflictError(
            f"{name} {done}{'' if one.state is State.REINJECTED else ' anew since'}.",
            hint="`airflow-dataops quarantine list` names what is open; export that and repair it",
        )


def suite_in(evidence: Mapping[str, Any]) -> Suite:
    """Return the suite that a report was made with."""
    configs = [result["expectation_config"] for result in evidence["results"]]
    about = evidence["meta"].get("dataops_suite") or {}
    name = str(evidence.get("suite_name") or "the suite")
    return suite_of({"name": name, "expectations": configs, "meta": {"dataops": about}}, name)


def references_in(evidence: Mapping[str, Any]) -> dict[str, list[Snapshot]]:
    """Return the other datasets that the rows were held against, by the names that the suite uses."""
    told = (evidence["meta"].get("dataops") or {}).get("references") or {}
    return {name: [Snapshot.from_xcom(one) for one in parts] for name, parts in told.items()}


def public_columns(evidence: Mapping[str, Any], columns: Sequence[str]) -> list[str]:
    """Return the columns whose values anybody may see: those that the contract calls public, and no others."""
    told = {"meta": {"dataops": evidence["meta"].get("dataops_suite")}}
    public = public_by_suite(told, str(evidence.get("suite_name") or "the suite"))
    return [name for name in columns if name in public]


def retention_days(evidence: Mapping[str, Any]) -> float | None:
    """Return how many days the contract lets rows be kept, the shortest of several; None where it does not say.

    Raises:
        BrokenCheckError: The contract says it in words that we do not know. A retry does not help.
    """
    contract = (evidence["meta"].get("dataops_suite") or {}).get("contract") or {}
    told = [days_of(level) for level in contract.get("retention") or []]
    return min(told, default=None)


def days_of(level: Mapping[str, Any]) -> float:
    """Return the days that a level of service stands for."""
    unit, units = str(level.get("unit", "d")).strip().lower(), DAYS | MONTHS
    try:
        value = float(level["value"])
    except (KeyError, TypeError, ValueError):
        value = -1.0
    if unit not in units or not 0 <= value < float("inf"):
        raise BrokenCheckError(
            f"The contract's retention is {plain(str(level.get('value')))} {plain(unit)}; allowed are a number and one "
            f"of {', '.join(units)}.",
            hint="correct slaProperties, or say how many days",
        )
    return value * units[unit]


def age_in_days(at: str, now: str) -> float:
    """Return how many days lie between two times of the history."""
    return (datetime.fromisoformat(now) - datetime.fromisoformat(at)).total_seconds() / 86_400
