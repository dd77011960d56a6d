"""What PostgreSQL's tables have besides rows, and how its refusals are told."""

from __future__ import annotations

import secrets
from decimal import Decimal

import pandas as pd
import psycopg
import pytest
import sqlalchemy
from airflow.sdk.exceptions import AirflowFailException

from airflow_dataops.core.table import TableName
from airflow_dataops.exceptions import OutageError
from airflow_dataops.operators.table_rollback import RollbackTableOperator
from tests.support.tables import connection_of, query, whole

pytestmark = pytest.mark.postgres

ORDERS = """
CREATE SEQUENCE numbers;
CREATE TABLE customers (id bigint PRIMARY KEY);
INSERT INTO customers SELECT generate_series(0, 99);
CREATE TABLE orders (
    id bigint CONSTRAINT "orders key" PRIMARY KEY REFERENCES customers (id),
    v integer NOT NULL CONSTRAINT positive CHECK (v > 0),
    number bigint DEFAULT nextval('numbers'),
    price numeric(9, 2) DEFAULT 0.10,
    UNIQUE (v, id)
);
ALTER SEQUENCE numbers OWNED BY orders.number;
CREATE INDEX "by v; --" ON orders USING btree (v DESC) WHERE v > 1;
COMMENT ON TABLE orders IS 'what was ordered; it''s ours';
COMMENT ON COLUMN orders.v IS 'the version';
"""
SHAPE = """
SELECT 'index', indexname, indexdef FROM pg_indexes WHERE tablename = 'orders'
UNION ALL SELECT 'rule', conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE conrelid = 'orders'::regclass AND contype <> 'n'
UNION ALL SELECT 'column', attname, concat_ws(' ', format_type(atttypid, atttypmod), attnotnull, attnum,
    pg_get_expr(adbin, adrelid), col_description(attrelid, attnum))
FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
WHERE attrelid = 'orders'::regclass AND attnum > 0
UNION ALL SELECT 'comment', '', obj_description('orders'::regclass)
UNION ALL SELECT 'sequence', pg_get_serial_sequence('orders', 'number'), ''
ORDER BY 1, 2
"""
GRANTS = """
SELECT grantee, privilege_type, is_grantable FROM information_schema.role_table_grants
WHERE table_name = 'orders' AND grantee NOT IN (SELECT current_user)
UNION ALL SELECT grantee, privilege_type || ' ' || column_name, is_grantable
FROM information_schema.role_column_grants WHERE table_name = 'orders' AND privilege_type = 'UPDATE'
AND grantee NOT IN (SELECT current_user) ORDER BY 1, 2
"""


@pytest.fixture
def role(postgres_shop):
    """Give a role of the test's own that may log in and nothing else."""
    name = f"clerk_{secrets.token_hex(4)}"
    with psycopg.connect(postgres_shop.replace("+psycopg", ""), autocommit=True) as server:
        server.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'clerk'")
        yield name
        server.execute(f"DROP OWNED BY {name}")
        server.execute(f"DROP ROLE {name}")


def as_role(role: str, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the connection `shop` log in as the role."""
    parts = sqlalchemy.engine.make_url(url).set(username=role, password="clerk")
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", connection_of(parts.render_as_string(hide_password=False)))


def test_keys_indexes_defaults_comments_and_sequences_are_carried_over_and_back(postgres_shop, line):
    for statement in ORDERS.strip().split(";\n"):
        query(statement)
    shape, orders = query(SHAPE), line()
    for number in (1, 2, 3):
        orders.publish(str(number), whole(number), keep=1)
        assert query(SHAPE) == shape
    assert query("SELECT count(*), count(DISTINCT number), min(price) FROM orders") == [(30, 30, Decimal("0.10"))]
    orders.rollback("back")
    assert query(SHAPE) == shape
    assert query("SELECT count(*) FROM orders") == [(20,)]


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (pd.DataFrame({"id": [1, 1], "v": [2, 2]}), "could not create unique index"),
        (pd.DataFrame({"id": [1], "v": [-1]}), "violates check constraint"),
        (pd.DataFrame({"id": [1, 2], "v": [None, 2]}).astype({"v": "Int64"}), "violates not-null constraint"),
        (pd.DataFrame({"id": [100], "v": [1]}), "violates foreign key constraint"),
    ],
)
def test_rows_that_violate_a_constraint_are_a_judgement_and_leave_nothing(postgres_shop, line, frame, said):
    for statement in ORDERS.strip().split(";\n"):
        query(statement)
    orders = line()
    with pytest.raises(AirflowFailException, match=f"violate a constraint of the table they are to replace: .*{said}"):
        orders.load("1", frame)
    assert orders.tables() == ["orders"]


def test_rows_that_do_not_fit_the_types_are_told_without_their_values(postgres_shop, line):
    query("CREATE TABLE orders (id bigint, v date)")
    with pytest.raises(AirflowFailException, match="compare the columns and types") as raised:
        line().load("1", pd.DataFrame({"id": [1], "v": ["Mrs Robinson"]}))
    assert "Robinson" not in str(raised.value)


def test_owner_and_grants_are_carried_over_no_more_and_no_fewer(postgres_shop, line, role):
    query("CREATE TABLE orders (id bigint, v bigint)")
    query(f"GRANT SELECT ON orders TO {role} WITH GRANT OPTION")
    query(f"GRANT UPDATE (v) ON orders TO {role}")
    query("GRANT INSERT ON orders TO PUBLIC")
    query(f"ALTER DEFAULT PRIVILEGES GRANT DELETE ON TABLES TO {role}")
    grants, orders = query(GRANTS), line()
    assert len(grants) == 3
    orders.publish("1", whole(1))
    assert query(GRANTS) == grants
    query(f"REVOKE SELECT ON orders FROM {role}")
    query(f"ALTER TABLE orders OWNER TO {role}")
    changed = query(GRANTS)
    orders.rollback("back")
    assert query(GRANTS) == changed
    assert query("SELECT tableowner FROM pg_tables WHERE tablename = 'orders'") == [(role,)]


HINDRANCES = {
    "the view report": "CREATE VIEW report AS SELECT v FROM orders",
    "the view kept": "CREATE MATERIALIZED VIEW kept AS SELECT v FROM orders",
    "the foreign key of items": "CREATE TABLE items (o bigint REFERENCES orders (id))",
    "the function f": "CREATE FUNCTION f() RETURNS SETOF orders LANGUAGE sql AS 'SELECT * FROM orders'",
    "its row security": "ALTER TABLE orders ENABLE ROW LEVEL SECURITY",
    "the policy mine": "CREATE POLICY mine ON orders USING (v = 1)",
    "the trigger noisy": (
        "CREATE FUNCTION noise() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
        "CREATE TRIGGER noisy BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION noise()"
    ),
    "the rule loud": "CREATE RULE loud AS ON INSERT TO orders DO ALSO NOTIFY orders",
    "the table child, which inherits from it": "CREATE TABLE child () INHERITS (orders)",
    "the generated column g": "ALTER TABLE orders ADD g bigint GENERATED ALWAYS AS (v + 1) STORED",
    "the replication of feed": "CREATE PUBLICATION feed FOR TABLE orders",
}


@pytest.mark.parametrize("what", HINDRANCES)
def test_what_would_stay_with_the_old_table_is_named_before_anything_is_replaced(postgres_shop, line, what):
    query("CREATE TABLE orders (id bigint PRIMARY KEY, v bigint)")
    query(HINDRANCES[what])
    given = whole(1).assign(g=0) if "generated" in what else whole(1)
    with pytest.raises(AirflowFailException, match=rf"{what}(.|\n)*would stay with the old table(.|\n)*hint: "):
        line().publish("1", given)
    assert query("SELECT count(*) FROM orders") == [(0,)]


def test_views_over_a_view_stay_and_follow_it(postgres_shop, line, role):
    orders = line(mode="view")
    orders.publish("1", whole(1))
    query("CREATE VIEW report AS SELECT max(v) AS v FROM orders")
    query(f"GRANT SELECT ON orders TO {role}")
    for number in (2, 3, 4):
        orders.publish(str(number), whole(number))
        assert query("SELECT v FROM report") == [(number,)]
    orders.rollback("back")
    assert query("SELECT v FROM report") == [(3,)]
    assert (role, "SELECT", "NO") in query(GRANTS)


def test_a_schema_may_be_named_and_one_that_is_missing_is_told(postgres_shop, line):
    query('CREATE SCHEMA "ware; house"')
    orders = line(schema="ware; house")
    for number in (1, 2):
        orders.publish(str(number), whole(number))
    assert query("SELECT count(*) FROM {table}", TableName("orders", "ware; house")) == [(20,)]
    with pytest.raises(AirflowFailException, match=r'schema "nowhere" does not exist(.|\n)*hint: create the schema'):
        line(schema="nowhere").load("3", whole(3))


def test_a_role_without_rights_is_told_which_grant_helps(postgres_shop, line, role, monkeypatch):
    query("CREATE TABLE orders (id bigint, v bigint)")
    query(f"GRANT SELECT ON orders TO {role}")
    as_role(role, postgres_shop, monkeypatch)
    orders = line()
    with pytest.raises(AirflowFailException, match=r"may not change(.|\n)*GRANT USAGE, CREATE ON SCHEMA"):
        orders.load("1", whole(1))
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", connection_of(postgres_shop))
    query(f"GRANT CREATE ON SCHEMA public TO {role}")
    as_role(role, postgres_shop, monkeypatch)
    station = orders.publisher(orders.load("2", whole(2)))
    with pytest.raises(AirflowFailException, match=r"must be owner of table orders(.|\n)*GRANT the table's owner TO"):
        station.execute(orders.make_context("publish", run_id="2"))
    assert query("SELECT count(*) FROM orders") == [(0,)]
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", connection_of(postgres_shop))
    query(f"ALTER TABLE orders OWNER TO {role}")
    as_role(role, postgres_shop, monkeypatch)
    result = station.execute(orders.make_context("publish", run_id="2", number=2))
    assert (result["version"], query("SELECT count(*) FROM orders")) == (1, [(20,)])


def test_a_reader_that_holds_the_table_is_an_outage_and_the_retry_publishes(postgres_shop, line, make_context):
    orders = line()
    orders.publish("1", whole(1))
    station = orders.publisher(orders.load("2", whole(2)), lock_seconds=0.2)
    with psycopg.connect(postgres_shop.replace("+psycopg", "")) as reader:
        assert reader.execute("SELECT count(*) FROM orders").fetchone() == (10,)
        with pytest.raises(OutageError, match=r"others hold the table orders for longer than 0\.2 seconds"):
            station.execute(make_context("publish", run_id="2"))
        assert reader.execute("SELECT count(*) FROM orders").fetchone() == (10,)
    assert station.execute(make_context("publish", run_id="2", number=2))["version"] == 2


def test_a_transaction_older_than_the_rows_sees_a_whole_version_and_no_empty_table(postgres_shop, line):
    orders = line()
    orders.publish("1", whole(1))
    with psycopg.connect(postgres_shop.replace("+psycopg", "")) as reader:
        reader.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        reader.execute("SELECT 1")
        orders.publish("2", whole(2))
        assert reader.execute("SELECT count(*), min(v), max(v) FROM orders").fetchone() == (20, 2, 2)


def test_an_old_version_that_a_reader_still_holds_is_dropped_by_the_next_publication(postgres_shop, line, caplog):
    orders = line(mode="view")
    orders.publish("1", whole(1), keep=0)
    with psycopg.connect(postgres_shop.replace("+psycopg", "")) as reader:
        reader.execute("SELECT count(*) FROM orders__v1")
        assert orders.publish("2", whole(2), keep=0, lock_seconds=0.2)["version"] == 2
        assert "orders__v1" in orders.tables()
    orders.publish("3", whole(3), keep=0)
    assert orders.tables() == ["orders", "orders__v3"]


def test_a_database_that_is_down_is_an_outage(postgres_shop, line, make_context, monkeypatch):
    orders = line()
    station = orders.publisher(orders.load("1", whole(1)))
    down = sqlalchemy.engine.make_url(postgres_shop).set(port=1).render_as_string(hide_password=False)
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", connection_of(down))
    with pytest.raises(OutageError, match="'shop'"):
        station.execute(make_context("publish", run_id="1"))
    back = RollbackTableOperator(task_id="back", **orders.place)
    with pytest.raises(OutageError, match="'shop'"):
        back.execute(make_context("back"))


def test_an_old_version_on_which_a_view_depends_stays_and_stops_no_publication(postgres_shop, line):
    orders = line(mode="view")
    orders.publish("1", whole(1))
    query("CREATE VIEW history AS SELECT max(v) AS v FROM orders__v1")
    assert orders.publish("2", whole(2), keep=0)["version"] == 2
    assert query("SELECT v FROM history") == [(1,)]


def test_a_table_becomes_a_view_by_one_renaming_and_its_readers_keep_their_grants(postgres_shop, line, role):
    line().publish("1", whole(1))
    query(f"GRANT SELECT ON orders TO {role}")
    with pytest.raises(AirflowFailException, match=r"orders is a table(.|\n)*rename it, to 'orders__v1'"):
        line(mode="view").publish("2", whole(2))
    query("ALTER TABLE orders RENAME TO orders__v1")
    orders = line(mode="view")
    assert orders.publish("3", whole(3))["version"] == 2
    assert query(GRANTS) == [(role, "SELECT", "NO")]
    assert query("SELECT count(*) FROM orders") == [(30,)]
    assert orders.rollback("back")["version"] == 1
    assert query("SELECT count(*) FROM orders") == [(10,)]


def test_a_database_restored_from_an_older_backup_is_published_and_rolled_back_in_step(postgres_shop, line, ledger):
    orders = line(mode="view")
    for number in (1, 2, 3):
        orders.publish(str(number), whole(number))
    query("CREATE OR REPLACE VIEW orders AS SELECT * FROM orders__v2")
    query("DROP TABLE orders__v3")
    query("DELETE FROM __dataops_publications WHERE version = 3")
    orders.rollback("back")
    assert ledger.pointer("table/shop/-/orders").value["version"] == 1
    assert orders.publish("4", whole(4))["version"] == 3
    assert ledger.pointer("table/shop/-/orders").value["rows"] == 40
