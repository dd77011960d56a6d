"""How good a model is, how sure that is, and whether it may replace the champion.

Intervals come from the bootstrap (B. Efron and R. Tibshirani, An Introduction to the Bootstrap, 1993, chapters 13
and 16): percentiles over resampled rows. Challenger and champion are resampled together, so that what makes rows
hard for both cancels out of their difference.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_dataops.core.metrics import (
    CLASSIFICATION,
    LESS_IS_BETTER,
    METRICS,
    NEED_SCORES,
    REGRESSION,
    Predictions,
    ones,
    scorer,
)
from airflow_dataops.exceptions import BrokenCheckError

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

__all__ = ["Decision", "Estimate", "Rule", "compare", "decide", "evaluate", "holdout_subject"]

RESAMPLES = 1000
SEED = 20130322
# Rows times resamples worked on at once, eight bytes each.
CHUNK_CELLS = 1_000_000
CONFIDENCE = 0.95
# With fewer usable resamples than this share (one class only, say) an interval would say nothing.
MIN_USABLE = 0.95


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
    scorers = [scorer(figures, model, names) for model in models]
    whole = [score(ones(figures)[None]) for score in scorers]
    drawn = [[score(weights) for score in scorers] for weights in draws(len(figures), resamples)]
    spread = [{name: joined(drawn, place, name) for name in names} for place in range(len(models))]
    estimates = [
        {name: interval(float(whole[place][name][0]), spread[place][name], CONFIDENCE) for name in names}
        for place in range(len(models))
    ]
    if len(models) == 1:
        return estimates, None
    sign = -1.0 if metric in LESS_IS_BETTER else 1.0
    advantage = sign * (estimates[0][metric].value - estimates[1][metric].value)
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
    same = advantage.low == advantage.high == 0  # the same answers are not worse, whatever the margin
    if advantage.low > -rule.margin or same:
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
