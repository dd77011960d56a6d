"""What all gates share: how a verdict is told, and what a hold does to the task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowSkipException

from airflow_dataops.core.quality import Verdict
from airflow_dataops.core.quality_check import Suite
from airflow_dataops.core.words import plain
from airflow_dataops.exceptions import GateHeldError
from airflow_dataops.operators.quality_link import QualityReportLink
from airflow_dataops.operators.station import StationOperator

__all__ = ["GateStation", "OnFail"]

OnFail = Literal["fail", "skip", "branch", "warn"]

GOES_ON = " It goes on all the same, as asked."


class GateStation(StationOperator):
    """Base of the gates; a subclass remembers `on_fail`."""

    operator_extra_links = (QualityReportLink(),)
    on_fail: OnFail
    judged_result: Mapping[str, Any] | None = None

    def conclude(self, context: Context, result: dict[str, Any]) -> dict[str, Any]:
        """Tell the verdict; on hold stop the line, as asked."""
        self.judged_result = result  # for the link and for lineage, which Airflow asks for when the task ends
        for asset in self.outlets:
            told = {name: result[name] for name in ("verdict", "score", "rows", "rows_bad")}
            context["outlet_events"][asset].extra.update(told)
        if result["verdict"] != Verdict.HOLD:
            self.log.info("%s", result["sentence"])
            return result
        if self.on_fail == "skip":
            raise AirflowSkipException(result["sentence"])
        if self.on_fail in {"warn", "branch"}:
            self.log.warning("%s%s", result["sentence"], GOES_ON if self.on_fail == "warn" else "")
            return result
        self.log.error("%s", result["sentence"])  # above the traceback: people read the first line
        kept = self.where_failing_rows_lie(result)
        raise GateHeldError(result["sentence"], hint=f"every check's figures lie at {result['report']}{kept}")

    def where_failing_rows_lie(self, result: Mapping[str, Any]) -> str:
        """Return the end of the hint of a hold."""
        return f"; the failing rows lie at {result['quarantine']['uri']}" if result["quarantine"] else ""

    def name_unchecked(self, suite: Suite) -> None:
        """Tell which rules of the suite are not checked."""
        for one in suite.unsupported:
            self.log.warning("Not checked: %s (%s).", plain(one.get("rule", "")), plain(one.get("why", ""), 200))
