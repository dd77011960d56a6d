"""The ``[dataops]`` options, one function each, read when called."""

from __future__ import annotations

import os
from pathlib import Path

from airflow.sdk import conf

__all__ = ["executor", "home", "instance", "ledger_url", "store_path", "suites_path"]

SECTION = "dataops"


def home() -> Path:
    """Return the folder of the embedded defaults: ``$AIRFLOW_HOME/dataops``."""
    return Path(os.environ.get("AIRFLOW_HOME", "~/airflow")).expanduser() / "dataops"


def instance() -> str:
    """Return the name of this deployment of Airflow; part of every run key."""
    return str(conf.get(SECTION, "instance", fallback="default"))


def ledger_url() -> str:
    """Return the ledger's URL for processes that have no connection to ask: API server, CLI, defaults."""
    return str(conf.get(SECTION, "ledger_url", fallback="") or f"sqlite:///{home() / 'ledger.db'}")


def store_path() -> Path:
    """Return the folder where snapshots, published pointers and evidence lie by default."""
    return Path(conf.get(SECTION, "store_path", fallback="") or home() / "store").expanduser()


def suites_path() -> Path:
    """Return the folder against which relative paths of suites are resolved; Airflow's DAGs by default."""
    given = conf.get(SECTION, "suites_path", fallback="") or conf.get("core", "dags_folder", fallback=".")
    return Path(given).expanduser()


def executor() -> str:
    """Return the name of Airflow's executor; tells whether tasks run on more than one host."""
    return str(conf.get("core", "executor", fallback="LocalExecutor"))
