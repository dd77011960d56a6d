"""What holds for every module, whoever writes it."""

from __future__ import annotations

import inspect
import re
import subprocess

import pytest

from tests.support.package import PACKAGE, ROOT, function_definitions, module_names, modules

MODULES = {module.__name__: module for module in modules()}
MAX_MODULE_LINES = 400
MAX_FUNCTION_LINES = 50


@pytest.mark.parametrize("name", module_names())
def test_all_names_what_the_module_has(name):
    module = MODULES[name]
    listed = module.__all__
    assert len(listed) == len(set(listed))
    assert [entry for entry in listed if not hasattr(module, entry)] == []


@pytest.mark.parametrize("name", module_names())
def test_all_names_no_private_thing_and_nothing_borrowed(name):
    module = MODULES[name]
    for entry in module.__all__:
        value = getattr(module, entry)
        assert entry == "__version__" or not entry.startswith("_")
        if inspect.isclass(value) or inspect.isfunction(value):
            assert value.__module__ == name, f"{entry} lives in {value.__module__}: import it from there"


@pytest.mark.parametrize("name", module_names())
def test_modules_and_public_things_say_what_they_are(name):
    module = MODULES[name]
    assert inspect.getdoc(module), f"{name} has no docstring"
    for entry in module.__all__:
        value = getattr(module, entry)
        if inspect.isclass(value) or inspect.isfunction(value):
            assert inspect.getdoc(value), f"{name}.{entry} has no docstring"


def test_modules_stay_short():
    sizes = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in PACKAGE.rglob("*.py")}
    assert {path: lines for path, lines in sizes.items() if lines > MAX_MODULE_LINES} == {}


def test_functions_stay_short():
    sizes = {f"{path.name}:{node.name}": node.end_lineno - node.lineno + 1 for path, node in function_definitions()}
    assert {name: lines for name, lines in sizes.items() if lines > MAX_FUNCTION_LINES} == {}


def tracked_files() -> list[str]:
    """Return what is published: the files git knows, else the package."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=30)
    if listed.returncode == 0 and listed.stdout:
        return [name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]
    return [str(path.relative_to(ROOT)) for path in PACKAGE.rglob("*") if path.is_file()]


FORBIDDEN = {
    "a folder of one machine": r"/work/(shared|main|\.library)|/tmp/[b]rief|/opt/(dev|pypi)\b",
    "the address of a package registry": r"[p]ypi\.org|[p]ythonhosted\.org|[d]eb\.debian\.org|[n]pmjs\.org",
    "a key": "-----BEGIN (RSA |EC |OPENSSH )?PRIVATE KEY",
}
"""What it is called, and a pattern that does not find itself."""


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_names(what):
    pattern = re.compile(FORBIDDEN[what])
    found = []
    for name in tracked_files():
        try:
            text = (ROOT / name).read_text()
        except UnicodeDecodeError:
            continue
        found += [f"{name}: {match.group()}" for match in pattern.finditer(text)]
    assert found == [], f"{what} has no place in the repository"
