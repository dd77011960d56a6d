from __future__ import annotations

import json
import secrets

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_dataops.exceptions import OutageError
from airflow_dataops.hooks.dataset import DatasetHook
from airflow_dataops.hooks.mlflow import MlflowHook
from airflow_dataops.operators import evaluation as module
from airflow_dataops.operators.evaluation import EvaluateModelOperator
from airflow_dataops.operators.reading import consumers
from airflow_dataops.operators.registry import PromoteModelOperator
from airflow_dataops.testing.processes import free_port
from tests.support.deaths import dying
from tests.support.models import data, fit_coin, flights, prepare, train_operator


@pytest.fixture
def hook(mlflow_server):
    return MlflowHook()


@pytest.fixture
def train(make_context, hook):
    """Train a version: each call is a run of its own."""

    def do(model, until="2013-01", **changed):
        context = make_context("train", run_id=f"train-{secrets.token_hex(4)}")
        return train_operator(model, data=changed.pop("data", data(until)), **changed).execute(context)

    return do


def evaluate_operator(trained, **changed):
    options = {"prepare": prepare, "metric": "roc_auc", "margin": 0.02, "floors": {"roc_auc": 0.6}}
    return EvaluateModelOperator(task_id="evaluate", model=trained, **{**options, **changed})


@pytest.fixture
def evaluate(make_context):
    def do(trained, **changed):
        context = make_context("evaluate", run_id=f"evaluate-{secrets.token_hex(4)}")
        return evaluate_operator(trained, **changed).execute(context)

    return do


@pytest.fixture
def promote(make_context):
    def do(evaluated, **changed):
        context = make_context("promote", run_id=f"promote-{secrets.token_hex(4)}")
        return PromoteModelOperator(task_id="promote", evaluation=evaluated, **changed).execute(context)

    return do


def metrics_of(hook, run_id):
    return {item["key"]: item["value"] for item in hook.run(run_id)["data"]["metrics"]}


def test_the_first_model_passes_on_its_floors_and_leaves_evidence(january, hook, train, evaluate, model_name, ledger):
    trained = train(model_name)
    result = evaluate(trained)
    assert result["decision"] == "promote"
    assert "no champion yet" in result["sentence"]
    assert (result["champion"], result["pointer_version"]) == (None, 0)
    auc = result["metrics"]["roc_auc"]
    assert 0.6 < auc["low"] < auc["value"] < auc["high"] < 1
    assert len(json.dumps(result)) < 2000
    evidence = json.loads(DatasetHook().get_evidence(result["evidence"]))
    assert evidence["holdout"]["looks"] == 1
    assert evidence["rows"] == evidence["holdout"]["rows"] == 400 - result_rows(trained)
    assert metrics_of(hook, trained["run_id"])["holdout_roc_auc"] == pytest.approx(auc["value"], abs=1e-6)
    assert [point.partition for point in ledger.series(f"model/{model_name}/roc_auc")] == ["2013-01"]
    assert len(ledger.events(kind="model.evaluated")) == 1
    told = consumers(ledger, "dataset/flights/2013-01", january["snapshot"]["version"])
    assert [(one["model"], one["model_version"]) for one in told] == [(model_name, "1")] * 2  # trained, evaluated


def result_rows(trained):
    return trained["rows"]


def test_the_figures_are_scikit_learns(january, hook, train, evaluate, model_name, tmp_path):
    from sklearn import metrics

    from airflow_dataops.hooks.mlflow_model import load_model

    trained = train(model_name)
    result = evaluate(trained)["metrics"]
    rows = flights("2013-01")
    features, label = prepare(rows[rows["flight_date"] >= "2013-01-22"])
    model = load_model(hook.download_model(model_name, "1", tmp_path / "m"), "it")
    assert result["roc_auc"]["value"] == pytest.approx(
        metrics.roc_auc_score(label, model.predict_proba(features)[:, 1]), abs=1e-6
    )
    assert result["f1"]["value"] == pytest.approx(metrics.f1_score(label, model.predict(features)), abs=1e-6)


def test_a_coin_does_not_replace_the_champion(publish, january, train, evaluate, promote, model_name):
    promote(evaluate(train(model_name)))
    publish("2013-02", seed=5)
    result = evaluate(train(model_name, "2013-02", python_callable=fit_coin, params={}), floors={})
    assert result["decision"] == "reject"
    assert "worse than champion version 1; at most 0.02 is allowed" in result["sentence"]
    assert result["champion"] == {"version": "1", "pointer_version": 1}


def test_an_equal_model_may_follow_the_champion(publish, january, train, evaluate, promote, model_name):
    promote(evaluate(train(model_name)))
    publish("2013-02", seed=5)
    result = evaluate(train(model_name, "2013-02"), margin=0.1)
    assert result["decision"] == "promote"
    assert promote(result)["previous"] == "1"


def test_a_floor_rejects_whatever_the_champion_does(january, train, evaluate, model_name):
    result = evaluate(train(model_name), floors={"accuracy": 0.999})
    assert result["decision"] == "reject"
    assert "at least 0.999 is asked" in result["sentence"]


def test_a_champion_that_has_seen_the_hold_out_is_not_compared_with(
    publish, january, train, evaluate, promote, model_name
):
    publish("2013-02", seed=5)
    promote(evaluate(train(model_name, "2013-02")))
    result = evaluate(train(model_name, "2013-01"))
    assert result["decision"] == "reject"
    assert "has seen this hold-out" in result["sentence"]


def test_a_hold_out_the_training_has_seen_is_refused(january, train, evaluate, model_name):
    trained = train(model_name)
    earlier = {**trained, "holdout": {**trained["holdout"], "from": "2013-01-15"}}
    with pytest.raises(AirflowFailException, match="has seen a part of a hold-out from 2013-01-15"):
        evaluate(earlier)


def test_a_changed_hold_out_is_refused_until_it_is_sealed_anew(publish, january, train, evaluate, model_name, ledger):
    trained = train(model_name)
    evaluate(trained)
    publish("2013-01", seed=9)
    with pytest.raises(AirflowFailException, match="changed since it was sealed"):
        evaluate(trained)
    result = evaluate(trained, reseal=True)
    assert json.loads(DatasetHook().get_evidence(result["evidence"]))["holdout"]["looks"] == 2
    evaluate(trained)
    assert len(ledger.events(kind="evaluation.sealed")) == 2


def test_training_days_may_change_without_breaking_the_seal(publish, january, train, evaluate, model_name, ledger):
    evaluate(train(model_name))
    frame = flights("2013-01")
    publish("2013-01", frame=frame[(frame["flight_date"] >= "2013-01-22") | (frame.index % 2 == 0)])
    evaluate(train(model_name))
    assert len(ledger.events(kind="evaluation.sealed")) == 1
    assert len(ledger.events(kind="evaluation.looked")) == 2


def test_an_alias_moved_by_hand_is_noticed(january, hook, train, evaluate, promote, model_name):
    promote(evaluate(train(model_name)))
    second = train(model_name)
    hook.set_alias(model_name, "champion", "2")
    with pytest.raises(AirflowFailException, match="the alias was moved by hand"):
        evaluate(second)


@pytest.mark.parametrize(
    ("owner", "method", "when"),
    [
        (MlflowHook, "download_model", "after"),
        (DatasetHook, "put_evidence", "after"),
        (MlflowHook, "log_batch", "before"),
        (MlflowHook, "log_batch", "after"),
        (module, "outcome", "before"),
    ],
)
def test_a_kill_anywhere_and_a_retry_leave_one_of_everything(
    owner, method, when, january, hook, train, model_name, make_context, ledger
):
    trained = train(model_name)
    with dying(owner, method, when):
        evaluate_operator(trained).execute(make_context("evaluate"))
    result = evaluate_operator(trained).execute(make_context("evaluate", number=2))
    evidence = json.loads(DatasetHook().get_evidence(result["evidence"]))
    assert evidence["holdout"]["looks"] == 1
    history = hook.rest.get("metrics/get-history", run_id=trained["run_id"], metric_key="holdout_roc_auc")
    assert len(history["metrics"]) == 1
    for kind in ("model.evaluated", "evaluation.sealed", "evaluation.looked"):
        assert len(ledger.events(kind=kind)) == 1


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"metric": "rocauc"}, "metric 'rocauc' is unknown"),
        ({"floors": {"auc": 0.5}}, "metric 'auc' is unknown"),
        ({"margin": -1}, "margin is -1"),
        ({"margin": float("nan")}, "margin is nan"),
        ({"model": "nothing"}, "no training's result"),
        ({"prepare": lambda frame: (frame[["delay"]], frame["late"])}, "version 1 cannot predict from these features"),
        ({"prepare": lambda frame: (frame[["delay", "origin"]], frame["origin"])}, "labels are not all 0 and 1"),
    ],
)
def test_what_a_person_must_mend_is_said(changed, said, january, train, evaluate, model_name, ledger):
    trained = train(model_name)
    with pytest.raises(AirflowFailException, match=said):
        evaluate(changed.pop("model", trained), **changed)
    assert ledger.events(kind="model.evaluated") == []


def test_a_model_without_probabilities_is_judged_by_classes(january, train, evaluate, model_name):
    def fit_ridge(features, label):
        from sklearn.compose import make_column_transformer
        from sklearn.linear_model import RidgeClassifier
        from sklearn.pipeline import make_pipeline

        return make_pipeline(make_column_transformer(("passthrough", ["delay"])), RidgeClassifier()).fit(
            features, label
        )

    trained = train(model_name, python_callable=fit_ridge, params={})
    with pytest.raises(AirflowFailException, match="gives classes but no probabilities"):
        evaluate(trained)
    assert set(evaluate(trained, metric="accuracy", floors={})["metrics"]) == {"accuracy", "precision", "recall", "f1"}


def test_a_regression_is_judged_by_its_errors(january, train, evaluate, model_name):
    def prepare_delay(frame):
        return frame[["delay"]], 2 * frame["delay"] + frame["late"]

    def fit_line(features, label):
        from sklearn.linear_model import LinearRegression

        return LinearRegression().fit(features, label)

    trained = train(model_name, prepare=prepare_delay, python_callable=fit_line, params={})
    result = evaluate(trained, prepare=prepare_delay, metric="rmse", floors={"rmse": 1, "r2": 0.5})
    assert set(result["metrics"]) == {"rmse", "mae", "r2"}
    assert result["decision"] == "promote"


def test_a_python_model_that_answers_probabilities_is_judged_by_them(january, train, evaluate, model_name):
    from airflow_dataops.hooks.mlflow import import_mlflow

    mlflow = import_mlflow()

    def fit_python(features, label):
        class Logistic(mlflow.pyfunc.PythonModel):
            def predict(self, context, model_input, params=None):
                import numpy as np

                return 1 / (1 + np.exp(-model_input["delay"].to_numpy()))

        return Logistic()

    result = evaluate(train(model_name, python_callable=fit_python, params={}))
    assert result["decision"] == "promote"
    assert "roc_auc" in result["metrics"]


def test_mlflow_down_is_an_outage_and_a_retry_succeeds(
    january, train, mlflow_server, model_name, make_context, monkeypatch
):
    trained = train(model_name)
    monkeypatch.setenv("AIRFLOW_CONN_MLFLOW_DEFAULT", mlflow_server.connection(port=free_port()))
    with pytest.raises(OutageError, match="mlflow_default"):
        evaluate_operator(trained).execute(make_context("evaluate"))
    monkeypatch.setenv("AIRFLOW_CONN_MLFLOW_DEFAULT", mlflow_server.connection())
    assert evaluate_operator(trained).execute(make_context("evaluate", number=2))["decision"] == "promote"


def test_a_champion_that_cannot_be_loaded_is_named(january, hook, train, evaluate, promote, model_name, monkeypatch):
    promote(evaluate(train(model_name)))
    second = train(model_name)
    whole = module.load_model

    def broken(folder, called):
        if "champion" in called:
            (folder / "MLmodel").write_text("not a model")
        return whole(folder, called)

    monkeypatch.setattr(module, "load_model", broken)
    with pytest.raises(AirflowFailException, match=r"The champion, .* version 1, cannot be loaded here"):
        evaluate(second)


def test_nothing_published_any_more_is_said(january, train, evaluate, model_name, store_path):
    trained = train(model_name)
    gone = {**trained, "holdout": {**trained["holdout"], "partition": "2013-09"}}
    with pytest.raises(AirflowFailException, match="'2013-09' of the dataset 'flights' is not published"):
        evaluate(gone)
    late = {**trained, "holdout": {**trained["holdout"], "from": "2013-03-01"}}
    with pytest.raises(AirflowFailException, match="no rows from 2013-03-01"):
        evaluate(late)
