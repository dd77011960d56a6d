"""Training: one MLflow run, one registered version, everything recorded that made it."""

from __future__ import annotations

import contextlib
import inspect
import json
import random
import resource
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import Context
from airflow.sdk.definitions.param import ParamsDict

from airflow_dataops.core.dataset import pointer_name
from airflow_dataops.core.ledger import Claim, Event, Measurement
from airflow_dataops.core.training import Provenance, TrainingData, bounded_params, training_digest
from airflow_dataops.core.words import count_words, plain
from airflow_dataops.exceptions import BrokenCheckError, DataOpsError
from airflow_dataops.hooks.dataset import DatasetHook
from airflow_dataops.hooks.dataset_window import rows_before
from airflow_dataops.hooks.ledger_store import LedgerStore
from airflow_dataops.hooks.mlflow import MlflowHook
from airflow_dataops.hooks.mlflow_model import EXAMPLE_ROWS, input_schema, log_model
from airflow_dataops.hooks.source_code import git_state, installed_packages
from airflow_dataops.operators.reading import consumer_of, dataset_read
from airflow_dataops.operators.station import Outcome, StationOperator
from airflow_dataops.operators.training_run import HOLDOUT_TAG, TrackedRun, milliseconds

if TYPE_CHECKING:
    import pandas as pd

    from airflow_dataops.core.dataset import Snapshot

__all__ = ["TrainModelOperator", "prepared"]

Prepare = Callable[..., Any]
SETTLE_SECONDS = 2.0
NOTED_PACKAGES = ("python", "apache-airflow", "mlflow", "scikit-learn", "numpy", "pandas", "scipy", "skops")


class TrainModelOperator(StationOperator):
    """Train a model on what is published, inside one MLflow run, and register it once.

    The function sees the rows of all published partitions up to `until` that happened before `holdout_from`;
    the rows after it are sealed for the evaluation. Recorded are the snapshots with their digests, git commit
    and dirty flag, parameters, seed, installed packages, duration and memory; the model is stored with
    signature, input example and pinned requirements. Parameters are Airflow's own `params` of the task, so
    that a run may override them.

    Args:
        model: Name of the registered model. (templated)
        data: ``{"dataset", "until", "time_column", "holdout_from"}``: which rows. (templated)
        prepare: ``prepare(frame) -> (features, label)``.
        python_callable: ``fit(features, label, *, params, seed) -> model``; `params` and `seed` are optional.
        seed: Sets the random generators of Python and NumPy, and is given to the function.
        experiment: Name of the MLflow experiment; by default the model's. (templated)
        model_options: Further arguments of MLflow's ``log_model``: pip_requirements, skops_trusted_types, …
        mlflow_conn_id: The MLflow server.
        store_conn_id: Where snapshots lie.

    Returns:
        ``{"model", "version", "run_id", "uri", "data_digest", "rows", "holdout": {"dataset", "partition",
        "time_column", "from"}}``.

    Raises:
        AirflowFailException: Nothing is published, or the function returned no model. A retry does not help.
        OutageError: MLflow does not answer. A retry helps.
    """

    template_fields: Sequence[str] = ("model", "data", "experiment")
    shallow_copy_attrs: Sequence[str] = ("python_callable", "prepare")

    def __init__(
        self,
        *,
        model: str,
        data: Mapping[str, str],
        prepare: Prepare,
        python_callable: Callable[..., Any],
        seed: int = 0,
        experiment: str | None = None,
        model_options: Mapping[str, Any] | None = None,
        mlflow_conn_id: str = MlflowHook.default_conn_name,
        store_conn_id: str = DatasetHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.model = model
        self.data = data
        self.prepare = prepare
        self.python_callable = python_callable
        self.seed = seed
        self.experiment = experiment
        self.model_options = model_options
        self.mlflow_conn_id = mlflow_conn_id
        self.store_conn_id = store_conn_id
        self.tracked: TrackedRun | None = None

    def work(self, context: Context, ledger: LedgerStore, claim: Claim) -> Outcome:
        """Adopt what a dead try registered, else train; everything else it left is closed."""
        data = TrainingData.from_dict(self.data)
        self.tracked = TrackedRun(
            MlflowHook(self.mlflow_conn_id), ledger, claim, self.model, self.experiment or self.model
        )
        result = self.tracked.adopt()
        if result is None:
            result = self.train(context, self.tracked, data)
        else:
            self.log.info("An earlier try registered version %s; it stands.", result["version"])
        subject = f"model/{self.model}"
        trained = Event("model.trained", subject, {"sentence": learned_words(result), **result})
        return Outcome(
            result,
            events=[trained, *reads(self.tracked.claim, data.dataset, consumer_of(context), result)],
            measurements=[Measurement(f"{subject}/training_rows", data.until, result["rows"])],
        )

    def train(self, context: Context, run: TrackedRun, data: TrainingData) -> dict[str, Any]:
        """Train inside a new run and register what comes of it."""
        store = DatasetHook(self.store_conn_id)
        snapshots = published_snapshots(run.ledger, store, data)
        frame = rows_before(store, snapshots, data.time_column, data.holdout_from)
        features, label = prepared(self.prepare, frame, f"before {data.holdout_from}")
        run.note({"read": [[snapshot.partition, snapshot.version] for snapshot in snapshots]})
        result = {
            "data_digest": training_digest(data, snapshots),
            "rows": len(features),
            "holdout": data.holdout,
        }
        run.start(f"{self.model} {data.until}", self.description(context, data, result))
        with failing(run):
            self.record_inputs(context, run, snapshots)
            result = run.register(self.fit(context, run, features, label), result)
        run.finish()
        self.log.info(learned_words(result))
        return result

    def description(self, context: Context, data: TrainingData, result: Mapping[str, Any]) -> dict[str, Any]:
        """Return the tags of the run: code, data and environment."""
        ti = context["ti"]
        commit, dirty = git_state(Path(inspect.getsourcefile(inspect.unwrap(self.python_callable)) or ".").parent)
        packages = installed_packages()
        everything = json.dumps(packages, indent=1).encode()
        return {
            **Provenance(commit, dirty, f"{ti.dag_id}.{ti.task_id}").tags,
            "airflow.dag_id": ti.dag_id,
            "airflow.run_id": ti.run_id,
            "airflow.task_id": ti.task_id,
            "dataops.data_digest": result["data_digest"],
            HOLDOUT_TAG: json.dumps(data.holdout),
            "dataops.rows": str(result["rows"]),
            "dataops.seed": str(self.seed),
            "dataops.packages": json.dumps({name: packages[name] for name in NOTED_PACKAGES if name in packages}),
            "dataops.environment": DatasetHook(self.store_conn_id).put_evidence(everything, ".json"),
        }

    def record_inputs(self, context: Context, run: TrackedRun, snapshots: Sequence[Snapshot]) -> None:
        """Write parameters and datasets into the run."""
        run.hook.log_batch(run.id, params=bounded_params({**self.parameters(context), "seed": self.seed}))
        run.hook.log_inputs(run.id, [dataset_input(snapshot) for snapshot in snapshots])

    def fit(self, context: Context, run: TrackedRun, features: pd.DataFrame, label: Any) -> Any:
        """Call the user's function and store the model it returns."""
        example, schema = features.head(EXAMPLE_ROWS).copy(), input_schema(features)
        began = time.monotonic()
        with run.hook.environment(run.id, run.experiment_id):
            set_seeds(self.seed)
            model = self.python_callable(features, label, **self.accepted(context))
            leave_active_run()
            seconds = time.monotonic() - began
            logged = log_model(
                run.hook, run.id, model, example=example, schema=schema, options=self.model_options or {}
            )
        figures = {"dataops.training_seconds": seconds, "dataops.peak_memory_bytes": float(peak_memory())}
        run.hook.log_batch(run.id, metrics=figures, at=milliseconds())
        return logged

    def parameters(self, context: Context) -> dict[str, Any]:
        """Return the task's own params, not the DAG's, with what this run overrides."""
        own = ParamsDict.filter_params_by_source(ParamsDict(self.params), source="task").dump()
        given = context.get("params") or {}
        return {name: given.get(name, value) for name, value in own.items()}

    def accepted(self, context: Context) -> dict[str, Any]:
        """Return the keyword arguments that the function takes."""
        offered = {"params": self.parameters(context), "seed": self.seed}
        names = inspect.signature(self.python_callable).parameters
        takes_all = any(parameter.kind is parameter.VAR_KEYWORD for parameter in names.values())
        return {name: value for name, value in offered.items() if takes_all or name in names}

    def on_kill(self) -> None:
        """Close the run when somebody stops the task."""
        if self.tracked is not None:
            self.tracked.kill()


def published_snapshots(ledger: LedgerStore, store: DatasetHook, data: TrainingData) -> list[Snapshot]:
    """Return the published snapshots that count; none may be missing that the ledger knows.

    Raises:
        BrokenCheckError: Nothing is published, or a pointer file is not what the ledger says. A retry does not help.
    """
    for patience in (SETTLE_SECONDS, 0.0):
        snapshots = data.snapshots(store.published(data.dataset))
        found = {snapshot.partition: snapshot.version for snapshot in snapshots}
        known = [pointer.value["snapshot"] for pointer in ledger.pointers(pointer_name(data.dataset, ""))]
        counted = {one["partition"]: one["version"] for one in known if one["partition"] <= data.until}
        lost = sorted(partition for partition, version in counted.items() if found.get(partition) != version)
        if not lost:
            return snapshots
        time.sleep(patience)  # a publication may be under way, between the ledger and the file
    raise BrokenCheckError(
        f"{data.dataset}/{lost[0]} is published as version {counted[lost[0]]}, but the store has "
        f"{found.get(lost[0]) or 'none'}: a model would silently learn from other rows.",
        hint="a publication died half-way, or the store was restored from an older backup: clear the task that "
        "published this partition",
    )


def reads(claim: Claim, dataset: str, consumer: Mapping[str, Any], result: Mapping[str, Any]) -> Iterator[Event]:
    """Yield that the model has learned from each version, also from those that a dead try read."""
    learned = {**consumer, "model": result["model"], "model_version": result["version"]}
    for partition, version in claim.result.get("read", []):
        yield dataset_read(dataset, partition, version, learned)


def learned_words(result: Mapping[str, Any]) -> str:
    """Return what a training did, in one sentence."""
    return f"{plain(result['model'])} version {result['version']} learned from {count_words(result['rows'])} rows."


def prepared(prepare: Prepare, frame: pd.DataFrame, when: str) -> tuple[pd.DataFrame, pd.Series[Any]]:
    """Return features and label of the rows.

    Raises:
        BrokenCheckError: There are no rows, or `prepare` returned something else. A retry does not help.
    """
    if frame.empty:
        raise BrokenCheckError(
            f"There are no rows {when}.", hint="compare holdout_from and time_column with what is published"
        )
    made = prepare(frame)
    if not isinstance(made, tuple) or len(made) != 2 or not hasattr(made[0], "columns"):  # noqa: PLR2004
        raise BrokenCheckError(
            f"prepare returned {type(made).__name__}, but it must return a frame of features and a label."
        )
    features, label = made
    if len(features) != len(label) or len(features) == 0:
        raise BrokenCheckError(
            f"prepare returned {len(features)} rows of features and {len(label)} labels {when}; "
            "it must return as many of both, and at least one."
        )
    return features, label


@contextlib.contextmanager
def failing(run: TrackedRun) -> Iterator[None]:
    """Close the run as failed when an error passes; the error counts, not whether closing worked."""
    try:
        yield
    except Exception:
        with contextlib.suppress(DataOpsError):
            run.fail()
        raise


def dataset_input(snapshot: Snapshot) -> dict[str, Any]:
    """Return a snapshot in the form of MLflow's datasets, whose digests have at most 36 characters."""
    return {
        "dataset": {
            "name": f"{snapshot.dataset}/{snapshot.partition}"[:500],
            "digest": snapshot.digest[:32],
            "source_type": "local",
            "source": json.dumps({"uri": snapshot.uri, "sha256": snapshot.digest}),
            "profile": json.dumps({"num_rows": snapshot.rows}),
        },
        "tags": [{"key": "mlflow.data.context", "value": "training"}],
    }


def set_seeds(seed: int) -> None:
    """Set the random generators that training code may use without saying so."""
    import numpy as np

    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 - scikit-learn's default is this generator


def leave_active_run() -> None:
    """Leave the run that the function may have opened through MLflow's own calls; we close it ourselves."""
    mlflow = sys.modules.get("mlflow")
    while mlflow is not None and mlflow.active_run() is not None:
        mlflow.end_run("RUNNING")


def peak_memory() -> int:
    """Return the most memory this process has held, in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
