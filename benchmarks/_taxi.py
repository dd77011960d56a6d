"""Data and suite of the quality benchmark: taxi rides of 14 columns, 24 checks, of which none stops the data."""

from __future__ import annotations

import json
from pathlib import Path

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


def write_data(path: Path, rows: int, *, in_order: bool = True) -> None:
    """Write so many rides as parquet or CSV, unless they are there already; their ids rise, or are in no order."""
    import duckdb

    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    # A prime that does not divide the number of rows gives each row an id of its own.
    columns = COLUMNS.format(trip="i" if in_order else f"(i * 7919) % {rows}")
    with duckdb.connect(config={"memory_limit": "2GB"}) as connection:
        header = " (HEADER)" if path.suffix == ".csv" else ""
        connection.execute(
            f"COPY (SELECT {columns} FROM range({rows}) t(i)) TO '{path}.part'{header or ' (FORMAT PARQUET)'}"
        )
    Path(f"{path}.part").rename(path)


def expectation(kind: str, **kwargs: object) -> dict[str, object]:
    return {"type": kind, "kwargs": kwargs}


def suite() -> dict[str, object]:
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


def write_suite(path: Path) -> Path:
    """Write the suite as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(suite()))
    return path
