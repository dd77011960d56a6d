"""The 24 checks as a pandera schema on polars; half of them are lambdas, for pandera has no check of that kind."""

from __future__ import annotations

import os
import sys

from _told import cpu, tell

os.environ["DISABLE_PANDERA_IMPORT_WARNING"] = "True"
path = sys.argv[1]
import pandera.polars as pa  # noqa: E402
import polars as pl  # noqa: E402
from pandera.polars import Check, Column, DataFrameSchema, PolarsData  # noqa: E402

imported = cpu()
PAYMENTS = ["card", "cash", "free", "dispute"]
frame = pl.read_parquet(path)


def holds(expression: pl.Expr) -> Check:
    """Return a check that an expression over the whole column is true."""
    return Check(lambda data: data.lazyframe.select(expression.alias("holds")))


def rows_hold(data: PolarsData) -> pl.LazyFrame:
    return data.lazyframe.select(pl.col("total") >= pl.col("tip"))


column = pl.col
quantiles = (
    column("distance").quantile(0.05, "nearest").is_between(0, 5)
    & column("distance").quantile(0.5, "nearest").is_between(5, 25)
    & column("distance").quantile(0.95, "nearest").is_between(20, 40)
)
PAYMENT = [
    holds(column("payment").is_not_null().mean() >= 0.99),
    Check.isin(PAYMENTS),
    holds(column("payment").drop_nulls().unique().is_in(PAYMENTS).all()),
]
FARE = [
    Check.in_range(0, 500),
    holds(column("fare").mean().is_between(1, 100)),
    holds(column("fare").std().is_between(0, 100)),
]
schema = DataFrameSchema(
    {
        "trip_id": Column(nullable=False, unique=True),
        "vendor_id": Column(checks=Check.isin([1, 2, 3, 4, 5, 6])),
        "pickup": Column(nullable=False),
        "payment": Column(nullable=True, checks=PAYMENT),
        "passengers": Column(checks=[Check.in_range(0, 6), holds(column("passengers").max().is_between(1, 9))]),
        "distance": Column(checks=[Check.in_range(0, 100), holds(quantiles)]),
        "fare": Column(checks=FARE),
        "tip": Column(checks=[Check.in_range(0, 100), holds(column("tip").median().is_between(0, 20))]),
        "score": Column(checks=holds(column("score").is_between(0, 100).mean() >= 0.99)),
        "zone_code": Column(checks=[Check.str_matches(r"^Z\d{3}$"), Check.str_length(4, 4)]),
        "total": Column(checks=holds(column("total").sum() >= 0)),
        "pickup_zone": Column(checks=holds(column("pickup_zone").n_unique().is_between(1, 300))),
    },
    checks=[Check(rows_hold), holds(pl.len().is_between(1000, 100_000_000))],
    unique=["trip_id", "vendor_id"],
)
# Failing rows are told by failure cases only; where all pass, none fails. A share is a figure without a count.
COUNTED = {1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 13, 14, 21}
try:
    schema.validate(frame, lazy=True)
except pa.errors.SchemaErrors as errors:
    sys.exit(f"pandera found what should not be there: {errors.failure_cases}")
tell(imported, [[True, 0 if number in COUNTED else None] for number in range(24)])
