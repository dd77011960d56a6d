from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import pytest
import yaml

from airflow_dataops.cli import main
from airflow_dataops.core.lint.codes import CODES, table
from tests.support.package import ROOT

DAG = """\
from airflow_dataops.operators.quality import QualityGateOperator
gate = QualityGateOperator(task_id="g", snapshot="é☃", suite="{suite}")
print(gate.output)
"""
SUITE = {"expectations": [{"type": "expect_column_to_exist", "kwargs": {"column": "amount"}}]}
SARIF = json.loads((ROOT / "tests" / "data" / "sarif-2.1.0.json").read_text())


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "used.json").write_text(json.dumps(SUITE))
    (tmp_path / "dags" / "line.py").write_text(DAG.format(suite="used.json"))
    return tmp_path


@pytest.fixture
def faulty(project) -> Path:
    (project / "dags" / "line.py").write_text(DAG.format(suite="gone ☃ & <b>.json"))
    (project / "dags" / "wei\x01rd \udcff.py").write_text("def (")
    (project / "pyproject.toml").write_text("")
    return project


def test_a_sound_project_is_exit_code_0_in_every_format(project, capsys):
    for written in ("text", "json", "junit", "sarif"):
        assert main(["check", "--format", written]) == 0
    assert capsys.readouterr().out.startswith("Looked at 2 files: nothing to mend.\n")


def test_notes_are_exit_code_0(project, capsys):
    (project / "dags" / "unused.json").write_text(json.dumps(SUITE))
    assert main(["check"]) == 0
    assert "DO304 note" in capsys.readouterr().out


def test_the_text_names_file_line_column_code_and_cure(faulty, capsys):
    assert main(["check", "dags"]) == 1
    said = capsys.readouterr().out
    assert (
        "dags/line.py:2:62: DO101 error: There is no suite at gone ☃ & <b>.json below dags.\n"
        "  help: correct the path, or add the file to the repository\n"
    ) in said
    assert "dags/wei?rd ?.py:1:5: DO001 error: This is no Python: invalid syntax.\n" in said
    assert said.endswith("Looked at 3 files: 2 errors, 1 note.\n")


def test_json_holds_every_finding_with_its_place(faulty, capsys):
    assert main(["check", "--format", "json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["counts"] == {"error": 2, "note": 1}
    assert document["files"] == 3
    assert document["findings"][0] == {
        "code": "DO101",
        "level": "error",
        "file": "dags/line.py",
        "line": 2,
        "column": 62,
        "sentence": "There is no suite at gone ☃ & <b>.json below dags.",
        "remedy": CODES["DO101"].remedy,
    }


def test_sarif_is_valid_by_the_official_schema(faulty, capsys):
    assert main(["check", "--format", "sarif"]) == 1
    document = json.loads(capsys.readouterr().out)
    jsonschema.Draft4Validator(SARIF, format_checker=jsonschema.FormatChecker()).validate(document)
    (run,) = document["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rules[one["ruleIndex"]]["id"] for one in run["results"]] == [one["ruleId"] for one in run["results"]]
    assert len({one["partialFingerprints"]["dataops/v1"] for one in run["results"]}) == len(run["results"]) == 3
    uris = [one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for one in run["results"]]
    assert uris == ["dags/line.py", "dags/used.json", "dags/wei%01rd%20%FF.py"]


def test_the_schema_of_sarif_would_refuse_something_else():
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft4Validator(SARIF).validate({"version": "2.1.0", "runs": [{"results": []}]})


def test_junit_has_a_failed_test_for_each_finding_and_one_that_passes_for_sound_files(faulty, capsys):
    (faulty / "dags" / "sound.py").write_text("")
    assert main(["check", "--format", "junit"]) == 1
    root = ET.fromstring(capsys.readouterr().out)  # noqa: S314 - our own
    suites = {suite.get("name"): suite for suite in root}
    assert suites["dags/line.py"].attrib | {"name": ""} == {
        "name": "", "tests": "1", "failures": "1", "errors": "0", "skipped": "0"
    }  # fmt: skip
    assert suites["dags/line.py"].find("testcase/failure").get("type") == "error"
    assert suites["dags/used.json"].find("testcase/skipped") is not None
    assert [len(case) for case in suites["dags/sound.py"]] == [0]


def test_a_report_in_a_file_leaves_one_sentence_for_people(faulty, capsys):
    assert main(["check", "--format", "sarif", "--output", "report.sarif"]) == 1
    assert capsys.readouterr().out == "Looked at 3 files: 2 errors, 1 note.\n"
    assert json.loads((faulty / "report.sarif").read_text())["version"] == "2.1.0"


def test_pyproject_says_what_is_looked_at_and_what_is_ignored(faulty, capsys, monkeypatch):
    (faulty / "pyproject.toml").write_text(
        '[tool.airflow-dataops.check]\npaths = ["dags"]\nignore = ["DO001"]\n'
        'per-file-ignores = {"dags/line.py" = ["DO1"], "*dags/line.py" = ["DO1"]}\n'
    )
    (faulty / "below").mkdir()
    monkeypatch.chdir(faulty / "below")
    assert main(["check"]) == 0
    assert main(["check", "--ignore", "DO304"]) == 1
    assert capsys.readouterr().out.count("DO001") == 1


@pytest.mark.parametrize(
    ("config", "arguments", "said"),
    [
        ("", ["nowhere"], "There is nothing at nowhere."),
        ("", ["--select", "DO9"], "Got the code 'DO9'"),
        ("", ["--output", "no/folder"], "The report cannot be written to no/folder"),
        ("", ["--config", "gone.toml"], "gone.toml cannot be read"),
        ("[", [], "pyproject.toml cannot be read"),
        ("[tool.airflow-dataops]\ncheck = 3", [], "is no table"),
        ("[tool.airflow-dataops.check]\nselects = []", [], "has 'selects'; allowed are paths, select"),
        ("[tool.airflow-dataops.check]\nselect = 'DO1'", [], "select is of the wrong type"),
        ("[tool.airflow-dataops.check]\nper-file-ignores = {a = 'DO1'}", [], "per-file-ignores is of the wrong type"),
    ],
)
def test_wrong_use_is_exit_code_2_with_a_cure(project, capsys, config, arguments, said):
    (project / "pyproject.toml").write_text(config)
    assert main(["check", *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "hint: " in error


def test_the_hook_of_pre_commit_looks_at_all_files_and_stops_a_commit(faulty):
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert hook["id"] == "airflow-dataops-check"
    assert hook["pass_filenames"] is False
    command = [str(Path(sys.executable).with_name("airflow-dataops")), *shlex.split(hook["entry"])[1:]]
    done = subprocess.run(command, cwd=faulty, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (1, "")
    assert "2 errors" in done.stdout


def test_every_code_is_in_the_documentation():
    assert table() in (ROOT / "docs" / "check.md").read_text()


def test_our_own_dags_are_sound(capsys):
    assert main(["check", str(ROOT / "dags")]) == 0
    assert "nothing to mend" in capsys.readouterr().out
