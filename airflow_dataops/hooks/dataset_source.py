"""Where snapshots come from: files and folders through DuckDB, SQL through Airflow's hooks, callables."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy
from airflow.sdk import ObjectStoragePath

from airflow_dataops.core.words import plain
from airflow_dataops.exceptions import OutageError, SourceError
from airflow_dataops.hooks.connection import existing_connection
from airflow_dataops.hooks.duckdb_faults import engine_faults, file_faults, readable
from airflow_dataops.hooks.quality_frame import refuse_doubles
from airflow_dataops.hooks.quality_remote import brought
from airflow_dataops.hooks.quality_source import ALL_LINES, batches_of, blank_lines, column_names, refuse_torn

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import pyarrow as pa

__all__ = ["arrow_table", "file_batches", "frame_batches", "remote_batches", "sql_batches"]

BATCH_ROWS = 100_000
MAX_DIGITS = 38
READERS = {
    ".parquet": "read_parquet(?)",
    ".csv": f"read_csv(?, {ALL_LINES}, sample_size = -1)",
    ".tsv": f"read_csv(?, {ALL_LINES}, sample_size = -1)",
    ".json": "read_json(?)",
    ".jsonl": "read_json(?)",
}
"""Sources by the end of their names; types of CSV columns are told from all rows, so they do not depend on luck."""


@contextmanager
def file_batches(path: Path) -> Iterator[pa.RecordBatchReader]:
    """Stream the rows of a file, or of all files of one kind in a folder, in the order of their names.

    Raises:
        SourceError: Missing, empty, of an unknown kind, or not what its name says. A retry does not help.
    """
    import duckdb

    files = source_files(path)
    kind = kind_of(files[0])
    with (
        tempfile.TemporaryDirectory(prefix="dataops-duckdb-") as folder,
        engine_faults(folder),
        file_faults(path),
        duckdb.connect(config={"temp_directory": folder}) as connection,
    ):
        for file in files:
            refuse_renamed(connection, file, kind)
        # Snapshots are compared by their bytes: the order of rows must be that of the source.
        connection.execute("SET preserve_insertion_order = true")
        lines = [blank_lines(files[0])] if kind in {".csv", ".tsv"} else []
        query = f"SELECT * FROM {READERS[kind]}"  # noqa: S608 - the reader is one of ours
        # Named, so that it lives as long as its rows are read: DuckDB 1.3 crashes otherwise.
        relation = connection.sql(query, params=[[str(file) for file in files], *lines])
        yield batches_of(relation)


def refuse_renamed(connection: duckdb.DuckDBPyConnection, file: Path, kind: str) -> None:
    """Refuse a file of which DuckDB would rename columns, or see as one column what are several.

    Raises:
        SourceError: It is so. A retry does not help.
    """
    if kind.startswith(".json"):
        return
    names = column_names(connection, file)
    refuse_doubles(names)
    if kind != ".parquet":
        refuse_torn(file, names)
        return
    if "" in names:
        raise SourceError(f"{file} has a column without a name.", hint="name it in the source")
    refuse_wide_decimals(file)


def refuse_wide_decimals(file: Path) -> None:
    """Refuse decimals that DuckDB would round."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    for field in pq.read_schema(file):
        if pa.types.is_decimal(field.type) and field.type.precision > MAX_DIGITS:
            raise SourceError(
                f"{file} has a column {plain(field.name)!r} of decimals with {field.type.precision} digits; "
                f"{MAX_DIGITS} are allowed.",
                hint="write it as text, or with fewer digits",
            )


@contextmanager
def remote_batches(address: str) -> Iterator[pa.RecordBatchReader]:
    """Stream the rows of a file in object storage, from a copy; its address may name an Airflow connection."""
    with (
        tempfile.TemporaryDirectory(prefix="dataops-source-") as folder,
        file_batches(brought(known_to_airflow(address), folder)) as batches,
    ):
        yield batches


def known_to_airflow(address: str) -> Any:
    """Return an address as Airflow reads it, with the connection it names; as it is where Airflow knows no such."""
    with suppress(ValueError, ImportError):  # a protocol of no provider that is installed
        path = ObjectStoragePath(address)
        return path if path.fs else address
    return address


def source_files(path: Path) -> list[Path]:
    """Return the files a source consists of."""
    if not readable(path):
        raise SourceError(
            f"There is no file or folder at {path}.", hint="has the delivery arrived, and is the name right?"
        )
    if not path.is_dir():
        refuse_empty(path)
        return [path]
    files = sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith("."))
    if not files:
        raise SourceError(f"The folder {path} holds no files.", hint="has the delivery arrived?")
    kinds = {kind_of(file) for file in files}
    if len(kinds) > 1:
        raise SourceError(
            f"The folder {path} mixes {', '.join(sorted(kinds))} files; one kind is allowed.",
            hint="move the files that do not belong to the dataset elsewhere",
        )
    for file in files:
        refuse_empty(file)
    return files


def kind_of(file: Path) -> str:
    """Return the kind of a file by its name, seeing through ``.gz`` and ``.zst``."""
    name = file.name.lower().removesuffix(".gz").removesuffix(".zst")
    kind = Path(name).suffix
    if kind not in READERS:
        raise SourceError(
            f"{file} is of a kind we cannot read ({kind or 'no suffix'}); allowed: {', '.join(sorted(READERS))}.",
            hint="rename the file, or read it with python_callable",
        )
    return kind


def refuse_empty(file: Path) -> None:
    """Refuse a file of zero bytes."""
    if file.stat().st_size == 0:
        raise SourceError(f"The file {file} is empty (0 bytes).", hint="was the delivery cut off? ask the sender")


@contextmanager
def sql_batches(sql: str, conn_id: str) -> Iterator[pa.RecordBatchReader]:
    """Give the rows of a query over an Airflow connection, held in memory; with an ORDER BY they are reproducible."""
    import pandas as pd

    connection = existing_connection(conn_id, "create it, or name another one as sql_conn_id")
    engine = connection.get_hook().get_sqlalchemy_engine()
    try:
        with engine.connect() as connection:
            result = connection.execute(sqlalchemy.text(sql))
            names = list(result.keys())
            frame = pd.DataFrame.from_records(result.fetchall(), columns=names, coerce_float=True)
    except sqlalchemy.exc.SQLAlchemyError as error:
        reason = next(iter(str(getattr(error, "orig", error)).strip().splitlines()), "no reason given")
        if is_answering(engine):
            raise SourceError(f"The query over connection {conn_id!r} failed: {reason}", hint="mend the SQL") from error
        raise OutageError("The database", engine.url.render_as_string(), conn_id, reason) from error
    finally:
        engine.dispose()
    with frame_batches(frame) as batches:
        yield batches


def is_answering(engine: sqlalchemy.Engine) -> bool:
    """Whether the database lets us in; tells a wrong query from an outage, which drivers report alike."""
    try:
        with engine.connect():
            return True
    except sqlalchemy.exc.SQLAlchemyError:
        return False


@contextmanager
def frame_batches(value: Any) -> Iterator[pa.RecordBatchReader]:
    """Stream what a callable returned: a pandas or polars frame, an arrow table or reader, or the path of a file."""
    import pandas as pd
    import pyarrow as pa

    if isinstance(value, str | Path):
        with file_batches(Path(value)) as batches:
            yield batches
    elif isinstance(value, pa.RecordBatchReader):
        yield value
    elif isinstance(value, pa.Table):
        yield value.to_reader(BATCH_ROWS)
    elif isinstance(value, pd.DataFrame):
        yield arrow_table(value).to_reader(BATCH_ROWS)
    elif is_polars_frame(value):
        yield value.to_arrow().to_reader(BATCH_ROWS)
    else:
        raise SourceError(
            f"The callable returned {type(value).__name__}; allowed are a pandas or polars DataFrame, an arrow "
            "Table or RecordBatchReader, and the path of a file.",
            hint="change what the callable returns",
        )


def is_polars_frame(value: Any) -> bool:
    """Whether a value is a polars frame, told without loading polars."""
    return type(value).__module__.partition(".")[0] == "polars" and type(value).__name__ == "DataFrame"


def arrow_table(frame: pd.DataFrame) -> pa.Table:
    """Return a pandas frame as an arrow table, without its index."""
    import pyarrow as pa

    with warnings.catch_warnings():
        # pyarrow asks pandas for zoned times in a way that pandas 3.1 deprecates.
        warnings.simplefilter("ignore")
        return pa.Table.from_pandas(frame, preserve_index=False)
