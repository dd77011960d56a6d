"""One validation of a table in PostgreSQL with airflow_dataops; prints what it cost and what it found."""

from __future__ import annotations

import sys

from _told import cpu, tell

url, schema, table, suite = sys.argv[1:5]
import airflow_dataops.core.quality_sql.session  # noqa: E402, F401 - an import like the peers' own
from airflow_dataops.testing import SqlTable, run_suite  # noqa: E402

imported = cpu()

results = run_suite(suite, SqlTable(url, table, schema), engine="sql", result_format="SUMMARY")["results"]
tell(imported, [[result["success"], result["result"].get("unexpected_count")] for result in results])
