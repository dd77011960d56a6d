"""Data, functions and operators for the tests of the model stations."""

from __future__ import annotations

import secrets
from typing import Any

import numpy as np
import pandas as pd
import pytest

from airflow_dataops.hooks.dataset import DatasetHook
from airflow_dataops.operators.dataset import PublishDatasetOperator, SnapshotDatasetOperator
from airflow_dataops.operators.training import TrainModelOperator


def flights(month: str, rows: int = 400, seed: int = 0) -> pd.DataFrame:
    """Return rows over all days of a month whose `late` depends on `delay`."""
    generator = np.random.default_rng(seed)
    days = pd.date_range(f"{month}-01", periods=28, freq="D")
    delay = generator.normal(size=rows)
    return pd.DataFrame(
        {
            "flight_date": np.resize(days.to_numpy(), rows),
            "delay": delay,
            "origin": generator.choice(["EWR", "JFK", "LGA"], rows),
            "late": (delay + generator.normal(size=rows) > 0.5).astype("int64"),
        }
    )


def prepare(frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    return frame[["delay", "origin"]], frame["late"]


def fit(features: pd.DataFrame, label: pd.Series, *, params: dict[str, Any], seed: int) -> Any:
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    columns = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["origin"]), remainder="passthrough")
    return make_pipeline(columns, LogisticRegression(**params, random_state=seed)).fit(features, label)


def fit_coin(features: pd.DataFrame, label: pd.Series) -> Any:
    """Return a model that knows nothing."""
    from sklearn.dummy import DummyClassifier

    return DummyClassifier(strategy="prior").fit(features, label)


def fit_without_origin(features: pd.DataFrame, label: pd.Series) -> Any:
    """Return a model that does not know the features it is given."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression().fit(features[["delay"]], label)


def data(until: str = "2013-01", day: str = "22", **other: str) -> dict[str, str]:
    return {
        "dataset": "flights",
        "until": until,
        "time_column": "flight_date",
        "holdout_from": f"{until}-{day}",
        **other,
    }


def train_operator(model: str, **changed: Any) -> TrainModelOperator:
    options = {"data": data(), "prepare": prepare, "python_callable": fit, "params": {"C": 0.5}, "seed": 13}
    return TrainModelOperator(task_id="train", model=model, **{**options, **changed})


@pytest.fixture
def publish(ledger, store_path, make_context):
    """Publish a month: ``publish("2013-01")``."""

    def do(month: str, **changed: Any) -> dict[str, Any]:
        frame = changed.pop("frame", None)
        rows = flights(month, **changed) if frame is None else frame
        take = SnapshotDatasetOperator(
            task_id="snapshot", dataset="flights", partition=month, python_callable=lambda: rows
        )
        run = f"publish-{month}-{secrets.token_hex(4)}"
        snapshot = take.execute(make_context("snapshot", run_id=run))
        operator = PublishDatasetOperator(task_id="publish", dataset="flights", gate=snapshot)
        return operator.execute(make_context("publish", run_id=run))

    return do


@pytest.fixture
def january(publish):
    """Publish January."""
    return publish("2013-01")


@pytest.fixture
def model_name() -> str:
    """Return a name that no other test uses; the server is shared."""
    return f"flights {secrets.token_hex(4)}"


@pytest.fixture
def store(store_path) -> DatasetHook:
    return DatasetHook()
