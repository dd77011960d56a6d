"""What a station adds around its real work: opening the ledger, claims, pointers, events, evidence; on SQLite.

    python benchmarks/stations.py [--quick] [--json FILE]

Runs every station of the line once a month on real flights against a real MLflow server, and counts the CPU seconds
spent inside the ledger and the evidence store. Imports and the first migration are apart: a warm-up month pays them.
"""

from __future__ import annotations

import logging
import os
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pendulum
from _measure import Row, options, report

ROOT = Path(__file__).parents[1]
LIMIT_MILLISECONDS = 150.0
HOME = tempfile.mkdtemp(prefix="dataops-stations-")
os.environ.update(
    {
        "AIRFLOW_HOME": HOME,
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "True",
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "FLIGHTS_INBOX": f"{HOME}/inbox",
    }
)
sys.path.insert(0, str(ROOT / "dags"))

from airflow.dag_processing.bundles.manager import DagBundlesManager  # noqa: E402
from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db  # noqa: E402 - Airflow's home comes first
from airflow.utils.db import initdb  # noqa: E402
from flights_line import dag  # noqa: E402

from airflow_dataops.hooks.dataset import DatasetHook  # noqa: E402
from airflow_dataops.hooks.ledger import LedgerHook  # noqa: E402
from airflow_dataops.hooks.ledger_store import LedgerStore  # noqa: E402
from airflow_dataops.hooks.process import ProcessHook  # noqa: E402
from airflow_dataops.operators.station import StationOperator  # noqa: E402
from airflow_dataops.testing.local_mlflow import LocalMlflow  # noqa: E402
from flights.deliveries import write_deliveries  # noqa: E402

WATCHED = {
    LedgerHook: ["get_conn"],
    LedgerStore: ["claim", "note", "complete", "append", "events", "pointer", "pointers", "move_pointer", "find_claim"],
    DatasetHook: ["put_evidence"],
}


class Stopwatch:
    """Adds up, by task, the CPU seconds spent inside the watched methods; nested calls count once."""

    def __init__(self) -> None:
        self.spent: dict[str, list[float]] = defaultdict(list)
        self.depth = 0

    def watch_station(self) -> None:
        """Begin a new sum whenever a station begins."""
        execute = StationOperator.execute

        def counted(operator: StationOperator, context: Any) -> Any:
            self.sums = self.spent[operator.task_id]
            self.sums.append(0.0)
            return execute(operator, context)

        StationOperator.execute = counted  # type: ignore[method-assign]

    def watch(self, owner: type, name: str) -> None:
        """Replace a method by one that is timed."""
        original: Callable[..., Any] = getattr(owner, name)

        def timed(*arguments: Any, **named: Any) -> Any:
            started = time.process_time()
            self.depth += 1
            try:
                return original(*arguments, **named)
            finally:
                self.depth -= 1
                if not self.depth:
                    self.sums[-1] += time.process_time() - started

        setattr(owner, name, timed)


def main() -> int:
    """Run the months and report the median of each station."""
    chosen = options(str(__doc__))
    logging.disable(logging.INFO)
    initdb()
    DagBundlesManager().sync_bundles_to_db()
    sync_bag_to_db(DagBag(ROOT / "dags"), "dags-folder", None)
    write_deliveries(Path(HOME, "inbox"))
    stopwatch = Stopwatch()
    stopwatch.watch_station()
    for owner, names in WATCHED.items():
        for name in names:
            stopwatch.watch(owner, name)
    with LocalMlflow(Path(HOME, "mlflow")) as mlflow:
        os.environ["AIRFLOW_CONN_MLFLOW_DEFAULT"] = mlflow.connection()
        # Each month is promoted, so that every station works: a lower floor, and any loss is allowed.
        dag.task_dict["evaluate"].margin = 1.0
        for month in ["2013-01", "2013-03", "2013-04", "2013-05"][: 3 if chosen.quick else 4]:
            dag.test(logical_date=pendulum.parse(f"{month}-01"), run_conf={"month": month})
    processes = ProcessHook()
    for release in processes.releases("flights"):
        processes.stop("flights", release.name)
    rows = [
        Row(f"{task}: ledger, claims, evidence", statistics.median(seconds[1:]) * 1000, "ms", LIMIT_MILLISECONDS)
        for task, seconds in stopwatch.spent.items()
    ]
    return report(rows, chosen)


if __name__ == "__main__":
    sys.exit(main())
