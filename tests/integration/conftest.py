"""Fixtures of the tests that start a whole Airflow."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "dags"))


@pytest.fixture(scope="session")
def flights_inbox(tmp_path_factory) -> Path:
    """Give the deliveries of 2013, written once."""
    from flights.deliveries import write_deliveries

    inbox = tmp_path_factory.mktemp("inbox")
    write_deliveries(inbox)
    return inbox
