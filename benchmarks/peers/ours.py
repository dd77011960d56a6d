"""One validation with airflow_dataops, in a process without Airflow; prints what it cost and what it found."""

from __future__ import annotations

import sys

from _told import cpu, tell

path, suite = sys.argv[1:3]
memory_limit = sys.argv[3] if len(sys.argv) > 3 else None
import duckdb  # noqa: E402, F401

import airflow_dataops.core.quality_sql.session  # noqa: E402, F401 - an import like the peers' own
from airflow_dataops.testing import run_suite  # noqa: E402

imported = cpu()
results = run_suite(suite, path, result_format="SUMMARY", memory_limit=memory_limit, threads=2)["results"]
tell(imported, [[result["success"], result["result"].get("unexpected_count")] for result in results])
