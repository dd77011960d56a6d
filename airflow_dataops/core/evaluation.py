"""How good a model is, how sure that is, and whether it may replace the champion.

Intervals come from the bootstrap (B. Efron and R. Tibshirani, An Introduction to the Bootstrap, 1993, chapters 13
and 16): percentiles over resampled rows. Challenger and champion are resampled together, so that what makes rows
hard for both cancels out of their difference.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_dataops.exceptions import BrokenCheckError

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

__all__ = ["METRICS", "Decision", "Estimate", "Predictions", "Rule", "compare", "decide", "evaluate", "holdout_subject"]

RESAMPLES = 1000
SEED = 20130322
# Rows times resamples held in memory at once: 8 bytes each.
CHUNK_CELLS = 4_000_000
CONFIDENCE = 0.95
# With fewer usable resamples than this share (one class only, say) an interval would say nothing.
MIN_USABLE = 0.95
THRESHOLD = 0.5


@dataclass(frozen=True, slots=True)
class Predictions:
    """What a model says of some rows.

    Args:
        answers: Predicted classes as 0 and 1, or predicted values.
        scores: Probability of class 1; None for a model that gives none.
    """

    answers: Array
    scores: Array | None = None


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and the interval that holds it with a confidence of 95 % (90 % for a difference)."""

    value: float
    low: float
    high: float

    @property
    def is_known(self) -> bool:
        """Whether all three are figures."""
        return all(map(math.isfinite, (self.value, self.low, self.high)))

    def to_json(self) -> dict[str, float | None]:
        """Return plain JSON; what is unknown is null."""
        return {name: round(value, 6) if math.isfinite(value) else None for name, value in asdict(self).items()}

    def __str__(self) -> str:
        return f"{self.value:.4f} ({self.low:.4f} to {self.high:.4f})" if self.is_known else "unknown"


# -- metrics -----------------------------------------------------------------------------------------------
#
# Each takes labels, predictions and a matrix of weights (one resample per row, how often each data row was
# drawn) and returns one figure per resample.


def roc_auc(label: Array, predicted: Predictions, weights: Array) -> Array:
    """Area under the ROC curve: the chance that a positive row scores above a negative one; ties count half."""
    import numpy as np

    scores = scores_of(predicted)
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(scores[order]) != 0])
    positive = np.add.reduceat((weights * label)[:, order], starts, axis=1)
    negative = np.add.reduceat((weights * (1 - label))[:, order], starts, axis=1)
    below = np.cumsum(negative, axis=1) - negative
    wins = (positive * (below + negative / 2)).sum(axis=1)
    return ratio(wins, positive.sum(axis=1) * negative.sum(axis=1))


def log_loss(label: Array, predicted: Predictions, weights: Array) -> Array:
    """Mean negative logarithm of the probability given to what happened."""
    import numpy as np

    tiny = np.finfo("float64").eps
    chance = np.clip(scores_of(predicted), tiny, 1 - tiny)
    return mean(-(label * np.log(chance) + (1 - label) * np.log(1 - chance)), weights)


def brier(label: Array, predicted: Predictions, weights: Array) -> Array:
    """Mean squared distance between the probability and what happened."""
    return mean((scores_of(predicted) - label) ** 2, weights)


def accuracy(label: Array, predicted: Predictions, weights: Array) -> Array:
    """Share of right answers."""
    return mean((classes_of(predicted) == label).astype("float64"), weights)


def precision(label: Array, predicted: Predictions, weights: Array) -> Array:
    """Share of the alarms that were right; 0 without an alarm."""
    answers = classes_of(predicted)
    return ratio(weights @ (answers * label), weights @ answers, empty=0.0)


def recall(label: Array, predicted: Predictions, weights: Array) -> Array:
    """Share of the positive rows that were found; 0 without a positive row."""
    return ratio(weights @ (classes_of(predicted) * label), weights @ label, empty=0.0)


def f1(label: Array, predicted: Predictions, weights: Array) -> Array:
    """Harmonic mean of precision and recall; 0 where both are."""
    answers = classes_of(predicted)
    return ratio(2 * (weights @ (answers * label)), weights @ answers + weights @ label, empty=0.0)


def rmse(label: Array, predicted: Predictions, weights: Array) -> Array:
    """Root of the mean squared error."""
    import numpy as np

    return np.sqrt(mean((predicted.answers - label) ** 2, weights))


def mae(label: Array, predicted: Predictions, weights: Array) -> Array:
    """Mean absolute error."""
    return mean(abs(predicted.answers - label), weights)


def r2(label: Array, predicted: Predictions, weights: Array) -> Array:
    """Share of the variance that is explained; unknown where the label never changes."""
    centred = label - label.mean()
    total = weights @ centred**2 - (weights @ centred) ** 2 / weights.sum(axis=1)
    return 1 - ratio(weights @ (predicted.answers - label) ** 2, total)


Metric = Callable[["Array", Predictions, "Array"], "Array"]
CLASSIFICATION: dict[str, Metric] = {
    "roc_auc": roc_auc,
    "log_loss": log_loss,
    "brier": brier,
    "accuracy": accuracy,
    "precision": precision,
    "recall": recall,
    "f1": f1,
}
REGRESSION: dict[str, Metric] = {"rmse": rmse, "mae": mae, "r2": r2}
METRICS: dict[str, Metric] = {**CLASSIFICATION, **REGRESSION}
NEED_SCORES = frozenset({"roc_auc", "log_loss", "brier"})
LESS_IS_BETTER = frozenset({"log_loss", "brier", "rmse", "mae"})


def mean(values: Array, weights: Array) -> Array:
    """Return the weighted mean per resample."""
    means: Array = (weights @ values) / weights.sum(axis=1)
    return means


def ratio(upper: Array, lower: Array, *, empty: float = math.nan) -> Array:
    """Return a division whose empty cases have a value instead of a warning."""
    import numpy as np

    answer = np.full(np.shape(lower), empty, dtype="float64")
    np.divide(upper, lower, out=answer, where=lower > 0)
    return answer


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


# -- estimates ---------------------------------------------------------------------------------------------


def evaluate(
    label: Array,
    models: Sequence[Predictions],
    metric: str,
    *,
    resamples: int = RESAMPLES,
) -> tuple[list[dict[str, Estimate]], Estimate | None]:
    """Return every metric of each model and, for two models, the first one's advantage in the deciding metric.

    Args:
        label: What happened: 0 and 1, or figures.
        models: What the challenger says, then the champion if there is one; on the same rows.
        metric: The deciding metric; names the kind of the task too.
        resamples: How many bootstrap samples to draw.

    Raises:
        BrokenCheckError: The metric is unknown, or the labels do not fit it. A retry does not help.
    """
    names = metric_names(metric, models)
    figures = checked_label(label, metric)
    whole = [{name: one(figures, model, name) for name in names} for model in models]
    drawn = [
        [{name: METRICS[name](figures, model, w) for name in names} for model in models]
        for w in draws(len(figures), resamples)
    ]
    spread = [{name: joined(drawn, place, name) for name in names} for place in range(len(models))]
    estimates = [
        {name: interval(whole[place][name], spread[place][name], CONFIDENCE) for name in names}
        for place in range(len(models))
    ]
    if len(models) == 1:
        return estimates, None
    sign = -1.0 if metric in LESS_IS_BETTER else 1.0
    advantage = sign * (whole[0][metric] - whole[1][metric])
    # A one-sided bound at 95 % is the lower end of a two-sided interval at 90 %.
    return estimates, interval(advantage, sign * (spread[0][metric] - spread[1][metric]), 2 * CONFIDENCE - 1)


def metric_names(metric: str, models: Sequence[Predictions]) -> list[str]:
    """Return the metrics that can be computed for all models, the deciding one among them."""
    if metric not in METRICS:
        raise BrokenCheckError(f"The metric {metric!r} is unknown.", hint=f"known are {', '.join(METRICS)}")
    family = CLASSIFICATION if metric in CLASSIFICATION else REGRESSION
    scored = all(model.scores is not None for model in models)
    return [name for name in family if scored or name not in NEED_SCORES or name == metric]


def checked_label(label: Array, metric: str) -> Array:
    """Return the labels as figures.

    Raises:
        BrokenCheckError: They are no figures, or not 0 and 1 for a classification. A retry does not help.
    """
    import numpy as np

    try:
        figures = np.asarray(label).astype("float64")
    except (TypeError, ValueError):
        figures = np.full(1, np.nan)
    allowed = np.isin(figures, (0, 1)) if metric in CLASSIFICATION else np.isfinite(figures)
    if not allowed.all():
        kind = "0 and 1" if metric in CLASSIFICATION else "finite figures"
        raise BrokenCheckError(
            f"The labels are not all {kind}, but the metric {metric!r} needs such labels.",
            hint="let prepare return labels of that kind, and leave out rows without a label",
        )
    return figures


def one(label: Array, predicted: Predictions, name: str) -> float:
    """Return a metric on the rows as they are."""
    import numpy as np

    return float(METRICS[name](label, predicted, np.ones((1, len(label))))[0])


def draws(rows: int, resamples: int) -> Iterator[Array]:
    """Yield how often each row is drawn in each resample, in pieces that fit into memory; always the same."""
    import numpy as np

    generator = np.random.default_rng(SEED)
    at_once = max(1, CHUNK_CELLS // rows)
    for start in range(0, resamples, at_once):
        count = min(at_once, resamples - start)
        drawn = generator.integers(0, rows, size=(count, rows))
        drawn += np.arange(count)[:, None] * rows
        yield np.bincount(drawn.ravel(), minlength=count * rows).reshape(count, rows).astype("float64")


def joined(drawn: Sequence[Sequence[Mapping[str, Array]]], place: int, name: str) -> Array:
    """Return one model's metric over all pieces."""
    import numpy as np

    return np.concatenate([piece[place][name] for piece in drawn])


def interval(value: float, spread: Array, confidence: float) -> Estimate:
    """Return the percentile interval; unknown when too many resamples have no value."""
    import numpy as np

    usable = spread[np.isfinite(spread)]
    if not math.isfinite(value) or len(usable) < MIN_USABLE * len(spread):
        return Estimate(value, math.nan, math.nan)
    tail = (1 - confidence) / 2
    low, high = np.quantile(usable, (tail, 1 - tail))
    return Estimate(value, float(low), float(high))


# -- the decision ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rule:
    """When a challenger is good enough.

    Args:
        metric: The deciding metric.
        margin: How much worse than the champion it may be, with a confidence of 95 %, in units of the metric.
        floors: What each metric must reach at least (at most, where less is better).
    """

    metric: str
    margin: float = 0.0
    floors: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a rule that cannot be applied."""
        unknown = [name for name in (self.metric, *self.floors) if name not in METRICS]
        if unknown:
            raise BrokenCheckError(f"The metric {unknown[0]!r} is unknown.", hint=f"known are {', '.join(METRICS)}")
        if not (math.isfinite(self.margin) and self.margin >= 0):
            raise BrokenCheckError(f"The margin is {self.margin!r}, but it must be a figure of at least 0.")
        if not all(math.isfinite(floor) for floor in self.floors.values()):
            raise BrokenCheckError("A floor is not a finite figure, so nothing could be judged by it.")


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a challenger may be promoted, and why, in one sentence."""

    promote: bool
    sentence: str


def decide(
    rule: Rule,
    named: str,
    metrics: Mapping[str, Estimate],
    champion: str | None = None,
    advantage: Estimate | None = None,
) -> Decision:
    """Return the verdict: floors first, then the champion; what is unknown never passes.

    Args:
        rule: What is asked.
        named: How to call the challenger ("flights version 3").
        metrics: Its figures.
        champion: How to call the champion ("champion version 2"); None when there is none.
        advantage: The challenger's advantage over it in the deciding metric; more is better.
    """
    fallen = fallen_floor(rule, metrics)
    if fallen:
        return Decision(promote=False, sentence=f"{named} is rejected: {fallen}.")
    judged = metrics[rule.metric]
    if not judged.is_known:
        return Decision(
            promote=False, sentence=f"{named} is rejected: its {rule.metric} cannot be told from these rows."
        )
    reached = f"its {rule.metric} is {judged}"
    if champion is None:
        return Decision(promote=True, sentence=f"{named} may be promoted: {reached}, and there is no champion yet.")
    if advantage is None or not advantage.is_known:
        why = f"it cannot be told how its {rule.metric} compares with {champion}"
        return Decision(promote=False, sentence=f"{named} is rejected: {why}.")
    return compare(rule, named, reached, champion, advantage)


def compare(rule: Rule, named: str, reached: str, champion: str, advantage: Estimate) -> Decision:
    """Return the verdict over a challenger that stands above all floors."""
    worst = f"with 95 % confidence at most {max(0.0, -advantage.low):.4f} worse than {champion}"
    if advantage.low >= -rule.margin:
        if advantage.low > 0:
            worst = f"with 95 % confidence at least {advantage.low:.4f} better than {champion}"
        return Decision(promote=True, sentence=f"{named} may be promoted: {reached}, {worst}.")
    return Decision(
        promote=False,
        sentence=f"{named} is rejected: {reached}, which may be {-advantage.low:.4f} worse than {champion}; "
        f"at most {rule.margin:g} is allowed.",
    )


def fallen_floor(rule: Rule, metrics: Mapping[str, Estimate]) -> str | None:
    """Return why the first floor that is not reached is not; None when all are."""
    for name, floor in rule.floors.items():
        value = metrics[name].value if name in metrics else math.nan
        less = name in LESS_IS_BETTER
        if not math.isfinite(value):
            return f"its {name} cannot be told from these rows"
        if (value > floor) if less else (value < floor):
            return f"its {name} is {value:.4f}, and {'at most' if less else 'at least'} {floor:g} is asked"
    return None


def holdout_subject(holdout: Mapping[str, str]) -> str:
    """Return the name under which a hold-out is sealed."""
    return f"holdout/{holdout['dataset']}/{holdout['partition']}/{holdout['time_column']}/{holdout['from']}"
