"""A table of taxi rides in PostgreSQL, and the CPU seconds of a server on this machine."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VARIABLE = "DATAOPS_TEST_POSTGRES_URL"
SERVICES = Path(__file__).parents[1] / ".cache" / "services.env"
SCHEMA, TABLE = "dataops_benchmarks", "taxi"
SAME = ("INTEGER", "BIGINT", "VARCHAR", "TIMESTAMP")
TYPES = {**{kind: kind for kind in SAME}, "DOUBLE": "DOUBLE PRECISION"}
TICKS = os.sysconf("SC_CLK_TCK")
CHUNK_BYTES = 1 << 20


def address() -> str | None:
    """Return the database that the environment names, or that `make services` started; None where there is none."""
    told = os.environ.get(VARIABLE)
    if not told and SERVICES.exists():
        lines = (line.partition("=") for line in SERVICES.read_text().splitlines())
        told = {name: value for name, _, value in lines}.get(VARIABLE)
    # SQLAlchemy names a driver there.
    return re.sub(r"^\w+(\+\w+)?://", "postgresql://", told) if told else None


@contextmanager
def loaded_table(url: str, path: Path) -> Iterator[Any]:
    """Load a parquet file into a table, analysed as autovacuum would; yield the connection and drop the table after."""
    import duckdb
    import psycopg

    columns = duckdb.execute(f"DESCRIBE SELECT * FROM '{path}'").fetchall()
    declared = ", ".join(f'"{name}" {TYPES[kind]}' for name, kind, *_ in columns)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE; CREATE SCHEMA {SCHEMA}")
        try:
            connection.execute(f"CREATE TABLE {SCHEMA}.{TABLE} ({declared})")
            copy_rows(connection, path)
            connection.execute(f"VACUUM ANALYZE {SCHEMA}.{TABLE}")
            yield connection
        finally:
            connection.execute(f"DROP SCHEMA {SCHEMA} CASCADE")


def copy_rows(connection: Any, path: Path) -> None:
    """Send the rows of a parquet file as CSV."""
    import duckdb

    text = path.with_suffix(".postgres.csv")
    duckdb.execute(f"COPY (SELECT * FROM '{path}') TO '{text}' (HEADER FALSE)")
    try:
        with (
            text.open("rb") as file,
            connection.cursor().copy(f"COPY {SCHEMA}.{TABLE} FROM STDIN (FORMAT csv)") as sent,
        ):
            while piece := file.read(CHUNK_BYTES):
                sent.write(piece)
    finally:
        text.unlink()


@dataclass(frozen=True)
class Server:
    """The processes of a PostgreSQL server.

    Args:
        postmaster: The process that starts a process for each connection.
    """

    postmaster: int

    def cpu(self) -> float:
        """Return the CPU seconds of all its processes, living and ended."""
        ended = sum(figures(self.postmaster)[13:15])
        living = [figures(int(one.name)) for one in Path("/proc").iterdir() if one.name.isdigit()]
        return (ended + sum(sum(one[11:13]) for one in living if one and one[1] == self.postmaster)) / TICKS


def server_of(connection: Any) -> Server | None:
    """Return the server of a connection when its processes can be seen, else None."""
    backend = connection.execute("SELECT pg_backend_pid()").fetchone()[0]
    name = Path(f"/proc/{backend}/comm")
    if not name.exists() or name.read_text().strip() != "postgres":
        return None
    return Server(figures(backend)[1])


def figures(pid: int) -> list[int]:
    """Return the numbers of /proc/PID/stat after the state, from place 1 on; none for a process that is gone."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [0, *(int(figure) for figure in after_name[1:])]
