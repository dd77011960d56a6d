"""Many processes that start at one signal: what happens when a whole cluster wants the same thing."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from typing import Any

TIMEOUT_SECONDS = 120


def run_together(work: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Run `work` once per tuple of arguments, each in a process of its own, and return what they returned.

    An exception comes back as the value; `work` must be a function at the top of an importable module.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, work.__module__])
    barrier, answers = context.Barrier(len(arguments)), context.Queue()
    processes = [
        context.Process(target=enter, args=(barrier, answers, number, work, given), daemon=True)
        for number, given in enumerate(arguments)
    ]
    for process in processes:
        process.start()
    collected = dict(answers.get(timeout=TIMEOUT_SECONDS) for _ in processes)
    for process in processes:
        process.join(timeout=TIMEOUT_SECONDS)
    return [collected[number] for number in range(len(arguments))]


def enter(barrier: Any, answers: Any, number: int, work: Callable[..., Any], given: tuple[Any, ...]) -> None:
    """Wait for the others, then work."""
    barrier.wait(timeout=TIMEOUT_SECONDS)
    try:
        answers.put((number, work(*given)))
    except Exception as error:  # noqa: BLE001 - the test wants to see whatever went wrong
        answers.put((number, f"{type(error).__name__}: {error}"))
