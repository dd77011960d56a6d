"""What Airflow is told of us: one wrong word here stops every Airflow process."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.resources
import json
from collections.abc import Iterator

import jsonschema
import pytest
from airflow.sdk import BaseHook, BaseOperator
from airflow.triggers.base import BaseTrigger

from airflow_dataops.provider import get_provider_info
from tests.support.package import classes

INFO = get_provider_info()
CONNECTION_TYPES = {entry["connection-type"]: entry for entry in INFO["connection-types"]}


def dotted_names(value: object) -> Iterator[str]:
    """Yield every name of ours in the provider info."""
    if isinstance(value, dict):
        for item in value.values():
            yield from dotted_names(item)
    elif isinstance(value, list):
        for item in value:
            yield from dotted_names(item)
    elif isinstance(value, str) and value.startswith("airflow_dataops."):
        yield value


def resolve(name: str) -> object:
    """Return the module or the thing in a module that a dotted name means."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        module, _, attribute = name.rpartition(".")
        return getattr(importlib.import_module(module), attribute)


def test_the_info_is_what_the_installed_airflow_expects():
    schema = json.loads((importlib.resources.files("airflow") / "provider_info.schema.json").read_text())
    jsonschema.validate(INFO, schema)


def test_the_package_name_is_the_distributions():
    assert INFO["package-name"] == importlib.metadata.metadata("airflow-dataops")["Name"]


@pytest.mark.parametrize("name", sorted(set(dotted_names(INFO))))
def test_every_name_in_it_exists(name):
    assert resolve(name) is not None


def test_every_module_that_people_import_from_is_told():
    told = {name for layer in ("operators", "sensors", "hooks", "triggers") for name in dotted_names(INFO[layer])}
    hooks = {cls.__module__ for cls in classes(BaseHook)}
    used = {cls.__module__ for base in (BaseOperator, BaseTrigger) for cls in classes(base)} | hooks
    bases = {"operators.station", "operators.quality_gate", "sensors.waiting"}
    assert used - told <= {f"airflow_dataops.{name}" for name in bases}


@pytest.mark.parametrize("kind", CONNECTION_TYPES)
def test_connection_types_agree_with_their_hooks(kind):
    entry = CONNECTION_TYPES[kind]
    hook = resolve(entry["hook-class-name"])
    assert issubclass(hook, BaseHook)
    assert hook.conn_type == kind
    assert hook.hook_name == entry["hook-name"]
    assert hook.default_conn_name
    assert callable(hook.test_connection)
    assert getattr(hook(), hook.conn_name_attr) == hook.default_conn_name
    assert getattr(hook(**{hook.conn_name_attr: "another"}), hook.conn_name_attr) == "another"


def test_every_hook_with_a_connection_type_of_its_own_is_told():
    ours = {cls.conn_type for cls in classes(BaseHook) if "conn_type" in vars(cls)}
    assert ours <= set(CONNECTION_TYPES)


def test_secret_form_fields_are_hidden():
    for entry in CONNECTION_TYPES.values():
        for name, field in entry.get("conn-fields", {}).items():
            if any(word in name for word in ("password", "token", "secret")):
                assert field["schema"].get("format") == "password", f"{entry['connection-type']}.{name}"


def runtime_manager() -> object:
    """Return what tasks ask for hooks and decorators; Airflow 3.3 split it from the manager of the servers."""
    try:
        from airflow.sdk.providers_manager_runtime import ProvidersManagerTaskRuntime
    except ImportError:
        from airflow.providers_manager import ProvidersManager

        return ProvidersManager()
    return ProvidersManagerTaskRuntime()


def test_airflow_loads_provider_and_plugin():
    from airflow.providers_manager import ProvidersManager

    assert "airflow-dataops" in ProvidersManager().providers
    manager = runtime_manager()
    assert set(CONNECTION_TYPES) <= set(manager.hooks)
    assert {decorator["name"] for decorator in INFO["task-decorators"]} <= set(manager.taskflow_decorators)
    entry_points = importlib.metadata.entry_points(group="airflow.plugins")
    assert entry_points["dataops"].load().name == "dataops"


def test_options_are_read_with_their_defaults():
    from airflow.configuration import conf

    for name, option in INFO["config"]["dataops"]["options"].items():
        assert conf.get("dataops", name, fallback=option["default"]) is not None
        assert option["description"]
