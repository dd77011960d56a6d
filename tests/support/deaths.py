"""Kills for tests: a try of a station that ends before or after one of its steps."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest


class Died(BaseException):
    """Stands for SIGKILL where a child process would cost too much: nothing but a test catches it."""


@contextmanager
def dying(owner: Any, method: str, when: str) -> Iterator[None]:
    """Let the work inside the block die before or after the method of `owner` is called."""
    whole = getattr(owner, method)

    def deadly(*args: Any, **kwargs: Any) -> None:
        if when == "after":
            whole(*args, **kwargs)
        raise Died

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, method, deadly)
        with pytest.raises(Died):
            yield


def killed(owner: type, method: str, when: str, work: Callable[[], Any]) -> None:
    """Run `work` in a child process that kills itself before or after the method of `owner` is called.

    Nothing of the child gets to clean up: no finally, no atexit, no context manager.
    """
    child = os.fork()
    if child == 0:
        try:
            arm(owner, method, when)
            work()
        finally:
            os._exit(99)
    _, status = os.waitpid(child, 0)
    if not (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL):
        raise AssertionError(f"the child was to die {when} {owner.__name__}.{method}, but ended with status {status}")


def arm(owner: type, method: str, when: str) -> None:
    original = getattr(owner, method)

    def deadly(*args: Any, **kwargs: Any) -> Any:
        if when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        original(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, method, deadly)
