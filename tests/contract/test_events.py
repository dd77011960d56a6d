"""What the history may tell: the kinds of events that the documents list, and no others."""

from __future__ import annotations

import ast
import re

from tests.support.package import PACKAGE, ROOT


def written_kinds() -> set[str]:
    """Return the kind of every event that the package writes."""
    calls = [
        node
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Event"
    ]
    kinds = [call.args[0].value for call in calls if isinstance(call.args[0], ast.Constant)]
    assert kinds
    return set(kinds)


def test_every_kind_of_event_is_listed():
    text = (ROOT / "docs" / "architecture.md").read_text()
    assert set(re.findall(r"^\| `([a-z]+\.[a-z_]+)` \|", text, re.MULTILINE)) == written_kinds()
