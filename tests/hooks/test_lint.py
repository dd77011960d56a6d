from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from airflow_dataops.core.lint.finding import Choice
from airflow_dataops.exceptions import BrokenCheckError
from airflow_dataops.hooks.lint import look_at

HEAD = """\
from pathlib import Path
from airflow.sdk import DAG, chain, task
from airflow_dataops.operators.dataset import PublishDatasetOperator, SnapshotDatasetOperator
from airflow_dataops.operators.quality import QualityGateOperator
from airflow_dataops.operators.training import TrainModelOperator
"""
LINE = """
snapshot = SnapshotDatasetOperator(task_id="s", dataset="orders", path="/in.csv")
gate = QualityGateOperator(task_id="g", snapshot=snapshot.output, suite={suite})
publish = PublishDatasetOperator(task_id="p", dataset="orders", gate=gate.output)
"""
SUITE = {"name": "orders", "expectations": [{"type": "expect_column_to_exist", "kwargs": {"column": "amount"}}]}
CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: orders
version: 1.0.0
status: active
schema:
  - name: orders
    properties:
      - name: amount
        logicalType: number
      - name: customer
        logicalType: string
        required: true
"""


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dags").mkdir()
    return tmp_path / "dags"


def suite(*expectations, **kwargs) -> str:
    return json.dumps({"name": "orders", "expectations": list(expectations), **kwargs}, indent=1)


def check(kind: str, severity=None, **kwargs) -> dict:
    return {"type": kind, "kwargs": kwargs, **({"meta": {"dataops": severity}} if severity else {})}


def line(folder: Path, suite_path: str = "Path(__file__).parent / 'suite.json'", content: str | None = None) -> None:
    (folder / "line.py").write_text(HEAD + LINE.format(suite=suite_path))
    (folder / "suite.json").write_text(content or json.dumps(SUITE))


def told(*paths: Path, choice: Choice | None = None) -> list[tuple[str, str, int]]:
    found, _ = look_at(paths, choice or Choice())
    return [(one.code, Path(one.place.file).name, one.place.line) for one in found]


def sentences(folder: Path) -> str:
    return "\n".join(f"{one.sentence} {one.cure}" for one in look_at([folder], Choice())[0])


@pytest.mark.parametrize(
    "written",
    [
        "'suite.json'",
        "str(Path(__file__).parent / 'suite.json')",
        "str(Path(__file__).resolve().parent.joinpath('suite.json'))",
        "Path(__file__).with_name('suite.json').as_posix()",
        "f'{Path(__file__).parent}/suite.json'",
        "'sui' + 'te.json'",
        "os.path.join(os.path.dirname(__file__), 'suite.json')",
        "str(Path(__file__).parents[0] / NAME)",
        "SUITES['orders']",
    ],
)
def test_a_suite_is_found_however_its_path_is_written(folder, written):
    constants = "\nimport os\nNAME = 'suite.json'\nSUITES = {'orders': str(Path(__file__).parent / NAME)}\n"
    line(folder)
    (folder / "line.py").write_text(HEAD + constants + LINE.format(suite=written))
    assert told(folder) == []


@pytest.mark.parametrize("written", ["os.environ['SUITE']", "'{{ params.suite }}'", "find()", "f'{NAME!r}.json'"])
def test_a_path_that_only_running_tells_is_a_note_and_no_error(folder, written):
    line(folder)
    (folder / "line.py").write_text(HEAD + "import os\nNAME='x'\n" + LINE.format(suite=written))
    assert ("DO103", "line.py", 10) in told(folder)
    assert {code for code, *_ in told(folder)} == {"DO103", "DO304"}


def test_a_name_that_a_branch_changes_is_not_guessed(folder):
    line(folder, "NAME")
    text = (folder / "line.py").read_text()
    branch = "NAME = 'suite.json'\nif DAG:\n    NAME = 'gone.json'\n"
    (folder / "line.py").write_text(text.replace("\nsnapshot", f"{branch}\nsnapshot", 1))
    assert [code for code, *_ in told(folder)] == ["DO103", "DO304"]


def test_a_loop_over_written_names_makes_a_station_for_each(folder):
    body = LINE.replace("\n", "\n    ").replace('dataset="orders"', "dataset=name").format(suite="f'{name}.json'")
    (folder / "line.py").write_text(f"{HEAD}\nfor name in ('orders', 'stock'):{body}\n")
    (folder / "orders.json").write_text(json.dumps(SUITE))
    found = look_at([folder], Choice())[0]
    assert [one.sentence for one in found] == ["There is no suite at stock.json below dags."]


def test_stations_inside_of_functions_decorators_and_mapped_ones_are_found(folder):
    (folder / "line.py").write_text(
        HEAD
        + """
import airflow_dataops.operators.quality as quality
@task.train_model(model="m", data={"dataset": "ghost"}, prepare=print)
def train(features, label): ...
def build():
    snapshot = SnapshotDatasetOperator.partial(task_id="s", path="/in").expand(dataset=["a", "b"])
    return quality.QualityGateOperator(task_id="g", snapshot=snapshot.output, suite="gone.json")
TrainModelOperator(task_id="t", model="m", data={"dataset": DATA}, prepare=print, python_callable=print)
DATA = "too late"
"""
    )
    assert told(folder) == [
        ("DO303", "line.py", 8),
        ("DO103", "line.py", 11),
        ("DO301", "line.py", 12),
        ("DO101", "line.py", 12),
        ("DO103", "line.py", 13),
    ]


@pytest.mark.parametrize(
    ("broken", "code", "said"),
    [
        (check("expect_column_values_to_be_betwen", column="a"), "DO202", "expect_column_values_to_be_between"),
        (check("expect_column_values_to_be_in_set", column="a", valueset=[1]), "DO203", "write value_set for valueset"),
        (check("expect_column_values_to_match_regex", column="a", regex="("), "DO204", "no regular expression"),
        (
            check("expect_table_row_count_to_be_between", {"severity": "quarantine"}, min_value=1),
            "DO205",
            "cannot tell",
        ),
        (check("expect_column_values_to_be_unique", {"severity": "stop"}, column="a"), "DO206", "allowed are info"),
        (check("expect_column_values_to_be_unique", {"tolerance": 7}, column="a"), "DO206", "a share of 0 to 1"),
        (check("expect_column_values_to_be_unique", {"tolerance": 0.1}, column="a"), "DO207", "use quarantine"),
        ({"type": "expect_column_to_exist"}, "DO201", "has no 'type' and 'kwargs'"),
        ("text", "DO201", "has no 'type' and 'kwargs'"),
    ],
)
def test_every_check_of_a_suite_is_looked_at_and_its_line_named(folder, broken, code, said):
    good = check("expect_column_to_exist", column="amount")
    line(folder, content=suite(good, broken))
    written = (folder / "suite.json").read_text().splitlines()
    second = [number for number, text in enumerate(written, start=1) if text.startswith("  ") and text[2] in '{"'][-1]
    assert told(folder) == [(code, "suite.json", second)]
    assert said in sentences(folder)


def test_the_line_and_column_of_a_check_are_those_of_the_file(folder):
    odd = '{"type": "expect_column_to_exist", "kwargs": {"column": "a\\"]}"}}'
    content = f'{{"expectations": [\n  {odd},\n   {{"type": "x", "kwargs": {{}}}}]}}'
    line(folder, content=content)
    (found,) = look_at([folder], Choice())[0]
    assert (found.place.line, found.place.column) == (3, 4)


def test_equal_ids_and_equal_checks_are_told(folder):
    one = check("expect_column_to_exist", {"id": "x", "severity": "block"}, column="amount")
    line(folder, content=suite(one, one, check("expect_column_to_exist", {"id": "x"}, column="b")))
    assert [code for code, *_ in told(folder)] == ["DO208", "DO210", "DO208"]


def test_what_a_contract_asks_and_nobody_checks_is_a_note_at_its_column(folder):
    rule = "logicalType: number\n        quality: [{type: text, description: People must like it.}]"
    content = CONTRACT.replace("logicalType: number", rule)
    line(folder, "'contract.yaml'")
    (folder / "contract.yaml").write_text(content)
    (folder / "suite.json").unlink()
    assert told(folder) == [("DO209", "contract.yaml", 9)]


def test_a_suite_that_drifted_from_its_contract_is_told(folder):
    checks = [
        check("expect_column_values_to_not_be_null", column="amuont"),
        check("expect_column_values_to_match_regex", column="amount", regex="^x"),
        check("expect_column_mean_to_be_between", column="amount", max_value=3),
    ]
    line(folder, content=suite(*checks))
    (folder / "contract.yaml").write_text(CONTRACT)
    assert [found[:2] for found in told(folder)] == [
        ("DO402", "contract.yaml"),
        ("DO401", "suite.json"),
        ("DO403", "suite.json"),
    ]
    assert told(folder)[0][2] == 11


def test_a_contract_that_judges_its_own_data_is_enough(folder):
    line(folder, "'contract.yaml#orders'")
    (folder / "contract.yaml").write_text(CONTRACT)
    (folder / "suite.json").unlink()
    assert told(folder) == []


@pytest.mark.parametrize("named", ["contract.yaml#stock", "contract.yaml"])
def test_an_object_that_a_contract_does_not_have_is_told_with_those_it_has(folder, named):
    line(folder, repr(named))
    (folder / "suite.json").unlink()
    (folder / "contract.yaml").write_text(CONTRACT + "  - name: returns\n    properties: []\n")
    assert "DO102" in {code for code, *_ in told(folder)}
    assert "it has orders, returns. name one after the file: contract.yaml#orders" in sentences(folder)


def test_the_line_of_stations_is_looked_at_as_a_whole(folder):
    line(folder)
    (folder / "unused.json").write_text(json.dumps(SUITE))
    (folder / "more.py").write_text(
        HEAD
        + """
taken = SnapshotDatasetOperator(task_id="s", dataset="order", path="/in.csv")
lonely = QualityGateOperator(task_id="g", snapshot=taken.output, suite="suite.json")
chain(taken, lonely)
PublishDatasetOperator(task_id="p", dataset="orders", gate=taken.output)
"""
    )
    assert told(folder) == [
        ("DO301", "more.py", 8),
        ("DO302", "more.py", 10),
        ("DO306", "more.py", 10),
        ("DO305", "more.py", 10),
        ("DO304", "unused.json", 1),
    ]


def test_a_gate_whose_output_goes_to_a_function_of_the_users_own_is_no_finding(folder):
    line(folder)
    text = (folder / "line.py").read_text()
    (folder / "line.py").write_text(
        text.replace("publish = Publish", "load(gate.output)\n#").replace('"orders"', '"o"')
    )
    assert told(folder) == []


def test_what_is_absent_is_not_told_of_single_files(folder):
    line(folder)
    (folder / "line.py").write_text((folder / "line.py").read_text().partition("publish =")[0])
    assert told(folder / "line.py") == []
    assert told(folder) == [("DO301", "line.py", 8)]


def test_a_comment_silences_its_line_and_options_silence_codes(folder):
    line(folder, "'gone.json'")
    assert [code for code, *_ in told(folder)] == ["DO101", "DO304"]
    assert [code for code, *_ in told(folder, choice=Choice(ignore=("DO3",)))] == ["DO101"]
    assert [code for code, *_ in told(folder, choice=Choice(select=("DO304",)))] == ["DO304"]
    assert [code for code, *_ in told(folder, choice=Choice(per_file={"dags/*.json": ("DO304",)}))] == ["DO101"]
    text = (folder / "line.py").read_text()
    for comment, left in (("ignore[DO101]", 1), ("ignore", 1), ("ignore[do101, DO999]", 1), ("ignore[DO102]", 2)):
        (folder / "line.py").write_text(text.replace("'gone.json')", f"'gone.json')  # dataops: {comment}"))
        assert len(told(folder)) == left


def test_an_unknown_code_is_refused():
    with pytest.raises(BrokenCheckError, match="Got the code 'DO999'"):
        Choice(ignore=("DO999",))


def test_a_path_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(BrokenCheckError, match="There is nothing at"):
        look_at([tmp_path / "gone"], Choice())


TABLES = """
from airflow_dataops.operators.table import LoadTableOperator, PublishTableOperator
TABLE = {"table": "orders", "sql_conn_id": "warehouse"}
@task.quality_gate(dataset="orders", suite="suite.json")
def orders(path): ...
load = LoadTableOperator(task_id="l", gate=orders("/in.csv"), table="orders", sql_conn_id="warehouse")
PublishTableOperator(task_id="p", load=load.output, table="orders", sql_conn_id="warehouse")
"""


def test_tables_and_decorated_gates_are_part_of_the_line(folder):
    line(folder)
    (folder / "line.py").write_text(HEAD + TABLES)
    assert told(folder) == []
    (folder / "more.py").write_text(HEAD + TABLES.replace('gate=orders("/in.csv")', "gate=other.output"))
    assert [found for found in told(folder) if found[1] == "more.py"] == [("DO302", "more.py", 12)]


def test_a_decorated_gate_judges_what_it_is_called_with(folder):
    line(folder)
    calls = """
@task.quality_gate(suite="suite.json", dataset="{{ params.name }}")
def judge(rows): ...
taken = SnapshotDatasetOperator(task_id="s", dataset="stock", path="/in.csv")
PublishDatasetOperator(task_id="p", dataset="stocks", gate=judge(taken.output))
"""
    (folder / "line.py").write_text(HEAD + calls)
    assert told(folder) == [("DO103", "line.py", 7), ("DO306", "line.py", 10)]


# -- hostile files ----------------------------------------------------------------------------------------

BOMB = "expectations: &a []\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n" + "".join(
    f"{chr(c)}: &{chr(c)} [{','.join([f'*{chr(c - 1)}'] * 9)}]\n" for c in range(ord("c"), ord("k"))
)


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("bad.py", b"def f(:\n", "DO001"),
        ("nul.py", b"x = 1\0", "DO003"),
        ("cookie.py", b"# -*- coding: klingon -*-\n", "DO001"),
        ("latin.py", "x = 'é'".encode("latin-1"), "DO001"),
        ("deep.py", b"airflow_dataops = " + b"-" * 50_000 + b"1", "DO003"),
        ("long.py", b"airflow_dataops = " + b"'a'+" * 990 + b"'a'", "DO003"),
        ("sum.py", b"airflow_dataops = " + b"'a'+" * 20_000 + b"'a'", "DO003"),
        ("suite.json", b'{"expectations": [', "DO002"),
        ("suite.json", '{"expectations": "é"}'.encode("latin-1"), "DO002"),
        ("suite.json", b'{"expectations": []}', "DO201"),
        ("suite.json", b'{"expectations": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "DO201"),
        ("suite.yaml", b"expectations: [a: b: c", "DO002"),
        ("suite.yaml", b"expectations: &a [*a]", "DO201"),
        ("suite.yaml", BOMB.encode(), "DO201"),
        ("suite.yaml", b"\xff\xfe\0e", "DO003"),
        ("contract.yaml", b"kind: DataContract\napiVersion: v9", "DO201"),
        ("contract.yaml", b"kind: DataContract\napiVersion: v3.1.0\nschema: [{name: a, properties: 5}]", "DO201"),
        ("contract.yaml", b"kind: DataContract\napiVersion: v3.1.0\nschema: 3", "DO201"),
        ("huge.json", b'{"expectations": ' + b" " * (5 << 20) + b"}", "DO003"),
    ],
)
def test_a_hostile_file_is_a_finding_and_never_a_traceback(folder, name, content, code):
    (folder / name).write_bytes(content)
    found, _ = look_at([folder], Choice())
    assert code in {one.code for one in found}
    assert all(len(one.sentence) < 800 for one in found)


def test_links_in_circles_end_and_broken_ones_are_notes(folder):
    line(folder)
    (folder / "circle").symlink_to(folder)
    (folder / "gone.py").symlink_to(folder / "nowhere.py")
    os.mkfifo(folder / "pipe.json")
    assert sorted(found[:2] for found in told(folder)) == [("DO003", "gone.py"), ("DO003", "pipe.json")]


def test_files_that_are_no_suites_are_left_alone(folder):
    line(folder)
    (folder / "values.yaml").write_text("a: 1\n---\nb: 2\n")
    (folder / "broken.json").write_text("{")
    (folder / "list.json").write_text("[]")
    assert told(folder) == []


def test_a_file_that_a_dag_names_must_be_a_suite(folder):
    line(folder, "'values.yaml'")
    (folder / "values.yaml").write_text("a: 1\n")
    (folder / "suite.json").unlink()
    assert [found[:2] for found in told(folder)] == [("DO201", "values.yaml")]


def test_texts_that_grow_without_end_are_given_up(folder):
    grow = "x = 'airflow_dataops'\n" + "x = x + x\n" * 200 + "p = Path('a')\n" + "p = p / p\n" * 200
    lists = "y = [x, x]\n" + "y = [y, y]\n" * 200 + "print(y)\n"
    (folder / "grow.py").write_text(HEAD + grow + lists)
    assert told(folder) == []
