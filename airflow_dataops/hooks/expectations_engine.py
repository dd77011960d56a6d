"""Great Expectations itself: how an expectation is built and where it runs, kept quiet."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from airflow_dataops.core.words import plain
from airflow_dataops.exceptions import BrokenCheckError

__all__ = ["build", "project_config", "quiet", "raised"]

NAME = "great_expectations"
OUR_ARGUMENTS = ("result_format", "catch_exceptions", "batch_id")
"""Arguments that say how to run, not what must be true: a suite that brings them would hide which rows fail."""


def build(expectation: Mapping[str, Any], number: int, source: str) -> Any:
    """Return the expectation as an object of Great Expectations.

    Raises:
        BrokenCheckError: It is unknown or its arguments are wrong. A retry does not help.
    """
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    kind, severity = expectation["type"], expectation.get("severity") or "critical"
    kwargs = {name: value for name, value in expectation["kwargs"].items() if name not in OUR_ARGUMENTS}
    try:
        return ExpectationConfiguration(type=kind, kwargs=kwargs, severity=severity).to_domain_obj()
    except Exception as error:  # many kinds, of Great Expectations and of two pydantics
        where = f"{source}, expectation {number + 1} ({plain(kind)})"
        raise BrokenCheckError(
            f"{where} has wrong arguments: {argument_faults(error).rstrip('.')}.", hint="mend the suite"
        ) from error


def argument_faults(error: Exception) -> str:
    """Return what is wrong with an expectation's arguments, on one line."""
    if hasattr(error, "errors"):
        faults = [f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()]
        return plain("; ".join(faults), 400).replace("__root__: ", "")
    return plain(str(error), 400) or type(error).__name__


def raised(found: Any) -> bool:
    """Whether the expectation ended in an exception; its form differs with how many metrics failed."""
    info = found.exception_info or {}
    inner = [value for value in info.values() if isinstance(value, Mapping)]
    return bool(info.get("raised_exception")) or any(value.get("raised_exception", True) for value in inner)


def project_config() -> Any:
    """Return a project that lives in memory: no files, no pages, no progress bars."""
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    return DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(),
        progress_bars=ProgressBarsConfig(globally=False, metric_calculations=False),
    )


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Great Expectations' notes and warnings about itself out of the task's log, and its reports at home."""
    # Releases before 1.24 report their use to their makers unless told not to.
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logger = logging.getLogger(NAME)
        level = logger.level
        logger.setLevel(logging.CRITICAL)
        try:
            import great_expectations.expectations  # noqa: F401 - the import alone writes 250 lines

            # This one sets its own level while it is imported.
            logging.getLogger(f"{NAME}.data_context.types.base").setLevel(logging.NOTSET)
            yield
        finally:
            logger.setLevel(level)
