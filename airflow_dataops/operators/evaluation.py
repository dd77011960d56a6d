"""Evaluation: the challenger against the sealed hold-out and against the champion, on the same rows."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import Context

from airflow_dataops.core.dataset import Snapshot
from airflow_dataops.core.evaluation import Decision, Estimate, Rule, decide, evaluate, holdout_subject
from airflow_dataops.core.ledger import Claim, Event, Measurement, canonical_json
from airflow_dataops.core.metrics import Predictions
from airflow_dataops.core.registry import CHAMPION, champion_of, pointer_name
from airflow_dataops.core.words import count_words, plain
from airflow_dataops.exceptions import BrokenCheckError
from airflow_dataops.hooks.dataset import DatasetHook
from airflow_dataops.hooks.dataset_window import is_later, rows_digest, rows_from
from airflow_dataops.hooks.ledger_store import LedgerStore
from airflow_dataops.hooks.mlflow import MlflowHook, tags_of
from airflow_dataops.hooks.mlflow_model import load_model, predictions_of
from airflow_dataops.operators.reading import consumer_of, dataset_read
from airflow_dataops.operators.station import Outcome, StationOperator, run_key_of
from airflow_dataops.operators.training import Prepare, prepared
from airflow_dataops.operators.training_run import HOLDOUT_TAG, milliseconds

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["EvaluateModelOperator"]


class EvaluateModelOperator(StationOperator):
    """Judge a version on rows that no training has seen, next to the champion on the same rows.

    The hold-out is what training left: the rows of the last published partition from `holdout_from` on. It is
    sealed at the first look, by its digest, and each look is counted. The version may be promoted when it
    reaches all floors and is, with a confidence of 95 %, not worse than the champion by more than `margin`.

    Args:
        model: The output of a `TrainModelOperator`. (templated)
        prepare: ``prepare(frame) -> (features, label)``, as in training.
        metric: The deciding metric: roc_auc, log_loss, brier, accuracy, precision, recall, f1; rmse, mae, r2.
        margin: How much worse than the champion is allowed, in units of the metric.
        floors: What each metric must reach ("at most" where less is better).
        reseal: Accept a hold-out whose rows changed since it was sealed, and seal it anew.
        mlflow_conn_id: The MLflow server.
        store_conn_id: Where snapshots and evidence lie.

    Returns:
        ``{"model", "version", "decision": "promote" | "reject", "sentence", "metrics": {name: {"value", "low",
        "high"}}, "champion": {"version", "pointer_version"} | None, "pointer_version", "evidence",
        "evidence_hash"}``.

    Raises:
        AirflowFailException: The hold-out is not sealed, or a model cannot be loaded. A retry does not help.
        OutageError: MLflow does not answer. A retry helps.
    """

    template_fields: Sequence[str] = ("model",)
    shallow_copy_attrs: Sequence[str] = ("prepare",)

    def __init__(
        self,
        *,
        model: Mapping[str, Any] | str,
        prepare: Prepare,
        metric: str,
        margin: float = 0.0,
        floors: Mapping[str, float] | None = None,
        reseal: bool = False,
        mlflow_conn_id: str = MlflowHook.default_conn_name,
        store_conn_id: str = DatasetHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.model = model
        self.prepare = prepare
        self.metric = metric
        self.margin = margin
        self.floors = floors
        self.reseal = reseal
        self.mlflow_conn_id = mlflow_conn_id
        self.store_conn_id = store_conn_id

    def work(self, context: Context, ledger: LedgerStore, claim: Claim) -> Outcome:
        """Look at the hold-out, score both models, decide, and keep the evidence."""
        rule = Rule(self.metric, self.margin, self.floors or {})
        trained = training_result(self.model)
        hook, store = MlflowHook(self.mlflow_conn_id), DatasetHook(self.store_conn_id)
        check_unseen(hook, trained)
        pointer = ledger.pointer(pointer_name(trained["model"]))
        champion = champion_of(pointer, hook.alias(trained["model"], CHAMPION))
        snapshot = holdout_snapshot(store, trained["holdout"])
        rows = holdout_rows(store, snapshot, trained["holdout"])
        actor = str(run_key_of(context))
        learned = {**consumer_of(context), "model": trained["model"], "model_version": trained["version"]}
        ledger.append(dataset_read(snapshot.dataset, snapshot.partition, snapshot.version, learned, actor), claim=claim)
        sealed = seal(ledger, claim, actor, trained["holdout"], rows, reseal=self.reseal)
        scored = self.score(hook, trained, rows, champion)
        verdict = judge(hook, rule, trained, scored, champion)
        result = {
            **{name: trained[name] for name in ("model", "version")},
            **told(verdict),
            "metrics": figures(scored.challenger),
            "champion": champion and {"version": champion, "pointer_version": pointer.version},
            "pointer_version": pointer.version,
        }
        kept = {**result, "rule": asdict(rule), "holdout": sealed, "run_id": trained["run_id"], **scored.beside()}
        log_once(hook, trained["run_id"], scored.challenger)
        self.log.info("%s", verdict.sentence)
        return outcome({**result, **keep(store, kept)}, scored, trained["holdout"]["partition"])

    def score(self, hook: MlflowHook, trained: Mapping[str, Any], rows: pd.DataFrame, champion: str | None) -> Scored:
        """Return the figures of challenger and champion on the same rows."""
        name, version = trained["model"], trained["version"]
        features, label = prepared(self.prepare, rows, f"from {trained['holdout']['from']}")
        said = [predicted(hook, name, version, f"{name} version {version}", features)]
        if champion is not None:
            said.append(predicted(hook, name, champion, f"The champion, {name} version {champion},", features))
        estimates, advantage = evaluate(label.to_numpy(), said, self.metric)
        return Scored(len(label), estimates[0], estimates[1] if champion is not None else None, advantage)


@dataclass(frozen=True, slots=True)
class Scored:
    """Figures of challenger and champion on the same rows.

    Args:
        rows: How many rows.
        challenger: Its figures.
        champion: The champion's; None when there is none.
        advantage: The challenger's advantage in the deciding metric.
    """

    rows: int
    challenger: Mapping[str, Estimate]
    champion: Mapping[str, Estimate] | None = None
    advantage: Estimate | None = None

    def beside(self) -> dict[str, Any]:
        """Return what only the evidence tells."""
        return {
            "rows": self.rows,
            "champion_metrics": None if self.champion is None else figures(self.champion),
            "advantage": None if self.advantage is None else self.advantage.to_json(),
        }


def training_result(trained: Mapping[str, Any] | str) -> Mapping[str, Any]:
    """Return the training's result.

    Raises:
        BrokenCheckError: The value is none. A retry does not help.
    """
    if isinstance(trained, Mapping) and {"model", "version", "run_id", "holdout"} <= set(trained):
        return trained
    raise BrokenCheckError(
        f"model is {str(trained)[:200]!r}, which is no training's result.",
        hint="pass the output of a TrainModelOperator or of @task.train_model",
    )


def check_unseen(hook: MlflowHook, trained: Mapping[str, Any]) -> None:
    """Refuse a hold-out of which the run that made the model has seen a part.

    Raises:
        BrokenCheckError: It has, or the run does not say. A retry does not help.
    """
    wanted, recorded = trained["holdout"], recorded_holdout(hook, trained["run_id"])
    called = f"{trained['model']} version {trained['version']}"
    if recorded is None:
        raise BrokenCheckError(
            f"The run that made {called} does not say which rows it has seen.",
            hint="only what a TrainModelOperator made can be judged, because only then the hold-out is known",
        )
    if recorded["dataset"] == wanted["dataset"] and is_later(recorded["from"], wanted["from"]):
        raise BrokenCheckError(
            f"{called} was trained on rows up to {recorded['from']}, so it has seen a part of a hold-out from "
            f"{wanted['from']}.",
            hint="pass the training's output as it is, or train with an earlier holdout_from",
        )


def recorded_holdout(hook: MlflowHook, run_id: str) -> dict[str, str] | None:
    """Return the hold-out that a run kept out of its training; None when it does not say."""
    kept = tags_of(hook.run(run_id)["data"]).get(HOLDOUT_TAG)
    return None if kept is None else dict(json.loads(kept))


def holdout_snapshot(store: DatasetHook, holdout: Mapping[str, str]) -> Snapshot:
    """Return the published snapshot in which the hold-out lies.

    Raises:
        BrokenCheckError: There is none. A retry does not help.
    """
    document = store.published(holdout["dataset"]).get(holdout["partition"])
    if document is None:
        raise BrokenCheckError(
            f"{holdout['partition']!r} of the dataset {holdout['dataset']!r} is not published, so there is no hold-out."
        )
    return Snapshot.from_xcom(document["snapshot"])


def holdout_rows(store: DatasetHook, snapshot: Snapshot, holdout: Mapping[str, str]) -> pd.DataFrame:
    """Return the sealed rows.

    Raises:
        BrokenCheckError: There are none. A retry does not help.
    """
    rows = rows_from(store, snapshot, holdout["time_column"], holdout["from"])
    if rows.empty:
        raise BrokenCheckError(
            f"There are no rows from {holdout['from']} on in {holdout['dataset']}/{holdout['partition']}.",
            hint="let holdout_from lie within the last partition",
        )
    return rows


def seal(
    ledger: LedgerStore, claim: Claim, actor: str, holdout: Mapping[str, str], rows: pd.DataFrame, *, reseal: bool
) -> dict[str, Any]:
    """Seal the hold-out at the first look, count this look, and return what is known of it.

    Raises:
        BrokenCheckError: Its rows changed since it was sealed. A retry does not help.
    """
    subject, digest = holdout_subject(holdout), rows_digest(rows)
    seals = ledger.events(kind="evaluation.sealed", subject=subject)
    before = seals[-1].event.payload["digest"] if seals else None
    if before not in {None, digest} and not reseal:
        day = seals[-1].at[:10]  # noqa: PD008 - the time of an event, not of a frame
        raise BrokenCheckError(
            f"The hold-out {subject} changed since it was sealed on {day}: other rows were published.",
            hint="figures from before do not compare with it; to accept the new rows, set reseal=True once",
        )
    named = f"The hold-out {plain(subject.removeprefix('holdout/'))}"
    if before != digest:
        told = {"sentence": f"{named} is sealed with {count_words(len(rows))} rows.", "digest": digest}
        ledger.append(Event("evaluation.sealed", subject, {**told, "rows": len(rows)}, actor), claim=claim)
    told = {"sentence": f"{named} was looked at.", "digest": digest}
    ledger.append(Event("evaluation.looked", subject, told, actor), claim=claim)
    looks = len(ledger.events(kind="evaluation.looked", subject=subject))
    return {**holdout, "digest": digest, "rows": len(rows), "looks": looks}


def predicted(hook: MlflowHook, name: str, version: str, called: str, features: pd.DataFrame) -> Predictions:
    """Return what a registered version says of the rows.

    Raises:
        BrokenCheckError: It cannot be loaded, or not be asked. A retry does not help.
    """
    with tempfile.TemporaryDirectory(prefix="dataops-evaluation-") as folder:
        model = load_model(hook.download_model(name, version, Path(folder) / "model"), called)
        return predictions_of(model, features, called)


def judge(hook: MlflowHook, rule: Rule, trained: Mapping[str, Any], scored: Scored, champion: str | None) -> Decision:
    """Return the verdict; a champion that has seen the hold-out cannot be compared with."""
    called = f"{trained['model']} version {trained['version']}"
    if champion is not None and champion != trained["version"]:
        seen = recorded_holdout(hook, hook.model_version(trained["model"], champion)["run_id"])
        wanted = trained["holdout"]
        if seen is not None and seen["dataset"] == wanted["dataset"] and is_later(seen["from"], wanted["from"]):
            return Decision(
                promote=False,
                sentence=f"{called} is rejected: champion version {champion} was trained on newer rows, up to "
                f"{seen['from']}, and has seen this hold-out.",
            )
    named = None if champion is None else f"champion version {champion}"
    return decide(rule, called, scored.challenger, named, scored.advantage)


def told(verdict: Decision) -> dict[str, str]:
    """Return the verdict as plain JSON."""
    return {"decision": "promote" if verdict.promote else "reject", "sentence": verdict.sentence}


def keep(store: DatasetHook, evidence: Mapping[str, Any]) -> dict[str, str]:
    """Store the evidence under its own hash; the same evidence is stored once."""
    content = canonical_json(evidence).encode()
    return {"evidence": store.put_evidence(content, ".json"), "evidence_hash": hashlib.sha256(content).hexdigest()}


def figures(estimates: Mapping[str, Estimate]) -> dict[str, Any]:
    """Return figures as plain JSON."""
    return {name: estimate.to_json() for name, estimate in estimates.items()}


def log_once(hook: MlflowHook, run_id: str, estimates: Mapping[str, Estimate]) -> None:
    """Write the figures into the model's run, unless an earlier try did."""
    there = {item["key"]: item["value"] for item in hook.run(run_id)["data"].get("metrics", [])}
    known: dict[str, float] = {}
    for name, estimate in estimates.items():
        if estimate.is_known:
            known |= {f"holdout_{name}": estimate.value, f"holdout_{name}_low": estimate.low}
            known |= {f"holdout_{name}_high": estimate.high}
    missing = {name: value for name, value in known.items() if there.get(name) != value}
    if missing:
        hook.log_batch(run_id, metrics=missing, at=milliseconds())


def outcome(result: dict[str, Any], scored: Scored, partition: str) -> Outcome:
    """Return the result with its event and its points in the series."""
    subject = f"model/{result['model']}"
    points = [
        Measurement(f"{subject}/{name}", partition, estimate.value) for name, estimate in scored.challenger.items()
    ]
    return Outcome(result, events=[Event("model.evaluated", subject, result)], measurements=points)
