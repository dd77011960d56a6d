from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics

from airflow_dataops.core import evaluation
from airflow_dataops.core.evaluation import Estimate, Rule, decide, evaluate, holdout_subject
from airflow_dataops.core.metrics import CLASSIFICATION, METRICS, REGRESSION, Predictions
from airflow_dataops.exceptions import BrokenCheckError

RANDOM = np.random.default_rng(7)


def classification(rows=300, ties=False, strength=1.0, seed=0):
    generator = np.random.default_rng(seed)
    label = generator.integers(0, 2, rows)
    scores = 1 / (1 + np.exp(-(strength * (label - 0.5) + generator.normal(size=rows))))
    scores = np.round(scores, 1) if ties else scores
    return label, Predictions((scores > 0.5).astype(float), scores)


def regression(rows=200, seed=0):
    generator = np.random.default_rng(seed)
    label = generator.normal(1000, 3, rows)
    return label, Predictions(label + generator.normal(size=rows))


ORACLES = {
    "roc_auc": lambda y, p, w: metrics.roc_auc_score(y, p.scores, sample_weight=w),
    "log_loss": lambda y, p, w: metrics.log_loss(y, p.scores, sample_weight=w, labels=[0, 1]),
    "brier": lambda y, p, w: metrics.brier_score_loss(y, p.scores, sample_weight=w),
    "accuracy": lambda y, p, w: metrics.accuracy_score(y, p.answers, sample_weight=w),
    "precision": lambda y, p, w: metrics.precision_score(y, p.answers, sample_weight=w, zero_division=0),
    "recall": lambda y, p, w: metrics.recall_score(y, p.answers, sample_weight=w, zero_division=0),
    "f1": lambda y, p, w: metrics.f1_score(y, p.answers, sample_weight=w, zero_division=0),
    "rmse": lambda y, p, w: metrics.root_mean_squared_error(y, p.answers, sample_weight=w),
    "mae": lambda y, p, w: metrics.mean_absolute_error(y, p.answers, sample_weight=w),
    "r2": lambda y, p, w: metrics.r2_score(y, p.answers, sample_weight=w),
}


def test_every_metric_has_an_oracle():
    assert set(ORACLES) == set(METRICS)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("name", sorted(CLASSIFICATION))
def test_classification_metrics_are_scikit_learns_also_on_resamples(name, ties):
    label, predicted = classification(ties=ties)
    weights = RANDOM.multinomial(len(label), np.full(len(label), 1 / len(label)), size=5).astype(float)
    ours = METRICS[name](label, predicted, weights)
    assert ours == pytest.approx([ORACLES[name](label, predicted, w) for w in weights], abs=1e-12)


@pytest.mark.parametrize("name", sorted(REGRESSION))
def test_regression_metrics_are_scikit_learns_also_on_resamples(name):
    label, predicted = regression()
    weights = RANDOM.multinomial(len(label), np.full(len(label), 1 / len(label)), size=5).astype(float)
    ours = METRICS[name](label, predicted, weights)
    assert ours == pytest.approx([ORACLES[name](label, predicted, w) for w in weights], abs=1e-9)


@pytest.mark.parametrize("name", ["precision", "recall", "f1"])
@pytest.mark.parametrize("answer", [0.0, 1.0])
def test_undefined_shares_are_zero_as_in_scikit_learn(name, answer):
    label = np.zeros(6)
    predicted = Predictions(np.full(6, answer))
    assert METRICS[name](label, predicted, np.ones((1, 6)))[0] == ORACLES[name](label, predicted, np.ones(6))


def test_the_area_of_one_class_is_unknown_not_a_warning():
    assert math.isnan(METRICS["roc_auc"](np.zeros(4), Predictions(np.zeros(4), np.arange(4) / 4), np.ones((1, 4)))[0])


def test_log_loss_of_certainty_is_finite():
    predicted = Predictions(np.array([1.0, 0.0]), np.array([1.0, 0.0]))
    assert METRICS["log_loss"](np.array([0, 1]), predicted, np.ones((1, 2)))[0] == pytest.approx(
        metrics.log_loss([0, 1], [1.0, 0.0]), rel=1e-9
    )


@pytest.mark.parametrize(
    ("name", "made"), [("accuracy", classification), ("roc_auc", classification), ("mae", regression)]
)
def test_intervals_are_scipys_bootstrap(name, made):
    label, predicted = made()

    def statistic(places):
        chosen = Predictions(predicted.answers[places], None if predicted.scores is None else predicted.scores[places])
        return ORACLES[name](label[places], chosen, None)

    oracle = stats.bootstrap(
        (np.arange(len(label)),), statistic, n_resamples=2000, method="percentile", vectorized=False, rng=3
    ).confidence_interval
    ours = evaluate(label, [predicted], name, resamples=2000)[0][0][name]
    width = oracle.high - oracle.low
    assert ours.low == pytest.approx(oracle.low, abs=0.12 * width)
    assert ours.high == pytest.approx(oracle.high, abs=0.12 * width)


def test_the_interval_of_accuracy_covers_as_often_as_it_says():
    covered = 0
    for seed in range(300):
        generator = np.random.default_rng(seed)
        right = generator.random(400) < 0.8
        label = np.ones(400)
        estimate = evaluate(label, [Predictions(right.astype(float))], "accuracy", resamples=400)[0][0]["accuracy"]
        covered += estimate.low <= 0.8 <= estimate.high
    # 95 % of 300 is 285; three standard errors are 11.
    assert 272 <= covered <= 298


def test_the_same_rows_always_give_the_same_figures():
    label, predicted = classification()
    assert evaluate(label, [predicted], "roc_auc") == evaluate(label, [predicted], "roc_auc")


def test_pieces_of_any_size_give_the_same_figures(monkeypatch):
    label, predicted = classification()
    monkeypatch.setattr(evaluation, "CHUNK_CELLS", 300 * 100)
    small = evaluate(label, [predicted], "roc_auc", resamples=250)
    monkeypatch.setattr(evaluation, "CHUNK_CELLS", 300 * 1000)
    large = evaluate(label, [predicted], "roc_auc", resamples=250)
    assert small[0][0]["roc_auc"].value == large[0][0]["roc_auc"].value
    assert small[0][0]["roc_auc"].low == pytest.approx(large[0][0]["roc_auc"].low)


@pytest.mark.parametrize("name", ["roc_auc", "log_loss", "accuracy"])
def test_a_model_has_no_advantage_over_itself(name):
    label, predicted = classification()
    assert evaluate(label, [predicted, predicted], name)[1] == Estimate(0, 0, 0)


@pytest.mark.parametrize("name", ["roc_auc", "brier"])
def test_swapping_the_models_turns_the_advantage_round(name):
    label, weak = classification(strength=0.5)
    strong = Predictions(weak.answers, 0.7 * weak.scores + 0.3 * label)
    there, back = (evaluate(label, pair, name)[1] for pair in ([strong, weak], [weak, strong]))
    assert there.value == -back.value > 0
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low))


def test_pairing_makes_the_comparison_sharper_than_the_single_intervals():
    label, weak = classification(rows=2000)
    nearly = Predictions(weak.answers, np.clip(weak.scores + 0.01 * np.sin(np.arange(2000)), 0, 1))
    estimates, advantage = evaluate(label, [nearly, weak], "roc_auc")
    alone = estimates[0]["roc_auc"].high - estimates[0]["roc_auc"].low
    assert advantage.high - advantage.low < alone / 5


@pytest.mark.parametrize(
    ("label", "metric", "said"),
    [
        (np.array([0, 1, 2]), "accuracy", "not all 0 and 1"),
        (np.array(["a", "b", "a"]), "accuracy", "not all 0 and 1"),
        (np.array([0, 1, np.nan]), "accuracy", "not all 0 and 1"),
        (np.array([1.5, np.inf, 0]), "rmse", "not all finite figures"),
        (np.array([0, 1, 1]), "gini", "metric 'gini' is unknown"),
        (np.array([0, 1, 1]), "roc_auc", "no probabilities"),
    ],
)
def test_what_cannot_be_judged_is_said(label, metric, said):
    with pytest.raises(BrokenCheckError, match=said):
        evaluate(label, [Predictions(np.zeros(3))], metric)


# -- the decision --------------------------------------------------------------------------------------------

RULE = Rule("roc_auc", 0.01, {"roc_auc": 0.6, "log_loss": 0.7})
GOOD = {"roc_auc": Estimate(0.7, 0.68, 0.72), "log_loss": Estimate(0.5, 0.4, 0.6)}
NAN = Estimate(math.nan, math.nan, math.nan)


@pytest.mark.parametrize(
    ("figures", "advantage", "promote", "said"),
    [
        (GOOD, Estimate(0.0, -0.009, 0.009), True, "at most 0.0090 worse than champion version 2"),
        (GOOD, Estimate(0.0, -0.011, 0.011), False, "may be 0.0110 worse than champion version 2; at most 0.01"),
        (GOOD, Estimate(0.02, 0.01, 0.03), True, "at least 0.0100 better than champion version 2"),
        (GOOD, NAN, False, "cannot be told how its roc_auc compares"),
        (GOOD, None, False, "cannot be told how its roc_auc compares"),
        ({**GOOD, "roc_auc": NAN}, Estimate(0, 0, 0), False, "its roc_auc cannot be told"),
        ({**GOOD, "roc_auc": Estimate(0.59, 0.5, 0.7)}, Estimate(0.3, 0.2, 0.4), False, "at least 0.6 is asked"),
        ({**GOOD, "log_loss": Estimate(0.71, 0.6, 0.8)}, Estimate(0.3, 0.2, 0.4), False, "at most 0.7 is asked"),
        ({"roc_auc": GOOD["roc_auc"]}, Estimate(0.3, 0.2, 0.4), False, "its log_loss cannot be told"),
        ({**GOOD, "roc_auc": Estimate(0.7, math.nan, 0.8)}, Estimate(0, 0, 0), False, "cannot be told"),
    ],
)
def test_the_decision_and_its_sentence(figures, advantage, promote, said):
    decision = decide(RULE, "flights version 3", figures, "champion version 2", advantage)
    assert decision.promote is promote
    assert said in decision.sentence
    assert decision.sentence.startswith("flights version 3 ")
    assert decision.sentence.endswith(".")


def test_the_first_model_passes_on_its_floors_alone():
    assert decide(RULE, "flights version 1", GOOD).promote
    assert not decide(RULE, "flights version 1", {**GOOD, "roc_auc": NAN}).promote


def test_an_equal_model_passes_without_a_margin():
    rule = Rule("roc_auc")
    assert decide(rule, "m version 2", GOOD, "champion version 1", Estimate(0, 0, 0)).promote
    assert not decide(rule, "m version 2", GOOD, "champion version 1", Estimate(0, -1e-9, 0)).promote


def test_a_truly_worse_model_is_seldom_promoted():
    """Non-inferiority at its margin errs in at most 5 % of the cases (here 400 cases, 3 standard errors: 8.3 %)."""
    promoted = 0
    for seed in range(400):
        generator = np.random.default_rng(seed)
        champion = generator.random(800) < 0.85
        challenger = np.where(generator.random(800) < 0.08, generator.random(800) < 0.85 - 0.05 / 0.08, champion)
        label = np.ones(800)
        said = [Predictions(answers.astype(float)) for answers in (challenger, champion)]
        estimates, advantage = evaluate(label, said, "accuracy", resamples=200)
        promoted += decide(Rule("accuracy", 0.05), "new", estimates[0], "old", advantage).promote
    assert promoted <= 0.083 * 400


@pytest.mark.parametrize(
    "wrong",
    [
        {"metric": "auc"},
        {"floors": {"auc": 1}},
        {"floors": {"roc_auc": math.nan}},
        {"margin": -0.1},
        {"margin": math.inf},
    ],
)
def test_a_rule_that_cannot_be_applied_is_refused(wrong):
    with pytest.raises(BrokenCheckError):
        Rule(**{"metric": "roc_auc", **wrong})


def test_figures_are_plain_json_and_unknown_is_null():
    assert Estimate(0.1234567, math.nan, math.inf).to_json() == {"value": 0.123457, "low": None, "high": None}


def test_hold_outs_are_named_by_dataset_partition_column_and_moment():
    holdout = {"dataset": "f", "partition": "2013-01", "time_column": "day", "from": "2013-01-22"}
    assert holdout_subject(holdout) == "holdout/f/2013-01/day/2013-01-22"
