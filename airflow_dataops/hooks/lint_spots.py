"""Where the entries of a JSON or YAML file stand, so that a finding names a line."""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator
from json.decoder import scanstring  # type: ignore[attr-defined]  # it has no public name
from typing import Any

import yaml

from airflow_dataops.core.lint.document import Key, Spots

__all__ = ["MAX_ENTRIES", "is_bomb", "spots_of"]

MAX_ENTRIES = 500_000
SPACE = re.compile(r"[ \t\r\n]*")
SCALAR = re.compile(r"[^\s,\]}]+")


def spots_of(text: str, *, is_json: bool) -> Spots:
    """Return the line and column, both from 1, of each entry of a file that is known to be whole."""
    if is_json:
        starts = [0, *(match.end() for match in re.finditer("\n", text))]
        return {way: line_of(starts, at) for way, at in json_offsets(text)}
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    return dict(yaml_spots(root)) if root is not None else {}


def line_of(starts: list[int], offset: int) -> tuple[int, int]:
    """Return line and column of an offset."""
    line = bisect.bisect_right(starts, offset)
    return line, offset - starts[line - 1] + 1


def json_offsets(text: str) -> Iterator[tuple[Key, int]]:
    """Yield where each entry of a JSON text begins; of a member, where its name stands."""
    position = skipped(text, 0)
    yield (), position
    inside: list[tuple[Key, bool, int]] = []
    way: Key = ()
    while True:
        position, opened = passed_value(text, position)
        if opened:
            inside.append((way, opened == "{", 0))
        while inside and text[position] in "}]":
            inside.pop()
            position = skipped(text, position + 1)
        if not inside:
            return
        if text[position] == ",":
            position = skipped(text, position + 1)
        owner, named, number = inside[-1]
        inside[-1], start = (owner, named, number + 1), position
        step: str | int = number
        if named:
            step, end = scanstring(text, position + 1)
            position = skipped(text, skipped(text, end) + 1)
        way = (*owner, step)
        yield way, start


def passed_value(text: str, position: int) -> tuple[int, str]:
    """Return the position after a plain value, or after the bracket that opens one, and that bracket."""
    char = text[position]
    if char in "{[":
        return skipped(text, position + 1), char
    end = scanstring(text, position + 1)[1] if char == '"' else SCALAR.match(text, position).end()  # type: ignore[union-attr]
    return skipped(text, end), ""


def skipped(text: str, position: int) -> int:
    """Return the position after white space."""
    return SPACE.match(text, position).end()  # type: ignore[union-attr]


def yaml_spots(root: yaml.Node) -> Iterator[tuple[Key, tuple[int, int]]]:
    """Yield where each node begins; one that is used twice by an alias has its first place only."""
    waiting: list[tuple[Key, yaml.Node, yaml.Mark]] = [((), root, root.start_mark)]
    seen: set[int] = set()
    while waiting:
        way, node, mark = waiting.pop()
        yield way, (mark.line + 1, mark.column + 1)
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            waiting.extend(((*way, key.value), one, key.start_mark) for key, one in node.value if is_scalar(key))
        elif isinstance(node, yaml.SequenceNode):
            waiting.extend(((*way, number), one, one.start_mark) for number, one in enumerate(node.value))


def is_scalar(node: yaml.Node) -> bool:
    """Whether a key is a plain value."""
    return isinstance(node, yaml.ScalarNode)


def is_bomb(text: str) -> bool:
    """Whether the aliases of a YAML text make it endless, or far larger than it is written.

    Raises:
        yaml.YAMLError: It is no YAML.
    """
    if "&" not in text or "*" not in text:
        return False
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    sizes: dict[int, int] = {}
    return root is not None and size_of(root, sizes) > MAX_ENTRIES


def size_of(node: yaml.Node, sizes: dict[int, int]) -> int:
    """Return how many entries a node stands for, aliases written out."""
    if id(node) in sizes:
        return sizes[id(node)]
    sizes[id(node)] = MAX_ENTRIES + 1  # what holds itself has no end
    inner: list[Any] = node.value if isinstance(node, yaml.CollectionNode) else []
    parts = [one for pair in inner for one in (pair if isinstance(pair, tuple) else [pair])]
    sizes[id(node)] = 1 + sum(size_of(one, sizes) for one in parts)
    return sizes[id(node)]
