"""An estimator of our own, which no serializer trusts by itself."""

from __future__ import annotations

from typing import Any

from sklearn.linear_model import LogisticRegression


class OwnEstimator(LogisticRegression):
    """A class that skops does not know."""


def fit_own(features: Any, label: Any) -> Any:
    return OwnEstimator().fit(features, label)
