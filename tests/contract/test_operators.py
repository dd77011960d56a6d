"""What holds for every operator, sensor and trigger, whoever writes it."""

from __future__ import annotations

import importlib
import inspect
import json
import re

import pytest
from airflow.sdk import BaseOperator
from airflow.triggers.base import BaseTrigger

from tests.support.package import classes, example, own_parameters, required_arguments

OPERATORS = classes(BaseOperator)
LEAVES = [cls for cls in OPERATORS if not any(issubclass(other, cls) for other in OPERATORS if other is not cls)]
TRIGGERS = classes(BaseTrigger)
MAX_OWN_PARAMETERS = 10
AIRFLOWS_OWN = {"ledger_conn_id", "deferrable", "poke_interval", "timeout"}


def by_name(cls: type) -> str:
    return cls.__qualname__


def own_template_fields(cls: type) -> list[str]:
    """Return the templated fields that are ours; sensors and decorators inherit some of Airflow's."""
    return [name for name in cls.template_fields if name in own_parameters(cls)]


def arguments_in(docstring: str) -> dict[str, str]:
    """Return each argument of a docstring's Args section with what is said of it."""
    section = re.search(r"^Args:\n((?:    .*\n?|\n)*)", inspect.cleandoc(docstring) + "\n", re.MULTILINE)
    text = section.group(1) if section else ""
    return dict(re.findall(r"^    (\w+): ((?:.*\n?)(?:^     .*\n?)*)", text, re.MULTILINE))


def documented_arguments(cls: type) -> dict[str, str]:
    """Return the arguments that the class or a parent of ours documents."""
    found: dict[str, str] = {}
    for parent in reversed(cls.__mro__):
        if parent.__module__.startswith("airflow_dataops."):
            found |= arguments_in(parent.__doc__ or "")
    return found


def test_the_walk_finds_the_stations():
    names = {cls.__name__ for cls in OPERATORS}
    assert {"SnapshotDatasetOperator", "PublishDatasetOperator"} <= names


@pytest.mark.parametrize("cls", OPERATORS, ids=by_name)
def test_template_fields_are_constructor_arguments_kept_verbatim(cls):
    fields = {name: f"{{{{ params.{name} }}}}" for name in own_template_fields(cls)}
    strange = set(cls.template_fields) - set(own_parameters(cls)) - set(BaseOperator.template_fields)
    assert strange == set(), "templated, but not an argument of the constructor"
    operator = cls(task_id="task", **{**required_arguments(cls), **fields})
    assert {name: getattr(operator, name) for name in fields} == fields


@pytest.mark.parametrize("cls", OPERATORS, ids=by_name)
def test_the_constructor_remembers_every_argument_under_its_name(cls):
    given = {name: example(parameter) for name, parameter in own_parameters(cls).items()}
    operator = cls(task_id="task", **required_arguments(cls))
    assert [name for name in given if not hasattr(operator, name)] == []


@pytest.mark.parametrize("cls", OPERATORS, ids=by_name)
def test_no_default_is_a_template(cls):
    # {{ ds }} is undefined in runs without a logical date, such as those that assets start.
    assert [name for name, parameter in own_parameters(cls).items() if "{{" in str(parameter.default)] == []


@pytest.mark.parametrize("cls", OPERATORS, ids=by_name)
def test_constructors_take_few_arguments(cls):
    assert len(set(own_parameters(cls)) - AIRFLOWS_OWN) <= MAX_OWN_PARAMETERS


@pytest.mark.parametrize("cls", [*OPERATORS, *TRIGGERS], ids=by_name)
def test_every_argument_is_documented(cls):
    documented = documented_arguments(cls)
    assert [name for name in own_parameters(cls) if name not in documented] == []


@pytest.mark.parametrize("cls", LEAVES, ids=by_name)
def test_templated_arguments_say_so(cls):
    documented = documented_arguments(cls)
    said = {name for name, text in documented.items() if "(templated)" in text}
    assert said == set(own_template_fields(cls))


@pytest.mark.parametrize("cls", TRIGGERS, ids=by_name)
def test_triggers_survive_the_way_through_the_database(cls):
    given = {name: example(parameter) for name, parameter in own_parameters(cls).items()}
    path, arguments = cls(**given).serialize()
    assert arguments == given, "a trigger serialises exactly the arguments of its constructor"
    module, _, name = path.rpartition(".")
    found = getattr(importlib.import_module(module), name)
    assert found is cls
    again = found(**json.loads(json.dumps(arguments)))
    assert again.serialize() == (path, arguments)


@pytest.mark.parametrize("cls", OPERATORS, ids=by_name)
def test_operators_survive_serialisation_of_their_dag(cls):
    from airflow.sdk import DAG
    from airflow.serialization.serialized_objects import DagSerialization

    with DAG("one_of_each", schedule=None) as dag:
        cls(task_id="task", **required_arguments(cls))
    encoded = json.loads(json.dumps(DagSerialization.to_dict(dag)))
    task = DagSerialization.from_dict(encoded).get_task("task")
    assert task.task_type == cls.__name__
    assert list(task.template_fields) == list(cls.template_fields)
