from __future__ import annotations

import pytest

from airflow_dataops.core.ledger import Attempt, Claim, ClaimState
from airflow_dataops.core.table import (
    Publication,
    TableName,
    current_of,
    earlier,
    expired,
    mark_of,
    staging_name,
    table_pointer,
    version_name,
)
from airflow_dataops.exceptions import BrokenCheckError


def history(*moves: int) -> list[Publication]:
    """Return versions that became current in this order; one that is named again was gone back to."""
    last = {number: moved for moved, number in enumerate(moves, start=1)}
    return [Publication(number, f"task-{number}.1", moved, f"task-{number}.1", 10) for number, moved in last.items()]


def test_the_version_that_moved_last_is_current():
    assert current_of([]) is None
    assert current_of(history(1, 2, 3, 2)).version == 2


@pytest.mark.parametrize(
    ("moves", "back"),
    [
        ((1, 2, 3), 2),
        ((1, 2, 3, 2), 1),
        ((1, 2, 3, 2, 4), 2),  # 3 was bad
        ((1, 2, 3, 1, 4), 1),
        ((0, 1), 0),
    ],
)
def test_going_back_leads_to_no_version_that_was_found_bad(moves, back):
    versions = history(*moves)
    assert earlier(versions, current_of(versions).version, None, "orders") == back


@pytest.mark.parametrize(("moves", "wanted"), [((), None), ((1,), None), ((1, 2), 2), ((1, 2), 7)])
def test_a_version_that_is_not_kept_is_refused_with_those_that_are(moves, wanted):
    versions = history(*moves)
    current = current_of(versions)
    with pytest.raises(BrokenCheckError, match="kept besides are"):
        earlier(versions, current.version if current else 0, wanted, "orders")


def test_what_was_current_longest_ago_expires_first():
    assert [one.version for one in expired(history(1, 2, 3, 1, 4), 2)] == [2]
    assert [one.version for one in expired(history(1, 2, 3), 0)] == [2, 1]
    assert expired(history(1), 5) == []


def test_a_mark_tells_generations_apart():
    first, second = (Claim("k", generation, Attempt("a"), ClaimState.RUNNING) for generation in (1, 2))
    assert mark_of(first) != mark_of(second)


def test_names_fit_and_stay_apart():
    long = "ä" * 31
    names = {staging_name(long, "0123456789abcdef"), version_name(long, 1), version_name(f"{long}b", 1)}
    assert len(names) == 3
    assert all(len(name.encode()) <= 63 for name in names)
    assert staging_name("orders", "0123456789abcdef") == "orders__dataops_0123456789ab"


def test_no_two_tables_share_a_pointer():
    pointers = {
        table_pointer("c", TableName("a/b")),
        table_pointer("c", TableName("b", "a")),
        table_pointer("c/a", TableName("b")),
    }
    assert len(pointers) == 3


@pytest.mark.parametrize("name", ["", "a\0b", "ä" * 32])
def test_a_name_that_no_database_takes_is_refused(name):
    with pytest.raises(BrokenCheckError, match="1 to 63 bytes"):
        TableName(name).checked()
