"""``@task.quality_gate``: a function whose rows are snapshotted and judged in the same task."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import Context
from airflow.sdk.bases.decorator import DecoratedOperator, task_decorator_factory

from airflow_dataops.core.dataset import Snapshot
from airflow_dataops.core.ledger import Claim
from airflow_dataops.hooks.dataset import DatasetHook
from airflow_dataops.hooks.ledger_store import LedgerStore
from airflow_dataops.operators.dataset import frame_snapshot, snapshot_outcome
from airflow_dataops.operators.quality import QualityGateOperator
from airflow_dataops.operators.station import Outcome

if TYPE_CHECKING:
    from airflow.sdk.bases.decorator import TaskDecorator

__all__ = ["quality_gate_task"]

NOTE = "decorated"
"""Under which name a running claim remembers the snapshot that was taken."""


class QualityGateDecoratedOperator(DecoratedOperator, QualityGateOperator):
    """A `QualityGateOperator` around a decorated function that brings the rows.

    Args:
        dataset: Name of the dataset. (templated)
        partition: Which part of it. (templated)
    """

    template_fields: Sequence[str] = ("suite", "dataset", "partition", "op_args", "op_kwargs")
    template_fields_renderers: ClassVar[dict[str, str]] = {"op_args": "py", "op_kwargs": "py"}
    custom_operator_name: str = "@task.quality_gate"

    def __init__(self, *, dataset: str, partition: str = "all", **kwargs: Any) -> None:
        super().__init__(kwargs_to_upstream={"snapshot": ""}, **kwargs)
        self.dataset = dataset
        self.partition = partition

    def snapshot_to_judge(
        self, context: Context, store: DatasetHook, ledger: LedgerStore, claim: Claim
    ) -> tuple[Snapshot, Outcome]:
        """Call the function and snapshot its rows, once: a retry judges what the try that died had taken."""
        if NOTE in claim.result:
            taken = Snapshot.from_xcom(claim.result[NOTE])
            return taken, snapshot_outcome(taken)
        value = self.python_callable(
            *self.op_args, **self.determine_kwargs(ChainMap(dict(self.op_kwargs), dict(context)))
        )
        if isinstance(value, Mapping):
            return Snapshot.from_xcom(value), Outcome({})
        snapshot = frame_snapshot(store, value, self.dataset, self.partition, claim.key)
        ledger.note(claim, {NOTE: snapshot.to_xcom()})
        return snapshot, snapshot_outcome(snapshot)


def quality_gate_task(python_callable: Callable[..., Any] | None = None, **kwargs: Any) -> TaskDecorator:
    """Make a gate of a function that returns rows.

    The function returns a pandas or polars frame, an arrow table, the path of a file, or a snapshot that another task
    took; then that snapshot's own dataset and partition count. It is called with the arguments of the call, as with
    other task decorators; the result is the gate's::

        @task.quality_gate(dataset="orders", partition="{{ params.day }}", suite="orders.json")
        def orders(path):
            return pd.read_csv(path)

        PublishDatasetOperator(task_id="publish", dataset="orders", gate=orders("/inbox/orders.csv"))

    Args:
        python_callable: The function.
        kwargs: `dataset`, `partition`, and arguments of `QualityGateOperator` but for `snapshot`. With
            ``multiple_outputs=True`` each entry of the result is an XCom of its own, too.
    """
    kwargs.setdefault("multiple_outputs", False)  # the annotation tells what the function returns, not the gate
    return task_decorator_factory(
        python_callable=python_callable, decorated_operator_class=QualityGateDecoratedOperator, **kwargs
    )
