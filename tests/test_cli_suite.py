from __future__ import annotations

import json

import jsonschema
import pytest

from airflow_dataops.cli import main
from airflow_dataops.hooks.expectations_engine import quiet

SHORTHAND = """
dataops: 1
name: orders
columns:
  order_id: {type: integer, unique: true}
  amount: {between: [0, 10000], quarantine: 0.01}
  customer: {exists_in: customers.id}
"""
CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: orders
version: 1.0.0
status: active
schema:
  - name: orders
    properties: [{name: a, logicalType: array}]
  - name: lines
    properties: [{name: b, required: true}]
"""


@pytest.fixture
def files(tmp_path):
    (tmp_path / "orders.yaml").write_text(SHORTHAND)
    (tmp_path / "contract.yaml").write_text(CONTRACT)
    return tmp_path


def test_the_checks_of_a_file_are_shown_with_what_failing_does(files, capsys):
    assert main(["suite", "show", str(files / "orders.yaml")]) == 0
    said = capsys.readouterr().out
    lines = [line.split("  ") for line in said.splitlines()]
    cells = [[cell.strip() for cell in line if cell.strip()] for line in lines]
    assert ["be_between(amount)", "quarantine", "1 %", "have amount outside 0 to 10 000"] in cells
    assert ["column_to_hold(order_id)", "block", "–", "the column order_id holds something else than integer"] in cells
    assert "It refers to customers (id); give its data under references." in said
    assert "Not checked" not in said


def test_what_is_not_checked_is_shown_with_why(files, capsys):
    assert main(["suite", "show", f"{files / 'contract.yaml'}#orders"]) == 0
    said = capsys.readouterr().out
    assert "Not checked: 1" in said
    assert "a: logicalType array  values of this type are not checked" in said


def test_a_file_becomes_a_suite_that_great_expectations_reads(files, capsys):
    assert main(["suite", "convert", f"{files / 'contract.yaml'}#lines", "--output", str(files / "out.json")]) == 0
    assert capsys.readouterr() == ("", "")
    document = json.loads((files / "out.json").read_text())
    with quiet():
        import great_expectations as gx

        suite = gx.ExpectationSuite(**document)
    assert [one.expectation_type for one in suite.expectations] == [
        "expect_column_to_exist",
        "expect_column_values_to_not_be_null",
    ]


def test_checks_that_great_expectations_does_not_have_are_counted_aside(files, capsys):
    assert main(["suite", "convert", str(files / "orders.yaml")]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["name"] == "orders"
    assert said.err.startswith("2 of its checks are of types that Great Expectations does not have")


def test_the_printed_schema_accepts_the_file(files, capsys):
    assert main(["suite", "schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    jsonschema.validate({"dataops": 1, "columns": {"a": {"between": [1, 2]}}}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"dataops": 1, "columns": {"a": {"betwen": [1, 2]}}}, schema)


@pytest.mark.parametrize("verb", ["show", "convert"])
def test_a_broken_file_is_one_message_and_exit_code_2(files, verb, capsys):
    (files / "orders.yaml").write_text("dataops: 1\ncolums: {}")
    assert main(["suite", verb, str(files / "orders.yaml")]) == 2
    assert capsys.readouterr().err.startswith("error: orders.yaml has the unknown word 'colums'")


def test_a_place_that_cannot_be_written_is_told(files, capsys):
    where = str(files / "nowhere" / "out.json")
    assert main(["suite", "convert", str(files / "orders.yaml"), "--output", where]) == 2
    assert "cannot be written: No such file or directory" in capsys.readouterr().err
