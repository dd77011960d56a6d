"""What a model is trained on, and how a training run is described."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from airflow_dataops.core.dataset import Snapshot, pointer_name
from airflow_dataops.core.ledger import canonical_json
from airflow_dataops.exceptions import BrokenCheckError

__all__ = ["Provenance", "TrainingData", "bounded_params", "bounded_tags", "result_of", "training_digest"]

# MLflow's own limits; it cuts longer values silently or refuses them.
MAX_KEY = 250
MAX_TAG = 5000
MAX_PARAM = 6000
FIELDS = ("dataset", "until", "time_column", "holdout_from")


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Which rows a model may learn from, and which are kept for its judgement.

    Args:
        dataset: Name of the dataset.
        until: The last partition that counts; partitions are compared as text ("2013-02" < "2013-03").
        time_column: The column that tells when a row happened.
        holdout_from: Rows from this moment on are the sealed hold-out: training never sees them.
    """

    dataset: str
    until: str
    time_column: str
    holdout_from: str

    @classmethod
    def from_dict(cls, value: Any) -> TrainingData:
        """Return the data that an operator's `data` argument describes.

        Raises:
            BrokenCheckError: A field is missing, unknown or empty. A retry does not help.
        """
        fields = "the fields dataset, until, time_column and holdout_from"
        if not isinstance(value, Mapping):
            raise BrokenCheckError(f"data is {type(value).__name__}, but it must be a dict with {fields}.")
        missing = [name for name in FIELDS if not str(value.get(name) or "").strip()]
        if missing:
            raise BrokenCheckError(f"data has no {' and no '.join(missing)}; it needs {fields}.")
        unknown = sorted(set(map(str, value)) - set(FIELDS))
        if unknown:
            raise BrokenCheckError(f"data has the unknown field {unknown[0]!r}; it takes {fields}.")
        return cls(**{name: str(value[name]) for name in FIELDS})

    def snapshots(self, published: Mapping[str, Mapping[str, Any]]) -> list[Snapshot]:
        """Return the published snapshots that count, in the order of their partitions.

        Args:
            published: The published documents by partition.

        Raises:
            BrokenCheckError: Nothing is published up to the last partition. A retry does not help.
        """
        chosen = [partition for partition in sorted(published) if partition <= self.until]
        if not chosen:
            raise BrokenCheckError(
                f"Nothing of the dataset {self.dataset!r} is published up to {self.until!r}, so there is nothing "
                "to learn from.",
                hint="let a PublishDatasetOperator run first, and compare the names of dataset and partition",
            )
        return [Snapshot.from_xcom(published[partition]["snapshot"]) for partition in chosen]

    @property
    def holdout(self) -> dict[str, str]:
        """What a later evaluation must know to find the sealed rows."""
        return {
            "dataset": self.dataset,
            "partition": self.until,
            "time_column": self.time_column,
            "from": self.holdout_from,
        }


@dataclass(frozen=True, slots=True)
class Provenance:
    """Which code trained a model.

    Args:
        commit: The git commit of the DAG's folder; "unknown" outside a repository.
        dirty: "true" when files differed from the commit, "false" when not, else "unknown".
        source: File or bundle version the DAG came from.
    """

    commit: str = "unknown"
    dirty: str = "unknown"
    source: str = "unknown"

    @property
    def tags(self) -> dict[str, str]:
        """The tags under which MLflow's pages look for the code."""
        return {
            "mlflow.source.git.commit": self.commit,
            "mlflow.source.name": self.source,
            "mlflow.source.type": "JOB",
            "dataops.git.dirty": self.dirty,
        }


def training_digest(data: TrainingData, snapshots: Iterable[Snapshot]) -> str:
    """Return one SHA-256 over the rows a model learns from: the snapshots' digests and the cut in time."""
    rows = [[pointer_name(s.dataset, s.partition), s.digest] for s in snapshots]
    return hashlib.sha256(canonical_json([asdict(data), rows]).encode()).hexdigest()


def bounded_tags(tags: Mapping[str, Any]) -> dict[str, str]:
    """Return tags that MLflow takes as they are; text that is too long is cut visibly."""
    return {str(key)[:MAX_KEY]: bounded(value, MAX_TAG) for key, value in tags.items()}


def bounded_params(params: Mapping[str, Any]) -> dict[str, str]:
    """Return parameters as text that MLflow takes; values that are not text are spelled as JSON."""
    return {str(key)[:MAX_KEY]: bounded(value, MAX_PARAM) for key, value in params.items()}


def bounded(value: Any, length: int) -> str:
    """Return a value as text of at most `length` characters."""
    text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= length else text[: length - 1] + "…"


def result_of(kept: str, version: str) -> dict[str, Any]:
    """Return a training's result from what was kept with the registered version."""
    result: dict[str, Any] = json.loads(kept)
    return {**result, "version": version, "uri": f"models:/{result['model']}/{version}"}
