from __future__ import annotations

import json

import pytest
import yaml

from airflow_dataops.cli import main
from airflow_dataops.core.ledger import Event

BEFORE = {
    "apiVersion": "v3.1.0", "kind": "DataContract", "id": "c", "version": "1.2.0", "status": "active",
    "schema": [{"name": "orders", "properties": [
        {"name": "id", "logicalType": "integer"}, {"name": "status", "required": True}]}],
}  # fmt: skip
PROPERTIES = [{"name": "id", "logicalType": "integer", "required": True}, {"name": "note", "description": "free text"}]
AFTER = {**BEFORE, "version": "1.2.1", "schema": [{"name": "orders", "properties": PROPERTIES}]}

GATES = """
from pathlib import Path
from airflow.sdk import DAG, Asset, dag, task
from airflow_dataops.operators.quality import QualityGateOperator

ARGS = {"owner": "sales"}
FOLDER = Path(__file__).parent / "contracts"
CONTRACT = FOLDER / "before.yaml"
raise SystemExit("nobody may run this")

with DAG("orders_in", default_args=ARGS):
    gate = QualityGateOperator(task_id="gate", snapshot={}, suite=str(CONTRACT) + "#orders", references={"x": "people"})

with DAG(dag_id="other_suite", default_args={"owner": "nobody"}):
    QualityGateOperator(task_id="gate", snapshot={}, suite="elsewhere/before.yaml")

@dag(schedule=[Asset("dataops://dataset/orders")], owner="ignored")
def report():
    @task(owner="finance")
    def read(): ...

    @task.train_model(task_id="train", owner="science", data={"dataset": "orders", "until": "2026"})
    def train(): ...
"""


@pytest.fixture
def files(tmp_path):
    (tmp_path / "contracts").mkdir()
    (tmp_path / "contracts" / "before.yaml").write_text(yaml.safe_dump(BEFORE))
    (tmp_path / "contracts" / "after.yaml").write_text(yaml.safe_dump(AFTER))
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "gates.py").write_text(GATES)
    (tmp_path / "dags" / "broken.py").write_text("with DAG(")
    (tmp_path / "dags" / "latin.py").write_bytes(b"# caf\xe9")
    return tmp_path


def diff(files, *more: str, before: str = "before.yaml", after: str = "after.yaml") -> int:
    return main(["diff", "contract", str(files / "contracts" / before), str(files / "contracts" / after), *more])


def test_changes_are_told_with_whom_they_break_and_what_the_version_must_be(files, capsys):
    assert diff(files) == 1
    assert capsys.readouterr().out == (
        "Breaking (2)\n"
        "  orders.id: required was added  [breaks producers]\n"
        "  orders.status: the column was removed  [breaks consumers]\n"
        "Compatible (1)\n"
        "  orders.note: the column was added\n"
        "There are breaking changes, but the version rose only from 1.2.0 to 1.2.1; 2.0.0 is needed.\n"
    )


def test_a_file_without_changes_ends_with_exit_code_0(files, capsys):
    assert diff(files, after="before.yaml") == 0
    assert capsys.readouterr().out == "Nothing changed.\n"


@pytest.mark.parametrize(("side", "breaking"), [("consumers", ["status"]), ("producers", ["id"])])
def test_one_side_may_count_alone(files, capsys, side, breaking):
    assert diff(files, "--side", side, "--format", "json") == 1
    changes = json.loads(capsys.readouterr().out)["changes"]
    assert [one["subject"] for one in changes if one["kind"] == "breaking"] == breaking
    assert len(changes) == 3


def test_dags_and_owners_are_found_without_running_their_code(files, capsys):
    assert diff(files, "--format", "json", "--dags", str(files / "dags")) == 1
    found = json.loads(capsys.readouterr().out)
    uses = [(use["dag_id"], use["owner"], use["task_id"], use["named"], use["line"]) for use in found["dags"]]
    assert uses == [
        ("orders_in", "sales", "gate", "before.yaml", 12),
        ("report", "ignored", "", "orders", 17),
        ("report", "science", "train", "orders", 22),
    ]
    assert found["unread"] == ["broken.py", "latin.py"]


def test_a_dataset_of_another_name_can_be_given(files, capsys):
    assert diff(files, "--dags", str(files / "dags"), "--dataset", "people") == 1
    said = capsys.readouterr().out
    assert "DAG orders_in of sales, task gate names people (gates.py:12)\n" in said
    assert "names orders" not in said
    assert "broken.py could not be read: it is no Python in UTF-8.\n" in said


def test_those_who_read_the_dataset_are_found_in_the_ledger(files, any_ledger, capsys):
    snapshot = {"dataset": "orders", "partition": "2026-01", "version": "ab"}
    for number in range(2):
        actor = f"default/training/run-{number}/train"
        any_ledger.append(Event("model.trained", "model/late", {"holdout": snapshot, "rows": number}, actor))
    any_ledger.append(
        Event("dataset.published", "dataset/orders/2026-01", {"snapshot": snapshot}, "default/in/r/publish")
    )
    any_ledger.append(
        Event("model.trained", "model/x", {"holdout": {**snapshot, "dataset": "others"}}, "default/x/r/t")
    )
    assert diff(files, "--ledger-url", any_ledger.url, "--format", "json") == 1
    (reader,) = json.loads(capsys.readouterr().out)["readers"]
    last = reader.pop("last")
    assert last == any_ledger.events()[1].at
    assert reader == {
        "dag_id": "training", "task_id": "train", "reads": ["orders"], "times": 2, "kind": "model.trained",
        "subject": "model/late",
    }  # fmt: skip
    assert diff(files, "--ledger-url", any_ledger.url) == 1
    assert f"DAG training, task train read orders 2 times, last {last}: model.trained" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"before": "nowhere.yaml"}, "nowhere.yaml cannot be read"),
        ({"after": "text.yaml"}, "text.yaml is not a suite"),
    ],
)
def test_files_that_cannot_be_compared_are_told_with_exit_code_2(files, capsys, change, said):
    (files / "contracts" / "text.yaml").write_text("only text")
    assert diff(files, **change) == 2
    assert said in capsys.readouterr().err


def test_a_folder_of_dags_that_is_not_there_is_told(files, capsys):
    assert diff(files, "--dags", str(files / "nothing")) == 2
    assert "There is no folder of DAGs at" in capsys.readouterr().err
