"""Data and suite of the quality benchmark: taxi rides of 14 columns, 24 checks, of which none stops the data."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

COLUMNS = """
    {trip} AS trip_id,
    (hash(i) % 6 + 1)::INT AS vendor_id,
    TIMESTAMP '2024-01-01' + to_seconds(i // 4) AS pickup,
    TIMESTAMP '2024-01-01' + to_seconds(i // 4 + 60 + (hash(i + 1) % 3000)::BIGINT) AS dropoff,
    (hash(i + 2) % 6)::BIGINT AS passengers,
    ((hash(i + 3) % 3000) / 100.0)::DOUBLE AS distance,
    (hash(i + 4) % 265 + 1)::INT AS pickup_zone,
    (hash(i + 5) % 265 + 1)::INT AS dropoff_zone,
    CASE WHEN hash(i + 6) % 2000 = 0 THEN NULL
         ELSE ['card', 'cash', 'free', 'dispute'][(hash(i + 6) % 4 + 1)::INT] END AS payment,
    ((hash(i + 7) % 5000) / 100.0 + 2.5)::DOUBLE AS fare,
    ((hash(i + 8) % 1000) / 100.0)::DOUBLE AS tip,
    ((hash(i + 7) % 5000) / 100.0 + 2.5 + (hash(i + 8) % 1000) / 100.0)::DOUBLE AS total,
    'Z' || lpad((hash(i + 9) % 400)::VARCHAR, 3, '0') AS zone_code,
    CASE WHEN hash(i + 10) % 2000 = 0 THEN -1 ELSE (hash(i + 10) % 100)::BIGINT END AS score
"""


# A prime that does not divide the number of rows gives each row an id of its own.
TRIPS = {"plain": "i", "shuffled": "(i * 7919) % {rows}", "wide": "(hash(i) >> 1)::BIGINT", "broken": "i"}
BROKEN = {
    "vendor_id": "9",
    "pickup": "NULL",
    "payment": "'cheque'",
    "passengers": "-1",
    "distance": "-0.5",
    "fare": "-3.0",
    "tip": "-0.25",
    "zone_code": "'Z12'",
    "total": "-1.0",
    "score": "101",
}
"""What stands in the bad rows of broken data, in one row in a hundred, a column in turn."""


def write_data(path: Path, rows: int, kind: str) -> None:
    """Write so many rides as parquet or CSV.

    Args:
        path: The file.
        rows: How many.
        kind: "plain" has ids that rise, "shuffled" has the same in no order, "wide" has hashes for ids; "broken" has
            one bad row in a hundred.
    """
    import duckdb

    path.parent.mkdir(parents=True, exist_ok=True)
    query = f"SELECT {COLUMNS.format(trip=TRIPS[kind].format(rows=rows))} FROM range({rows}) t(i)"
    if kind == "broken":
        turns = enumerate(BROKEN.items())
        swapped = [f"if(trip_id % 1000 = {100 * turn + 7}, {bad}, {name}) AS {name}" for turn, (name, bad) in turns]
        query = f"SELECT * REPLACE ({', '.join(swapped)}) FROM ({query})"
    with duckdb.connect(config={"memory_limit": "2GB"}) as connection:
        connection.execute(
            f"COPY ({query}) TO '{path}.part' {'(HEADER)' if path.suffix == '.csv' else '(FORMAT PARQUET)'}"
        )
    Path(f"{path}.part").rename(path)


OF_ROWS = (1, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 21)
"""Which of the checks are about single rows."""


def expectation(kind: str, **kwargs: object) -> dict[str, object]:
    return {"type": kind, "kwargs": kwargs}


def suite() -> dict[str, Any]:
    """Return the 24 checks."""
    values = "expect_column_values_to_"
    quantiles = {"quantiles": [0.05, 0.5, 0.95], "value_ranges": [[0, 5], [5, 25], [20, 40]]}
    payments = ["card", "cash", "free", "dispute"]
    return {
        "name": "taxi",
        "expectations": [
            expectation("expect_table_row_count_to_be_between", min_value=1000, max_value=100_000_000),
            expectation(f"{values}not_be_null", column="trip_id"),
            expectation(f"{values}be_unique", column="trip_id"),
            expectation("expect_compound_columns_to_be_unique", column_list=["trip_id", "vendor_id"]),
            expectation(f"{values}be_in_set", column="vendor_id", value_set=[1, 2, 3, 4, 5, 6]),
            expectation(f"{values}not_be_null", column="pickup"),
            expectation(f"{values}not_be_null", column="payment", mostly=0.99),
            expectation(f"{values}be_in_set", column="payment", value_set=payments),
            expectation(f"{values}be_between", column="passengers", min_value=0, max_value=6),
            expectation(f"{values}be_between", column="distance", min_value=0, max_value=100),
            expectation(f"{values}be_between", column="fare", min_value=0, max_value=500),
            expectation(f"{values}be_between", column="tip", min_value=0, max_value=100),
            expectation(f"{values}be_between", column="score", min_value=0, max_value=100, mostly=0.99),
            expectation(f"{values}match_regex", column="zone_code", regex=r"^Z\d{3}$"),
            expectation("expect_column_value_lengths_to_equal", column="zone_code", value=4),
            expectation("expect_column_mean_to_be_between", column="fare", min_value=1, max_value=100),
            expectation("expect_column_stdev_to_be_between", column="fare", min_value=0, max_value=100),
            expectation("expect_column_quantile_values_to_be_between", column="distance", quantile_ranges=quantiles),
            expectation("expect_column_median_to_be_between", column="tip", min_value=0, max_value=20),
            expectation("expect_column_max_to_be_between", column="passengers", min_value=1, max_value=9),
            expectation("expect_column_sum_to_be_between", column="total", min_value=0),
            expectation(
                "expect_column_pair_values_a_to_be_greater_than_b", column_A="total", column_B="tip", or_equal=True
            ),
            expectation("expect_column_distinct_values_to_be_in_set", column="payment", value_set=payments),
            expectation(
                "expect_column_unique_value_count_to_be_between", column="pickup_zone", min_value=1, max_value=300
            ),
        ],
    }


def split_suite() -> dict[str, object]:
    """Return the twelve checks of single rows alone; rows that fail one are split off."""
    checks = suite()["expectations"]
    meta = {"dataops": {"severity": "quarantine", "tolerance": 0.05}}
    return {"name": "taxi rows", "expectations": [{**checks[number], "meta": meta} for number in OF_ROWS]}


def write_suite(document: dict[str, object], path: Path) -> Path:
    """Write a suite as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))
    return path


if __name__ == "__main__":
    write_data(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
