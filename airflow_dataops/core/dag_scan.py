"""Which DAGs name a file or a dataset: told from their source, without running it."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

from airflow_dataops.core.dataset import asset_uri

__all__ = ["DagUse", "scan"]

FILES = ("suite", "contract")
DATASETS = ("dataset", "datasets", "references", "inlets", "outlets", "schedule", "asset", "uri")
"""Arguments in which DAGs name their checks, and what they read and write."""
DEFAULT_OWNER = "airflow"
MAKERS = ("DAG", "dag")
DEEPEST = 10
"""How far names that stand for names are followed."""


@dataclass(frozen=True, slots=True)
class DagUse:
    """That a DAG names something.

    Args:
        dag_id: The DAG; the file's name where it cannot be told.
        owner: Who owns it, or the task.
        file: Where it is written.
        line: In which line.
        task_id: The task that names it; empty for the DAG itself.
        named: What it names.
    """

    dag_id: str
    owner: str
    file: str
    line: int
    task_id: str
    named: str


@dataclass(slots=True)
class Module:
    """What is known while a file is read.

    Args:
        file: The file.
        paths: The files that are looked for.
        datasets: The datasets that are looked for.
        constants: Expressions given to names at the top of the file.
    """

    file: str
    paths: Sequence[PurePath]
    datasets: Collection[str]
    constants: dict[str, ast.expr] = field(default_factory=dict)


def scan(text: str, file: str, paths: Sequence[PurePath], datasets: Collection[str]) -> list[DagUse]:
    """Return the uses of files and datasets in the source of DAGs.

    Args:
        text: The source.
        file: Its name.
        paths: Files of suites and contracts.
        datasets: Names of datasets; their assets count, too.

    Raises:
        SyntaxError: The source is no Python.
    """
    tree = ast.parse(text, file)
    module = Module(file, paths, datasets)
    for node in tree.body:
        if isinstance(node, ast.Assign):
            module.constants |= {one.id: node.value for one in node.targets if isinstance(one, ast.Name)}
    only = [made for node in ast.walk(tree) for made in [dag_of(node, module)] if made]
    default = only[0] if len(only) == 1 else (PurePath(file).stem, DEFAULT_OWNER)
    return sorted(dict.fromkeys(uses_in(tree, module, default)), key=lambda use: (use.line, use.named))


def uses_in(node: ast.AST, module: Module, dag: tuple[str, str]) -> Iterator[DagUse]:
    """Yield the uses below a node that belongs to a DAG."""
    if isinstance(node, ast.With | ast.FunctionDef | ast.AsyncFunctionDef):
        dag = dag_of(node, module) or dag
    if isinstance(node, ast.Call):
        yield from uses_of_call(node, module, dag)
    for child in ast.iter_child_nodes(node):
        yield from uses_in(child, module, dag)


def dag_of(node: ast.AST, module: Module) -> tuple[str, str] | None:
    """Return id and owner of the DAG that a node makes; None where it makes none."""
    if isinstance(node, ast.With):
        calls = [item.context_expr for item in node.items]
        name = ""
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        calls, name = list(node.decorator_list), node.name
    else:
        return None
    for call in calls:
        called = call.func if isinstance(call, ast.Call) else call
        if last_name(called) in MAKERS:
            arguments = call if isinstance(call, ast.Call) else ast.Call(called, [], [])
            return dag_id_of(arguments, name, module), owner_of(arguments, module) or DEFAULT_OWNER
    return None


def dag_id_of(call: ast.Call, name: str, module: Module) -> str:
    """Return the id of a DAG: what its call says, else the function's name, else the file's."""
    given = argument(call, "dag_id") or (call.args[0] if call.args else None)
    said = texts(given, module) if given is not None else []
    return said[0] if said else name or PurePath(module.file).stem


def owner_of(call: ast.Call, module: Module) -> str:
    """Return the owner that a call names, itself or in ``default_args``."""
    given = argument(call, "owner")
    if given is None:
        defaults = argument(call, "default_args")
        defaults = module.constants.get(defaults.id) if isinstance(defaults, ast.Name) else defaults
        pairs = zip(defaults.keys, defaults.values, strict=True) if isinstance(defaults, ast.Dict) else []
        given = next((v for k, v in pairs if isinstance(k, ast.Constant) and k.value == "owner"), None)
    said = texts(given, module) if given is not None else []
    return said[0] if said else ""


def uses_of_call(call: ast.Call, module: Module, dag: tuple[str, str]) -> Iterator[DagUse]:
    """Yield what one call names in the arguments that are watched, and the assets in any of them."""
    task = argument(call, "task_id")
    task_id = next(iter(texts(task, module)), "") if task is not None else ""
    owner = owner_of(call, module) if last_name(call.func) not in MAKERS else ""
    given = [(keyword.arg or "", keyword.value) for keyword in call.keywords]
    given += [(str(k.value), v) for k, v in entries(call) if isinstance(k, ast.Constant)]
    given += [("", value) for value in call.args]
    for name, value in given:
        for named in [*files_in(name, value, module), *datasets_in(name, value, module)]:
            yield DagUse(dag[0], owner or dag[1], module.file, call.lineno, task_id, named)


def entries(call: ast.Call) -> Iterator[tuple[ast.expr | None, ast.expr]]:
    """Yield the entries of mappings that are given to a call."""
    for value in [*call.args, *[keyword.value for keyword in call.keywords]]:
        if isinstance(value, ast.Dict):
            yield from zip(value.keys, value.values, strict=True)


def files_in(name: str, value: ast.expr, module: Module) -> list[str]:
    """Return the files that an argument names."""
    if name not in FILES:
        return []
    path = PurePath("/".join(texts(value, module)).partition("#")[0])
    parts = path.parts[1:] if path.is_absolute() else path.parts
    return [one.name for one in module.paths if parts and one.parts[-len(parts) :] == parts]


def datasets_in(name: str, value: ast.expr, module: Module) -> list[str]:
    """Return the datasets that an argument names, by name or by asset."""
    said = texts(value, module)
    named = [one for one in module.datasets if name in DATASETS and one in said]
    return named + [one for one in module.datasets if asset_uri(one) in said]


def texts(node: ast.expr, module: Module, depth: int = 0) -> list[str]:
    """Return the texts in an expression, in order; names that the file gives values to count as these."""
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else []
    if isinstance(node, ast.Name):
        known = module.constants.get(node.id)
        return texts(known, module, depth + 1) if known is not None and depth < DEEPEST else []
    return [
        text
        for child in ast.iter_child_nodes(node)
        if isinstance(child, ast.expr)
        for text in texts(child, module, depth)
    ]


def argument(call: ast.Call, name: str) -> ast.expr | None:
    """Return the argument of a name."""
    return next((keyword.value for keyword in call.keywords if keyword.arg == name), None)


def last_name(node: ast.expr) -> str:
    """Return what is called: ``airflow.sdk.DAG`` is DAG."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
