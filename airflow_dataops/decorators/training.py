"""``@task.train_model``: a training station written as a function."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk.bases.decorator import DecoratedOperator, task_decorator_factory

from airflow_dataops.operators.training import TrainModelOperator

if TYPE_CHECKING:
    from airflow.sdk.bases.decorator import TaskDecorator

__all__ = ["train_model_task"]


class TrainModelDecoratedOperator(DecoratedOperator, TrainModelOperator):
    """A `TrainModelOperator` around a decorated function.

    Args:
        python_callable: The function.
        op_args: Must be empty: the station itself passes features and label.
        op_kwargs: Must be empty.
    """

    template_fields: Sequence[str] = TrainModelOperator.template_fields
    template_fields_renderers: ClassVar[dict[str, str]] = {}
    shallow_copy_attrs: Sequence[str] = TrainModelOperator.shallow_copy_attrs
    custom_operator_name: str = "@task.train_model"

    def __init__(
        self,
        *,
        python_callable: Callable[..., Any],
        op_args: Collection[Any] | None = None,
        op_kwargs: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        if op_args or op_kwargs:
            raise TypeError(
                f"{python_callable.__name__}() takes no arguments in a DAG: the station passes features and label; "
                "set what runs before it with >>"
            )
        # Airflow checks calls against the function's signature, which waits for features and label.
        super().__init__(
            python_callable=no_arguments, kwargs_to_upstream={"python_callable": python_callable}, **kwargs
        )

    def _hook_apply_defaults(self, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
        # Airflow would offer every constructor on the way up an `op_kwargs` that a station does not have.
        return args, kwargs


def no_arguments() -> None:
    """Stand for the function while Airflow checks how it is called."""


def train_model_task(python_callable: Callable[..., Any] | None = None, **kwargs: Any) -> TaskDecorator:
    """Make a `TrainModelOperator` of a function ``fit(features, label, *, params, seed) -> model``.

    Args:
        python_callable: The function.
        kwargs: Arguments of `TrainModelOperator`.
    """
    kwargs.setdefault("multiple_outputs", False)
    return task_decorator_factory(
        python_callable=python_callable, decorated_operator_class=TrainModelDecoratedOperator, **kwargs
    )
