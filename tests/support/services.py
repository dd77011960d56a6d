"""What the tests find on this machine: PostgreSQL, a Docker engine, Chromium; and what to do where one is missing.

`make services` writes ``.cache/services.env``; variables that are set already win. With
``DATAOPS_REQUIRE_SERVICES=1`` a test that would be skipped fails instead, so that CI skips nothing.
"""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Generator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

SERVICES_ENV = Path(__file__).parents[2] / ".cache" / "services.env"
REMEDY = "as root on Debian run `make services`"


def load_services_env(path: Path = SERVICES_ENV) -> None:
    """Take over what `make services` wrote, one NAME=value a line, if it still runs."""
    if not path.is_file():
        return
    for line in path.read_text().splitlines():
        name, separator, value = line.strip().partition("=")
        if separator and not name.startswith("#") and answers(value):
            os.environ.setdefault(name, value)


def answers(value: str) -> bool:
    """Whether something listens at the address; a value that is no address counts as there."""
    parts = urlsplit(value)
    try:
        if parts.scheme == "unix":
            with socket.socket(socket.AF_UNIX) as probe:
                probe.connect(parts.path)
        elif parts.hostname and parts.port:
            socket.create_connection((parts.hostname, parts.port), timeout=2).close()
    except OSError:
        return False
    return True


def chromium() -> str:
    """Return the path of Chromium, or nothing."""
    candidates = ("chromium", "chromium-browser", "google-chrome")
    return os.environ.get("DATAOPS_TEST_CHROMIUM", "") or next(filter(None, map(shutil.which, candidates)), "")


def missing_services() -> dict[str, str]:
    """Return what is missing, each with how to get it."""
    missing = {}
    if not os.environ.get("DATAOPS_TEST_POSTGRES_URL"):
        missing["PostgreSQL"] = f"{REMEDY}, or set DATAOPS_TEST_POSTGRES_URL=postgresql://user:password@host/postgres"
    if not os.environ.get("DATAOPS_TEST_DOCKER_URL"):
        missing["Docker engine"] = f"{REMEDY}, or set DATAOPS_TEST_DOCKER_URL=unix:///var/run/docker.sock"
    if not shutil.which("java"):
        missing["Java"] = f"{REMEDY}, or install a Java 17"
    if not chromium():
        missing["Chromium"] = f"{REMEDY}, or install it and set DATAOPS_TEST_CHROMIUM to its path"
    return missing


def skips_fail() -> bool:
    """Whether a skipped test counts as failed."""
    return os.environ.get("DATAOPS_REQUIRE_SERVICES", "") not in {"", "0"}


def pytest_report_header() -> list[str]:
    return [f"{name} is missing, its tests are skipped: {remedy}" for name, remedy in missing_services().items()]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[Any]) -> Generator[None, Any, Any]:
    return fail_if_skipped((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, Any, Any]:
    return fail_if_skipped((yield))


def fail_if_skipped(report: Any) -> Any:
    """Turn a skip into a failure where nothing may be skipped; an expected failure stays what it is."""
    if skips_fail() and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"DATAOPS_REQUIRE_SERVICES is set, but the test was skipped: {reason}"
    return report


load_services_env()  # at import: other plugins read these variables when they are imported
