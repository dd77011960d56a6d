from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from airflow_dataops.cli import main
from airflow_dataops.core.ledger import Event


@pytest.fixture
def history(any_ledger):
    for number in range(1, 6):
        any_ledger.append(Event("dataset.published", f"dataset/flights/{number}", {"rows": number}))
    return any_ledger


def alter(store, *statements: str) -> None:
    with store.engine.connect().execution_options(dataops_write=True) as connection, connection.begin():
        for statement in statements:
            connection.exec_driver_sql(statement)


def test_a_command_on_a_new_ledger_prints_its_own_output_alone(tmp_path):
    url = f"sqlite:///{tmp_path / 'new.db'}"
    command = [sys.executable, "-m", "airflow_dataops.cli", "quarantine", "list", "--json", "--ledger-url", url]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (found.stdout, found.stderr) == ("[]\n", "")


def test_a_whole_history_is_said_to_be_whole(history, capsys):
    assert main(["audit", "verify", "--ledger-url", history.url]) == 0
    assert capsys.readouterr().out == "The history is whole: 5 events, each tied to the one before it.\n"


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        (
            ["UPDATE dataops_event SET payload = '{\"rows\":9}' WHERE id = 3"],
            "event 3 (dataset.published of dataset/flights/3) was edited after it was written",
        ),
        (["DELETE FROM dataops_event WHERE id IN (2, 3)"], "events 2 to 3 are missing"),
        (
            [
                "UPDATE dataops_event SET id = 99 WHERE id = 2",
                "UPDATE dataops_event SET id = 2 WHERE id = 3",
                "UPDATE dataops_event SET id = 3 WHERE id = 99",
            ],
            "event 2 does not follow event 1",
        ),
    ],
    ids=["edited", "removed", "reordered"],
)
def test_an_altered_history_is_found_by_the_command(history, capsys, statements, said):
    alter(history, *statements)
    assert main(["audit", "verify", "--ledger-url", history.url]) == 1
    assert said in capsys.readouterr().out


def test_upgrading_is_told_and_may_be_repeated(tmp_path, capsys):
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    assert main(["ledger", "upgrade", "--ledger-url", url]) == 0
    assert main(["ledger", "upgrade", "--ledger-url", url]) == 0
    assert capsys.readouterr().out == f"The ledger at {url} is at revision 0001.\n" * 2


def test_the_configured_ledger_is_the_default(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("AIRFLOW__DATAOPS__LEDGER_URL", f"sqlite:///{tmp_path / 'configured.db'}")
    assert main(["ledger", "upgrade"]) == 0
    assert "configured.db" in capsys.readouterr().out


@pytest.mark.parametrize("command", [["audit", "verify"], ["ledger", "upgrade"]])
@pytest.mark.parametrize(
    "url", ["postgresql://me:secret-word@127.0.0.1:1/ledger", "mysql://me:secret-word@h/d", "junk"]
)
def test_trouble_is_one_error_message_and_exit_code_2(command, url, capsys):
    assert main([*command, "--ledger-url", url]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: The ledger")
    assert "hint: " in said
    assert "secret-word" not in said


def test_the_console_script_is_installed():
    script = Path(sys.executable).with_name("airflow-dataops")
    said = subprocess.run([script, "--help"], capture_output=True, text=True, check=True, timeout=60).stdout
    assert "audit" in said
    assert "ledger" in said
