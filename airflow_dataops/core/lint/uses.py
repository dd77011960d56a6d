"""The stations that a DAG file makes, read out of its syntax; the file is never run."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from airflow_dataops.core.lint.finding import Place
from airflow_dataops.core.lint.values import (
    Imported,
    Unknown,
    attribute_of,
    called,
    joined,
    operated,
    subscripted,
)

__all__ = ["Argument", "Use", "stations_of", "uses_in"]

PACKAGE = "airflow_dataops."
OPERATORS = {
    "SnapshotDatasetOperator": "snapshot",
    "QualityGateOperator": "gate",
    "PublishDatasetOperator": "publish",
    "LoadTableOperator": "load",
    "PublishTableOperator": "publish table",
    "TrainModelOperator": "train",
}
DECORATORS = {"train_model": "train", "quality_gate": "gate"}
TASK = ("airflow.sdk.task", "airflow.decorators.task", "airflow.sdk.definitions.decorators.task")
BUILTINS = {"str": Imported("str")}
ORDERING = ("chain", "chain_linear", "cross_downstream")
MAX_TURNS = 50
MAX_STEPS = 200_000
UNKNOWN = Unknown()


@dataclass(frozen=True, slots=True)
class Argument:
    """What a station was given, and where it is written."""

    value: Any
    place: Place


@dataclass(slots=True, eq=False)
class Use:
    """One station of a DAG file.

    Args:
        role: What it does: snapshot, gate, publish, load, publish table, train.
        name: As the file calls the operator or decorator.
        place: Where it is made.
        arguments: By name.
        passed_on: Whether its output goes to something that is none of our stations.
        open_ended: Whether it has arguments that cannot be told apart (``**options``).
    """

    role: str
    name: str
    place: Place
    arguments: dict[str, Argument] = field(default_factory=dict)
    passed_on: bool = False
    open_ended: bool = False

    def argument(self, name: str) -> Argument | None:
        """Return an argument, if it was given."""
        return self.arguments.get(name)


@dataclass(frozen=True, slots=True)
class Made:
    """A function that a decorator of ours made a station of; calling it gives the station's output."""

    use: Use


def uses_in(tree: ast.Module, text: str, file: str, path: PurePosixPath) -> list[Use]:
    """Return the stations of a DAG file, in order.

    Args:
        tree: The parsed file.
        text: What was parsed.
        file: Its name for people.
        path: Its absolute path, which is its ``__file__``.
    """
    reader = Reader(file, text.split("\n"))
    reader.run(tree.body, {**BUILTINS, "__file__": str(path)})
    return list(reader.uses.values())


class Reader:
    """Goes through a file in the order in which Python would, with what is known of each name."""

    def __init__(self, file: str, lines: list[str]) -> None:
        self.file = file
        self.lines = lines
        self.uses: dict[tuple[int, int, int], Use] = {}
        self.steps = 0
        self.turn = 0

    # -- statements ---------------------------------------------------------------------------------------

    def run(self, body: list[ast.stmt], names: dict[str, Any]) -> None:
        """Go through statements; bodies of functions come last, when all names of their file are known."""
        later: list[ast.FunctionDef | ast.AsyncFunctionDef] = []
        self.block(body, names, later)
        for function in later:
            parameters = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
            self.run(function.body, {**names, **{one.arg: UNKNOWN for one in parameters}})

    def block(self, body: list[ast.stmt], names: dict[str, Any], later: list[Any]) -> None:
        """Go through the statements of one block."""
        for statement in body:
            self.steps += 1
            if self.steps > MAX_STEPS:
                return
            self.statement(statement, names, later)

    def statement(self, statement: ast.stmt, names: dict[str, Any], later: list[Any]) -> None:
        """Go through one statement."""
        if isinstance(statement, ast.Import | ast.ImportFrom):
            names |= imported(statement)
        elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            names[statement.name] = self.decorated(statement, names)
            later.append(statement)
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            value = self.value(statement.value, names) if statement.value else UNKNOWN
            for target in statement.targets if isinstance(statement, ast.Assign) else [statement.target]:
                bind(target, value, names)
        elif isinstance(statement, ast.For) and self.unrolled(statement, names, later):
            pass
        elif isinstance(statement, ast.With):
            for item in statement.items:
                self.value(item.context_expr, names)
            self.block(statement.body, names, later)
        else:
            self.other(statement, names, later)

    def unrolled(self, loop: ast.For, names: dict[str, Any], later: list[Any]) -> bool:
        """Go through a loop over values that are written down, once for each; False for other loops."""
        values = self.value(loop.iter, names)
        if not isinstance(values, list | tuple) or not 0 < len(values) <= MAX_TURNS:
            return False
        outer = self.turn
        for number, value in enumerate(values):
            self.turn = outer * MAX_TURNS + number + 1
            bind(loop.target, value, names)
            self.block(loop.body, names, later)
        self.turn = outer
        return True

    def other(self, statement: ast.stmt, names: dict[str, Any], later: list[Any]) -> None:
        """Go through a statement whose blocks may or may not run: what they bind is unknown after it."""
        for _, entry in ast.iter_fields(statement):
            for one in entry if isinstance(entry, list) else [entry]:
                if isinstance(one, ast.expr):
                    self.value(one, names)
                elif isinstance(one, ast.ExceptHandler | ast.match_case):
                    self.branch(one.body, names, later)
        for blocks in ("body", "orelse", "finalbody"):
            self.branch(getattr(statement, blocks, None) or [], names, later)

    def branch(self, body: list[ast.stmt], names: dict[str, Any], later: list[Any]) -> None:
        """Go through a block that may not run."""
        inside = dict(names)
        self.block(body, inside, later)
        for name, value in inside.items():
            if name not in names:
                names[name] = value
            elif names[name] is not value:
                names[name] = UNKNOWN

    def decorated(self, function: ast.FunctionDef | ast.AsyncFunctionDef, names: dict[str, Any]) -> Any:
        """Return what a function is after its decorators."""
        made: Any = UNKNOWN
        for decorator in function.decorator_list:
            found = self.value(decorator, names)
            if isinstance(found, Imported):
                use = self.station_of_decorator(decorator, found, [], names)
                found = Made(use) if use else found
            made = found if isinstance(found, Made) else made
        return made

    # -- expressions --------------------------------------------------------------------------------------

    def value(self, node: ast.expr, names: dict[str, Any]) -> Any:  # noqa: PLR0911 - by kind of expression
        """Return what an expression will be; stations that it makes are noted."""
        self.steps += 1
        if self.steps > MAX_STEPS:
            return UNKNOWN
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.Name):
            return names.get(node.id, UNKNOWN)
        if isinstance(node, ast.Attribute):
            owner = self.value(node.value, names)
            return owner if isinstance(owner, Use) else attribute_of(owner, node.attr)
        if isinstance(node, ast.Subscript):
            owner, key = self.value(node.value, names), self.value(node.slice, names)
            return owner if isinstance(owner, Use) else subscripted(owner, key)
        if isinstance(node, ast.Call):
            return self.call(node, names)
        return self.composed(node, names)

    def composed(self, node: ast.expr, names: dict[str, Any]) -> Any:
        """Return what an expression made of others will be."""
        if isinstance(node, ast.List | ast.Tuple):
            return [self.value(one, names) for one in node.elts]
        if isinstance(node, ast.Dict):
            pairs = [
                (key and self.value(key, names), self.value(one, names))
                for key, one in zip(node.keys, node.values, strict=True)
            ]
            return {key: one for key, one in pairs if isinstance(key, str)}
        if isinstance(node, ast.BinOp):
            return operated(node.op, self.value(node.left, names), self.value(node.right, names))
        if isinstance(node, ast.JoinedStr):
            plain = all(isinstance(one, ast.Constant) or bare(one) for one in node.values)
            inner = [one.value if isinstance(one, ast.FormattedValue) else one for one in node.values]
            parts = [self.value(one, names) for one in inner]
            return joined(parts) if plain else UNKNOWN
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                passed(self.value(child, names))
        return UNKNOWN

    def call(self, node: ast.Call, names: dict[str, Any]) -> Any:
        """Return what a call returns, and note the station that it makes."""
        if isinstance(node.func, ast.Attribute):
            owner = self.value(node.func.value, names)
            if isinstance(owner, Use) and node.func.attr in {"expand", "expand_kwargs"}:
                return self.expanded(owner, node, names)
            if node.func.attr == "partial" and isinstance(owner, Imported) and role_of(owner):
                return self.station(node, owner, names)
        function = self.value(node.func, names)
        made = self.made(node, function, names)
        if made is not None:
            return made
        arguments = [self.value(one, names) for one in node.args]
        options = [self.value(one.value, names) for one in node.keywords]
        if not orders(function):
            passed([arguments, options])
        return UNKNOWN if options else called(function, arguments)

    def made(self, node: ast.Call, function: Any, names: dict[str, Any]) -> Use | Made | None:
        """Return what a call of something of ours makes; None for everything else."""
        if isinstance(function, Made):
            self.called(function.use, node, names)
            return function.use
        if not isinstance(function, Imported):
            return None
        if role_of(function):
            return self.station(node, function, names)
        use = self.station_of_decorator(node, function, node.keywords, names)
        return Made(use) if use else None

    def called(self, use: Use, node: ast.Call, names: dict[str, Any]) -> None:
        """Note what a decorated function is called with: outputs of other stations may be among it."""
        for number, one in enumerate([*node.args, *(keyword.value for keyword in node.keywords)]):
            use.arguments[f"argument {number}"] = Argument(self.value(one, names), self.place(one))

    def station(self, node: ast.Call, operator: Imported, names: dict[str, Any]) -> Use:
        """Note the station that a call of an operator makes."""
        for one in node.args:
            self.value(one, names)
        return self.noted(node, role_of(operator), operator.name.rpartition(".")[2], node.keywords, names)

    def station_of_decorator(
        self, node: ast.expr, function: Imported, keywords: list[ast.keyword], names: dict[str, Any]
    ) -> Use | None:
        """Note the station that a decorator of ours makes."""
        owner, _, name = function.name.rpartition(".")
        if owner not in TASK or name not in DECORATORS:
            return None
        return self.noted(node, DECORATORS[name], f"@task.{name}", keywords, names)

    def noted(self, node: ast.expr, role: str, name: str, keywords: list[ast.keyword], names: dict[str, Any]) -> Use:
        """Return the station made at a node, once for each turn of the loops around it."""
        key = (node.lineno, node.col_offset, self.turn)
        use = self.uses.setdefault(key, Use(role, name, self.place(node)))
        use.open_ended = any(one.arg is None for one in keywords)
        for one in keywords:
            value = self.value(one.value, names)
            if one.arg is not None:
                use.arguments[one.arg] = Argument(value, self.place(one.value))
            else:
                passed(value)
        return use

    def expanded(self, use: Use, node: ast.Call, names: dict[str, Any]) -> Use:
        """Note the arguments of a mapped station: each is known only when the DAG runs."""
        use.open_ended = use.open_ended or bool(node.args)
        for one in node.keywords:
            passed(self.value(one.value, names))
            if one.arg is not None:
                use.arguments[one.arg] = Argument(UNKNOWN, self.place(one.value))
        return use

    def place(self, node: ast.expr) -> Place:
        """Return where a node is; Python counts bytes, people count characters."""
        line = self.lines[node.lineno - 1] if node.lineno <= len(self.lines) else ""
        before = line.encode("utf-8", "surrogateescape")[: node.col_offset]
        return Place(self.file, node.lineno, len(before.decode("utf-8", "replace")) + 1)


def role_of(operator: Imported) -> str:
    """Return what an operator of ours does; empty for all others."""
    return OPERATORS.get(operator.name.rpartition(".")[2], "") if operator.name.startswith(PACKAGE) else ""


def imported(statement: ast.Import | ast.ImportFrom) -> dict[str, Imported]:
    """Return the names that an import binds."""
    if isinstance(statement, ast.ImportFrom):
        module = statement.module or ""
        return {one.asname or one.name: Imported(f"{module}.{one.name}") for one in statement.names}
    whole = {one.asname: Imported(one.name) for one in statement.names if one.asname}
    return whole | {
        one.name.partition(".")[0]: Imported(one.name.partition(".")[0]) for one in statement.names if not one.asname
    }


def bind(target: ast.expr, value: Any, names: dict[str, Any]) -> None:
    """Bind a name, or several, to a value."""
    if isinstance(target, ast.Name):
        names[target.id] = value
    elif isinstance(target, ast.Tuple | ast.List):
        known = isinstance(value, list | tuple) and len(value) == len(target.elts)
        for number, one in enumerate(target.elts):
            bind(one, value[number] if known else UNKNOWN, names)


def bare(part: ast.expr) -> bool:
    """Whether a part of an f-string stands there without a format."""
    return isinstance(part, ast.FormattedValue) and part.conversion == -1 and part.format_spec is None


def orders(function: Any) -> bool:
    """Whether a function only says what runs before what: ``chain``, or a method of a station."""
    return isinstance(function, Use) or (isinstance(function, Imported) and function.name.endswith(ORDERING))


def passed(value: Any) -> None:
    """Note that the output of stations goes to something that is none of our stations."""
    for use in stations_of(value):
        use.passed_on = True


def stations_of(value: Any) -> Iterator[Use]:
    """Yield the stations in a value, each list in it looked at once."""
    seen, waiting = set(), [value]
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, Use):
            yield one
        elif isinstance(one, list | tuple):
            waiting.extend(one)
        elif isinstance(one, Mapping):
            waiting.extend(one.values())
