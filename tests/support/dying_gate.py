"""A gate whose process is killed in the middle of writing."""

from __future__ import annotations

import multiprocessing
import os
import signal
from typing import Any

from airflow_dataops.hooks import dataset
from airflow_dataops.operators.quality import QualityGateOperator


def killed_while_writing(operator: QualityGateOperator, context: dict[str, Any], *, after: int) -> int | None:
    """Run the gate in a process that kills itself when `after` files are in place and the next one is written."""
    process = multiprocessing.get_context("spawn").Process(
        target=die, args=(operator.snapshot, operator.suite, context, after)
    )
    process.start()
    process.join(120)
    return process.exitcode


def die(snapshot: dict[str, Any], suite: str, context: dict[str, Any], after: int) -> None:
    """Replace the step between writing a file and moving it into place by a kill, then run the gate."""
    whole, placed = dataset.replace_file, 0

    def replace_file(*paths: Any) -> None:
        nonlocal placed
        if placed == after:
            os.kill(os.getpid(), signal.SIGKILL)
        placed += 1
        whole(*paths)

    dataset.replace_file = replace_file
    QualityGateOperator(task_id="gate", snapshot=snapshot, suite=suite).execute(context)
