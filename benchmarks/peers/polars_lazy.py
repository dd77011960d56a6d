"""The 24 checks written by hand in polars: one lazy query on the streaming engine, and a group-by for each key."""

from __future__ import annotations

import sys

from _told import cpu, tell

path = sys.argv[1]
import polars as pl  # noqa: E402

imported = cpu()
PAYMENTS = ["card", "cash", "free", "dispute"]
rows = pl.scan_parquet(path)
column = pl.col
figures = {
    "rows": pl.len(),
    "no_trip": column("trip_id").null_count(),
    "vendor": (~column("vendor_id").is_in([1, 2, 3, 4, 5, 6])).sum(),
    "no_pickup": column("pickup").null_count(),
    "no_payment": column("payment").null_count(),
    "payment": (~column("payment").is_in(PAYMENTS)).sum(),
    "passengers": (~column("passengers").is_between(0, 6)).sum(),
    "distance": (~column("distance").is_between(0, 100)).sum(),
    "fare": (~column("fare").is_between(0, 500)).sum(),
    "tip": (~column("tip").is_between(0, 100)).sum(),
    "score": (~column("score").is_between(0, 100)).sum(),
    "zone_pattern": (~column("zone_code").str.contains(r"^Z\d{3}$")).sum(),
    "zone_length": (column("zone_code").str.len_chars() != 4).sum(),
    "fare_mean": column("fare").mean(),
    "fare_deviation": column("fare").std(),
    "distance_5": column("distance").quantile(0.05, "nearest"),
    "distance_50": column("distance").quantile(0.5, "nearest"),
    "distance_95": column("distance").quantile(0.95, "nearest"),
    "tip_median": column("tip").median(),
    "passengers_most": column("passengers").max(),
    "total_sum": column("total").sum(),
    "total_below_tip": (column("total") < column("tip")).sum(),
    "zones": column("pickup_zone").n_unique(),
}
one = rows.select(**figures).collect(engine="streaming").row(0, named=True)


def sharing(*names: str) -> int:
    """Return how many rows share their key with another."""
    keys = rows.group_by(names).len().filter(column("len") > 1)
    return int(keys.select(column("len").sum()).collect(engine="streaming").item())


def within(value: float, low: float, high: float) -> list[object]:
    return [low <= value <= high, None]


def none(failing: int) -> list[object]:
    return [failing == 0, failing]


def mostly(failing: int, share: float, judged: int) -> list[object]:
    return [(judged - failing) / judged >= share, failing]


middle = within(one["distance_50"], 5, 25)[0] and within(one["distance_95"], 20, 40)[0]
tell(
    imported,
    [
        within(one["rows"], 1000, 100_000_000),
        none(one["no_trip"]),
        none(sharing("trip_id")),
        none(sharing("trip_id", "vendor_id")),
        none(one["vendor"]),
        none(one["no_pickup"]),
        mostly(one["no_payment"], 0.99, one["rows"]),
        *[none(one[name]) for name in ("payment", "passengers", "distance", "fare", "tip")],
        mostly(one["score"], 0.99, one["rows"]),
        none(one["zone_pattern"]),
        none(one["zone_length"]),
        within(one["fare_mean"], 1, 100),
        within(one["fare_deviation"], 0, 100),
        [within(one["distance_5"], 0, 5)[0] and middle, None],
        within(one["tip_median"], 0, 20),
        within(one["passengers_most"], 1, 9),
        [one["total_sum"] >= 0, None],
        none(one["total_below_tip"]),
        [one["payment"] == 0, None],
        within(one["zones"], 1, 300),
    ],
)
