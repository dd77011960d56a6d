"""Readers in processes of their own, which poll what is published every 10 ms and tell what they saw."""

from __future__ import annotations

import json
import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

EVERY_SECONDS = 0.01
PATIENCE = 60


def poll(read: Callable[[], Any], ready: Any, stop: Any, told: Any) -> None:
    """Read until told to stop, and once after it; tell what was seen in which order, how often, and what failed."""
    seen: list[Any] = []
    failed: list[str] = []
    reads = 0
    last = False
    while not last:
        last = stop.is_set()
        try:
            found = read()
            if not seen or seen[-1] != found:
                seen.append(found)
        except Exception as error:  # noqa: BLE001 - whatever a reader meets is told
            failed.append(f"{type(error).__name__}: {error}"[:300])
        reads += 1
        ready.set()
        time.sleep(EVERY_SECONDS)
    told.put((seen, reads, failed))


def poll_postgres(url: str, *signals: Any) -> None:
    """Poll the table orders over one connection, each read in a transaction of its own."""
    import psycopg

    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        query = "SELECT count(*), min(v), max(v) FROM orders"
        poll(lambda: tuple(connection.execute(query).fetchone() or ()), *signals)


def poll_sqlite(url: str, *signals: Any) -> None:
    """Poll the table orders over one connection."""
    import sqlite3

    connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    poll(lambda: connection.execute("SELECT count(*), min(v), max(v) FROM orders").fetchone(), *signals)
    connection.close()


def poll_files(store: str, *signals: Any) -> None:
    """Poll the dataset orders as somebody without our package: the pointer file, then the file it names."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    pointer = Path(store) / "datasets" / "orders" / "published" / "all.json"

    def read() -> tuple[int, int, int]:
        document = json.loads(pointer.read_bytes())
        values = pq.read_table(document["snapshot"]["uri"].removeprefix("file://"))["v"]
        bounds = pc.min_max(values).as_py()
        return len(values), bounds["min"], bounds["max"]

    poll(read, *signals)


@contextmanager
def reading(reader: Callable[..., None], place: str) -> Iterator[Callable[[], tuple[list[Any], int, list[str]]]]:
    """Let a reader poll while the block lasts; what is given ends it and returns what it saw."""
    spawn = multiprocessing.get_context("spawn")
    ready, stop, told = spawn.Event(), spawn.Event(), spawn.Queue()
    process = spawn.Process(target=reader, args=(place, ready, stop, told))
    process.start()
    if not ready.wait(PATIENCE):
        raise AssertionError("the reader did not begin")

    def end() -> tuple[list[Any], int, list[str]]:
        stop.set()
        found = told.get(timeout=PATIENCE)
        process.join(PATIENCE)
        return found

    try:
        yield end
    finally:
        stop.set()
        process.join(PATIENCE)
