"""What an expression of a DAG file will be, as far as that can be told without running it."""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

__all__ = ["Imported", "Unknown", "attribute_of", "called", "joined", "operated", "subscripted"]

MAX_TEXT = 4096


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that only running the file tells."""


@dataclass(frozen=True, slots=True)
class Imported:
    """Something out of another module.

    Args:
        name: Its full name, "pathlib.Path".
    """

    name: str


UNKNOWN = Unknown()


@dataclass(frozen=True, slots=True)
class Method:
    """A method of a known value."""

    owner: Any
    name: str


def attribute_of(value: Any, name: str) -> Any:
    """Return an attribute of a known value."""
    if isinstance(value, Imported):
        return Imported(f"{value.name}.{name}")
    if isinstance(value, PurePosixPath) and name in {"parent", "name", "stem", "suffix"}:
        return getattr(value, name)
    if isinstance(value, PurePosixPath) and name == "parents":
        return list(value.parents)
    return Method(value, name) if isinstance(value, PurePosixPath | str) else UNKNOWN


def subscripted(value: Any, key: Any) -> Any:
    """Return an entry of a known list, mapping or text."""
    try:
        return value[key] if isinstance(value, Mapping | list | tuple | str) else UNKNOWN
    except (KeyError, IndexError, TypeError):
        return UNKNOWN


def operated(operator: ast.operator, left: Any, right: Any) -> Any:
    """Return the result of an operator that names are made with."""
    if isinstance(operator, ast.Add):
        both = isinstance(left, str) and isinstance(right, str)
        return bounded(left + right) if both else UNKNOWN
    path = isinstance(left, PurePosixPath) or isinstance(right, PurePosixPath)
    if isinstance(operator, ast.Div) and path and isinstance(left, str | PurePosixPath):
        return bounded(PurePosixPath(left) / right) if isinstance(right, str | PurePosixPath) else UNKNOWN
    return UNKNOWN


def joined(parts: list[Any]) -> Any:
    """Return what an f-string makes of its parts."""
    known = all(isinstance(part, str | int | PurePosixPath) for part in parts)
    return bounded("".join(str(part) for part in parts)) if known else UNKNOWN


def bounded(value: Any) -> Any:
    """Return a text or path, unless it is longer than any name."""
    return value if isinstance(value, Unknown) or len(str(value)) <= MAX_TEXT else UNKNOWN


def called(function: Any, arguments: list[Any]) -> Any:
    """Return what a call with known arguments returns, if it is one that names are made with."""
    texts = [argument for argument in arguments if isinstance(argument, str | PurePosixPath)]
    if len(texts) != len(arguments):
        return UNKNOWN
    if isinstance(function, Imported) and function.name in FUNCTIONS:
        return bounded(FUNCTIONS[function.name](*texts)) if fits(function.name, texts) else UNKNOWN
    if isinstance(function, Method):
        return bounded(method_called(function, texts))
    return UNKNOWN


def fits(name: str, texts: list[Any]) -> bool:
    """Whether a function takes so many arguments."""
    return len(texts) == 1 if name in ONE_ARGUMENT else bool(texts)


def method_called(method: Method, texts: list[Any]) -> Any:
    """Return what a method of a path or text returns."""
    owner, name = method.owner, method.name
    if isinstance(owner, PurePosixPath):
        if name in {"resolve", "absolute", "expanduser"} and not texts:
            return owner
        if name in {"as_posix", "__str__"} and not texts:
            return str(owner)
        if name == "joinpath" and texts:
            return owner.joinpath(*texts)
        if name in {"with_name", "with_suffix"} and len(texts) == 1 and owner.name:
            return with_part(owner, name, str(texts[0]))
        return UNKNOWN
    plain = name in {"strip", "lower", "upper", "removesuffix", "removeprefix"}
    return getattr(owner, name)(*map(str, texts)) if plain and len(texts) == int(name.startswith("remove")) else UNKNOWN


def with_part(path: PurePosixPath, name: str, part: str) -> Any:
    """Return a path with another last part."""
    try:
        return path.with_name(part) if name == "with_name" else path.with_suffix(part)
    except ValueError:
        return UNKNOWN


def same(value: Any) -> Any:
    """Return the value."""
    return value


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "str": str,
    "os.fspath": str,
    "pathlib.Path": PurePosixPath,
    "pathlib.PurePath": PurePosixPath,
    "pathlib.PurePosixPath": PurePosixPath,
    "os.path.join": lambda *parts: posixpath.join(*map(str, parts)),
    "os.path.dirname": lambda path: posixpath.dirname(str(path)),
    "os.path.basename": lambda path: posixpath.basename(str(path)),
    "os.path.abspath": same,
    "os.path.realpath": same,
    "os.path.normpath": lambda path: posixpath.normpath(str(path)),
}
ONE_ARGUMENT = {name for name in FUNCTIONS if name not in {"pathlib.Path", "os.path.join"}}
