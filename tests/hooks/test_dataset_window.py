from __future__ import annotations

import pandas as pd
import pytest

from airflow_dataops.exceptions import BrokenCheckError
from airflow_dataops.hooks.dataset import DatasetHook
from airflow_dataops.hooks.dataset_source import frame_batches
from airflow_dataops.hooks.dataset_window import is_later, rows_before, rows_digest, rows_from

DAYS = ["2013-01-20", "2013-01-22", None, "2013-01-23"]
KINDS = {
    "text": DAYS,
    "naive": pd.to_datetime(DAYS),
    "zoned": pd.to_datetime(DAYS, utc=True).tz_convert("America/New_York"),
    "dates": [day and pd.Timestamp(day).date() for day in DAYS],
}


@pytest.fixture
def snapshot(store_path):
    def make(values, column="day"):
        frame = pd.DataFrame({column: values, "row": range(len(values))})
        with frame_batches(frame) as batches:
            return DatasetHook().write_snapshot(batches, "d", "p", "owner")

    return make


@pytest.mark.parametrize("kind", ["text", "naive", "dates"])
@pytest.mark.parametrize("moment", ["2013-01-22", "2013-01-22T00:00:00", "2013-01-22T00:00:00+00:00"])
def test_rows_fall_before_or_after_a_moment_and_those_without_time_nowhere(kind, moment, snapshot):
    taken = snapshot(KINDS[kind])
    assert rows_before(DatasetHook(), [taken], "day", moment)["row"].tolist() == [0]
    assert rows_from(DatasetHook(), taken, "day", moment)["row"].tolist() == [1, 3]


def test_zoned_times_compare_in_their_own_zone(snapshot):
    taken = snapshot(KINDS["zoned"])  # 2013-01-22 00:00 UTC is the evening before in New York
    assert rows_before(DatasetHook(), [taken], "day", "2013-01-22")["row"].tolist() == [0, 1]
    assert rows_before(DatasetHook(), [taken], "day", "2013-01-22T00:00:00Z")["row"].tolist() == [0]


@pytest.mark.parametrize(
    ("values", "moment", "said"),
    [
        ([1, 2], "2013-01-01", "holds no times"),
        (["secret value", "x"], "2013-01-01", "holds no times"),
        (["2013-01-01"], "tomorrow-ish", "no moment"),
    ],
)
def test_what_holds_no_times_is_said_without_showing_values(values, moment, said, snapshot):
    with pytest.raises(BrokenCheckError, match=said) as caught:
        rows_before(DatasetHook(), [snapshot(values)], "day", moment)
    assert "secret value" not in str(caught.value)


def test_a_missing_column_is_said_with_those_that_exist(snapshot):
    with pytest.raises(BrokenCheckError, match="has no column 'day'") as caught:
        rows_before(DatasetHook(), [snapshot(DAYS, '"; DROP TABLE')], "day", "2013-01-01")
    assert "its columns are" in str(caught.value)


def test_the_digest_tells_values_names_types_and_order_apart():
    frame = pd.DataFrame({"a": [1, 2], "t": pd.to_datetime(["2013-01-01", None], utc=True)})
    others = [
        frame.iloc[::-1],
        frame.rename(columns={"a": "b"}),
        frame.astype({"a": "float64"}),
        frame.assign(a=[1, 3]),
    ]
    assert len({rows_digest(other) for other in [frame, *others]}) == 5
    assert rows_digest(frame.set_index(pd.Index([7, 8]))) == rows_digest(frame)


def test_moments_compare_whatever_their_spelling():
    assert is_later("2013-01-22T00:00:01", "2013-01-22")
    assert not is_later("2013-01-22", "2013-01-22T00:00:00Z")
