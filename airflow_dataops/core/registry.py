"""Which version of a model is the champion, which was it before, and when that may change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow_dataops.core.dataset import safe_segment
from airflow_dataops.core.ledger import Pointer
from airflow_dataops.exceptions import BrokenCheckError, ConflictError

__all__ = ["CHAMPION", "PREVIOUS", "Move", "champion_of", "decide_move", "decide_rollback", "model_uri", "pointer_name"]

CHAMPION = "champion"
PREVIOUS = "previous"


def pointer_name(model: str) -> str:
    """Return the ledger's name for a model's champion."""
    return f"model/{model}/{CHAMPION}"


def model_uri(model: str) -> str:
    """Return the URI of the Airflow asset that tells of new champions."""
    return f"dataops://model/{safe_segment(model)}"


def champion_of(pointer: Pointer, alias: str | None) -> str | None:
    """Return the champion's version on which ledger and MLflow agree; None when there is none.

    Raises:
        ConflictError: They disagree. A retry does not help.
    """
    version: str | None = pointer.value.get("version")
    if version == alias:
        return version
    raise ConflictError(
        f"The ledger says that {pointer.name} is {named(version)}, but MLflow's alias {CHAMPION!r} is at "
        f"{named(alias)}: the alias was moved by hand, or a promotion is under way.",
        hint=f"put MLflow's alias back to {named(version)}, or clear the promotion that was interrupted",
    )


def named(version: str | None) -> str:
    """Return how to call a version that may be none."""
    return "no version" if version is None else f"version {version}"


@dataclass(frozen=True, slots=True)
class Move:
    """A step of the champion's pointer.

    Args:
        name: The pointer.
        expected: Its version before the step.
        value: What it says after the step: version, previous and evidence_hash.
    """

    name: str
    expected: int
    value: Mapping[str, Any]


def decide_move(current: Pointer, run_key: str, version: str, expected: int, evidence_hash: str) -> Move:
    """Return the step that makes `version` the champion; the same one when this run made it already.

    Args:
        current: The champion's pointer now.
        run_key: Digest of the run that wants to move it.
        version: The version to become champion.
        expected: The pointer's version when the evidence was made.
        evidence_hash: What speaks for the step.

    Raises:
        ConflictError: Somebody else moved the pointer since. A retry does not help.
    """
    made_already = current.run_key == run_key and current.version == expected + 1
    if made_already:
        previous = current.value.get(PREVIOUS)
    elif current.version == expected:
        previous = current.value.get("version")
    else:
        raise ConflictError(
            f"The champion of {current.name.split('/')[1]} changed since the evidence was made: it is "
            f"{named(current.value.get('version'))} now (move {current.version}, not {expected}).",
            hint="evaluate again: the comparison was made with a version that is no longer the champion",
        )
    if not made_already and previous == version:
        previous = current.value.get(PREVIOUS)
    return Move(current.name, expected, {"version": version, PREVIOUS: previous, "evidence_hash": evidence_hash})


def decide_rollback(current: Pointer) -> str:
    """Return the version to go back to.

    Raises:
        BrokenCheckError: There is none. A retry does not help.
    """
    previous: str | None = current.value.get(PREVIOUS)
    if previous is None:
        raise BrokenCheckError(
            f"There is nothing to roll back to: {current.name} is {named(current.value.get('version'))} and "
            "had no version before.",
            hint="promote a version first; a rollback goes back to the one before it",
        )
    return previous
