from __future__ import annotations

import csv
import json

import pyarrow.parquet as pq
import pytest

from airflow_dataops.cli import main
from airflow_dataops.hooks.dataset import path_of
from airflow_dataops.hooks.ledger_store import LedgerStore
from tests.operators.test_quarantine import line, published  # noqa: F401 - a fixture
from tests.support.deaths import killed

SECRETS = ("-4.0", "3.0", "1.5")


@pytest.fixture
def command(ledger, store_path, capsys):
    """Run a command on the test's ledger and store; return its exit code and what it said."""

    def run(*arguments: str) -> tuple[int, str]:
        capsys.readouterr()  # what stations logged before
        code = main(["quarantine", *arguments, "--ledger-url", ledger.url, "--store", str(store_path)])
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


def test_an_empty_quarantine_says_so(command):
    assert command("list") == (0, "Nothing lies in quarantine.\n")


def test_the_list_tells_what_lies_there_why_and_whether_it_is_open(line, command, ledger):  # noqa: F811
    line()
    code, said = command("list")
    header, row = said.splitlines()
    assert code == 0
    assert header.split() == ["DATASET", "PARTITION", "VERSION", "ROWS", "OF", "STATE", "DAYS", "BY", "CHECKS"]
    assert row.split()[:2] == ["orders", "all"]
    assert row.split()[3:6] == ["4", "6", "open"]
    assert "line/first/gate" in row
    assert row.endswith("no amount: 2, odd amount: 1, known id: 1")
    (told,) = json.loads(command("list", "--json", "--open", "--dataset", "orders")[1])
    assert (told["state"], told["rows"], told["file"], told["checks"]["no amount"]) == ("open", 4, True, 2)
    assert json.loads(command("list", "--json", "--dataset", "other")[1]) == []


def test_a_missing_file_is_seen_in_the_list(line, command):  # noqa: F811
    path_of(line()["quarantine"]["uri"]).unlink()
    assert "open, file missing" in command("list")[1]
    assert "is gone" in command("show", "--dataset", "orders")[1]


def test_values_are_shown_only_of_columns_that_the_contract_calls_public(line, command):  # noqa: F811
    line()
    code, plain = command("show", "--dataset", "orders")
    assert code == 0
    assert "4 of 6 rows, open, put there at" in plain
    assert "  2 rows fail no amount\n  1 rows fail" in plain
    assert "fr" not in plain.split("FAILS")[1]
    code, values = command("show", "--dataset", "orders", "--values", "--rows", "2")
    lines = values.splitlines()
    assert [cells.split() for cells in lines if cells.startswith(("ROW", "1", "2"))] == [
        ["ROW", "country", "FAILS"],
        ["1", "fr", "no", "amount"],
        ["2", "de", "known", "id"],
    ]
    assert "… and 2 more" in values
    assert lines[-1] == "Hidden, because the contract does not classify them as public: id, amount."
    assert not any(value in plain + values for value in SECRETS)


def test_an_export_is_an_event_and_holds_public_columns_only(line, command, tmp_path, ledger):  # noqa: F811
    line()
    target = tmp_path / "repair.csv"
    code, said = command("show", "--dataset", "orders", "--output", str(target))
    assert code == 0
    assert "Left out: id, amount; they stay as they are" in said
    with target.open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["country", "_dataops_row", "_dataops_checks", "_dataops_snapshot"]
    assert [row["_dataops_checks"] for row in rows] == ["no amount", "known id", "odd amount", "no amount"]
    (event,) = ledger.events(kind="quality.exported")
    assert (event.event.payload["unmasked"], event.event.payload["columns"]) == (False, ["country"])
    assert "@" in event.event.actor


def test_columns_above_public_leave_only_with_a_reason_that_the_history_keeps(
    line,  # noqa: F811
    command,
    tmp_path,
    ledger,
):
    line()
    target = tmp_path / "repair.parquet"
    for arguments in (["--unmask", "--output", str(target)], ["--unmask", "--reason", "x"]):
        code, said = command("show", "--dataset", "orders", *arguments)
        assert (code, "--unmask needs --output and --reason" in said) == (2, True)
    assert not target.exists()
    asked = ["--output", str(target), "--unmask", "--reason", "ticket 4711"]
    assert command("show", "--dataset", "orders", *asked)[0] == 0
    assert pq.read_table(target).column("amount").to_pylist() == [None, 3.0, -4.0, None]
    (event,) = ledger.events(kind="quality.exported")
    assert (event.event.payload["unmasked"], event.event.payload["reason"]) == (True, "ticket 4711")


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_rows_go_out_are_repaired_and_come_back(line, command, tmp_path, kind, ledger):  # noqa: F811
    line()
    target = tmp_path / f"repair.{kind}"
    command("show", "--dataset", "orders", "--output", str(target), "--unmask", "--reason", "repair")
    mend(target)
    code, said = command("reinject", str(target), "--dataset", "orders")
    assert (code, said) == (0, "3 of 4 quarantined rows of orders/all are back and 1 stay in quarantine.\n")
    assert published().column("amount").to_pylist() == [1.5, 7.0, 7.0, 5.0, 7.0]
    (event,) = ledger.events(kind="quality.reinjected")
    assert "@" in event.event.actor
    assert ledger.chain_faults() == []
    code, said = command("reinject", str(target), "--dataset", "orders")
    assert (code, "holds rows of the quarantine" in said) == (2, True)


def mend(path) -> None:
    import pandas as pd

    frame = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    frame["amount"] = 7.0
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path)


def test_a_killed_command_is_finished_by_the_same_command(line, command, tmp_path, ledger):  # noqa: F811
    line()
    target = tmp_path / "repair.parquet"
    command("show", "--dataset", "orders", "--output", str(target), "--unmask", "--reason", "repair")
    mend(target)
    arguments = ("reinject", str(target), "--dataset", "orders")
    killed(LedgerStore, "move_pointer", "after", lambda: command(*arguments))
    assert command(*arguments)[0] == 0
    assert ledger.pointer("dataset/orders/all").version == 2
    assert len(ledger.events(kind="quality.reinjected")) == 1


def test_a_purge_says_first_what_would_go(line, command, ledger):  # noqa: F811
    path = path_of(line()["quarantine"]["uri"])
    assert command("purge") == (0, "0 quarantined rows in 0 versions were purged.\n")
    said = command("purge", "--older-than-days", "0", "--dry-run")[1]
    assert said.endswith("4 quarantined rows in 1 versions would be purged.\n")
    assert path.is_file()
    assert command("purge", "--older-than-days", "0")[1].endswith("were purged.\n")
    assert not path.exists()
    assert [row.event.actor.count("@") for row in ledger.events(kind="quality.purged")] == [1]
    assert "purged" in command("list")[1]
    code, said = command("show", "--dataset", "orders")
    assert (code, "was purged" in said) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["show", "--dataset", "nothing"], "No rows of nothing/all were put in quarantine"),
        (["reinject", "/no/such.csv", "--dataset", "orders"], "There is no file at /no/such.csv"),
        (["purge", "--older-than-days", "soon"], "allowed is a number of days"),
        (["show", "--dataset", "orders", "--output", "rows.xlsx"], "allowed: .csv, .parquet"),
        (["show", "--dataset", "orders", "--version", "nope"], "versions known: "),
    ],
)
def test_a_misuse_is_one_message_and_exit_code_2(line, command, ledger, arguments, said):  # noqa: F811
    line()
    code, told = command(*arguments)
    assert (code, told.startswith("error: "), said in told) == (2, True, True)
    assert ledger.events(kind="quality.exported") == []
