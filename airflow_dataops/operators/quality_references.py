"""What a gate needs besides its data: other datasets that its rows refer to, and what counts as now."""

from __future__ import annotations

from datetime import datetime

from airflow.sdk import Context

from airflow_dataops.core.dataset import Snapshot
from airflow_dataops.core.words import plain
from airflow_dataops.exceptions import BrokenCheckError
from airflow_dataops.hooks.dataset import DatasetHook

__all__ = ["end_of_interval", "published_snapshots"]


def published_snapshots(store: DatasetHook, dataset: str) -> list[Snapshot]:
    """Return the published partitions of a dataset that others refer to.

    Raises:
        BrokenCheckError: Nothing of it is published. A retry does not help.
    """
    documents = store.published(str(dataset))
    if not documents:
        raise BrokenCheckError(
            f"The reference {plain(str(dataset))} has no published partition.",
            hint="publish that dataset before this gate runs, or correct its name under references",
        )
    return [Snapshot.from_xcom(document["snapshot"]) for document in documents.values()]


def end_of_interval(context: Context) -> datetime | None:
    """Return when the run's interval ended, which counts as now; None for a run without one."""
    end = context.get("data_interval_end")
    return end if isinstance(end, datetime) else None
