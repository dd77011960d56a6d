"""The model of the flights DAGs: will a flight arrive more than 15 minutes late?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CATEGORIES", "NUMBERS", "features_and_label", "fit_late_arrivals"]

NUMBERS = ["sched_hour", "weekday", "distance", "temp", "dewp", "wind_speed", "precip", "pressure", "visib"]
CATEGORIES = ["carrier", "origin", "dest"]
LATE_MINUTES = 15


def features_and_label(frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    """Return what is known before departure, and whether the flight arrived late.

    Flights that never arrived (cancelled, diverted) have no label and are left out.
    """
    import pandas as pd

    arrived = frame[frame["arr_delay"].notna()]
    features = arrived[["distance", "temp", "dewp", "wind_speed", "precip", "pressure", "visib", *CATEGORIES]].copy()
    features["sched_hour"] = arrived["sched_dep_time"] / 100
    features["weekday"] = pd.to_datetime(arrived["flight_date"]).dt.day_of_week
    features = features[NUMBERS + CATEGORIES]
    features[NUMBERS] = features[NUMBERS].astype("float64")
    features[CATEGORIES] = features[CATEGORIES].astype("object")
    return features, (arrived["arr_delay"] > LATE_MINUTES).astype("int64")


def fit_late_arrivals(features: pd.DataFrame, label: pd.Series, *, params: dict[str, Any], seed: int) -> Any:
    """Fit the classifier."""
    import numpy as np
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import KBinsDiscretizer, OneHotEncoder

    # Bins, because delays do not grow evenly with wind, rain or the hour.
    bins = KBinsDiscretizer(n_bins=8, quantile_method="averaged_inverted_cdf", dtype=np.float64)
    numbers = make_pipeline(SimpleImputer(), bins)
    prepared = make_column_transformer((numbers, NUMBERS), (OneHotEncoder(handle_unknown="ignore"), CATEGORIES))
    return make_pipeline(prepared, LogisticRegression(**params, random_state=seed)).fit(features, label)
