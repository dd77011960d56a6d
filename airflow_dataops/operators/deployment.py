"""Releases: a new version takes over from the old one, or the old one keeps serving."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from airflow.sdk import Context

from airflow_dataops.core.deployment import Release, model_version, pointer_name, release_name
from airflow_dataops.core.ledger import Claim, Event, Pointer
from airflow_dataops.core.registry import decide_rollback
from airflow_dataops.core.registry import pointer_name as champion_pointer_name
from airflow_dataops.core.words import plain
from airflow_dataops.exceptions import BrokenCheckError, ConflictError, ReleaseRejectedError
from airflow_dataops.hooks.container import ContainerHook
from airflow_dataops.hooks.ledger_store import LedgerStore
from airflow_dataops.hooks.mlflow import MlflowHook
from airflow_dataops.hooks.process import ProcessHook
from airflow_dataops.hooks.serving import ServingTarget
from airflow_dataops.operators.registry import move_champion
from airflow_dataops.operators.rollout import Rollout
from airflow_dataops.operators.station import Outcome, StationOperator

__all__ = ["DeployModelOperator", "ReleasingOperator", "RollbackModelOperator", "TargetName"]

TargetName = Literal["docker", "process"]
MAX_REASON_LENGTH = 500
REPORTED = ("deployment", "model", "version", "target", "url", "release", "image")


class ReleasingOperator(StationOperator):
    """Base of the stations that change what a deployment serves.

    Args:
        deployment: What the model is served as. (templated)
        health_timeout: Seconds that the new release may take until it is healthy.
        bind: Address of the host to publish on.
        port: Port to publish on; 0 takes a free one. Old and new serve side by side, so a fixed one is only for
            a deployment that is made once; for containers "8100-8109" takes a free one of a range. (templated)
        network: A network of the engine; containers are asked by their names there and not published. (templated)
        docker_conn_id: The engine's connection.
        mlflow_conn_id: The model registry's connection; processes fetch their model there.
    """

    def __init__(
        self,
        *,
        deployment: str,
        health_timeout: float = 120.0,
        bind: str = "127.0.0.1",
        port: int | str = 0,
        network: str | None = None,
        docker_conn_id: str = ContainerHook.default_conn_name,
        mlflow_conn_id: str = MlflowHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.deployment = deployment
        self.health_timeout = health_timeout
        self.bind = bind
        self.port = port
        self.network = network
        self.docker_conn_id = docker_conn_id
        self.mlflow_conn_id = mlflow_conn_id

    def do_work(self, context: Context, ledger: LedgerStore, claim: Claim, actor: str) -> Claim:
        """Forget the plan when somebody was faster, so that whoever clears the task has it planned anew."""
        try:
            return super().do_work(context, ledger, claim, actor)
        except ConflictError:
            ledger.note(claim, {"based_on": None, "plan": None})
            raise

    def roll_out(self, ledger: LedgerStore, claim: Claim, wanted: Mapping[str, Any]) -> Outcome:
        """Make `wanted` (model, version, target, image, image_id) what the deployment serves.

        The pointer's version is noted before anything starts, so that the next try of this work compares with
        what was true when it was planned.
        """
        name = pointer_name(self.deployment)
        before = ledger.pointer(name)
        based_on = claim.result.get("based_on")
        claim = ledger.note(claim, {"based_on": before.version if based_on is None else based_on})
        release = Release(
            deployment=self.deployment,
            name=release_name(self.deployment, wanted["model"], wanted["version"], claim),
            based_on=claim.result["based_on"],
            **{key: wanted[key] for key in ("model", "version", "target", "image", "image_id")},
        )
        old = before.value.get("target", release.target)
        rollout = Rollout(
            release,
            self.serving_target(release.target),
            ledger,
            claim,
            health_timeout=self.health_timeout,
            old_target=self.serving_target(old) if old != release.target else None,
            log=self.log,
        )
        try:
            value = rollout.run()
        except ReleaseRejectedError as error:
            rejected = {"deployment": self.deployment, "model": release.model, "version": release.version}
            rejected["rejected"] = error.message
            told = {**rejected, "sentence": error.message}
            return Outcome(rejected, events=[Event("deployment.rejected", name, told)])
        sentence = (
            f"{plain(release.deployment)} serves {plain(release.model)} version {release.version} at {value['url']}."
        )
        self.log.info(sentence)
        told = {**value, "sentence": sentence}
        return Outcome({key: value[key] for key in REPORTED}, events=[Event("deployment.released", name, told)])

    def conclude(self, context: Context, result: dict[str, Any]) -> dict[str, Any]:
        """Say that the release was rejected, if it was."""
        if "rejected" in result:
            raise ReleaseRejectedError(result["rejected"], hint="the log of this task has the release's last lines")
        return result

    def serving_target(self, name: str) -> ServingTarget:
        """Return the place of this name.

        Raises:
            BrokenCheckError: There is no such place.
        """
        if name == "docker":
            return ContainerHook(self.docker_conn_id, bind=self.bind, port=self.port, network=self.network)
        if name == "process":
            fetch = MlflowHook(self.mlflow_conn_id).download_model
            if not str(self.port).isdigit():
                raise BrokenCheckError(f"A process listens on one port, but {self.task_id} got {self.port!r}.")
            return ProcessHook(fetch, bind=self.bind, port=int(self.port))
        raise BrokenCheckError(
            f"Got the target {name!r} for the deployment {self.deployment}.", hint="give 'docker' or 'process'"
        )


class DeployModelOperator(ReleasingOperator):
    """Serve a version of a model; the version before serves until the new one has proved itself.

    Start the new release beside the old one, wait until it is healthy, let it answer the example that the model
    was logged with, point to it, then stop the old one after its requests in flight. When a step fails the new
    release is removed, its last log lines are in the task's log, and the old one keeps serving.

    What serves is told by the ledger's pointer ``deployment/<name>``; its url may change with every release.
    The other arguments are those of `ReleasingOperator`.

    Args:
        model: The output of a promotion, an evaluation or a training, or "models:/name/version". (templated)
        image: The output of a `BuildModelImageOperator`; needed for containers. (templated)
        target: "docker" for a container on a Docker engine, "process" for a process on this host. (templated)

    Returns:
        ``{"deployment", "model", "version", "target", "url", "release", "image"}``; image is None for a process.

    Raises:
        AirflowFailException: The release did not prove itself, an option is wrong, or another rollout was
            faster. A retry does not help.
        OutageError: The engine, MLflow or the ledger does not answer. A retry helps.
    """

    template_fields: Sequence[str] = ("deployment", "model", "image", "target", "port", "network")

    def __init__(
        self,
        *,
        model: Mapping[str, Any] | str,
        image: Mapping[str, Any] | None = None,
        target: TargetName | str = "docker",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.model = model
        self.image = image
        self.target = target

    def work(self, context: Context, ledger: LedgerStore, claim: Claim) -> Outcome:
        """Go on with the rollout from wherever a dead try left it."""
        model, version = model_version(self.model)
        image = self.image or {}
        if self.target == "docker" and not image:
            raise BrokenCheckError(
                f"{self.task_id} is to start a container, but got no image.",
                hint="pass the output of a BuildModelImageOperator as image, or choose target='process'",
            )
        if image and model_version(image) != (model, version):
            raise BrokenCheckError(
                f"{self.task_id} is to serve version {version} of {model}, but got an image of version "
                f"{image.get('version')} of {image.get('model')}.",
                hint="build the image from the same output that is deployed",
            )
        chosen = image if self.target == "docker" else {}
        wanted = {"model": model, "version": version, "target": self.target}
        return self.roll_out(
            ledger, claim, {**wanted, "image": chosen.get("image"), "image_id": chosen.get("image_id")}
        )


class RollbackModelOperator(ReleasingOperator):
    """Go back to the version before: what serves, and who is champion. Nothing is built or trained.

    The version before is the champion's predecessor; for a model that was never promoted it is the one that the
    deployment served before. It is started from the image (or the copy of the model) it served from, proves
    itself as every release does, and takes over; then the aliases move. If it does not prove itself nothing
    changes. Rolling back again returns to where this started. The other arguments are those of
    `ReleasingOperator`.

    Args:
        model: Name of the registered model. (templated)
        reason: Why, kept in the history. (templated)

    Returns:
        ``{"deployment", "model", "version", "target", "url", "release", "image", "rolled_back_from": version}``.

    Raises:
        AirflowFailException: There is no version before, it did not prove itself, or somebody else moved the
            champion or the deployment meanwhile. A retry does not help.
        OutageError: The engine, MLflow or the ledger does not answer. A retry helps.
    """

    template_fields: Sequence[str] = ("model", "deployment", "port", "network", "reason")

    def __init__(self, *, model: str, reason: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.model = model
        self.reason = reason

    def work(self, context: Context, ledger: LedgerStore, claim: Claim) -> Outcome:
        """Go on with what was planned; the plan is noted, because the steps change what it was made from."""
        plan = claim.result.get("plan") or self.plan(ledger)
        claim = ledger.note(claim, {"plan": plan})
        outcome = self.roll_out(ledger, claim, plan["release"]) if plan["release"] else Outcome(plan["serving"])
        if "rejected" in outcome.result:
            return outcome
        if plan["champion"] is not None:
            registry = MlflowHook(self.mlflow_conn_id)
            wanted = (self.model, plan["version"], plan["champion"], plan["evidence_hash"])
            move_champion(ledger, claim, registry, *wanted)
        result = {**outcome.result, "rolled_back_from": plan["from"]}
        sentence = f"{plain(self.deployment)} is back at version {plan['version']} of {plain(self.model)}."
        self.log.info(sentence)
        told = {**result, "reason": self.reason[:MAX_REASON_LENGTH], "sentence": sentence}
        return Outcome(result, events=[*outcome.events, Event("model.rolled_back", f"model/{self.model}", told)])

    def plan(self, ledger: LedgerStore) -> dict[str, Any]:
        """Return which version to go back to, from which, and the release it served from.

        Raises:
            BrokenCheckError: There is nothing to go back to. A retry does not help.
        """
        champion = ledger.pointer(champion_pointer_name(self.model))
        serving = ledger.pointer(pointer_name(self.deployment))
        version = self.version_before(champion, serving)
        is_served = (serving.value.get("model"), serving.value.get("version")) == (self.model, version)
        return {
            "version": version,
            "from": champion.value.get("version") or serving.value.get("version"),
            "champion": champion.version or None,
            "evidence_hash": self.evidence_hash(ledger, version),
            "release": None if is_served else self.last_release(ledger, version),
            "serving": {key: serving.value.get(key) for key in REPORTED},
        }

    def version_before(self, champion: Pointer, serving: Pointer) -> str:
        """Return the version to go back to."""
        if champion.version:
            return decide_rollback(champion)
        before = serving.value.get("previous") or {}
        if before.get("model") != self.model:
            raise BrokenCheckError(
                f"There is nothing to roll back to: {self.deployment} served no version of {self.model} before.",
                hint="the first version has no predecessor; deploy the version you want instead",
            )
        return str(before["version"])

    def last_release(self, ledger: LedgerStore, version: str) -> dict[str, Any]:
        """Return how the version was served last."""
        events = ledger.events(kind="deployment.released", subject=pointer_name(self.deployment))
        told = (row.event.payload for row in reversed(events))
        found = next((one for one in told if (one["model"], one["version"]) == (self.model, version)), None)
        if found is None:
            raise BrokenCheckError(
                f"There is nothing to roll back to: version {version} of {self.model} was never served as "
                f"{self.deployment}.",
                hint="deploy that version with a DeployModelOperator",
            )
        return {key: found[key] for key in ("model", "version", "target", "image", "image_id")}

    def evidence_hash(self, ledger: LedgerStore, version: str) -> str:
        """Return the hash of the evidence on which the version was promoted once; empty when it never was."""
        events = ledger.events(kind="model.promoted", subject=f"model/{self.model}")
        hashes = [row.event.payload["evidence_hash"] for row in events if row.event.payload["version"] == version]
        return str(hashes[-1]) if hashes else ""
