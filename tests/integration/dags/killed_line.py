"""The whole line, with a worker killed once in every station, at the point that the run asks for."""

from __future__ import annotations

import os
import runpy
import signal
import sys
from datetime import timedelta
from pathlib import Path

DAGS = Path(os.environ["FLIGHTS_DAGS"])
sys.path.insert(0, str(DAGS))

dag = runpy.run_path(str(DAGS / "flights_line.py"))["dag"]
dag.dag_id = "killed_line"


def kill_once(context) -> None:
    """Die as a worker dies whose memory ran out: no handler, no clean-up."""
    if context["ti"].try_number == 1:
        os.kill(os.getpid(), signal.SIGKILL)


def killed(operator) -> None:
    """Let the first try die before the work, after it but before it is recorded, or after it is recorded."""
    work, conclude = operator.work, operator.conclude

    def dying_work(context, ledger, claim):
        if context["params"]["kill"] == "before":
            kill_once(context)
        outcome = work(context, ledger, claim)
        if context["params"]["kill"] == "after":
            kill_once(context)
        return outcome

    def dying_conclude(context, result):
        if context["params"]["kill"] == "recorded":
            kill_once(context)
        return conclude(context, result)

    operator.work, operator.conclude = dying_work, dying_conclude


for task in dag.task_dict.values():
    task.retry_delay = timedelta(seconds=1)
    killed(task)
