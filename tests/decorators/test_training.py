from __future__ import annotations

import pytest
from airflow.sdk import DAG, task

from airflow_dataops.decorators.training import train_model_task
from airflow_dataops.operators.training import TrainModelOperator
from airflow_dataops.provider import get_provider_info
from tests.support.models import data, fit, prepare


def decorated(model, **changed):
    options = {"model": model, "data": data(), "prepare": prepare, "seed": 3, **changed}

    @train_model_task(**options)
    def train(features, label, *, params, seed):
        return fit(features, label, params=params, seed=seed)

    return train


def test_a_decorated_function_is_a_training_station(january, mlflow_server, model_name, make_context):
    with DAG("line", schedule=None, params={"month": "2013-01"}) as dag:
        decorated(model_name, params={"C": 2.0})()
    operator = dag.get_task("train")
    assert isinstance(operator, TrainModelOperator)
    result = operator.execute(make_context("train"))
    assert result["version"] == "1"
    assert operator.parameters({}) == {"C": 2.0}


def test_airflow_offers_it_as_task_train_model():
    named = {item["name"]: item["class-name"] for item in get_provider_info()["task-decorators"]}
    assert named["train_model"] == "airflow_dataops.decorators.training.train_model_task"
    assert task.train_model is not None


def test_its_fields_are_templated(model_name):
    with DAG("line", schedule=None) as dag:
        decorated(model_name, data=data("{{ partition }}"))()
    operator = dag.get_task("train")
    operator.render_template_fields({"partition": "2013-01"})
    assert operator.data["holdout_from"] == "2013-01-22"


def test_arguments_in_the_call_are_refused_with_the_remedy(model_name):
    with DAG("line", schedule=None), pytest.raises(TypeError, match="set what runs before it with >>"):
        decorated(model_name)("published")


def test_a_dag_with_it_can_be_serialized(model_name):
    from airflow.serialization.serialized_objects import DagSerialization

    with DAG("line", schedule=None) as dag:
        decorated(model_name, params={"C": 2.0})()
    assert DagSerialization.to_dict(dag)["dag"]["tasks"]
