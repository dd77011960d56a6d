"""Going back to an earlier published version of a dataset, and who has read the bad one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow.sdk import Context

from airflow_dataops.core.dataset import Snapshot, pointer_name
from airflow_dataops.core.ledger import Claim, Event
from airflow_dataops.exceptions import BrokenCheckError
from airflow_dataops.hooks.dataset import DatasetHook
from airflow_dataops.hooks.ledger_store import LedgerStore
from airflow_dataops.operators.dataset import write_pointer
from airflow_dataops.operators.reading import MOST_KEPT, consumers, few, readers_words
from airflow_dataops.operators.station import Outcome, StationOperator

__all__ = ["RollbackDatasetOperator"]


class RollbackDatasetOperator(StationOperator):
    """Make an earlier published version of a partition current again, by compare-and-set; name who read the bad one.

    Those are named who read it through us: trainings, evaluations, and tasks that called `read_dataset`.

    Args:
        dataset: Name of the dataset. (templated)
        partition: Which part of it. (templated)
        to_version: The snapshot's version; by default the one published before the current. (templated)
        reason: Why, for the history. (templated)
        store_conn_id: Where snapshots lie.

    Returns:
        ``{"snapshot", "verdict", "pointer", "from_version", "reason", "consumers", "consumers_count"}``; a consumer
        is ``{"dag_id", "run_id", "task_id"}``, and ``"model", "model_version"`` of a training. The first few are
        named; all stand in the event.

    Raises:
        AirflowFailException: There is no such version, its file is gone, or the pointer moved. No retry helps.
    """

    template_fields: Sequence[str] = ("dataset", "partition", "to_version", "reason")

    def __init__(
        self,
        *,
        dataset: str,
        partition: str = "all",
        to_version: str | None = None,
        reason: str = "",
        store_conn_id: str = DatasetHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.dataset = dataset
        self.partition = partition
        self.to_version = to_version
        self.reason = reason
        self.store_conn_id = store_conn_id

    def work(self, context: Context, ledger: LedgerStore, claim: Claim) -> Outcome:
        """Decide once and remember it, so that a retry does not go back twice; then move pointer and file."""
        name, store = pointer_name(self.dataset, self.partition), DatasetHook(self.store_conn_id)
        if "value" not in claim.result:
            claim = ledger.note(claim, plan(ledger, name, self.to_version))
        value, bad = claim.result["value"], claim.result["bad"]
        snapshot = Snapshot.from_xcom(value["snapshot"])
        store.verified_path(snapshot)
        moved = ledger.move_pointer(claim, name, claim.result["expected"], value)
        write_pointer(ledger, store, self.dataset, self.partition, claim.key)
        told = consumers(ledger, name, bad)
        result = {
            **value,
            "pointer": {"name": name, "version": moved.version},
            "from_version": bad,
            "reason": self.reason[:200],
            "consumers": few(told),
            "consumers_count": len(told),
        }
        sentence = f"{snapshot.name} is current again instead of {bad}, {readers_words(len(told))}."
        self.log.info(sentence)
        payload = {"sentence": sentence, **result, "consumers": told[:MOST_KEPT]}
        return Outcome(result, events=[Event("dataset.rolled_back", name, payload)])


def plan(ledger: LedgerStore, name: str, wanted: str | None) -> dict[str, Any]:
    """Return where to go back to: the value, the bad version and the pointer version that is expected.

    Raises:
        BrokenCheckError: Nothing is published, or there is no such version. A retry does not help.
    """
    current = ledger.pointer(name)
    bad = current.value.get("snapshot", {}).get("version", "")
    history = [row.event.payload for row in ledger.events(kind="dataset.published", subject=name)]
    versions = [row["snapshot"]["version"] for row in history]
    before = history[: versions.index(bad)] if bad in versions else []
    choice = [row for row in history if row["snapshot"]["version"] == wanted] if wanted else before
    if not choice or wanted == bad:
        raise BrokenCheckError(
            f"{name} cannot go back to {wanted or 'the version before'}: its current version is {bad or 'none'}.",
            hint=f"published were {', '.join(dict.fromkeys(versions)) or 'none'}",
        )
    value = {"snapshot": choice[-1]["snapshot"], "verdict": choice[-1]["verdict"]}
    return {"value": value, "bad": bad, "expected": current.version}
