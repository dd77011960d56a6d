"""What the documents show is run, so that it stays true."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

import airflow_dataops
from airflow_dataops.cli import main
from airflow_dataops.core.quality_suite import suite_of
from airflow_dataops.core.shorthand import document_of_shorthand

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SHELL = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
YAML = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
NOT_RUN_HERE = ("pip install", "cp ", "sh compose/make-env.sh", "docker-compose ", "docker compose ", "curl ")
"""Recipes for other machines: the packaging and compose tests run what they say."""


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_the_python_in_a_document_runs(document: Path):
    parsed = Sybil(parsers=[PythonCodeBlockParser()], path=str(document.parent)).parse(document)
    for example in parsed.examples():
        example.evaluate()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_the_commands_in_a_document_exist(document: Path, ledger, monkeypatch):
    monkeypatch.setenv("AIRFLOW__DATAOPS__LEDGER_URL", ledger.url)
    for block in SHELL.findall(document.read_text()):
        for line in filter(None, block.replace("\\\n", " ").splitlines()):
            command = line.split("#")[0].strip()
            if command.startswith("make "):
                subprocess.run([*command.split(), "--dry-run"], cwd=ROOT, check=True, capture_output=True)
            elif command.startswith("airflow-dataops "):
                assert main(command.split()[1:]) == 0
            else:
                assert command.startswith(NOT_RUN_HERE), f"{document.name} shows a command that no test runs: {line}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_the_suites_in_a_document_are_read(document: Path):
    for block in YAML.findall(document.read_text()):
        made = document_of_shorthand(yaml.safe_load(block), document.name)
        assert suite_of(made, document.name).checks


def test_every_relative_link_leads_somewhere():
    for document in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"


@pytest.mark.parametrize(
    "name",
    [m.name for m in pkgutil.walk_packages(airflow_dataops.__path__, "airflow_dataops.") if "migrations" not in m.name],
)
def test_the_examples_in_docstrings_run(name: str):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_every_code_block_is_of_a_language_that_is_run():
    text = "\n".join(document.read_text() for document in DOCUMENTS)
    assert set(re.findall(r"^```(\w+)$", text, re.MULTILINE)) <= {"python", "sh", "text", "yaml"}
