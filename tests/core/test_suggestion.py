from __future__ import annotations

import math

import pytest

from airflow_dataops.core.suggestion.columns import column_proposals
from airflow_dataops.core.suggestion.documents import Judged
from airflow_dataops.core.suggestion.names import calendar_range, is_identifier, is_person, word_order
from airflow_dataops.core.suggestion.profile import ColumnProfile, PartitionProfile
from airflow_dataops.core.suggestion.proposals import key_candidates, order_candidates, propose
from airflow_dataops.core.suggestion.ranges import Bounds, bounds_of, count_bounds, median_bounds
from airflow_dataops.core.suggestion.shapes import pattern_of


@pytest.mark.parametrize(
    ("least", "most", "quantiles", "expected"),
    [
        (0.5, 99, (1, 50, 90), Bounds(0, 110)),
        (-43, 1301, (-12, -2, 190), Bounds(-100, 1600)),  # a long tail of delays
        (5, 9_999_999, (10, 50, 90), Bounds(0, 500, far=True)),  # a filler that looks like a number
        (-5, -1, (-5, -3, -1), Bounds(-5.4, -0.6)),
        (7, 7, (7, 7, 7), None),
        (0, math.inf, (0, 1, 2), None),
        (0, 5e-324, (0, 0, 5e-324), None),
        (-1e308, 1e308, (-1e308, 0, 1e308), None),
    ],
)
def test_a_range_leaves_room_and_ends_in_round_numbers(least, most, quantiles, expected):
    assert bounds_of(least, most, [quantiles]) == expected


def test_the_median_of_the_next_partition_may_lie_a_little_beside_those_seen():
    assert median_bounds([(0, 10, 100), (0, 20, 100)]) == (4, 26)
    assert median_bounds([(0, 10, 100), (0, 10, 100)]) is None


def test_the_number_of_rows_may_fall_by_a_third_and_rise_by_a_half():
    assert count_bounds([24_951, 29_425]) == (16_000, 46_000)
    assert count_bounds([1, 1, 1]) == (1, 2)


@pytest.mark.parametrize(
    ("shapes", "pattern"),
    [
        (["999", "9999"], "^[0-9]{3,4}$"),
        (["A-9", "AA-9"], "^[A-Z]{1,2}-[0-9]$"),
        (["AAA", "99"], "^([0-9]{2}|[A-Z]{3})$"),
        (["9.9|9"], r"^[0-9]\.[0-9]\|[0-9]$"),
        (["aaa aaa"], None),
        (["Aaaa", "Aaaaaaaa"], None),
        (["é9"], None),
        (["9\n9"], None),
        (["", "9"], None),
        (["A", "9", "a9", "-9"], None),
        ([], None),
    ],
)
def test_codes_have_a_form_and_words_have_none(shapes, pattern):
    assert pattern_of(shapes) == pattern


@pytest.mark.parametrize(
    ("name", "person"),
    [
        ("email", True),
        ("CustomerEmail", True),
        ("phone_numbers", True),
        ("first_name", True),
        ("IBAN", True),
        ("home address", True),
        ("carrier", False),
        ("product_name", False),
        ("shipping", False),
    ],
)
def test_names_tell_whether_a_column_is_about_persons(name, person):
    assert is_person(name) is person


def test_names_tell_identifiers_meanings_and_order():
    assert is_identifier("orderId")
    assert not is_identifier("idle")
    assert calendar_range("order_month", 1, 12) == (1, 12)
    assert calendar_range("order_month", 0, 12) is None
    assert calendar_range("dep_time", 1, 2359, clock=True) == (0, 2400)
    assert calendar_range("air_time", 20, 695) is None
    assert word_order("min_temp", "max_temp")
    assert not word_order("max_temp", "min_temp")
    assert not word_order("min_temp", "max_wind")
    assert word_order("start", "end")


def integers(rows: int, distinct: int, **kwargs) -> ColumnProfile:
    return ColumnProfile("integer", rows, 0, distinct, 0, distinct, (1, distinct / 2, distinct), **kwargs)


def test_a_key_is_made_of_identifiers_first_and_of_one_time_at_most():
    columns = {
        "day": integers(900, 30),
        "hour": integers(900, 24),
        "shop_id": integers(900, 40),
        "till": integers(900, 40),
    }
    found = key_candidates([PartitionProfile("p", 900, columns)])
    assert found[0] == ("day", "shop_id")
    assert not any({"day", "hour"} <= set(names) for names in found)


def test_times_are_compared_both_ways_and_numbers_as_their_names_say():
    time = ColumnProfile("date", 9, 0, 9, "2025-01-01", "2025-01-09")
    columns = {
        "a": time,
        "b": time,
        "net_price": integers(9, 9),
        "gross_price": integers(9, 9),
        "count": integers(9, 9),
    }
    found = order_candidates([PartitionProfile("p", 9, columns)])
    assert found == [("a", "b"), ("b", "a"), ("net_price", "gross_price")]


def test_values_of_a_column_that_holds_addresses_of_persons_are_not_proposed():
    profile = ColumnProfile(
        "text", 900, 0, 2, "ann@example.org", "bob@example.org", lengths=(15, 15),
        values={"ann@example.org": 450, "bob@example.org": 450}, shapes={"aaa@aaaaaaa.aaa": 900},
        formats={"email": 900},
    )  # fmt: skip
    found = list(column_proposals("contact", [profile]))
    assert [one.aspect for one in found] == ["exists", "type", "required", "pattern"]
    assert "ann" not in str(found)


def test_a_check_is_off_below_the_threshold_or_where_its_own_data_fail():
    (proposal, *_) = propose([PartitionProfile("p", 9, {"a": integers(9, 9)})])
    assert Judged(proposal, 19, 20).on
    assert not Judged(proposal, 18, 20).on
    assert not Judged(proposal, 20, 20, holds=False).on
    assert Judged(proposal).share is None
    assert Judged(proposal, 18, 20).options == {"severity": "info"}
