"""The flights suite on the real twelve months of 2013, and on months that were broken on purpose."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pandas as pd
import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_dataops.operators.dataset import SnapshotDatasetOperator
from airflow_dataops.operators.quality import QualityGateOperator

FLIGHTS = Path(__file__).parents[2] / "dags" / "flights"
QUARANTINED = {1: 606, 3: 932, 4: 766, 5: 668, 6: 1168, 7: 1132, 8: 571, 9: 564, 10: 271, 11: 297, 12: 1115}


@pytest.fixture(scope="session")
def inbox(tmp_path_factory) -> Path:
    """Give the deliveries of 2013, written once."""
    spec = importlib.util.spec_from_file_location("deliveries", FLIGHTS / "deliveries.py")
    deliveries = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(deliveries)
    folder = tmp_path_factory.mktemp("inbox")
    deliveries.write_deliveries(folder)
    return folder


@pytest.fixture
def judge(ledger, store_path, make_context):
    """Snapshot a delivery and judge it."""

    def run(path: Path, month: str) -> dict:
        snapshot = SnapshotDatasetOperator(task_id="snapshot", dataset="flights", partition=month, path=str(path))
        gate = QualityGateOperator(
            task_id="gate",
            snapshot=snapshot.execute(make_context("snapshot", run_id=month)),
            suite=str(FLIGHTS / "suite.json"),
        )
        return gate.execute(make_context("gate", run_id=month))

    return run


def test_of_the_real_months_exactly_february_is_held(judge, inbox):
    held, quarantined = {}, {}
    for month in range(1, 13):
        name = f"2013-{month:02}"
        try:
            result = judge(inbox / f"flights-{name}.csv", name)
        except AirflowFailException as error:
            held[name] = str(error).splitlines()[0]
        else:
            quarantined[month] = result["rows_bad"]
            assert result["verdict"] == "publish_with_quarantine"
            assert result["snapshot"]["rows"] + result["rows_bad"] == result["rows"]
    assert held == {
        "2013-02": "Flights of 2013-02 were held: 1 261 of 24 951 rows (5.1 %) have no departure time; "
        "at most 4 % is allowed."
    }
    assert quarantined == QUARANTINED


def half_arrived(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.iloc[:12_000]


def without_carrier(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.drop(columns="carrier")


def with_text_in_numbers(frame: pd.DataFrame) -> pd.DataFrame:
    frame["distance"] = frame["distance"].astype("object")
    frame.loc[17, "distance"] = "n/a"
    return frame


def partly_sent_twice(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([frame, frame.iloc[:250]])


def from_another_airport(frame: pd.DataFrame) -> pd.DataFrame:
    frame.loc[:4, "origin"] = "BOS"
    return frame


def without_rows(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.iloc[:0]


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (half_arrived, "the number of rows is not that of a whole month (15 000 to 40 000)"),
        (without_carrier, "the column carrier is missing (2 more checks failed)"),
        (with_text_in_numbers, "the column distance holds text where numbers are needed"),
        (
            partly_sent_twice,
            "500 of 27 254 rows (1.8 %) share date, carrier, flight and origin with another row; none is allowed",
        ),
        (
            from_another_airport,
            "5 of 27 004 rows (0.02 %) leave from an airport that is not in New York; none is allowed",
        ),
        (without_rows, "there are no rows"),
    ],
)
def test_a_month_broken_on_purpose_is_held_and_one_sentence_says_why(judge, inbox, tmp_path, broken, why):
    path = tmp_path / "flights-2013-01.csv"
    broken(pd.read_csv(inbox / "flights-2013-01.csv")).to_csv(path, index=False)
    with pytest.raises(AirflowFailException) as caught:
        judge(path, "2013-01")
    assert str(caught.value).splitlines()[0] == f"Flights of 2013-01 were held: {why}."
