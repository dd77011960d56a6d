"""Helpers for users' own tests: a suite on a frame, and an Airflow of one's own to run DAGs in."""

from __future__ import annotations

from airflow_dataops.core.table import SqlTable as SqlTable
from airflow_dataops.testing.suite import run_suite as run_suite

__all__: list[str] = []
