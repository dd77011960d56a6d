"""The 16 checks of 24 that airflow-dq can say: a contract, compiled and run check by check on DuckDB.

It has no key of several columns, no mean, deviation, quantile, median, maximum, sum, number of distinct values; its
ranges exclude their ends, so they are expressions here. Airflow does not run: there each check is a task of its own,
which costs a process each; none of that is counted.
"""

from __future__ import annotations

import sys
import tempfile

from _told import CHECKS, cpu, tell

path = sys.argv[1]
import duckdb  # noqa: E402
from airflow_dq.compiler.compiler import ContractCompiler  # noqa: E402
from airflow_dq.contracts.models import Contract  # noqa: E402
from airflow_dq.executors.duckdb import DuckDBExecutor  # noqa: E402

imported = cpu()
PAYMENTS = ["card", "cash", "free", "dispute"]


def rule(kind: str, column: str | None = None, **params: object) -> dict[str, object]:
    return {"rule": kind, "property": column, "severity": "blocking", "params": params}


def wrong(expression: str, **params: object) -> dict[str, object]:
    return rule("expression", expression=expression, name=expression, **params)


rules = {
    0: rule("rowCount", mustBeGreaterThan=999),
    1: rule("notNull", "trip_id"),
    2: rule("unique", "trip_id"),
    4: rule("acceptedValues", "vendor_id", allowedValues=[1, 2, 3, 4, 5, 6]),
    5: rule("notNull", "pickup"),
    6: rule("notNull", "payment", failIfPercentGreaterThan=1),
    7: rule("acceptedValues", "payment", allowedValues=PAYMENTS),
    8: wrong("passengers < 0 OR passengers > 6"),
    9: wrong("distance < 0 OR distance > 100"),
    10: wrong("fare < 0 OR fare > 500"),
    11: wrong("tip < 0 OR tip > 100"),
    12: wrong("score < 0 OR score > 100", failIfPercentGreaterThan=1),
    13: rule("pattern", "zone_code", pattern=r"^Z\d{3}$"),
    14: wrong("length(zone_code) <> 4"),
    21: wrong("total < tip"),
    22: wrong("payment NOT IN ('card', 'cash', 'free', 'dispute')"),
}
COUNTED = set(rules) - {0, 22}
found: list[object] = [None] * CHECKS
with tempfile.TemporaryDirectory() as folder:
    database = f"{folder}/data.duckdb"
    with duckdb.connect(database) as connection:
        connection.execute(f"CREATE VIEW taxi AS SELECT * FROM '{path}'")
    contract = Contract(id="taxi", version=1, dataset="taxi", quality=list(rules.values()))
    specs = ContractCompiler(contract).to_check_specs()
    if len(specs) != len(rules):
        sys.exit(f"airflow-dq made {len(specs)} checks of {len(rules)} rules")
    executor = DuckDBExecutor(database=database)
    for number, spec in zip(rules, specs, strict=True):
        result = executor.run(spec)
        found[number] = [result.status == "pass", result.rows_failed if number in COUNTED else None]
tell(imported, found)
