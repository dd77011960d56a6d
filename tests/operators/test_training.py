from __future__ import annotations

import json
import logging
import random
import secrets
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_dataops.exceptions import OutageError
from airflow_dataops.hooks.mlflow import MlflowHook, tags_of
from airflow_dataops.operators import training_run
from airflow_dataops.operators.reading import consumers
from airflow_dataops.operators.training import TrainModelOperator
from airflow_dataops.testing.processes import free_port
from tests.support.deaths import Died, dying
from tests.support.models import data, fit, fit_without_origin, prepare, train_operator


@pytest.fixture
def hook(mlflow_server):
    return MlflowHook()


def runs_of(hook, context, model):
    from airflow_dataops.operators.station import run_key_of

    return hook.runs(hook.experiment(model), "dataops.run_key", run_key_of(context).digest)


def statuses(hook, context, model):
    return sorted(run["info"]["status"] for run in runs_of(hook, context, model))


def versions_of(hook, model):
    found = hook.rest.get("model-versions/search", max_results=100).get("model_versions", [])
    return sorted(version["version"] for version in found if version["name"] == model)


def test_training_leaves_one_finished_run_with_everything_recorded(hook, january, model_name, make_context, ledger):
    context = make_context("train")
    result = train_operator(model_name).execute(context)
    assert result["version"] == "1"
    assert result["uri"] == f"models:/{model_name}/1"
    assert result["holdout"] == {
        "dataset": "flights",
        "partition": "2013-01",
        "time_column": "flight_date",
        "from": "2013-01-22",
    }
    assert len(json.dumps(result)) < 2000
    (run,) = runs_of(hook, context, model_name)
    assert run["info"]["status"] == "FINISHED"
    tags, params = tags_of(run["data"]), {item["key"]: item["value"] for item in run["data"]["params"]}
    assert params == {"C": "0.5", "seed": "13"}
    assert len(tags["mlflow.source.git.commit"]) == 40
    assert tags["dataops.git.dirty"] in {"true", "false"}
    assert json.loads(tags["dataops.packages"])["scikit-learn"]
    assert tags["dataops.data_digest"] == result["data_digest"]
    assert tags["dataops.try_number"] == "1"
    metrics = {item["key"]: item["value"] for item in run["data"]["metrics"]}
    assert metrics["dataops.peak_memory_bytes"] > 1e7
    (dataset,) = run["inputs"]["dataset_inputs"]
    assert json.loads(dataset["dataset"]["source"])["sha256"] == january["snapshot"]["digest"]
    (event,) = ledger.events(kind="model.trained")
    assert event.event.payload.items() >= result.items()
    learned = {"dag_id": "line", "run_id": context["run_id"], "task_id": "train"}
    learned |= {"model": model_name, "model_version": "1"}
    assert consumers(ledger, "dataset/flights/2013-01", january["snapshot"]["version"]) == [learned]


def test_the_stored_model_has_signature_example_and_pinned_requirements(
    hook, january, model_name, make_context, tmp_path
):
    train_operator(model_name).execute(make_context("train"))
    folder = hook.download_model(model_name, "1", tmp_path / "model")
    described = (folder / "MLmodel").read_text()
    assert "signature:" in described
    assert (folder / "input_example.json").is_file()
    requirements = (folder / "requirements.txt").read_text().splitlines()
    assert {line.split("==")[0] for line in requirements} >= {"scikit-learn", "numpy", "pandas", "skops"}
    assert all("==" in line for line in requirements)


def test_the_function_never_sees_the_hold_out_and_sees_all_months_before(publish, hook, model_name, make_context):
    publish("2012-12", seed=1)
    publish("2013-01", seed=2)
    publish("2013-02", seed=3)
    seen = {}

    def watch(frame):
        seen["first"], seen["last"] = frame["flight_date"].min(), frame["flight_date"].max()
        return prepare(frame)

    result = train_operator(model_name, prepare=watch).execute(make_context("train"))
    assert str(seen["first"].date()) == "2012-12-01"
    assert str(seen["last"].date()) == "2013-01-21"
    assert result["rows"] == 400 + 21 * 14 + 400 % 28 - 8 + 8  # January: 21 of 28 days


def test_the_generators_are_seeded_before_the_function_runs(january, hook, model_name, make_context):
    drawn = []

    def draw(features, label, **kwargs):
        drawn.append((random.random(), float(np.random.rand()), kwargs["seed"]))  # noqa: NPY002
        return fit(features, label, **kwargs)

    for task in ("a", "b"):
        train_operator(model_name, python_callable=draw).execute(make_context(task))
    assert drawn[0] == drawn[1]


def test_a_function_may_write_into_its_run_through_mlflow(january, hook, model_name, make_context):
    def talk(features, label):
        import mlflow

        mlflow.log_metric("loss", 0.25)
        with mlflow.start_run(nested=True):
            pass
        return fit(features, label, params={}, seed=1)

    context = make_context("train")
    train_operator(model_name, python_callable=talk).execute(context)
    run = next(run for run in runs_of(hook, context, model_name))
    assert run["info"]["status"] == "FINISHED"
    assert {"loss"} <= {item["key"] for item in run["data"]["metrics"]}


def test_params_are_the_tasks_own_and_a_run_may_override_them(january, hook, model_name, make_context):
    from airflow.sdk import DAG

    with DAG("line", schedule=None, params={"month": "2013-01"}):
        operator = train_operator(model_name)
    context = {**make_context("train"), "params": {"month": "2013-01", "C": 0.9}}
    operator.execute(context)
    (run,) = runs_of(hook, context, model_name)
    assert {item["key"]: item["value"] for item in run["data"]["params"]} == {"C": "0.9", "seed": "13"}


# -- killed and tried again ----------------------------------------------------------------------------------

POINTS = [
    ("create_run", "before"),
    ("create_run", "after"),
    ("log_inputs", "after"),
    ("artifact_digest", "before"),
    ("create_version", "before"),
    ("create_version", "after"),
    ("end_run", "before"),
    ("end_run", "after"),
]


@pytest.mark.parametrize(("method", "when"), POINTS)
def test_a_kill_anywhere_and_a_retry_leave_one_of_everything(
    method, when, january, hook, model_name, make_context, ledger
):
    with dying(MlflowHook, method, when):
        train_operator(model_name).execute(make_context("train"))
    context = make_context("train", number=2)
    result = train_operator(model_name).execute(context)
    assert statuses(hook, context, model_name).count("FINISHED") == 1
    assert "RUNNING" not in statuses(hook, context, model_name)
    assert versions_of(hook, model_name) == ["1"]
    assert result["version"] == "1"
    assert len(ledger.events(kind="model.trained")) == 1
    (learned,) = consumers(ledger, "dataset/flights/2013-01", january["snapshot"]["version"])
    assert learned["model_version"] == "1"
    finished = next(r for r in runs_of(hook, context, model_name) if r["info"]["status"] == "FINISHED")
    assert finished["info"]["run_id"] == result["run_id"]


KILLED = """
    import os, signal
    from airflow_dataops.hooks.mlflow import MlflowHook
    from tests.support.models import train_operator
    from tests.support.fixtures import OutletEvents, TaskInstanceStub

    whole = getattr(MlflowHook, {method!r})
    def dying(self, *args, **kwargs):
        if {when!r} == "after":
            whole(self, *args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)
    setattr(MlflowHook, {method!r}, dying)
    ti = TaskInstanceStub("train", {run_id!r}, 1, 2, -1)
    context = {{"ti": ti, "run_id": {run_id!r}, "params": {{}}, "outlet_events": OutletEvents()}}
    train_operator({model!r}).execute(context)
"""


@pytest.mark.parametrize(("method", "when"), [("artifact_digest", "before"), ("create_version", "after")])
def test_a_process_that_is_really_killed_leaves_one_of_everything(
    method, when, january, hook, model_name, make_context, ledger
):
    context = make_context("train", number=2)
    script = textwrap.dedent(KILLED).format(method=method, when=when, run_id=context["run_id"], model=model_name)
    killed = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, text=True)
    assert killed.returncode == -9, killed.stderr[-3000:]
    context = make_context("train", number=2)
    train_operator(model_name).execute(context)
    assert statuses(hook, context, model_name).count("FINISHED") == 1
    assert "RUNNING" not in statuses(hook, context, model_name)
    assert versions_of(hook, model_name) == ["1"]
    assert len(ledger.events(kind="model.trained")) == 1


def test_a_cleared_task_trains_anew_and_keeps_the_old_version(january, hook, model_name, make_context):
    first = train_operator(model_name).execute(make_context("train"))
    context = make_context("train", number=2, max_tries=3)
    second = train_operator(model_name).execute(context)
    assert (first["version"], second["version"]) == ("1", "2")
    old = next(run for run in runs_of(hook, context, model_name) if run["info"]["run_id"] == first["run_id"])
    assert old["info"]["status"] == "FINISHED"
    assert tags_of(old["data"])["dataops.superseded_by"] == second["run_id"]


def test_an_error_of_the_function_fails_the_run_and_a_retry_succeeds(january, hook, model_name, make_context):
    def broken(features, label):
        raise MemoryError("too big")

    context = make_context("train")
    with pytest.raises(MemoryError):
        train_operator(model_name, python_callable=broken).execute(context)
    assert statuses(hook, context, model_name) == ["FAILED"]
    train_operator(model_name).execute(make_context("train", number=2))
    assert statuses(hook, context, model_name) == ["FAILED", "FINISHED"]


def test_stopping_the_task_closes_the_run_with_one_call(january, hook, model_name, make_context):
    operator = train_operator(model_name)

    def stopped(features, label):
        operator.on_kill()
        raise Died

    operator.python_callable = stopped
    context = make_context("train")
    with pytest.raises(Died):
        operator.execute(context)
    assert statuses(hook, context, model_name) == ["KILLED"]


def test_an_older_try_that_comes_back_registers_nothing(january, hook, model_name, make_context, monkeypatch):
    whole = training_run.TrackedRun.register

    def overtaken(self, *args):
        monkeypatch.setattr(training_run.TrackedRun, "register", whole)
        train_operator(model_name).execute(make_context("train", number=2))
        return whole(self, *args)

    monkeypatch.setattr(training_run.TrackedRun, "register", overtaken)
    context = make_context("train")
    with pytest.raises(AirflowFailException, match="overtaken by a newer try"):
        train_operator(model_name).execute(context)
    assert versions_of(hook, model_name) == ["1"]
    assert statuses(hook, context, model_name).count("FINISHED") == 1


# -- what goes wrong -----------------------------------------------------------------------------------------


def test_mlflow_down_is_an_outage_and_a_retry_succeeds(
    january, hook, mlflow_server, model_name, make_context, monkeypatch
):
    port = free_port()
    monkeypatch.setenv("AIRFLOW_CONN_MLFLOW_DEFAULT", mlflow_server.connection(port=port))
    with pytest.raises(OutageError, match=f"MLflow at http://127.0.0.1:{port} .*'mlflow_default'"):
        train_operator(model_name).execute(make_context("train"))
    monkeypatch.setenv("AIRFLOW_CONN_MLFLOW_DEFAULT", mlflow_server.connection())
    assert train_operator(model_name).execute(make_context("train", number=2))["version"] == "1"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"data": data("2012-01")}, "Nothing of the dataset 'flights' is published up to '2012-01'"),
        ({"data": data(dataset="nobody's")}, "Nothing of the dataset"),
        ({"data": data(time_column="nope")}, "has no column 'nope'"),
        ({"data": data(time_column="delay")}, "holds no times"),
        ({"data": data(time_column="origin")}, "holds no times"),
        ({"data": data(holdout_from="soon")}, "no moment"),
        ({"data": data(holdout_from="2000-01-01")}, "no rows before 2000-01-01"),
        ({"data": {"dataset": "flights"}}, "data has no until and no time_column"),
        ({"prepare": lambda frame: frame}, "prepare returned DataFrame"),
        ({"prepare": lambda frame: (frame[["delay"]], frame["late"].head(3))}, "as many of both"),
        ({"python_callable": lambda features, label: None}, "returned nothing, which is no model"),
        ({"python_callable": lambda features, label: {"a": 1}}, "returned a dict, which is no model"),
        ({"model": "../../x"}, "Invalid model name"),
        ({"python_callable": fit_without_origin}, "cannot predict from the features it was trained on"),
    ],
)
def test_what_a_person_must_mend_is_said_and_registers_nothing(
    changed, said, january, hook, model_name, make_context, ledger
):
    with pytest.raises(AirflowFailException, match=said):
        train_operator(**{"model": model_name, **changed}).execute(make_context("train"))
    assert versions_of(hook, model_name) == []
    assert ledger.events(kind="model.trained") == []


def test_an_untrusted_type_is_refused_with_the_cure_and_the_cure_works(january, hook, model_name, make_context):
    from tests.support.own_estimator import fit_own

    own = {"python_callable": fit_own, "prepare": lambda frame: (frame[["delay"]], frame["late"])}
    with pytest.raises(AirflowFailException, match="skops_trusted_types"):
        train_operator(model_name, **own).execute(make_context("train"))
    options = {"skops_trusted_types": ["tests.support.own_estimator.OwnEstimator"]}
    operator = train_operator(model_name, **own, model_options=options)
    assert operator.execute(make_context("again"))["version"] == "1"


def test_a_python_model_is_stored_as_pyfunc(january, hook, model_name, make_context, tmp_path):
    from airflow_dataops.hooks.mlflow import import_mlflow

    mlflow = import_mlflow()

    def fit_python(features, label):
        class Mean(mlflow.pyfunc.PythonModel):
            def predict(self, context, model_input, params=None):
                return np.full(len(model_input), 0.25)

        return Mean()

    train_operator(model_name, python_callable=fit_python).execute(make_context("train"))
    assert "python_function" in (hook.download_model(model_name, "1", tmp_path / "m") / "MLmodel").read_text()


@pytest.mark.parametrize("name", ['"; DROP TABLE models; --', "Flüge ✈ 'späte'"])
def test_hostile_model_names_are_only_names(name, january, hook, make_context):
    name = f"{name} {secrets.token_hex(4)}"
    result = train_operator(name).execute(make_context("train"))
    assert result["model"] == name
    assert versions_of(hook, name) == [result["version"]]


def test_the_password_appears_nowhere(
    january, mlflow_server, hook, model_name, make_context, monkeypatch, caplog, ledger
):
    secret = "s3cr3t-of-mlflow"
    monkeypatch.setenv("AIRFLOW_CONN_MLFLOW_DEFAULT", mlflow_server.connection(login="ada", password=secret))
    context = make_context("train")
    with caplog.at_level(logging.DEBUG):
        result = train_operator(model_name).execute(context)
    places = [caplog.text, json.dumps(result), json.dumps(runs_of(hook, context, model_name))]
    places += [json.dumps(hook.model_version(model_name, "1")), str(ledger.events())]
    assert all(secret not in place for place in places)


def test_template_fields_are_constructor_arguments():
    import inspect

    own = inspect.signature(TrainModelOperator.__init__).parameters
    assert set(TrainModelOperator.template_fields) <= set(own)
    assert len([name for name in own if name not in {"self", "kwargs"}]) <= 10
