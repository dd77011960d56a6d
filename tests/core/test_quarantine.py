from __future__ import annotations

import pytest

from airflow_dataops.core.quarantine import age_in_days, public_columns, retention_days
from airflow_dataops.exceptions import BrokenCheckError


def evidence(*levels: dict, **about: object) -> dict:
    return {"results": [], "meta": {"dataops_suite": {"contract": {"retention": list(levels)}, **about}}}


@pytest.mark.parametrize(
    ("levels", "days"),
    [
        ([], None),
        ([{"value": 30}], 30),
        ([{"value": "2", "unit": "Weeks"}], 14),
        ([{"value": 1, "unit": "y"}, {"value": 3, "unit": "m"}], 90),
        ([{"value": 0, "unit": "d"}], 0),
    ],
)
def test_the_shortest_retention_of_a_contract_counts(levels, days):
    assert retention_days(evidence(*levels)) == days


@pytest.mark.parametrize(
    "level", [{"value": 3, "unit": "moons"}, {"value": "long"}, {"value": -1}, {"value": "nan"}, {}]
)
def test_a_retention_that_nobody_understands_deletes_nothing(level):
    with pytest.raises(BrokenCheckError, match="The contract's retention is"):
        retention_days(evidence(level))


def test_what_is_not_classified_is_not_public():
    classified = evidence(classification={"a": "Public", "b": "restricted"})
    assert public_columns(classified, ["a", "b", "c"]) == ["a"]
    assert public_columns({"results": [], "meta": {}}, ["a"]) == []


def test_age_counts_days():
    assert age_in_days("2026-01-01T00:00:00.000000Z", "2026-01-03T12:00:00.000000Z") == 2.5
