"""Walks over the package, so that contract tests grow with it by themselves."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import airflow_dataops

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "airflow_dataops"


def module_names() -> list[str]:
    """Return the names of all our modules."""
    found = pkgutil.walk_packages(airflow_dataops.__path__, f"{airflow_dataops.__name__}.")
    return [airflow_dataops.__name__, *(module.name for module in found if not module.name.endswith(".__main__"))]


def modules() -> list[ModuleType]:
    """Return all our modules, imported."""
    return [importlib.import_module(name) for name in module_names()]


def classes(base: type) -> list[type]:
    """Return every public class of ours below `base`, by name."""
    found = {
        value
        for module in modules()
        for name, value in vars(module).items()
        if inspect.isclass(value)
        and issubclass(value, base)
        and value.__module__ == module.__name__
        and name in module.__all__
    }
    return sorted(found, key=lambda cls: cls.__qualname__)


def own_parameters(cls: type) -> dict[str, inspect.Parameter]:
    """Return the parameters that our classes, not Airflow's, give the constructor."""
    found: dict[str, inspect.Parameter] = {}
    for parent in reversed(cls.__mro__):
        if "__init__" in vars(parent) and parent.__module__.startswith("airflow_dataops."):
            found |= inspect.signature(vars(parent)["__init__"]).parameters
    return {
        name: parameter
        for name, parameter in found.items()
        if name != "self" and parameter.kind not in {parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL}
    }


def example(parameter: inspect.Parameter) -> Any:
    """Return a plausible value of a parameter, told by its annotation."""
    annotation = str(parameter.annotation)
    for word, value in (
        ("Callable", print),
        ("Mapping", {"key": "value"}),
        ("dict", {"key": "value"}),
        ("Sequence", ["value"]),
        ("list", ["value"]),
        ("str", "value"),
        ("bool", True),
        ("int", 3),
        ("float", 2.5),
    ):
        if word in annotation:
            return value
    return "value"


def required_arguments(cls: type) -> dict[str, Any]:
    """Return a plausible value for each argument that must be given."""
    parameters = own_parameters(cls).items()
    return {name: example(parameter) for name, parameter in parameters if parameter.default is parameter.empty}


def function_definitions() -> Iterator[tuple[Path, Any]]:
    """Yield every function of the package with its file, as parsed."""
    import ast

    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield path, node
