"""Figures of merit of classifiers and regressions, for many resamples of the rows at once.

Each metric takes labels, predictions and a matrix of weights (one resample per line, how often each row was
drawn) and returns one figure per resample. On whole rows they equal scikit-learn's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from airflow_dataops.exceptions import BrokenCheckError

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

__all__ = ["CLASSIFICATION", "LESS_IS_BETTER", "METRICS", "NEED_SCORES", "REGRESSION", "Predictions", "ones", "scorer"]

THRESHOLD = 0.5


@dataclass(frozen=True)
class Predictions:
    """What a model says of some rows.

    Args:
        answers: Predicted classes as 0 and 1, or predicted values.
        scores: Probability of class 1; None for a model that gives none.
    """

    answers: Array
    scores: Array | None = None

    @cached_property
    def order(self) -> Array:
        """Places of the rows by rising score; sorted once for all resamples."""
        import numpy as np

        return np.argsort(scores_of(self), kind="stable")

    @cached_property
    def starts(self) -> Array:
        """Where in that order each score begins; scores may be level."""
        import numpy as np

        return np.flatnonzero(np.r_[True, np.diff(scores_of(self)[self.order]) != 0])


@dataclass(frozen=True, slots=True)
class SumMetric:
    """A metric that is made of sums over rows, so that one product of matrices does all resamples.

    Args:
        columns: What is summed up, one column each.
        combine: Makes the metric of the sums.
    """

    columns: Callable[[Array, Predictions], list[Array]]
    combine: Callable[..., Array]

    def __call__(self, label: Array, predicted: Predictions, weights: Array) -> Array:
        """Return one figure per resample."""
        return self.combine(*(weights @ column for column in self.columns(label, predicted)))


def roc_auc(label: Array, predicted: Predictions, weights: Array) -> Array:
    """Area under the ROC curve: the chance that a positive row scores above a negative one; ties count half."""
    import numpy as np

    order, starts = predicted.order, predicted.starts
    drawn = weights[:, order]
    positive = drawn * label[order]
    negative = np.subtract(drawn, positive, out=drawn)
    if len(starts) < len(order):
        positive = np.add.reduceat(positive, starts, axis=1)
        negative = np.add.reduceat(negative, starts, axis=1)
    total = positive.sum(axis=1) * negative.sum(axis=1)
    # Negatives below each score, and half of those level with it.
    beaten = np.cumsum(negative, axis=1)
    beaten -= negative / 2
    return ratio(np.einsum("ij,ij->i", positive, beaten), total)


def log_losses(label: Array, predicted: Predictions) -> list[Array]:
    """Negative logarithm of the probability given to what happened."""
    import numpy as np

    tiny = np.finfo("float64").eps
    chance = np.clip(scores_of(predicted), tiny, 1 - tiny)
    return [-(label * np.log(chance) + (1 - label) * np.log(1 - chance)), ones(label)]


def r2_sums(label: Array, predicted: Predictions) -> list[Array]:
    """Squared errors, and what the variance of the label is made of."""
    centred = label - label.mean()
    return [(predicted.answers - label) ** 2, centred**2, centred, ones(label)]


def r2_of(errors: Array, squares: Array, total: Array, count: Array) -> Array:
    """Share of the variance that is explained; unknown where the label never changes."""
    return 1 - ratio(errors, squares - total**2 / count)


def root_mean(errors: Array, count: Array) -> Array:
    """Root of a mean."""
    import numpy as np

    return np.sqrt(ratio(errors, count))


def ones(label: Array) -> Array:
    """Count rows."""
    import numpy as np

    return np.ones(len(label))


def ratio(upper: Array, lower: Array, *, empty: float = math.nan) -> Array:
    """Return a division whose empty cases have a value instead of a warning."""
    import numpy as np

    answer = np.full(np.shape(lower), empty, dtype="float64")
    np.divide(upper, lower, out=answer, where=lower > 0)
    return answer


# Without an alarm, or without a positive row, the share is 0, as in scikit-learn.
share = partial(ratio, empty=0.0)
Metric = Callable[["Array", Predictions, "Array"], "Array"]
CLASSIFICATION: dict[str, Metric] = {
    "roc_auc": roc_auc,
    "log_loss": SumMetric(log_losses, ratio),
    "brier": SumMetric(lambda y, p: [(scores_of(p) - y) ** 2, ones(y)], ratio),
    "accuracy": SumMetric(lambda y, p: [(classes_of(p) == y).astype("float64"), ones(y)], ratio),
    "precision": SumMetric(lambda y, p: [classes_of(p) * y, classes_of(p)], share),
    "recall": SumMetric(lambda y, p: [classes_of(p) * y, y], share),
    "f1": SumMetric(lambda y, p: [2 * classes_of(p) * y, classes_of(p) + y], share),
}
REGRESSION: dict[str, Metric] = {
    "rmse": SumMetric(lambda y, p: [(p.answers - y) ** 2, ones(y)], root_mean),
    "mae": SumMetric(lambda y, p: [abs(p.answers - y), ones(y)], ratio),
    "r2": SumMetric(r2_sums, r2_of),
}
METRICS: dict[str, Metric] = {**CLASSIFICATION, **REGRESSION}
NEED_SCORES = frozenset({"roc_auc", "log_loss", "brier"})
LESS_IS_BETTER = frozenset({"log_loss", "brier", "rmse", "mae"})


def scorer(label: Array, predicted: Predictions, names: Sequence[str]) -> Callable[[Array], dict[str, Array]]:
    """Return a function from weights to all metrics; what does not depend on weights is computed once."""
    import numpy as np

    sums = {name: metric for name in names if isinstance(metric := METRICS[name], SumMetric)}
    columns = {name: metric.columns(label, predicted) for name, metric in sums.items()}
    table = np.column_stack([column for some in columns.values() for column in some])

    def score(weights: Array) -> dict[str, Array]:
        totals = iter((weights @ table).T)
        made = {name: metric.combine(*islice(totals, len(columns[name]))) for name, metric in sums.items()}
        return {name: made[name] if name in made else METRICS[name](label, predicted, weights) for name in names}

    return score


def scores_of(predicted: Predictions) -> Array:
    """Return the probabilities.

    Raises:
        BrokenCheckError: The model gives none. A retry does not help.
    """
    if predicted.scores is None:
        raise BrokenCheckError(
            "The model gives classes but no probabilities, so it cannot be judged by them.",
            hint="use a model with predict_proba, or judge by accuracy, precision, recall or f1",
        )
    return predicted.scores


def classes_of(predicted: Predictions) -> Array:
    """Return the answers as 0 and 1."""
    classes: Array = (predicted.answers > THRESHOLD).astype("float64")
    return classes
