"""How a new release takes over from the old one: what is seen, and what the next step is.

Read `next_step` from top to bottom: it is the runbook. It works from any state, so a retry after a kill at
any point asks the same question again and goes on where the dead try stopped.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from http import HTTPStatus
from typing import Any

from airflow_dataops.core.image import slug
from airflow_dataops.core.ledger import Claim, canonical_json
from airflow_dataops.exceptions import BrokenCheckError

__all__ = [
    "Observed",
    "Release",
    "Running",
    "Step",
    "example_request",
    "judge_answer",
    "model_version",
    "next_step",
    "outdated",
    "pointer_name",
    "release_labels",
    "release_name",
    "trace_of",
]

LABELS = ("deployment", "model", "version", "target", "image", "image_id", "based_on")


@dataclass(frozen=True, slots=True)
class Release:
    """One version of a model, to be served under one name.

    Args:
        deployment: What it is served as.
        name: Of the container or process; two tries of the same work use the same, so it cannot start twice.
        model: Name of the registered model.
        version: Its version.
        target: Where it runs: "docker" or "process".
        image: The image's name, for containers.
        image_id: The image's content address; what is really started.
        based_on: The version of the deployment's pointer when the release was planned. The switch is a
            compare-and-set against it.
    """

    deployment: str
    name: str
    model: str
    version: str
    target: str
    image: str | None = None
    image_id: str | None = None
    based_on: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON for notes and the ledger's pointer."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Running:
    """A container or process of ours, as its target tells of it.

    Args:
        name: Of the release.
        deployment: What it belongs to.
        alive: Whether it runs; a dead one still has its logs.
        url: Where it answers; None while it starts.
        based_on: As in `Release`.
        run_key: Digest of the run that started it.
    """

    name: str
    deployment: str
    alive: bool
    url: str | None = None
    based_on: int = 0
    run_key: str = ""


class Step(StrEnum):
    """What a rollout does next."""

    START = "start"
    PROBE = "probe"
    SMOKE_TEST = "smoke test"
    SWITCH = "switch"
    RETIRE = "retire"
    ROLL_BACK = "roll back"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Observed:
    """What is known while a release is rolled out.

    Args:
        started: Whether this try has started the release or found it.
        alive: Whether it runs now.
        healthy: Whether it answered a ping in time; None before it was asked.
        proven: Whether it answered the model's own example well; None before it was asked.
        current: Name of the release that the ledger points to.
        outdated: Names of older releases that still exist.
    """

    started: bool = False
    alive: bool = False
    healthy: bool | None = None
    proven: bool | None = None
    current: str | None = None
    outdated: tuple[str, ...] = ()

    def but(self, **changes: Any) -> Observed:
        """Return the same with changes."""
        return replace(self, **changes)


def next_step(wanted: Release, seen: Observed) -> Step:
    """Return the first step that is due: the old release serves until the new one has proved itself."""
    runbook = {
        Step.START: not seen.started,
        Step.ROLL_BACK: not seen.alive or seen.healthy is False or seen.proven is False,
        Step.PROBE: seen.healthy is None,
        Step.SMOKE_TEST: seen.proven is None,
        Step.SWITCH: seen.current != wanted.name,
        Step.RETIRE: bool(seen.outdated),
    }
    return next((step for step, is_due in runbook.items() if is_due), Step.DONE)


def outdated(wanted: Release, running: Sequence[Running]) -> tuple[str, ...]:
    """Return the releases that `wanted` takes over from.

    A release planned on the same or a later pointer version belongs to a rollout beside this one, which the
    compare-and-set stops; it cleans up after itself, and what it leaves is outdated for the next rollout. Other
    leftovers of the same run are outdated at once.
    """
    return tuple(r.name for r in running if r.name != wanted.name and r.based_on < wanted.based_on)


def release_name(deployment: str, model: str, version: str, claim: Claim) -> str:
    """Return the one name that every try of this work gives its container or process.

    Docker refuses a second container of the same name, which makes the name a mutex.
    """
    identity = [deployment, model, version, claim.key, claim.generation]
    digest = hashlib.sha256(canonical_json(identity).encode("utf-8", "surrogatepass")).hexdigest()
    return f"{slug(deployment)}-v{slug(version)[:20]}-{digest[:10]}"


def release_labels(release: Release, tags: Mapping[str, str]) -> dict[str, str]:
    """Return what the container or process tells of itself; it never changes, so no role or weight is in it."""
    known = release.to_json()
    labels = {f"dataops.{name}": str(known[name]) for name in LABELS if known[name] is not None}
    return {**labels, "dataops.release": release.name, **tags}


def pointer_name(deployment: str) -> str:
    """Return the ledger's name for what a deployment serves."""
    return f"deployment/{deployment}"


def example_request(serving_example: bytes | None, input_example: bytes | None) -> dict[str, Any] | None:
    """Return the body of a request made from the example that the model was logged with.

    Args:
        serving_example: Content of ``serving_input_example.json``, which is such a body.
        input_example: Content of ``input_example.json``, which older versions of MLflow wrote alone.
    """
    if serving_example is not None:
        body = json.loads(serving_example)
        return body if isinstance(body, dict) else {"inputs": body}
    if input_example is None:
        return None
    example = json.loads(input_example)
    if isinstance(example, dict) and {"columns", "data"} <= set(example):
        return {"dataframe_split": example}
    return {"inputs": example}


def judge_answer(request: Mapping[str, Any], status: int, answer: bytes) -> str | None:
    """Return what is wrong with the answer to an example, in one clause without data; None when nothing is."""
    try:
        body = json.loads(answer)
    except ValueError:
        return f"it answered its own input example with status {status} and no JSON"
    if status != HTTPStatus.OK:
        code = str(body.get("error_code", ""))[:60] if isinstance(body, dict) else ""
        return f"it answered its own input example with status {status} {code}".rstrip()
    if isinstance(body, dict) and "predictions" not in body:
        return "its answer to its own input example holds no predictions"
    rows = len(request.get("dataframe_split", {}).get("data", ()))
    predictions = body.get("predictions") if isinstance(body, dict) else body
    if rows and isinstance(predictions, list) and len(predictions) != rows:
        return f"it answered {rows} example rows with {len(predictions)} predictions"
    return None


def trace_of(answer: bytes, length: int = 3000) -> str:
    """Return the end of the traceback that MLflow's server puts into an answer instead of its own log."""
    try:
        body = json.loads(answer)
    except ValueError:
        return ""
    return str(body.get("stack_trace") or "")[-length:] if isinstance(body, dict) else ""


def model_version(model: Mapping[str, Any] | str) -> tuple[str, str]:
    """Return name and version of the model that another station's output or a ``models:`` URI names.

    Raises:
        BrokenCheckError: It names none. A retry does not help.
    """
    if isinstance(model, Mapping) and model.get("model") and model.get("version"):
        return str(model["model"]), str(model["version"])
    if isinstance(model, str) and model.startswith("models:/"):
        name, _, version = model.removeprefix("models:/").rpartition("/")
        if name and version:
            return name, version
    raise BrokenCheckError(
        f"model is {str(model)[:200]!r}, which names no version of a model.",
        hint="pass the output of a promotion, an evaluation or a training, or a URI such as 'models:/flights/3'",
    )
