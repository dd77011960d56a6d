"""One MLflow run per piece of work, however often its task is killed."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from airflow_dataops.core.ledger import Claim
from airflow_dataops.core.training import bounded_tags, result_of
from airflow_dataops.hooks.ledger_store import LedgerStore
from airflow_dataops.hooks.mlflow import DIGEST_TAG, MlflowHook, tags_of
from airflow_dataops.hooks.mlflow_model import LoggedModel

__all__ = ["HOLDOUT_TAG", "TrackedRun", "milliseconds"]

KEY_TAG = "dataops.run_key"
GENERATION_TAG = "dataops.generation"
SUPERSEDED_TAG = "dataops.superseded_by"
RESULT_TAG = "dataops.training"
HOLDOUT_TAG = "dataops.holdout"
KILL_SECONDS = 3.0


def milliseconds() -> int:
    """Return the time as MLflow counts it."""
    return int(time.time() * 1000)


class TrackedRun:
    """The MLflow run under a claim.

    A version is registered only when its model is stored and verified, and before its run is finished. So a
    version that carries the claim's key and generation proves that the training is done, and without one
    everything that a dead try left is refuse.

    Args:
        hook: The MLflow server.
        ledger: The ledger that fences older tries.
        claim: The right to this piece of work.
        model: Name of the registered model.
        experiment: Name of the experiment.
    """

    def __init__(self, hook: MlflowHook, ledger: LedgerStore, claim: Claim, model: str, experiment: str) -> None:
        self.hook, self.ledger, self.claim, self.model = hook, ledger, claim, model
        self.experiment_id = hook.experiment(experiment)
        self.id = ""

    def adopt(self) -> dict[str, Any] | None:
        """Return the result that a dead try registered, its run finished and cleaned up; None without one."""
        versions = [version for version in self._own_versions() if RESULT_TAG in tags_of(version)]
        if not versions:
            return None
        first = min(versions, key=lambda version: int(version["version"]))
        self.id = first["run_id"]
        self._supersede_others()
        self.finish()
        return result_of(tags_of(first)[RESULT_TAG], str(first["version"]))

    def _own_versions(self) -> list[dict[str, Any]]:
        found = self.hook.versions(self.model, KEY_TAG, self.claim.key)
        return [version for version in found if tags_of(version).get(GENERATION_TAG) == str(self.claim.generation)]

    def note(self, notes: Mapping[str, Any]) -> None:
        """Remember under the claim what the next try must know if this one dies."""
        self.claim = self.ledger.note(self.claim, notes)

    def start(self, name: str, tags: Mapping[str, Any]) -> None:
        """Open the run, and close what dead tries left open."""
        # A name that MLflow refuses must fail before the training, not after it.
        self.hook.ensure_model(self.model)
        marked = bounded_tags({**tags, **self.claim.tags})
        self.id = self.hook.create_run(self.experiment_id, name, milliseconds(), marked)
        self.note({"run_id": self.id})
        self._supersede_others()

    def _supersede_others(self) -> None:
        for run in self.hook.runs(self.experiment_id, KEY_TAG, self.claim.key):
            info, tags = run["info"], tags_of(run["data"])
            if info["run_id"] == self.id or SUPERSEDED_TAG in tags:
                continue
            # What an earlier generation finished stays finished: its version may be the champion.
            same = tags.get(GENERATION_TAG) == str(self.claim.generation)
            if info["status"] == "RUNNING" or (same and info["status"] == "FINISHED"):
                self.hook.end_run(info["run_id"], "KILLED", milliseconds())
            self.hook.set_tag(info["run_id"], SUPERSEDED_TAG, self.id)

    def register(self, logged: LoggedModel, result: Mapping[str, Any]) -> dict[str, Any]:
        """Register the stored model once, after checking that its files are there."""
        digest = self.hook.artifact_digest(logged.files)
        # An older try that came back from the dead must not register anything.
        self.note({"run_id": self.id, "model_id": logged.id})
        kept = json.dumps({**result, "model": self.model, "run_id": self.id})
        tags = {**self.claim.tags, DIGEST_TAG: digest, "dataops.data_digest": result["data_digest"], RESULT_TAG: kept}
        version = self.hook.create_version(self.model, logged.uri, self.id, tags, logged.id)
        return result_of(kept, version)

    def finish(self) -> None:
        """Close the run as done."""
        self.hook.end_run(self.id, "FINISHED", milliseconds())

    def fail(self) -> None:
        """Close the run as failed."""
        self.hook.end_run(self.id, "FAILED", milliseconds(), timeout=KILL_SECONDS)

    def kill(self) -> None:
        """Close the run with one short call, for the seconds that Airflow leaves before it kills."""
        if self.id:
            self.hook.fresh().end_run(self.id, "KILLED", milliseconds(), timeout=KILL_SECONDS)
