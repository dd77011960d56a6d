"""The 24 checks as a pandera schema on pandas; half of them are lambdas, for pandera has no check of that kind."""

from __future__ import annotations

import os
import sys

from _told import cpu, tell

os.environ["DISABLE_PANDERA_IMPORT_WARNING"] = "True"
path = sys.argv[1]
import pandas as pd  # noqa: E402
import pandera.pandas as pa  # noqa: E402
from pandera.pandas import Check, Column, DataFrameSchema  # noqa: E402

imported = cpu()
PAYMENTS = ["card", "cash", "free", "dispute"]
frame = pd.read_parquet(path)


def figure(number: int, decide: object, *, ignore_na: bool = True) -> Check:
    """Return a check on a whole column."""
    return Check(decide, name=f"{number}", ignore_na=ignore_na)


def quantiles(values: pd.Series) -> bool:
    low, middle, high = values.quantile([0.05, 0.5, 0.95], interpolation="nearest")
    return bool(0 <= low <= 5 <= middle <= 25 and 20 <= high <= 40)


FARE = [
    Check.in_range(0, 500, name="10"),
    figure(15, lambda values: 1 <= values.mean() <= 100),
    figure(16, lambda values: 0 <= values.std() <= 100),
]
ZONE = [Check.str_matches(r"^Z\d{3}$", name="13"), Check.str_length(4, 4, name="14")]
PAYMENT = [
    figure(6, lambda values: values.notna().mean() >= 0.99, ignore_na=False),
    Check.isin(PAYMENTS, name="7"),
    figure(22, lambda values: set(values.dropna().unique()) <= set(PAYMENTS)),
]
schema = DataFrameSchema(
    {
        "trip_id": Column(nullable=False, unique=True),
        "vendor_id": Column(checks=Check.isin([1, 2, 3, 4, 5, 6], name="4")),
        "pickup": Column(nullable=False),
        "payment": Column(nullable=True, checks=PAYMENT),
        "passengers": Column(
            checks=[Check.in_range(0, 6, name="8"), figure(19, lambda values: 1 <= values.max() <= 9)]
        ),
        "distance": Column(checks=[Check.in_range(0, 100, name="9"), figure(17, quantiles)]),
        "fare": Column(checks=FARE),
        "tip": Column(
            checks=[Check.in_range(0, 100, name="11"), figure(18, lambda values: 0 <= values.median() <= 20)]
        ),
        "score": Column(checks=figure(12, lambda values: values.between(0, 100).mean() >= 0.99)),
        "zone_code": Column(checks=ZONE),
        "total": Column(checks=figure(20, lambda values: values.sum() >= 0)),
        "pickup_zone": Column(checks=figure(23, lambda values: 1 <= values.nunique() <= 300)),
    },
    checks=[
        figure(0, lambda whole: 1000 <= len(whole) <= 100_000_000),
        Check(lambda whole: whole["total"] >= whole["tip"], name="21"),
    ],
    unique=["trip_id", "vendor_id"],
)
# Failing rows are told by failure cases only; where all pass, none fails. A share is a figure without a count.
COUNTED = {1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 13, 14, 21}
found: list[object] = [[True, 0 if number in COUNTED else None] for number in range(24)]
try:
    schema.validate(frame, lazy=True)
except pa.errors.SchemaErrors as errors:
    sys.exit(f"pandera found what should not be there: {errors.failure_cases}")
tell(imported, found)
