"""Promotion: a model becomes champion by compare-and-set, with its history."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from airflow.sdk import Context
from airflow.sdk.definitions.asset import Model
from airflow.sdk.exceptions import AirflowSkipException

from airflow_dataops.core.ledger import Claim, Event, Pointer
from airflow_dataops.core.registry import CHAMPION, PREVIOUS, decide_move, model_uri, pointer_name
from airflow_dataops.core.words import plain
from airflow_dataops.exceptions import BrokenCheckError, ConflictError, ModelRejectedError
from airflow_dataops.hooks.dataset import DatasetHook
from airflow_dataops.hooks.ledger_store import LedgerStore
from airflow_dataops.hooks.mlflow import MlflowHook
from airflow_dataops.operators.station import Outcome, StationOperator

__all__ = ["PromoteModelOperator", "model_asset", "move_champion"]


def model_asset(model: str) -> Model:
    """Return the asset that a promotion of the model updates; schedule DAGs on it."""
    return Model(name=f"model:{model}", uri=model_uri(model))


class PromoteModelOperator(StationOperator):
    """Make the evaluated version the champion, if nobody else moved the champion meanwhile.

    The ledger's pointer moves by compare-and-set; then MLflow's aliases ``champion`` and ``previous`` follow
    and are read back. A retry after a kill between these steps finishes them.

    Args:
        evaluation: The output of an `EvaluateModelOperator`. (templated)
        on_reject: What a rejected model does to the task: "fail" or "skip".
        model: Names the asset ``dataops://model/<name>`` that a promotion updates; None for no asset. Not
            templated, because the asset is named by it.
        mlflow_conn_id: The MLflow server.
        store_conn_id: Where the evidence lies.

    Returns:
        ``{"model", "version", "previous": str | None, "pointer_version": int, "evidence_hash"}``.

    Raises:
        AirflowFailException: The model was rejected, or the champion changed meanwhile. A retry does not help.
        AirflowSkipException: The model was rejected and `on_reject` is "skip".
        OutageError: MLflow or the ledger does not answer. A retry helps.
    """

    template_fields: Sequence[str] = ("evaluation",)

    def __init__(
        self,
        *,
        evaluation: Mapping[str, Any] | str,
        on_reject: Literal["fail", "skip"] = "fail",
        model: str | None = None,
        mlflow_conn_id: str = MlflowHook.default_conn_name,
        store_conn_id: str = DatasetHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        if model is not None:
            kwargs.setdefault("outlets", [model_asset(model)])
        super().__init__(**kwargs)
        self.evaluation = evaluation
        self.on_reject = on_reject
        self.model = model
        self.mlflow_conn_id = mlflow_conn_id
        self.store_conn_id = store_conn_id

    def work(self, context: Context, ledger: LedgerStore, claim: Claim) -> Outcome:
        """Move the pointer and the aliases, or record the rejection."""
        told = evaluation_result(self.evaluation)
        self.check_options(told)
        subject = f"model/{told['model']}"
        if told["decision"] != "promote":
            rejected = {name: told[name] for name in ("model", "version", "decision", "sentence", "evidence_hash")}
            return Outcome(rejected, events=[Event("model.rejected", subject, rejected)])
        check_evidence(DatasetHook(self.store_conn_id), told)
        hook = MlflowHook(self.mlflow_conn_id)
        expected = int(told["pointer_version"])
        moved = move_champion(ledger, claim, hook, told["model"], told["version"], expected, told["evidence_hash"])
        result = {"model": told["model"], **moved.value, "pointer_version": moved.version}
        told = {**result, "sentence": promoted_words(result)}
        return Outcome(result, events=[Event("model.promoted", subject, told)])

    def check_options(self, told: Mapping[str, Any]) -> None:
        """Refuse options that contradict each other before anything moves."""
        if self.on_reject not in {"fail", "skip"}:
            raise BrokenCheckError(f'on_reject is {self.on_reject!r}, but it must be "fail" or "skip".')
        if self.model is not None and self.model != told["model"]:
            raise BrokenCheckError(
                f"The evaluation is of the model {told['model']!r}, but this task promotes {self.model!r}.",
                hint="name the evaluated model, or leave `model` out",
            )

    def conclude(self, context: Context, result: dict[str, Any]) -> dict[str, Any]:
        """Skip or fail after a rejection; else tell the asset's followers which version it is."""
        if result.get("decision") == "reject":
            if self.on_reject == "skip":
                raise AirflowSkipException(result["sentence"])
            raise ModelRejectedError(result["sentence"], hint="the champion stays; the evidence tells the figures")
        self.log.info(promoted_words(result))
        for asset in self.outlets:
            context["outlet_events"][asset].extra.update(result)
        return result


def promoted_words(result: Mapping[str, Any]) -> str:
    """Return what a promotion did, in one sentence."""
    before = f"; before, it was version {result['previous']}" if result["previous"] else ""
    return f"Version {result['version']} is the champion of {plain(result['model'])}{before}."


def move_champion(  # noqa: PLR0917 - seven things make one move
    ledger: LedgerStore,
    claim: Claim,
    mlflow: MlflowHook,
    model: str,
    version: str,
    expected: int,
    evidence_hash: str,
) -> Pointer:
    """Make `version` the champion in the ledger and in MLflow; called again it finishes what it began.

    Args:
        ledger: The ledger.
        claim: The right to this piece of work.
        mlflow: The MLflow server.
        model: Name of the registered model.
        version: The version to become champion.
        expected: The pointer's version when the decision was made.
        evidence_hash: What speaks for it.

    Returns:
        The pointer, whose value is ``{"version", "previous", "evidence_hash"}``.

    Raises:
        ConflictError: Somebody else moved the champion. A retry does not help.
        BrokenCheckError: MLflow does not know the version. A retry does not help.
        OutageError: MLflow or the ledger does not answer. A retry helps.
    """
    mlflow.model_version(model, version)  # fails before anything moves when there is no such version
    name = pointer_name(model)
    move = decide_move(ledger.pointer(name), claim.key, version, expected, evidence_hash)
    moved = ledger.move_pointer(claim, name, move.expected, move.value)
    place_aliases(ledger, mlflow, model)
    return moved


def place_aliases(ledger: LedgerStore, mlflow: MlflowHook, model: str) -> None:
    """Let MLflow's aliases say what the ledger says, also when another run moves the pointer meanwhile."""
    while True:
        pointer = ledger.pointer(pointer_name(model))
        try:
            # `previous` first: whoever reads in between finds two aliases at the old champion, never none.
            place_alias(mlflow, model, PREVIOUS, pointer.value[PREVIOUS])
            place_alias(mlflow, model, CHAMPION, pointer.value["version"])
        except ConflictError:
            if ledger.pointer(pointer.name).version == pointer.version:
                raise
        if ledger.pointer(pointer.name).version == pointer.version:
            return


def place_alias(mlflow: MlflowHook, model: str, alias: str, version: str | None) -> None:
    """Let MLflow's alias say what the ledger says, and read it back.

    Raises:
        ConflictError: Somebody moved it in the same moment. A retry does not help.
    """
    current = mlflow.alias(model, alias)
    if current == version:
        return
    if version is None:
        mlflow.delete_alias(model, alias)
    else:
        mlflow.set_alias(model, alias, version)
    found = mlflow.alias(model, alias)
    if found != version:
        raise ConflictError(
            f"MLflow's alias {alias!r} of {model} was set to {version} and is {found}: somebody moves it too.",
            hint="let only promotions move aliases, then clear this task",
        )


def evaluation_result(evaluation: Mapping[str, Any] | str) -> Mapping[str, Any]:
    """Return the evaluation's result.

    Raises:
        BrokenCheckError: The value is none. A retry does not help.
    """
    wanted = {"model", "version", "decision", "sentence", "pointer_version", "evidence", "evidence_hash"}
    if isinstance(evaluation, Mapping) and wanted <= set(evaluation):
        return evaluation
    raise BrokenCheckError(
        f"evaluation is {str(evaluation)[:200]!r}, which is no evaluation.",
        hint="pass the output of an EvaluateModelOperator",
    )


def check_evidence(store: DatasetHook, told: Mapping[str, Any]) -> None:
    """Refuse evidence that was edited or lost.

    Raises:
        BrokenCheckError: It is not what was decided on. A retry does not help.
    """
    try:
        content = store.get_evidence(told["evidence"])
    except OSError as error:
        raise BrokenCheckError(
            f"The evidence for version {told['version']} of {told['model']} cannot be read: {error.strerror}.",
            hint="clear the evaluation to make it anew",
        ) from error
    if hashlib.sha256(content).hexdigest() != told["evidence_hash"]:
        raise BrokenCheckError(
            f"The evidence for version {told['version']} of {told['model']} was edited after the decision.",
            hint="clear the evaluation to make it anew",
        )
