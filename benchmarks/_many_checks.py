"""As many different checks as asked for, on the columns of the taxi rides."""

from __future__ import annotations

from typing import Any

from _taxi import expectation, suite

FIRST = 8
"""Where the common suite is entered, so that a suite of one check reads a column."""


def many_checks(count: int) -> dict[str, Any]:
    """Return a suite of so many checks: the 24 first, then others of the same kinds with other arguments."""
    checks = suite()["expectations"]
    checks = [*checks[FIRST:], *checks[:FIRST]]
    turn = 0
    while len(checks) < count:
        turn += 1
        checks += variations(turn)
    return {"name": f"{count} checks", "expectations": checks[:count]}


def variations(turn: int) -> list[dict[str, Any]]:
    """Return checks that no other turn asks for; all of them pass."""
    values, column = "expect_column_values_to_", "expect_column_"
    tails = {"quantiles": [0.01 * turn, 1 - 0.01 * turn], "value_ranges": [[0, 100], [0, 100]]}
    return [
        expectation(f"{values}be_between", column="distance", min_value=-turn, max_value=100 + turn),
        expectation(f"{column}mean_to_be_between", column="tip", min_value=-turn, max_value=20),
        expectation(f"{values}be_in_set", column="vendor_id", value_set=[*range(1, 7), 10 + turn]),
        expectation(f"{values}match_regex", column="zone_code", regex=rf"^Z\d{{3}}$|^Y{turn}$"),
        expectation(f"{values}not_be_null", column="payment", mostly=0.99 - 0.001 * turn),
        expectation(f"{column}quantile_values_to_be_between", column="fare", quantile_ranges=tails),
        expectation(f"{values}be_between", column="score", min_value=-turn, max_value=100 + turn),
        expectation(f"{column}value_lengths_to_be_between", column="zone_code", min_value=1, max_value=4 + turn),
        expectation(f"{column}stdev_to_be_between", column="total", min_value=0, max_value=100 + turn),
        expectation(f"{values}be_between", column="pickup_zone", min_value=1, max_value=265 + turn),
        expectation(f"{values}not_be_in_set", column="dropoff_zone", value_set=[-turn, 1000 + turn]),
        expectation(f"{column}distinct_values_to_be_in_set", column="passengers", value_set=[*range(6), 10 + turn]),
        expectation(f"{column}max_to_be_between", column="total", min_value=0, max_value=1000 + turn),
        expectation(f"{column}min_to_be_between", column="fare", min_value=-turn, max_value=100),
        expectation(f"{column}sum_to_be_between", column="tip", min_value=-turn),
        expectation(f"{values}not_match_regex", column="payment", regex=rf"^x{{{turn}}}$"),
    ]
