from __future__ import annotations

import pytest

from airflow_dataops.core.words import at_most_words, count_words, percent_words, plain


@pytest.mark.parametrize(
    ("share", "apart_from", "shown"),
    [
        (0.0501, None, "5 %"),
        (0.05054, 0.04, "5.1 %"),
        (0.0401, 0.04, "4.01 %"),
        (0.04, 0.04, "4 %"),
        (0.00001, None, "0.001 %"),
        (0.99999, None, "99.999 %"),
        (1.0, None, "100 %"),
        (0.0, None, "0 %"),
        (1 / 3, None, "33.3 %"),
    ],
)
def test_a_share_never_looks_like_nothing_all_or_the_limit_unless_it_is(share, apart_from, shown):
    assert percent_words(share, apart_from=apart_from) == shown


def test_names_stand_in_a_sentence_without_breaking_it():
    assert plain("a\nb\t\x00c  d") == "a b c d"
    assert len(plain("x" * 500)) == 80


def test_thousands_stand_apart():
    assert count_words(1_234_567) == "1 234 567"


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        (0.0, "0 %"),
        (0.000299, "0.03 %"),
        (0.000341, "0.035 %"),
        (0.00194, "0.2 %"),
        (0.0295, "3 %"),
        (0.952, "96 %"),
        (1, "100 %"),
    ],
)
def test_a_bound_is_rounded_up(share, shown):
    assert at_most_words(share) == shown
