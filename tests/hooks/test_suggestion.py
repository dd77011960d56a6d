from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import yaml

from airflow_dataops.cli import main
from airflow_dataops.core.contract import document_of
from airflow_dataops.core.ledger import Attempt, Measurement, RunKey
from airflow_dataops.core.quality_suite import suite_of
from airflow_dataops.exceptions import SourceError
from airflow_dataops.hooks.dataset import DatasetHook
from airflow_dataops.hooks.expectations_engine import build, quiet
from airflow_dataops.hooks.quality_evaluation import evaluate
from airflow_dataops.hooks.suggestion import Suggestion, files_of, published_of, suggest
from airflow_dataops.testing import run_suite

ROWS = 400


def orders(month: int, **columns) -> pd.DataFrame:
    random = np.random.default_rng(month)
    number = np.arange(ROWS) + month * ROWS
    created = pd.Timestamp(f"2025-{month:02}-01") + pd.to_timedelta(np.arange(ROWS), "h")
    good = {
        "order_id": number,
        "created_at": created,
        "updated_at": created + pd.to_timedelta(random.integers(0, 90, ROWS), "m"),
        "article": [f"SKU-{n:04}-{'AB'[n % 2]}" for n in random.integers(0, 3000, ROWS)],
        "status": random.choice(["open", "paid", "sent"], ROWS),
        "amount": random.gamma(3, 20, ROWS).round(2),
        "discount": np.where(random.random(ROWS) < 0.1, np.nan, random.random(ROWS)),
        "email": [f"person{n}@example.org" for n in number],
        "customer_iban": "DE44500105175407324931",
        "region": "emea@example.org",
        "note": [" ".join(random.choice(["Please", "ring", "twice", "leave", "it"], 4)) for _ in range(ROWS)],
        "nothing": pd.Series([None] * ROWS, dtype=object),
    }
    return pd.DataFrame({**good, **columns})


def written(folder: Path) -> Path:
    folder.mkdir()
    for month in range(1, 7):
        orders(month).to_parquet(folder / f"2025-{month:02}.parquet")
    return folder


@pytest.fixture
def months(tmp_path) -> Path:
    return written(tmp_path / "orders")


@pytest.fixture(scope="module")
def learned(tmp_path_factory) -> tuple[Path, Suggestion]:
    folder = written(tmp_path_factory.mktemp("learned") / "orders")
    return folder, suggest(files_of(folder, None), "our orders")


def proposed(folder: Path, name: str = "orders", **kwargs) -> dict[str, tuple]:
    return told(suggest(files_of(folder, None), name, **kwargs))


def told(found: Suggestion) -> dict[str, tuple]:
    return {
        f"{', '.join(one.proposal.columns)}: {one.proposal.aspect}": (
            one.proposal.kwargs,
            one.proposal.options["severity"] if one.on else "off",
            one.share_words,
        )
        for one in found.judged
    }


def test_what_an_engineer_would_write_is_proposed(learned):
    found = told(learned[1])
    kwargs = {name: {k: v for k, v in one[0].items() if k != "column"} for name, one in found.items()}
    assert kwargs["order_id: unique"] == {}
    assert kwargs["order_id: range"] == {"min_value": 0}
    assert kwargs["order_id: rising"] == {}
    assert kwargs["created_at: range"] == {"min_value": "2025-01-01"}
    assert kwargs["updated_at, created_at: order"]["column_B"] == "created_at"
    assert kwargs["article: pattern"] == {"regex": "^SKU-[0-9]{4}-[A-Z]$"}
    assert kwargs["status: values"] == {"value_set": ["open", "paid", "sent"]}
    assert kwargs["amount: range"]["min_value"] == 0
    assert 200 <= kwargs["amount: range"]["max_value"] <= 600
    assert 0.7 < kwargs["discount: required"]["mostly"] < 0.9
    assert kwargs["email: pattern"] == {"regex": r"^[^@\s]+@[^@\s]+\.[^@\s]+$"}
    assert kwargs["note: length"]["max_value"] >= 30
    assert kwargs[": rows"] == {"min_value": 260, "max_value": 600}
    assert [name for name in found if name.startswith("nothing")] == ["nothing: exists"]
    assert {one[2] for one in found.values()} == {"6 of 6"}


def test_a_check_is_judged_by_partitions_it_was_not_learned_from(months):
    bad = orders(7)
    bad.loc[0, "amount"] = 90_000.0
    bad.loc[:20, "status"] = "lost"
    bad.drop(columns="note").to_parquet(months / "2025-07.parquet")
    found = proposed(months)
    assert found["status: values"][1:] == ("off", "6 of 7")
    assert found["status: values"][0]["value_set"] == ["lost", "open", "paid", "sent"]
    assert found["amount: range"][2] == "7 of 7"  # one row of 400 is within the tolerance
    assert "note: exists" not in found
    assert proposed(months, threshold=0.8)["status: values"][1] == "quarantine"


def test_a_value_far_outside_is_told_and_does_not_widen_the_range(months):
    bad = orders(7)
    bad.loc[0, "amount"] = 9_999_999.0
    bad.to_parquet(months / "2025-07.parquet")
    kwargs, severity, share = proposed(months)["amount: range"]
    assert kwargs["mostly"] == 0.99
    assert kwargs["max_value"] < 2000
    assert (severity, share) == ("warn", "7 of 7")


def test_values_of_persons_are_neither_in_the_files_nor_in_the_table(months, tmp_path, capsys):
    outputs = [tmp_path / "suite.json", tmp_path / "contract.yaml"]
    assert main(["suggest", str(months), *(f"--output={path}" for path in outputs)]) == 0
    said = capsys.readouterr().out + "".join(path.read_text() for path in outputs)
    assert "DE4450" not in said
    assert "example.org" not in said
    contract = yaml.safe_load(outputs[1].read_text())
    columns = {one["name"]: one for one in contract["schema"][0]["properties"]}
    assert {name for name, one in columns.items() if one.get("classification") == "restricted"} == {
        "email",
        "customer_iban",
        "region",
    }


def test_the_same_data_make_the_same_proposal(learned):
    again = suggest(files_of(learned[0], None), "our orders")
    assert json.dumps(again.suite()) == json.dumps(learned[1].suite())
    assert json.dumps(again.contract()) == json.dumps(learned[1].contract())


@pytest.mark.parametrize("kind", ["suite", "contract"])
def test_the_data_pass_what_was_learned_from_them(learned, kind):
    months, found = learned
    document = found.suite() if kind == "suite" else document_of(found.contract(), "orders")
    checked = suite_of(document, "orders")
    for path in sorted(months.iterdir()):
        with evaluate(checked, path) as evaluation:
            assert [one.check.id for one in evaluation.results if one.is_exceeded(evaluation.rows)] == []
    assert len(checked.checks) == len(document["expectations"]) > 30
    if kind == "suite":
        with quiet():
            for expectation in document["expectations"]:
                build(expectation, 0, "the proposal")


def test_each_proposal_tells_why_and_the_share_it_passed(learned):
    for one in learned[1].suite()["expectations"]:
        assert one["meta"]["suggested"]["share"] == 1
        assert one["meta"]["suggested"]["passed"] == "6 of 6"
        assert one["meta"]["suggested"]["why"]


def test_the_contract_says_keys_types_and_the_rhythm_in_the_words_of_the_standard(learned):
    contract = learned[1].contract()
    unsupported = document_of(contract, "x")["meta"]["dataops"]["unsupported"]
    assert [one["rule"] for one in unsupported if "frequency" not in one["rule"]] == []

    (schema,) = contract["schema"]
    columns = {one["name"]: one for one in schema["properties"]}
    assert columns["order_id"]["primaryKey"] is True
    assert columns["status"]["quality"][0]["arguments"] == {"validValues": ["open", "paid", "sent"]}
    assert columns["email"]["logicalTypeOptions"] == {"format": "email"}
    assert columns["created_at"]["logicalType"] == "timestamp"
    (level,) = contract["slaProperties"]
    assert (level["property"], level["value"], level["unit"]) == ("frequency", 31, "d")
    assert level["description"].endswith("add element: our orders.created_at")
    assert contract["id"] == "our-orders"


def test_one_file_is_cut_into_blocks_of_rows(tmp_path):
    path = tmp_path / "all.csv"
    pd.concat([orders(month) for month in range(1, 4)]).to_csv(path, index=False)
    found = proposed(path)
    assert found["order_id: unique"][1:] == ("block", "10 of 10")
    assert found[": rows"] == ({"min_value": 1}, "block", "untried")
    assert found["article: pattern"][2] == "10 of 10"


def test_a_few_rows_give_proposals_that_say_they_are_untried(tmp_path):
    path = tmp_path / "few.parquet"
    orders(1)[:5].to_parquet(path)
    assert {one[2] for one in proposed(path).values()} == {"untried"}


def test_keys_of_several_columns_are_found_where_no_column_is_one(tmp_path):
    for month in (1, 2, 3):
        days = pd.DataFrame({"day": np.repeat(np.arange(1, 29), 40), "shop_no": np.tile(np.arange(40), 28)})
        days.assign(sold_amount=7).to_parquet(tmp_path / f"{month}.parquet")
    found = proposed(tmp_path)
    keys = [name for name in found if name.endswith((": key", ": unique"))]
    assert keys == ["day, shop_no: key"]


HOSTILE = {
    'a"; DROP TABLE x --': [1, 2, 3] * 50,
    "": ["x\ny", "z", None] * 50,
    "☃'": [float("inf"), -1e300, 1e300] * 50,
    "tiny": [5e-324, 0.0, 1e-320] * 50,
    "big": [2**62, -(2**62), 0] * 50,
    "long": ["y" * 5000] * 150,
    "texts": ["(", "[a-z]", "\\"] * 50,
    "time": pd.to_datetime(["1700-01-01", "2200-01-01", None] * 50).astype("datetime64[us]"),
    "truth": [True, False, None] * 50,
    "list": [[1], [2], None] * 50,
    "bytes": [b"\0", b"\xff", None] * 50,
}


def test_hostile_names_and_values_do_no_harm(tmp_path):
    for number in range(3):
        pd.DataFrame(HOSTILE).to_parquet(tmp_path / f"{number}.parquet")
    found = suggest(files_of(tmp_path, None), "x")
    assert all(one.on for one in found.judged), [one.proposal for one in found.judged if not one.on]
    assert run_suite(found.suite(), tmp_path / "0.parquet")["success"]
    yaml.safe_dump(found.contract())


def test_partitions_of_other_types_and_without_rows_are_told(months):
    orders(7)[:0].to_parquet(months / "2025-07.parquet")
    orders(8, amount="much").to_parquet(months / "2025-08.parquet")
    found = suggest(files_of(months, None), "orders")
    assert any("Without rows, so not learned from: 2025-07.parquet." in one for one in found.remarks)
    assert any("Of different types, or of one that is not looked into: amount." in one for one in found.remarks)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Nothing to learn from was named."),
        (["gone.csv"], "There is no file at gone.csv"),
        (["."], "There is no file *.parquet, *.csv"),
        ([".", "--partitions", "x/*.csv"], "There is no file x/*.csv"),
        (["empty.csv"], "The file empty.csv is empty"),
        (["head.csv"], "There are no rows to learn from."),
        (["head.csv", "--output", "x.toml"], "allowed are names in .json"),
        (["head.csv", "--output", "no/x.json"], "There is no folder for no/x.json"),
        (["head.csv", "--partitions", "*"], "is no folder, so --partitions means nothing"),
        (["--dataset", "nobody"], "Nothing is published of 'nobody'"),
    ],
)
def test_wrong_use_is_exit_code_2_with_a_cure(tmp_path, monkeypatch, capsys, ledger, arguments, said):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AIRFLOW__DATAOPS__STORE_PATH", str(tmp_path / "store"))
    if arguments[:1] not in (["."], []):
        (tmp_path / "empty.csv").write_text("")
        (tmp_path / "head.csv").write_text("a,b\n")
    assert main(["suggest", *arguments, "--ledger-url", ledger.url]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "hint: " in error


def test_unreadable_data_are_a_source_error(tmp_path):
    (tmp_path / "x.parquet").write_bytes(b"PAR1 nothing")
    with pytest.raises(SourceError):
        suggest(files_of(tmp_path, None), "x")


def test_published_partitions_are_learned_from_with_the_row_counts_that_the_ledger_remembers(store_path, ledger):
    store = DatasetHook()
    for month in range(1, 4):
        rows = pa.Table.from_pandas(orders(month), preserve_index=False).to_reader()
        snapshot = store.write_snapshot(rows, "orders", f"2025-{month:02}", "a" * 64)
        store.publish("orders", snapshot.partition, {"snapshot": snapshot.to_xcom(), "verdict": "publish"})
    claim = ledger.claim(RunKey("test", "line", "run", "snapshot"), Attempt("1", 1))
    counts = {"2024-12": 90, "2024-11": 1200, "2025-01": 7}
    figures = [Measurement("dataset/orders/rows", partition, number) for partition, number in counts.items()]
    ledger.complete(claim, {}, measurements=figures)
    sources, history = published_of("orders", ledger.url)
    assert [one.name for one in sources] == ["2025-01", "2025-02", "2025-03"]
    assert sorted(history) == [90, 1200]
    found = told(suggest(sources, "orders", history=history))
    assert found[": rows"][0] == {"min_value": 1, "max_value": 1800}
    assert found["order_id: unique"][2] == "3 of 3"


def test_nothing_of_duckdb_is_left_behind(months, tmp_path, monkeypatch):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    suggest(files_of(months, None), "orders")
    assert list(scratch.iterdir()) == []
