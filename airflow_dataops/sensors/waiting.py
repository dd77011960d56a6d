"""What all sensors share: look once, then wait in the triggerer or in the worker."""

from __future__ import annotations

from typing import Any

import pendulum
from airflow.sdk import BaseSensorOperator, Context, PokeReturnValue, conf
from airflow.triggers.base import BaseTrigger

from airflow_dataops.operators.station import final_errors
from airflow_dataops.triggers.fault import found_or_fault

__all__ = ["WaitingSensor"]


class WaitingSensor(BaseSensorOperator):
    """Base of the sensors.

    A subclass writes `poke`, which looks once, and `trigger`, which is the same wait for the triggerer.

    Args:
        deferrable: Wait in the triggerer, without a worker slot.
    """

    def __init__(
        self,
        *,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.deferrable = deferrable

    def poke(self, context: Context) -> PokeReturnValue:
        """Look once."""
        raise NotImplementedError

    def trigger(self) -> BaseTrigger:
        """Return the wait itself."""
        raise NotImplementedError

    def execute(self, context: Context) -> Any:
        """Look once; if what is awaited is not there yet, wait in the triggerer or in the worker."""
        if not self.deferrable:
            return super().execute(context)
        now = self.poke(context)
        if not now.is_done:
            timeout = pendulum.duration(seconds=self.timeout).as_timedelta()  # Airflow sends no other kind
            self.defer(trigger=self.trigger(), method_name="execute_complete", timeout=timeout)
        return now.xcom_value

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        """Return what the trigger found.

        Raises:
            AirflowFailException: The wait itself is wrong. A retry does not help.
            OutageError: A system did not answer while the task waited. A retry helps.
        """
        with final_errors():
            return found_or_fault(event)
