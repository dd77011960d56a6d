"""What comes after the split: repaired rows go back, and old ones are purged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow.sdk import Context

from airflow_dataops.core.ledger import Claim
from airflow_dataops.exceptions import BrokenCheckError
from airflow_dataops.hooks.dataset import DatasetHook, path_of
from airflow_dataops.hooks.ledger_store import LedgerStore
from airflow_dataops.operators.dataset import dataset_asset
from airflow_dataops.operators.quarantine_purge import expired, purge
from airflow_dataops.operators.quarantine_repair import Repair, reinject
from airflow_dataops.operators.station import Outcome, StationOperator

__all__ = ["PurgeQuarantineOperator", "ReinjectQuarantineOperator"]


class ReinjectQuarantineOperator(StationOperator):
    """Put repaired rows back where they stood, judge the whole again, and publish a new version.

    The suite is the one that split the rows off. Rows that still fail stay in quarantine, as a version of their
    own; good rows and those left are together all rows. The pointer moves by compare-and-set.

    Args:
        dataset: Name of the dataset; not templated, because the asset is named by it.
        partition: Which part of it. (templated)
        path: Parquet or CSV with the column ``_dataops_row`` and the repaired columns. (templated)
        version: Which version of the quarantine; by default the newest of the partition. (templated)
        drop_missing: Whether quarantined rows that the file does not hold are dropped; else they stay as they are.
        store_conn_id: Where snapshots lie.

    Returns:
        ``{"snapshot", "verdict", "quarantine", "rows", "rows_repaired", "rows_back", "rows_dropped", "rows_left",
        "evidence", "pointer", "sentence"}``.

    Raises:
        AirflowFailException: The file does not fit the quarantine, no row got better, the whole would be held, or
            the pointer moved. A retry does not help.
        OutageError: The store cannot be written. A retry helps.
    """

    template_fields: Sequence[str] = ("partition", "path", "version")

    def __init__(
        self,
        *,
        dataset: str,
        path: str,
        partition: str = "all",
        version: str | None = None,
        drop_missing: bool = False,
        store_conn_id: str = DatasetHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("outlets", [dataset_asset(dataset)])
        super().__init__(**kwargs)
        self.dataset = dataset
        self.path = path
        self.partition = partition
        self.version = version
        self.drop_missing = drop_missing
        self.store_conn_id = store_conn_id

    def work(self, context: Context, ledger: LedgerStore, claim: Claim) -> Outcome:
        """Decide once what is put back into what; the files are named by their content, so a retry adopts them."""
        repair = Repair(self.dataset, self.partition, path_of(self.path), self.version or None, self.drop_missing)
        outcome = reinject(DatasetHook(self.store_conn_id), ledger, claim, repair)
        self.log.info("%s", outcome.result["sentence"])
        return outcome

    def conclude(self, context: Context, result: dict[str, Any]) -> dict[str, Any]:
        """Tell the asset's followers which version and verdict it is."""
        extra = {**result["snapshot"], "verdict": result["verdict"]}
        for asset in self.outlets:
            context["outlet_events"][asset].extra.update(extra)
        return result


class PurgeQuarantineOperator(StationOperator):
    """Delete quarantined rows that are older than they may be; what is published is never touched.

    Args:
        dataset: The dataset the rows were split from; by default all datasets. (templated)
        older_than_days: How many days rows are kept. By default as long as their contract's retention says, and
            for ever where it does not say. (templated)
        preview: Whether it is only said what would go.
        store_conn_id: Where snapshots lie.

    Returns:
        ``{"purged": int, "rows": int, "bytes": int, "dry_run": bool, "versions": [str], "sentence": str}``.

    Raises:
        AirflowFailException: The number of days or a contract's retention makes no sense. A retry does not help.
        OutageError: A file cannot be deleted. A retry helps.
    """

    template_fields: Sequence[str] = ("dataset", "older_than_days")

    def __init__(
        self,
        *,
        dataset: str | None = None,
        older_than_days: float | str | None = None,
        preview: bool = False,
        store_conn_id: str = DatasetHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.dataset = dataset
        self.older_than_days = older_than_days
        self.preview = preview
        self.store_conn_id = store_conn_id

    def work(self, context: Context, ledger: LedgerStore, claim: Claim) -> Outcome:
        """Delete by what the history says, so that a retry finds the same rows and tells of all of them."""
        store = DatasetHook(self.store_conn_id)
        doomed = expired(store, ledger, dataset=self.dataset or None, days=days_of(self.older_than_days))
        outcome = purge(store, doomed, dry_run=self.preview)
        self.log.info("%s", outcome.result["sentence"])
        return outcome


def days_of(given: float | str | None) -> float | None:
    """Return a number of days.

    Raises:
        BrokenCheckError: It is none. A retry does not help.
    """
    if given in {None, "", "None"}:
        return None
    try:
        days = float(str(given))
    except ValueError:
        days = -1.0
    if not 0 <= days < float("inf"):
        raise BrokenCheckError(f"Got older_than_days={given!r}; allowed is a number of days from 0.")
    return days
