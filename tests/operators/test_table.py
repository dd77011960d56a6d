from __future__ import annotations

import json

import pandas as pd
import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_dataops.core.table import TableName
from airflow_dataops.exceptions import OutageError
from airflow_dataops.hooks.ledger_store import LedgerStore
from airflow_dataops.hooks.table import open_tables
from airflow_dataops.hooks.table_swap import TableSwap
from airflow_dataops.operators.table import table_asset
from tests.support.deaths import killed
from tests.support.tables import query, whole

HOSTILE = ["orders", 'o"; DROP TABLE x; --', "new\nline", "größe %s", "it's", "ä" * 31]
MODES = ["rename", "view"]


def content(table: str = "orders") -> tuple[int, set[int]]:
    found = query("SELECT v FROM {table}", TableName(table))
    return len(found), {v for (v,) in found}


@pytest.mark.parametrize("mode", MODES)
def test_versions_follow_each_other_and_only_those_to_keep_stay(any_shop, line, ledger, mode):
    orders = line(mode=mode)
    for number in (1, 2, 3, 4):
        result = orders.publish(str(number), whole(number), keep=2)
        assert (result["version"], result["rows"]) == (number, number * 10)
        assert content() == (number * 10, {number})
    kept = ["orders", "orders__v2", "orders__v3"]
    assert orders.tables() == (kept if mode == "rename" else [*kept, "orders__v4"])
    assert ledger.pointer("table/shop/-/orders").value["version"] == 4
    assert [row.event.payload["version"] for row in ledger.events(kind="table.published")] == [1, 2, 3, 4]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", HOSTILE)
def test_names_of_tables_may_be_hostile(any_shop, line, name, mode):
    orders = line(name, mode=mode)
    for number in (1, 2):
        orders.publish(str(number), whole(number))
    assert content(name) == (20, {2})
    assert orders.rollback("back")["version"] == 1
    assert content(name) == (10, {1})


@pytest.mark.parametrize("mode", MODES)
def test_a_column_that_is_new_comes_last_and_going_back_does_not_break_readers(any_shop, line, mode):
    orders = line(mode=mode)
    orders.publish("1", whole(1))
    orders.publish("2", whole(2).assign(note="x")[["note", "v", "id"]])
    with open_tables("shop") as database, database.look("the test") as connection:
        assert list(database.run(connection, "SELECT * FROM orders").keys()) == ["id", "v", "note"]
    orders.rollback("back")
    assert content() == (10, {1})
    orders.publish("3", whole(3).assign(note="y"))
    assert query("SELECT count(*), min(note) FROM orders") == [(30, "y")]


def test_a_column_that_is_lost_is_refused_because_readers_may_use_it(any_shop, line):
    orders = line()
    orders.publish("1", whole(1))
    with pytest.raises(AirflowFailException, match="have no column 'v', which orders has"):
        orders.load("2", whole(2)[["id"]])
    assert content() == (10, {1})
    assert orders.tables() == ["orders"]


@pytest.mark.parametrize("mode", MODES)
def test_an_empty_version_is_a_version(any_shop, line, mode):
    orders = line(mode=mode)
    orders.publish("1", whole(1))
    assert orders.publish("2", whole(2, rows=0).astype("int64"))["rows"] == 0
    assert content() == (0, set())


def test_keys_and_defaults_of_an_sqlite_table_are_carried_over(sqlite_shop, line):
    query("CREATE TABLE \"orders\" (id INTEGER PRIMARY KEY, v INTEGER NOT NULL CHECK (v > 0), seen TEXT DEFAULT 'now')")
    query("CREATE UNIQUE INDEX [by id, v] ON orders (v, id) WHERE v > 0")
    orders = line()
    for number in (1, 2):
        orders.publish(str(number), whole(number))
    assert query("SELECT DISTINCT seen FROM orders") == [("now",)]
    assert query("SELECT \"unique\", partial FROM pragma_index_list('orders')") == [(1, 1)]
    with pytest.raises(AirflowFailException, match="violate a constraint of the table they are to replace"):
        orders.load("3", pd.DataFrame({"id": [1, 1], "v": [1, 1]}))
    assert content() == (20, {2})


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("owner", "method", "when"),
    [
        (TableSwap, "publish", "before"),
        (TableSwap, "publish", "after"),
        (LedgerStore, "move_pointer", "after"),
        (TableSwap, "prune", "after"),
        (LedgerStore, "complete", "after"),
    ],
)
def test_a_kill_anywhere_and_a_retry_publish_exactly_once(
    any_shop, line, ledger, make_context, mode, owner, method, when
):
    orders = line(mode=mode)
    orders.publish("1", whole(1))
    station = orders.publisher(orders.load("2", whole(2)))
    killed(owner, method, when, lambda: station.execute(make_context("publish", run_id="2")))
    result = station.execute(make_context("publish", run_id="2", number=2))
    assert (result["version"], result["pointer"]["version"]) == (2, 2)
    assert content() == (20, {2})
    told = [row.event.payload for row in ledger.events(kind="table.published")]
    assert [one["version"] for one in told] == [1, 2]
    assert told[1]["previous"]["version"] == 1
    assert ledger.pointer("table/shop/-/orders").value["version"] == 2
    assert orders.tables() == (["orders", "orders__v1"] if mode == "rename" else ["orders", "orders__v1", "orders__v2"])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("owner", "method", "when"),
    [(TableSwap, "roll_back", "before"), (TableSwap, "roll_back", "after"), (LedgerStore, "complete", "after")],
)
def test_a_kill_anywhere_and_a_retry_go_back_exactly_once(
    any_shop, line, ledger, make_context, mode, owner, method, when
):
    orders = line(mode=mode)
    for number in (1, 2, 3):
        orders.publish(str(number), whole(number))
    killed(owner, method, when, lambda: orders.rollback("back", reason="wrong prices"))
    from airflow_dataops.operators.table_rollback import RollbackTableOperator

    station = RollbackTableOperator(task_id="back", **orders.place, reason="wrong prices")
    result = station.execute(make_context("back", run_id="back", number=2))
    assert (result["version"], result["from_version"]) == (2, 3)
    assert content() == (20, {2})
    assert len(ledger.events(kind="table.rolled_back")) == 1
    assert ledger.pointer("table/shop/-/orders").version == 4


def test_a_load_killed_anywhere_starts_its_staging_table_anew(any_shop, line, make_context, ledger):
    from airflow_dataops.hooks.table import TableDatabase

    orders = line()
    station = orders.loader(orders.snapshot("1", whole(1)))
    killed(TableDatabase, "count", "before", lambda: station.execute(make_context("load", run_id="1")))
    killed(LedgerStore, "complete", "before", lambda: station.execute(make_context("load", run_id="1", number=2)))
    result = station.execute(make_context("load", run_id="1", number=3))
    assert orders.tables() == [result["staging"]]
    assert query("SELECT count(*) FROM {table}", TableName(result["staging"])) == [(10,)]
    assert len(ledger.events(kind="table.loaded")) == 1


def test_clearing_a_publication_changes_nothing_and_clearing_its_load_too_publishes_anew(any_shop, line, make_context):
    orders = line()
    loaded = orders.load("1", whole(1))
    station = orders.publisher(loaded)
    first = station.execute(make_context("publish", run_id="1"))
    assert station.execute(make_context("publish", run_id="1", number=2, max_tries=4)) == first
    again = orders.loader(loaded["source"]).execute(make_context("load", run_id="1", number=2, max_tries=4))
    third = orders.publisher(again).execute(make_context("publish", run_id="1", number=3, max_tries=6))
    assert (third["version"], content()) == (2, (10, {1}))


def test_the_slower_of_two_runs_is_refused_and_its_staging_table_dropped(any_shop, line, make_context):
    orders = line()
    slow, fast = orders.load("slow", whole(1)), orders.load("fast", whole(2))
    orders.publisher(fast).execute(make_context("publish", run_id="fast"))
    with pytest.raises(AirflowFailException, match="moved to version 1 while version 0 was expected"):
        orders.publisher(slow).execute(make_context("publish", run_id="slow"))
    assert content() == (20, {2})
    assert orders.tables() == ["orders"]


def test_a_run_that_died_unrecorded_is_seen_by_the_next_one(any_shop, line, make_context, ledger):
    orders = line()
    late = orders.load("late", whole(2))
    died = orders.publisher(orders.load("died", whole(1)))
    killed(TableSwap, "publish", "after", lambda: died.execute(make_context("publish", run_id="died")))
    with pytest.raises(AirflowFailException, match="published or rolled back by another run meanwhile"):
        orders.publisher(late).execute(make_context("publish", run_id="late"))
    assert content() == (10, {1})
    assert orders.publish("next", whole(3))["version"] == 2
    assert ledger.pointer("table/shop/-/orders").value["version"] == 2
    assert died.execute(make_context("publish", run_id="died", number=2))["version"] == 1
    assert content() == (30, {3})
    assert ledger.pointer("table/shop/-/orders").value["version"] == 2


@pytest.mark.parametrize(
    "change",
    ["DROP TABLE orders", "ALTER TABLE orders ADD COLUMN late INTEGER", "CREATE INDEX late ON orders (v)"],
)
def test_a_table_that_somebody_changed_during_the_run_is_not_replaced(any_shop, line, make_context, change):
    orders = line()
    orders.publish("1", whole(1))
    loaded = orders.load("2", whole(2))
    query(change)
    with pytest.raises(AirflowFailException, match="Somebody made, replaced or altered the table orders"):
        orders.publisher(loaded).execute(make_context("publish", run_id="2"))
    assert orders.tables() == ([] if change.startswith("DROP") else ["orders"])


def test_a_staging_table_that_is_gone_or_changed_is_not_published(any_shop, line, make_context):
    orders = line()
    orders.publish("1", whole(1))
    loaded = orders.load("2", whole(2))
    query("DELETE FROM {table} WHERE id = 1", TableName(loaded["staging"]))
    with pytest.raises(AirflowFailException, match="has 19 rows instead of 20"):
        orders.publisher(loaded).execute(make_context("publish", run_id="2"))
    query("DROP TABLE {table}", TableName(loaded["staging"]))
    with pytest.raises(AirflowFailException, match=r"is gone(.|\n)*clear the task that loads it"):
        orders.publisher(loaded).execute(make_context("publish", run_id="2", number=2))
    assert content() == (10, {1})


def test_a_view_is_no_table_and_a_table_no_view(any_shop, line):
    query("CREATE TABLE orders (id INTEGER, v INTEGER)")
    with pytest.raises(AirflowFailException, match=r"orders is a table(.|\n)*rename it"):
        line(mode="view").publish("1", whole(1))
    query("DROP TABLE orders")
    query("CREATE VIEW orders AS SELECT 1 AS id, 2 AS v")
    with pytest.raises(AirflowFailException, match=r'orders is a view(.|\n)*mode="view"'):
        line().publish("2", whole(1))


def test_stagings_of_runs_that_were_given_up_go_with_the_next_publication(any_shop, line):
    orders = line()
    given_up = orders.load("given up", whole(1))
    orders.publish("2", whole(2))
    assert given_up["staging"] not in orders.tables()


def test_going_back_names_the_versions_that_are_kept(any_shop, line):
    orders = line()
    with pytest.raises(AirflowFailException, match="kept besides are none"):
        orders.rollback("nothing")
    for number in (1, 2, 3):
        orders.publish(str(number), whole(number))
    assert orders.rollback("far", to_version="1")["version"] == 1
    with pytest.raises(AirflowFailException, match=r"cannot go back to version 9(.|\n)*kept besides are 2, 3"):
        orders.rollback("unknown", to_version=9)
    assert orders.rollback("forth", to_version=3)["version"] == 3
    assert content() == (30, {3})


def test_the_asset_is_told_and_xcom_stays_small(any_shop, line, make_context):
    orders = line()
    loaded = orders.load("1", whole(1))
    context = make_context("publish", run_id="1")
    result = orders.publisher(loaded).execute(context)
    assert context["outlet_events"][table_asset("orders", "shop")].extra == {
        "table": "orders",
        "schema": None,
        "version": 1,
        "rows": 10,
        "verdict": "publish",
    }
    assert max(len(json.dumps(one)) for one in (loaded, result)) < 2000


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"mode": "magic"}, "mode='magic'"),
        ({"keep": -1}, "keep=-1"),
        ({"table": "others"}, "was loaded for .*orders.*not for .*others"),
        ({"load": "None"}, "pass the output of a LoadTableOperator"),
    ],
)
def test_options_that_mean_nothing_are_refused(sqlite_shop, line, options, said, make_context):
    loaded = line().load("1", whole(1))
    with pytest.raises(AirflowFailException, match=said):
        line().publisher(**{"load": loaded, **options}).execute(make_context("publish", run_id="1"))


def test_a_locked_sqlite_database_is_an_outage_and_nothing_changes(sqlite_shop, line, make_context):
    import sqlite3

    orders = line()
    orders.publish("1", whole(1))
    loaded = orders.load("2", whole(2))
    other = sqlite3.connect(sqlite_shop.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    station = orders.publisher(loaded, lock_seconds=0.1)
    with pytest.raises(OutageError, match="others hold the table orders"):
        station.execute(make_context("publish", run_id="2"))
    other.execute("ROLLBACK")
    other.close()
    assert content() == (10, {1})
    assert station.execute(make_context("publish", run_id="2", number=2))["version"] == 2


def test_a_table_without_a_ledger_is_published_all_the_same(any_shop, line, make_context):
    orders = line(ledger_conn_id=None)
    for number in (1, 2):
        assert orders.publish(str(number), whole(number))["version"] == number
    assert content() == (20, {2})


def test_of_many_runs_that_publish_at_once_exactly_one_wins(any_shop, line, make_context):
    from concurrent.futures import ThreadPoolExecutor

    orders = line()
    loads = {str(number): orders.load(str(number), whole(number)) for number in range(1, 6)}

    def publish(run: str) -> str:
        try:
            orders.publisher(loads[run]).execute(make_context("publish", run_id=run))
        except AirflowFailException as error:
            return "refused" if "meanwhile" in str(error) or "was expected" in str(error) else str(error)
        return run

    with ThreadPoolExecutor(5) as pool:
        told = list(pool.map(publish, loads))
    (winner,) = [one for one in told if one != "refused"]
    assert content() == (10 * int(winner), {int(winner)})
    assert orders.tables() == ["orders"]


@pytest.mark.parametrize("mode", MODES)
def test_names_of_columns_may_be_hostile_and_long_ones_are_refused(any_shop, line, mode):
    name, orders = 'a"; DROP TABLE x;\n-- %s é', line(mode=mode)
    for number in (1, 2):
        orders.publish(str(number), whole(number).assign(**{name: "x"}))
    query("CREATE INDEX odd ON {table} (v)", TableName("orders" if mode == "rename" else "orders__v2"))
    orders.publish("3", whole(3).assign(**{name: "y"}))
    assert content() == (30, {3})
    with pytest.raises(AirflowFailException, match="more than 63 bytes"):
        orders.load("4", whole(4).assign(**{name: "y", "é" * 32: 1}))


def test_values_of_every_type_arrive(any_shop, line, tmp_path):
    from datetime import UTC, date, datetime, time
    from decimal import Decimal

    row = {
        "i": 2**62,
        "f": float("inf"),
        "n": None,
        "b": True,
        "d": date(2026, 2, 28),
        "t": datetime(2026, 2, 28, 1, 2, 3, 456789),  # noqa: DTZ001 - a time without a zone is meant
        "z": datetime(2026, 2, 28, 1, 2, 3, tzinfo=UTC),
        "h": time(1, 2, 3),
        "c": Decimal("12345678901234567890.12"),
        "x": b"\x00\xff\n\\",
        "s": "tab\t, \\N, newline\n, é",
        "l": [1, None],
        "r": {"k": "v"},
    }
    orders = line()
    orders.publish("1", pd.DataFrame([row] * 2))
    (found, _) = query("SELECT * FROM orders")
    kept = dict(zip(row, found, strict=True))
    exact = ["i", "f", "n", "b", "x", "s"] if any_shop.startswith("sqlite") else set(row) - {"l", "r"}
    assert {name: kept[name] for name in exact} == {name: row[name] for name in exact}
    assert (json.loads(kept["l"]), json.loads(kept["r"])) == ([1, None], {"k": "v"})
    assert str(kept["d"]) == "2026-02-28"
    assert str(kept["t"]) == "2026-02-28 01:02:03.456789"


def test_a_text_that_the_database_cannot_hold_is_told_without_retry(postgres_shop, line):
    with pytest.raises(AirflowFailException, match=r"cannot be changed as asked: .*NUL"):
        line().load("1", pd.DataFrame({"s": ["a\x00b"]}))


def test_a_rollback_that_was_overtaken_looks_anew_when_it_is_cleared(any_shop, line, make_context, ledger, monkeypatch):
    orders = line()
    for number in (1, 2):
        orders.publish(str(number), whole(number))
    roll_back = TableSwap.roll_back

    def overtaken(swap, *arguments):
        monkeypatch.setattr(TableSwap, "roll_back", roll_back)
        orders.publish("3", whole(3))
        return roll_back(swap, *arguments)

    monkeypatch.setattr(TableSwap, "roll_back", overtaken)
    with pytest.raises(AirflowFailException, match="by another run meanwhile"):
        orders.rollback("back")
    assert content() == (30, {3})
    assert orders.rollback("back")["version"] == 2


def test_rows_without_their_parents_are_a_judgement_on_sqlite_too(sqlite_shop, line):
    query("CREATE TABLE customers (id INTEGER PRIMARY KEY)")
    query("CREATE TABLE orders (id INTEGER PRIMARY KEY REFERENCES customers (id), v INTEGER)")
    orders = line()
    with pytest.raises(AirflowFailException, match=r"10 rows of .* violate a constraint"):
        orders.load("1", whole(1))
    assert orders.tables() == ["orders"]


def test_a_trigger_on_an_sqlite_table_is_named(sqlite_shop, line):
    query("CREATE TABLE orders (id INTEGER, v INTEGER)")
    query("CREATE TRIGGER noisy AFTER INSERT ON orders BEGIN SELECT 1; END")
    with pytest.raises(AirflowFailException, match="the trigger noisy would stay with the old table"):
        line().publish("1", whole(1))


def test_no_other_table_takes_the_place_of_the_target(sqlite_shop, line, make_context):
    query("CREATE TABLE customers (id INTEGER)")
    loaded = {**line().load("1", whole(1)), "staging": "customers", "rows": 0}
    with pytest.raises(AirflowFailException, match="'customers' was loaded for"):
        line().publisher(loaded).execute(make_context("publish", run_id="1"))
