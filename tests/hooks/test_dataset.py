from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_dataops.core.dataset import Snapshot, safe_segment
from airflow_dataops.exceptions import BrokenCheckError, OutageError, SourceError
from airflow_dataops.hooks.dataset import DatasetHook, file_digest, path_of

OWNER = "a" * 64


def write(hook: DatasetHook, rows: int = 5, owner: str = OWNER) -> Snapshot:
    table = pa.table({"id": list(range(rows)), "name": [f"n{i}" for i in range(rows)]})
    return hook.write_snapshot(table.to_reader(), "orders", "2026-01", owner)


def test_equal_rows_make_equal_versions_and_one_file(store_path):
    assert write(DatasetHook()) == write(DatasetHook(), owner="b" * 64)
    assert len(list(store_path.rglob("*.parquet"))) == 1


def test_another_schema_makes_another_version_of_equal_looking_rows(store_path):
    hook = DatasetHook()
    whole = hook.write_snapshot(pa.table({"a": pa.array([1], pa.int64())}).to_reader(), "d", "p", OWNER)
    small = hook.write_snapshot(pa.table({"a": pa.array([1], pa.int32())}).to_reader(), "d", "p", OWNER)
    assert whole.version != small.version
    assert whole.schema != small.schema


def test_the_digest_is_what_sha256sum_prints(store_path):
    snapshot = write(DatasetHook())
    printed = subprocess.run(["sha256sum", path_of(snapshot.uri)], capture_output=True, text=True, check=True)
    assert printed.stdout.split()[0] == snapshot.digest


def test_a_vanished_or_edited_snapshot_is_refused(store_path):
    hook = DatasetHook()
    snapshot = write(hook)
    path_of(snapshot.uri).write_bytes(b"edited")
    with pytest.raises(SourceError, match="was changed after it was taken"):
        hook.verified_path(snapshot)
    path_of(snapshot.uri).unlink()
    with pytest.raises(SourceError, match="is gone"):
        hook.verified_path(snapshot)


def test_taking_a_snapshot_again_mends_the_file_that_was_edited(store_path):
    snapshot = write(DatasetHook())
    path_of(snapshot.uri).write_bytes(b"edited")
    assert DatasetHook().verified_path(write(DatasetHook())).read_bytes() != b"edited"


def test_a_store_that_was_moved_is_read_where_it_lies_now(store_path, tmp_path, monkeypatch):
    snapshot, evidence = write(DatasetHook()), DatasetHook().put_evidence(b"report", ".json")
    moved = store_path.rename(tmp_path / "moved, 100% full")
    told = {"conn_type": "dataops_store", "extra": {"path": str(moved)}}
    monkeypatch.setenv("AIRFLOW_CONN_DATAOPS_STORE", json.dumps(told))
    assert DatasetHook().verified_path(snapshot).is_relative_to(moved)
    assert DatasetHook().get_evidence(evidence) == b"report"


def test_a_relative_folder_is_a_store_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AIRFLOW_CONN_DATAOPS_STORE", raising=False)
    monkeypatch.setenv("AIRFLOW__DATAOPS__STORE_PATH", "store")
    assert path_of(write(DatasetHook()).uri).is_relative_to(tmp_path / "store")


def test_a_store_that_cannot_be_written_is_an_outage(store_path):
    store_path.write_text("a file where the folder should be")
    for writing in (
        lambda: write(DatasetHook()),
        lambda: DatasetHook().publish("orders", "p", {}),
        lambda: DatasetHook().put_evidence(b"report", ".json"),
    ):
        with pytest.raises(OutageError, match=r"The store at .*'dataops_store'\) does not answer: Not a directory"):
            writing()


def in_a_process(code: str, store: Path) -> subprocess.CompletedProcess[str]:
    """Run code that has `hook`, `OWNER` and pyarrow as `pa` in a process of its own."""
    opening = "import os, resource, signal, pyarrow as pa\nfrom airflow_dataops.hooks.dataset import DatasetHook\n"
    opening += f"hook, OWNER = DatasetHook(), {OWNER!r}\n"
    environment = {**os.environ, "AIRFLOW__DATAOPS__STORE_PATH": str(store)}
    environment.pop("AIRFLOW_CONN_DATAOPS_STORE", None)
    command = [sys.executable, "-W", "ignore", "-c", opening + code]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_a_killed_writer_leaves_nothing_that_its_retry_does_not_clean(store_path):
    dying = """
def batches():
    yield pa.record_batch({"id": list(range(1000))})
    os.kill(os.getpid(), signal.SIGKILL)
schema = pa.schema({"id": pa.int64()})
hook.write_snapshot(pa.RecordBatchReader.from_batches(schema, batches()), "orders", "2026-01", OWNER)
"""
    assert in_a_process(dying, store_path).returncode == -signal.SIGKILL
    assert len(list(store_path.rglob("*.tmp"))) == 1
    assert list(store_path.rglob("*.parquet")) == []
    snapshot = write(DatasetHook())
    assert [path.name for path in store_path.rglob("*") if path.is_file()] == [f"{snapshot.version}.parquet"]


def test_a_full_disk_is_told_as_it_is_and_leaves_nothing(store_path):
    full = """
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
table = pa.table({"id": [os.urandom(50).hex() for _ in range(10_000)]})
hook.write_snapshot(table.to_reader(), "orders", "2026-01", OWNER)
"""
    done = in_a_process(full, store_path)
    assert done.returncode == 1
    assert "File too large" in done.stderr
    assert [path for path in store_path.rglob("*") if path.is_file()] == []


def test_a_reader_that_polls_sees_only_whole_pointers(store_path):
    hook, seen, stop = DatasetHook(), [], threading.Event()
    hook.publish("orders", "p", {"snapshot": {"partition": "p"}, "number": 0, "padding": "x" * 50_000})

    def poll() -> None:
        while not stop.is_set():
            seen.append(DatasetHook().published("orders")["p"]["number"])

    reader = threading.Thread(target=poll)
    reader.start()
    for number in range(1, 200):
        hook.publish("orders", "p", {"snapshot": {"partition": "p"}, "number": number, "padding": "x" * 50_000})
    stop.set()
    reader.join()
    assert seen == sorted(seen)
    assert len(seen) > 10


@pytest.mark.parametrize("edited", [b"", b"{", b"[]", b'{"snapshot": null}'])
def test_an_edited_pointer_file_is_named(edited, store_path):
    DatasetHook().publish("orders", "p", {"snapshot": {"partition": "p"}}).write_bytes(edited)
    with pytest.raises(SourceError, match=r"published/p\.json was edited"):
        DatasetHook().published("orders")


def test_evidence_is_stored_once_under_its_own_hash(store_path):
    hook = DatasetHook()
    uri = hook.put_evidence(b"report", ".json")
    assert hook.put_evidence(b"report", ".json") == uri
    path_of(uri).write_bytes(b"edited")
    assert hook.put_evidence(b"report", ".json") == uri
    assert hook.get_evidence(uri) == b"report"
    assert path_of(uri).stem == file_digest(path_of(uri))


def test_the_test_button_says_whether_the_store_can_be_written(store_path, tmp_path, monkeypatch):
    assert DatasetHook().test_connection() == (True, f"The store at {store_path} can be written.")
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("AIRFLOW_CONN_DATAOPS_STORE", '{"conn_type": "dataops_store", "extra": {"path": "/proc/no"}}')
    assert not DatasetHook().test_connection()[0]


def test_an_object_store_is_refused_with_what_to_do():
    with pytest.raises(BrokenCheckError, match=r"only file: URIs and paths can be read\.\n\nhint: mount"):
        path_of("s3://bucket/key")


@given(st.text(min_size=1), st.text(min_size=1))
def test_names_become_one_safe_segment_each_and_stay_apart(first: str, second: str):
    segment = safe_segment(first)
    assert "/" not in segment
    assert "\0" not in segment
    assert not segment.startswith(".")
    assert len(segment) <= 120
    assert (segment == safe_segment(second)) == (first == second)
