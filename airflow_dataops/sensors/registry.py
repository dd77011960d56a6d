"""Sensors that wait for registered models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow.sdk import Context, PokeReturnValue

from airflow_dataops.core.registry import CHAMPION
from airflow_dataops.hooks.mlflow import MlflowHook
from airflow_dataops.operators.station import final_errors
from airflow_dataops.sensors.waiting import WaitingSensor
from airflow_dataops.triggers.registry import ModelVersionTrigger

__all__ = ["ModelVersionSensor"]


class ModelVersionSensor(WaitingSensor):
    """Wait until a registered model has a version under an alias.

    ``deferrable=True`` waits in the triggerer, without a worker slot.

    Args:
        model: Name of the registered model. (templated)
        alias: The alias. (templated)
        newer_than: Version number that is known already; 0 waits for any version. (templated)
        mlflow_conn_id: The MLflow server.

    Returns:
        ``{"model": str, "alias": str, "version": str}``.

    Raises:
        AirflowFailException: There is no such connection. A retry does not help.
        OutageError: MLflow does not answer. A retry helps.
    """

    template_fields: Sequence[str] = ("model", "alias", "newer_than")

    def __init__(
        self,
        *,
        model: str,
        alias: str = CHAMPION,
        newer_than: int | str = 0,
        mlflow_conn_id: str = MlflowHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.model = model
        self.alias = alias
        self.newer_than = newer_than
        self.mlflow_conn_id = mlflow_conn_id

    def poke(self, context: Context) -> PokeReturnValue:
        """Look once."""
        with final_errors():
            found = self.trigger().look(MlflowHook(self.mlflow_conn_id))
        return PokeReturnValue(found is not None, found)

    def trigger(self) -> ModelVersionTrigger:
        """Return the wait itself."""
        return ModelVersionTrigger(
            self.model, self.alias, int(self.newer_than), self.poke_interval, self.mlflow_conn_id
        )
