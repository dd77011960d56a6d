"""The whole line, with a worker killed once in every station, at the point that the run asks for.

Airflow parses only files that hold the words "airflow" and "dag".
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
from datetime import timedelta
from functools import partial
from pathlib import Path

from airflow_dataops.operators.station import StationOperator

DAGS = Path(os.environ["FLIGHTS_DAGS"])
sys.path.insert(0, str(DAGS))

dag = runpy.run_path(str(DAGS / "flights_line.py"))["dag"]
dag.dag_id = "killed_line"


def die_once(context, *_, **__) -> None:
    """Die as a worker dies whose memory ran out: no handler, no clean-up."""
    if context["ti"].try_number == 1:
        os.kill(os.getpid(), signal.SIGKILL)


def dying_work(station, context, ledger, claim, actor):
    """Let the first try die before the work, after it but before it is recorded, or after it is recorded."""
    point = context["params"]["kill"]
    if point == "before":
        die_once(context)
    if point == "after" and context["ti"].try_number == 1:
        ledger.complete = partial(die_once, context)
    done = do_work(station, context, ledger, claim, actor)
    if point == "recorded":
        die_once(context)
    return done


do_work = getattr(StationOperator.do_work, "original", StationOperator.do_work)
dying_work.original = do_work
StationOperator.do_work = dying_work

for task in dag.task_dict.values():
    task.retry_delay = timedelta(seconds=1)
