"""A split by airflow_dataops: count the bad rows, write them with their reasons, rewrite the good ones."""

from __future__ import annotations

import json
import logging
import os
import resource
import statistics
import sys
import tempfile
from pathlib import Path

from _told import cpu, tell

os.environ["AIRFLOW__CORE__UNIT_TEST_MODE"] = "True"
logging.disable(logging.WARNING)

from airflow_dataops.core.quality_options import GateOptions  # noqa: E402
from airflow_dataops.core.quality_suite import suite_of  # noqa: E402
from airflow_dataops.hooks.dataset import DatasetHook, path_of  # noqa: E402
from airflow_dataops.hooks.dataset_split import bad_batches, good_batches, positions_in  # noqa: E402
from airflow_dataops.hooks.quality_evaluation import evaluate  # noqa: E402

imported = cpu()
ROUNDS = 3
path = Path(sys.argv[1])
suite = suite_of(json.loads(Path(sys.argv[2]).read_text()), "the suite")
spent: dict[str, list[float]] = {"judging": [], "counting": [], "writing_bad": [], "writing_good": []}


def lap(name: str, since: float) -> float:
    """Note what was spent since then, and return the time now."""
    spent[name].append(cpu() - since)
    return cpu()


with tempfile.TemporaryDirectory(dir=path.parent) as folder:
    os.environ["AIRFLOW__DATAOPS__STORE_PATH"] = folder
    store = DatasetHook()
    for _ in range(ROUNDS):
        began = cpu()
        with evaluate(suite, path, GateOptions(threads=2)) as evaluation:
            now = lap("judging", began)
            ids = list(evaluation.failing)
            bad_rows = evaluation.count_failing(ids)
            now = lap("counting", now)
            reasons = evaluation.reasons(ids)
            bad = store.write_snapshot(bad_batches(path, evaluation.engine.failing_rows(reasons)), "bad", "all", "b")
            now = lap("writing_bad", now)
            good = store.write_snapshot(good_batches(path, positions_in(path_of(bad.uri))), "good", "all", "b")
            lap("writing_good", now)
            if bad.rows != bad_rows or good.rows + bad.rows != evaluation.rows:
                sys.exit(f"{evaluation.rows} rows became {good.rows} good and {bad.rows} bad ones of {bad_rows}")
figures = {name: statistics.median(seconds) for name, seconds in spent.items()}
megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
tell(imported, {**figures, "bad": bad_rows, "megabytes": megabytes})
