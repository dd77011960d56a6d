"""constraints.txt is the set of versions that is tested, and nothing but versions."""

from __future__ import annotations

import importlib.metadata
import os
import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.package import ROOT

LINES = (ROOT / "constraints.txt").read_text().splitlines()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
RENEW = "run `make constraints`"


def requirements() -> list[Requirement]:
    """Return everything pyproject.toml asks for, extras included, ourselves excluded."""
    texts = [*PROJECT["dependencies"], *(text for extra in PROJECT["optional-dependencies"].values() for text in extra)]
    return [requirement for requirement in map(Requirement, texts) if requirement.name != PROJECT["name"]]


def test_every_line_is_a_name_and_a_version():
    assert [line for line in LINES if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*==[0-9][A-Za-z0-9.+!]*", line)] == []
    assert len(LINES) == len({line.split("==")[0] for line in LINES})


@pytest.mark.parametrize("requirement", requirements(), ids=str)
def test_what_we_ask_for_is_pinned_within_our_bounds(requirement):
    pinned = dict(line.split("==") for line in LINES)
    name = canonicalize_name(requirement.name)
    assert name in pinned, RENEW
    assert requirement.specifier.contains(pinned[name]), RENEW


@pytest.mark.parametrize("requirement", requirements(), ids=str)
def test_every_requirement_has_an_honest_lower_bound(requirement):
    stubs = requirement.name.endswith("-stubs") or requirement.name.startswith("types-")
    assert stubs or any(specifier.operator == ">=" for specifier in requirement.specifier)


def test_these_versions_are_the_ones_tested_here():
    if os.environ.get("DATAOPS_LOWEST"):
        pytest.skip("this environment holds the lowest versions, not those of constraints.txt")
    pinned = dict(line.split("==") for line in LINES)
    installed = {canonicalize_name(found.name): found.version for found in importlib.metadata.distributions()}
    strange = {name: found for name, found in installed.items() if name in pinned and found != pinned[name]}
    assert strange == {}, f"installed, but constraints.txt says otherwise: {RENEW} or `make clean`"
