"""Dockerfiles, requirements and names, as values."""

from __future__ import annotations

import re

import pytest

from airflow_dataops.core.image import (
    ImageRecipe,
    dockerfile,
    image_reference,
    looks_like_an_outage,
    official_base_image,
    refuse_credentials,
    serving_requirements,
    slug,
)
from airflow_dataops.core.ledger import Attempt, Claim, ClaimState
from airflow_dataops.exceptions import BrokenCheckError

CLAIM = Claim("ab" * 32, 1, Attempt("id"), ClaimState.RUNNING)
HOSTILE = ['"; DROP TABLE models; --', "../../x", "Flüge ✈", "Flights", "flights", "a b", "a-b", "", "x" * 300, "日本"]


def test_what_changes_most_comes_last_and_the_classic_builder_understands_it():
    text = dockerfile(ImageRecipe("python:3.11-slim", has_constraints=True, has_ca_bundle=True))
    lines = text.splitlines()
    assert lines[0] == "FROM python:3.11-slim"
    assert lines[-1] == "COPY model /opt/dataops/model"
    order = [
        next(n for n, line in enumerate(lines) if word in line) for word in ("pip install", "serve.py", "USER 10001")
    ]
    assert order == sorted(order)
    assert "--mount" not in text
    assert "<<" not in text
    assert "PIP_CERT=/opt/dataops/ca-bundle.crt" in text


@pytest.mark.parametrize("base", ["python\nRUN evil", "python; rm", "", "-x", "a b"])
def test_a_base_image_cannot_bring_instructions_along(base):
    with pytest.raises(BrokenCheckError, match="not the name of an image"):
        dockerfile(ImageRecipe(base))


def test_the_base_follows_the_python_of_the_model():
    assert official_base_image("3.12.4") == "python:3.12-slim"


def test_the_whole_of_mlflow_becomes_the_light_one():
    assert serving_requirements(["mlflow==3.17.2", "pandas==3.0", "# x", "", "mlflow-tracing==1"], "3.0") == [
        "mlflow-skinny==3.17.2", "pandas==3.0", "mlflow-tracing==1", "uvicorn", "fastapi",
    ]  # fmt: skip
    assert serving_requirements(["mlflow[extras]>=3"], "3.0")[0] == "mlflow-skinny>=3"
    assert serving_requirements([], "3.1") == ["mlflow-skinny==3.1", "pandas", "uvicorn", "fastapi"]


@pytest.mark.parametrize(
    "line",
    [
        "--extra-index-url https://me:hunter2@index.example/simple",
        "private @ https://hunter2@git.example/private.zip",
        "private @ git+https://hunter2:x@git.example/private",
    ],
)
def test_a_login_in_the_requirements_is_refused_and_not_repeated(line):
    with pytest.raises(BrokenCheckError, match="login would stay readable") as caught:
        serving_requirements([line], "3.0")
    assert "hunter2" not in str(caught.value)


def test_urls_without_a_login_pass():
    refuse_credentials("x", "--index-url https://index.example/simple and git+ssh://git@git.example/x")


def test_different_names_make_different_images_that_docker_accepts():
    names = [image_reference(name, "3", CLAIM) for name in HOSTILE]
    assert len(set(names)) == len(HOSTILE)
    for name in names:
        assert re.fullmatch(r"dataops/[a-z0-9]+(-[a-z0-9]+)*:[a-z0-9][a-z0-9.-]*", name)
    assert names[4].startswith("dataops/flights:3-")


def test_a_name_that_looks_like_a_changed_one_is_changed_too():
    assert slug(slug("Flights")) != slug("Flights")


def test_a_failed_network_is_told_apart_from_a_failed_requirement():
    assert looks_like_an_outage(["Temporary failure in name resolution", "No matching distribution found for x"])
    assert not looks_like_an_outage(["ERROR: No matching distribution found for x"])
