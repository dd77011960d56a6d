from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import threading

import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from airflow_dataops.core.ledger import Attempt, Event, RunKey
from airflow_dataops.exceptions import BrokenCheckError, OutageError
from airflow_dataops.hooks import ledger_engine
from airflow_dataops.hooks.ledger_engine import create_ledger_engine, current_revision, shown_url, upgrade
from airflow_dataops.hooks.ledger_store import LedgerStore
from airflow_dataops.hooks.ledger_tables import VERSION_TABLE, metadata
from tests.support import ledger_workers as workers
from tests.support.together import run_together

RUN = RunKey("test", "line", "run", "station")


def drop_everything(url: str) -> None:
    engine = create_ledger_engine(url)
    with engine.connect().execution_options(dataops_write=True) as connection, connection.begin():
        metadata.drop_all(connection)
        connection.exec_driver_sql(f"DROP TABLE {VERSION_TABLE}")


# -- migrations ------------------------------------------------------------------------------------------------


def test_the_newest_migration_is_the_one_the_code_asks_for():
    config = Config()
    config.set_main_option("script_location", str(ledger_engine.MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [ledger_engine.HEAD_REVISION]


def test_migrations_make_the_tables_that_the_code_uses(any_ledger):
    def ours(name: str | None, kind: str, _parents: object) -> bool:
        return kind != "table" or name != VERSION_TABLE

    with any_ledger.engine.connect() as connection:
        options = {"compare_type": True, "compare_server_default": True, "include_name": ours}
        context = MigrationContext.configure(connection, opts={**options, "version_table": VERSION_TABLE})
        assert compare_metadata(context, metadata) == []


def test_tables_and_version_carry_our_prefix(any_ledger):
    names = sqlalchemy.inspect(any_ledger.engine).get_table_names()
    assert len(names) == 5
    assert all(name.startswith("dataops_") for name in names)


def test_upgrading_twice_keeps_what_is_there(any_ledger):
    any_ledger.append(Event("a.b", "c"))
    assert upgrade(any_ledger.engine) == upgrade(any_ledger.engine) == ledger_engine.HEAD_REVISION
    assert len(any_ledger.events()) == 1


def test_16_processes_upgrade_an_empty_ledger_at_once(any_ledger):
    drop_everything(any_ledger.url)
    assert current_revision(any_ledger.engine) is None
    assert run_together(workers.migrate, [(any_ledger.url,)] * 16) == [ledger_engine.HEAD_REVISION] * 16
    assert any_ledger.events() == []


def test_16_first_tasks_open_a_new_file_at_once(tmp_path):
    url = f"sqlite:///{tmp_path / 'new' / 'ledger.db'}"
    assert run_together(workers.append_events, [(url, number, 1) for number in range(16)]) == [1] * 16
    assert LedgerStore(url).chain_faults() == []


@pytest.mark.postgres
def test_a_teams_database_is_not_migrated_unasked(postgres_ledger_url):
    drop_everything(postgres_ledger_url)
    with pytest.raises(BrokenCheckError, match="has schema none") as refused:
        LedgerStore(postgres_ledger_url)
    assert "airflow-dataops ledger upgrade" in str(refused.value)
    assert "dataops:dataops@" not in str(refused.value)


def test_a_ledger_of_a_newer_version_is_refused(any_ledger):
    with any_ledger.engine.connect().execution_options(dataops_write=True) as connection, connection.begin():
        connection.exec_driver_sql(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    with pytest.raises(BrokenCheckError, match="has schema 9999"):
        LedgerStore(any_ledger.url)


# -- addresses -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "driver"),
    [
        ("postgresql://u:p@h/d", "postgresql+psycopg"),
        ("postgres://u:p@h/d", "postgresql+psycopg"),
        ("postgresql+psycopg2://u:p@h/d", "postgresql+psycopg2"),
        ("sqlite:////tmp/x.db", "sqlite"),
        ("sqlite+pysqlite:////tmp/x.db", "sqlite"),
    ],
)
def test_usual_spellings_of_an_address_are_understood(given, driver):
    assert ledger_engine.ledger_url(given).drivername == driver


@pytest.mark.parametrize(
    "url",
    [
        "mysql://u:secret@h/d",
        "nonsense:secret",
        "",
        "postgresql://u:secret@h:port/d",
        "postgresql+absent://u:secret@h/d",
        "postgresql://u:se@cret/secret@h/d",
    ],
)
def test_an_address_we_cannot_use_is_a_broken_check_without_the_password(url):
    with pytest.raises(BrokenCheckError) as refused:
        create_ledger_engine(url)
    assert "hint: " in str(refused.value)
    assert "secret" not in str(refused.value)


def test_a_password_among_the_options_of_an_address_is_not_shown():
    assert shown_url("postgresql://h/d?user=u&password=secret") == "postgresql://h/d"


def test_a_folder_with_a_percent_sign_holds_migrations_too(tmp_path, monkeypatch):
    folder = tmp_path / "100% ours"
    shutil.copytree(ledger_engine.MIGRATIONS, folder)
    monkeypatch.setattr(ledger_engine, "MIGRATIONS", folder)
    assert LedgerStore(f"sqlite:///{tmp_path / '50% ü' / 'ledger.db'}").events() == []


# -- outages ---------------------------------------------------------------------------------------------------


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_ledger_that_is_down_is_an_outage_that_names_it_without_the_password(closed_port):
    url = f"postgresql://dataops:secret-word@127.0.0.1:{closed_port}/ledger"
    with pytest.raises(OutageError) as outage:
        LedgerStore(url, conn_id="dataops_ledger")
    said = str(outage.value)
    assert f"The ledger at {shown_url(url)} (connection 'dataops_ledger') does not answer" in said
    assert f"127.0.0.1:{closed_port}/ledger" in said
    assert "secret-word" not in said
    assert outage.value.retry_helps


def test_upgrading_a_ledger_that_is_down_is_the_same_outage(closed_port):
    with pytest.raises(OutageError, match=f"127.0.0.1:{closed_port}"):
        upgrade(create_ledger_engine(f"postgresql://dataops:secret-word@127.0.0.1:{closed_port}/ledger"))


def test_a_server_that_accepts_and_says_nothing_is_an_outage(monkeypatch):
    monkeypatch.setattr(ledger_engine, "CONNECT_TIMEOUT_SECONDS", 2)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        with pytest.raises(OutageError, match=f"127.0.0.1:{port}"):
            LedgerStore(f"postgresql://dataops@127.0.0.1:{port}/ledger")


@pytest.mark.postgres
def test_a_wrong_password_is_told_without_the_password(postgres_ledger_url):
    url = sqlalchemy.engine.make_url(postgres_ledger_url).set(username="nobody", password="secret-word")
    with pytest.raises(OutageError, match="nobody") as outage:
        LedgerStore(url.render_as_string(hide_password=False))
    assert "secret-word" not in str(outage.value)


@pytest.mark.postgres
def test_a_connection_cut_in_the_middle_is_an_outage_and_the_next_write_goes_on(postgres_ledger_url):
    store = LedgerStore(postgres_ledger_url)
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = "
    with pytest.raises(OutageError), store._write() as connection:  # noqa: PT012 - it breaks at the last statement
        database = connection.exec_driver_sql("SELECT current_database()").scalar_one()
        with store._read() as other:
            other.exec_driver_sql(f"{cut}'{database}'")
        connection.exec_driver_sql("SELECT 1")
    store.append(Event("a.b", "c"))
    assert len(store.events()) == 1


def test_a_file_that_cannot_be_written_is_an_outage_that_says_so(tmp_path):
    path = tmp_path / "ledger.db"
    LedgerStore(f"sqlite:///{path}")
    # Root may write everything, so the file is opened as a user without the right would find it.
    read_only = f"sqlite:///file:{path}?mode=ro&uri=true"
    with pytest.raises(OutageError, match="attempt to write a readonly database"):
        LedgerStore(read_only).append(Event("a.b", "c"))


def test_a_full_disk_is_an_outage_and_nothing_is_half_written(tmp_path):
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    LedgerStore(url)
    code = """
import resource, signal, sys
from airflow_dataops.core.ledger import Event
from airflow_dataops.exceptions import OutageError
from airflow_dataops.hooks.ledger_store import LedgerStore
store = LedgerStore(sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
try:
    for number in range(100):
        store.append(Event("a.b", str(number), {"text": "x" * 10_000}))
except OutageError as error:
    print(error)
"""
    said = subprocess.run([sys.executable, "-c", code, url], capture_output=True, text=True, check=True, timeout=60)
    assert str(tmp_path / "ledger.db") in said.stdout, said
    assert "does not answer: " in said.stdout
    survivor = LedgerStore(url)
    assert survivor.chain_faults() == []
    before = len(survivor.events())
    survivor.append(Event("a.b", "after"))
    assert len(survivor.events()) == before + 1


def test_a_file_that_is_no_database_is_a_broken_check(tmp_path):
    path = tmp_path / "letter.db"
    path.write_text("this is not a database, it is a letter" * 100)
    with pytest.raises(BrokenCheckError, match="is not a whole ledger: file is not a database"):
        LedgerStore(f"sqlite:///{path}")


def test_a_writer_waits_for_another(tmp_path):
    store = LedgerStore(f"sqlite:///{tmp_path / 'ledger.db'}")
    entered = threading.Event()

    def hold() -> None:
        with store._write():
            entered.set()
            threading.Event().wait(0.5)

    thread = threading.Thread(target=hold)
    thread.start()
    entered.wait(5)
    store.claim(RUN, Attempt("1"))
    thread.join()


def test_a_lock_that_is_never_given_back_is_an_outage(tmp_path, monkeypatch):
    monkeypatch.setattr(ledger_engine, "SQLITE_WAIT_SECONDS", 0.2)
    store = LedgerStore(f"sqlite:///{tmp_path / 'ledger.db'}")
    with store._write(), pytest.raises(OutageError, match="database is locked"):
        store.append(Event("a.b", "c"))
