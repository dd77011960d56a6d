"""Files that checks read: each kind with its way into DuckDB and into pandas, which must agree."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from airflow_dataops.core.words import plain
from airflow_dataops.exceptions import SourceError
from airflow_dataops.hooks.duckdb_faults import begins_with, file_faults, readable
from airflow_dataops.hooks.quality_frame import refuse_doubles

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import pyarrow as pa

__all__ = [
    "ALL_LINES",
    "RESERVED",
    "batches_of",
    "blank_lines",
    "column_names",
    "reader_of",
    "refuse_reserved",
    "refuse_torn",
]

BATCH_ROWS = 100_000
RESERVED = ("__dataops_position", "file_row_number")
"""Names under which the engine tells positions."""
SNIFFED_ROWS = 20_480
DICTIONARY_VALUES = 1000
"""Columns of more values in a row group are written as they are: to number the values costs more than it spares."""
ALL_LINES = "skip = ?, comment = ''"
"""Options of DuckDB's CSV reader without which it leaves out lines that do not fit or begin with #."""


class FileReader(Protocol):
    """How one kind of file is read."""

    def load(
        self, connection: duckdb.DuckDBPyConnection, path: Path, position: str, columns: Sequence[str] | None
    ) -> Mapping[str, str]:
        """Make ``source`` with a column of positions; return pandas' type names where they are known."""

    def frame(self, path: Path) -> pd.DataFrame:
        """Return what pandas reads."""


class ParquetReader:
    """Parquet is scanned where it lies: columns are read one by one, and only those that are asked for."""

    def load(
        self, connection: duckdb.DuckDBPyConnection, path: Path, position: str, columns: Sequence[str] | None
    ) -> Mapping[str, str]:
        """Make ``source`` a view of the file."""
        names = top_level_names(connection, path)
        refuse_doubles(names)
        refuse_reserved(names)
        # A view takes no parameters, so the path is quoted here.
        named = quoted(path)
        rows = f"* EXCLUDE (file_row_number), file_row_number AS {position}"
        statement = f"CREATE TEMP VIEW source AS SELECT {rows} FROM read_parquet('{named}', file_row_number = true)"  # noqa: S608
        run(connection, path, statement)
        return {}

    def frame(self, path: Path) -> pd.DataFrame:
        """Return what pandas reads, without what its metadata say of an index."""
        import pyarrow.parquet as pq

        frame: pd.DataFrame = pq.read_table(path).to_pandas(ignore_metadata=True)
        return frame


class CsvReader:
    """CSV is parsed once, into a temporary parquet file, with the types that pandas would find.

    Parquet takes less memory than a table, and its statistics answer many questions.
    """

    missing = (
        "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A",
        "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
    )  # fmt: skip
    types = ("BIGINT", "DOUBLE", "VARCHAR")
    truths = "'True', 'TRUE', 'true', 'False', 'FALSE', 'false'"

    def load(
        self, connection: duckdb.DuckDBPyConnection, path: Path, position: str, columns: Sequence[str] | None
    ) -> Mapping[str, str]:
        """Make ``source`` a view of the parsed rows; the file lies among the connection's temporary ones."""
        folder = connection.execute("SELECT current_setting('temp_directory')").fetchone()
        parsed = Path(str(folder[0]) if folder else ".") / "rows.parquet"
        if not self.parse_by_first_rows(connection, path, parsed, columns):
            self.parse(connection, path, parsed, "*", {"nullstr": self.missing, "sample_size": -1})
        ParquetReader().load(connection, parsed, position, columns)
        self.retype(connection, parsed, position)
        return {}

    def retype(self, connection: duckdb.DuckDBPyConnection, parsed: Path, position: str) -> None:
        """Give columns of text the type that pandas finds: nothing is a number, and so is 007; T is no truth value."""
        described = connection.execute("DESCRIBE source").fetchall()
        names = [identifier(row[0]) for row in described if row[1] == "VARCHAR"]
        types = {name: self.type_of_text(connection, name) for name in names}
        casts = ", ".join(f"CAST({name} AS {kind}) AS {name}" for name, kind in types.items() if kind != "VARCHAR")
        if casts:
            rows = f"* EXCLUDE (file_row_number) REPLACE ({casts}), file_row_number AS {position}"
            reader = f"read_parquet('{quoted(parsed)}', file_row_number = true)"
            connection.execute(f"CREATE OR REPLACE TEMP VIEW source AS SELECT {rows} FROM {reader}")  # noqa: S608 - quoted

    def type_of_text(self, connection: duckdb.DuckDBPyConnection, name: str) -> str:
        """Return the type of a column of text, told from its first rows and held against all of them."""
        tests = {
            "BOOLEAN": f"{name} IN ({self.truths})",
            "BIGINT": f"regexp_full_match({name}, '[+-]?[0-9]{{1,18}}')",
        }
        shown = f"count({name}), {', '.join(f'bool_and({test})' for test in tests.values())}"
        first_rows = f"(SELECT {name} FROM source LIMIT {SNIFFED_ROWS})"  # noqa: S608 - quoted
        for rows in (first_rows, "source"):
            found = connection.execute(f"SELECT {shown} FROM {rows}").fetchone()  # noqa: S608 - quoted
            kept = [kind for kind, met in zip(tests, (found or (0,))[1:], strict=True) if met]
            if found and found[0] and not kept:
                return "VARCHAR"
        return kept[0] if found and found[0] else "DOUBLE"

    def parse_by_first_rows(
        self, connection: duckdb.DuckDBPyConnection, path: Path, parsed: Path, columns: Sequence[str] | None
    ) -> bool:
        """Parse with the types of the first rows; False where they told too little, or later rows are different.

        Of columns that no check reads only the names are kept; their values are null.
        """
        told = self.told_by_first_rows(connection, path)
        if told is None:
            return False
        # To look for nineteen names of a missing value costs a fifth of the parsing: in numbers they stand
        # rarely, and then they are no numbers; in texts they are replaced.
        shown = [f"{self.without_missing(q)} AS {q}" if text else q for q, text in told.items()]
        if columns is not None:
            read = {identifier(name) for name in columns}
            nulls = [f"NULL::{'VARCHAR' if text else 'BIGINT'} AS {q}" for q, text in told.items()]
            shown = [one if q in read else null for q, one, null in zip(told, shown, nulls, strict=True)]
        for expressions, missing in ((", ".join(shown), ("",)), ("*", self.missing)):
            try:
                self.parse(connection, path, parsed, expressions, {"nullstr": missing, "sample_size": SNIFFED_ROWS})
            except SourceError:
                continue
            kept = connection.execute(f"DESCRIBE SELECT * FROM '{quoted(parsed)}'").fetchall()  # noqa: S608 - quoted
            if [row[1] == "VARCHAR" for row in kept] == list(told.values()):
                return True
        return False

    def without_missing(self, name: str) -> str:
        """Return a column of text, quoted, with null for the names of a missing value.

        A pattern says it, for DuckDB makes a join of a long list of names, and after a join rows are in no order.
        """
        names = "|".join(re.escape(one) for one in self.missing)
        longest = max(len(one) for one in self.missing)
        return f"CASE WHEN strlen({name}) > {longest} OR NOT regexp_full_match({name}, '{names}') THEN {name} END"

    def told_by_first_rows(self, connection: duckdb.DuckDBPyConnection, path: Path) -> dict[str, bool] | None:
        """Return for each column, quoted, whether it holds text; None where one is empty in the first rows."""
        options = {"nullstr": self.missing, "sample_size": SNIFFED_ROWS}
        self.parse(connection, path, None, "*", options)
        names = column_names(connection, path)
        refuse_doubles(names)
        refuse_torn(path, names)
        described = connection.execute("DESCRIBE first_rows").fetchall()
        told = {identifier(row[0]): row[1] == "VARCHAR" for row in described}
        texts = [name for name, text in told.items() if text]
        if texts:
            counts = ", ".join(f"count({name})" for name in texts)
            found = connection.execute(f"SELECT count(*), {counts} FROM first_rows").fetchone()  # noqa: S608 - quoted
            if found is not None and found[0] and 0 in found[1:]:
                return None
        return told

    def parse(
        self,
        connection: duckdb.DuckDBPyConnection,
        path: Path,
        parsed: Path | None,
        shown: str,
        options: Mapping[str, Any],
    ) -> None:
        """Write what is shown of the rows as parquet; without a file, keep the first rows as a table."""
        reader = f"read_csv(?, header = true, {ALL_LINES}, nullstr = ?, auto_type_candidates = ?, sample_size = ?)"
        given = [str(path), blank_lines(path), list(options["nullstr"]), list(self.types), options["sample_size"]]
        query = f"SELECT {shown} FROM {reader}"  # noqa: S608 - quoted
        if parsed is None:
            statement = f"CREATE OR REPLACE TEMP TABLE first_rows AS {query} LIMIT {SNIFFED_ROWS}"
        else:
            few = f"FORMAT PARQUET, DICTIONARY_SIZE_LIMIT {DICTIONARY_VALUES}"
            statement = f"COPY ({query}) TO '{quoted(parsed)}' ({few})"
        run(connection, path, statement, given)

    def frame(self, path: Path) -> pd.DataFrame:
        """Return what pandas reads."""
        import pandas as pd

        return pd.read_csv(path)


def identifier(name: object) -> str:
    """Return the name of a column as SQL says it."""
    return '"' + str(name).replace('"', '""') + '"'


def quoted(path: Path) -> str:
    """Return a path as it stands between quotes in SQL."""
    return str(path).replace("'", "''")


def batches_of(relation: duckdb.DuckDBPyRelation) -> pa.RecordBatchReader:
    """Return the rows of a query as a stream; DuckDB renamed the method in 2.0."""
    if hasattr(relation, "to_arrow_reader"):
        return relation.to_arrow_reader(BATCH_ROWS)
    return relation.fetch_arrow_reader(BATCH_ROWS)


def top_level_names(connection: duckdb.DuckDBPyConnection, path: Path) -> list[str]:
    """Return the columns of a parquet file as it names them; DuckDB renames those of one name."""
    run(
        connection,
        path,
        "CREATE OR REPLACE TEMP TABLE names AS SELECT name, num_children FROM parquet_schema(?)",
        [str(path)],
    )
    rows = connection.execute("SELECT name, coalesce(num_children, 0) FROM names").fetchall()
    names, inside = [], 0
    for name, children in rows[1:]:  # the first is the file itself
        if not inside:
            names.append(str(name))
        inside = max(inside - 1, 0) + int(children)
    return names


def column_names(connection: duckdb.DuckDBPyConnection, path: Path) -> list[str]:
    """Return the columns of a parquet or CSV file as it names them; DuckDB renames those of one name."""
    kind = Path(path.name.lower().removesuffix(".gz").removesuffix(".zst")).suffix
    if kind == ".parquet":
        return top_level_names(connection, path)
    reader = f"read_csv(?, header = false, {ALL_LINES}, all_varchar = true, sample_size = {SNIFFED_ROWS})"
    with file_faults(path):
        given = [str(path), blank_lines(path)]
        found = connection.execute(f"SELECT * FROM {reader} LIMIT 1", given).fetchone()  # noqa: S608 - ours
    return [str(name) for name in found or () if name is not None]


def blank_lines(path: Path) -> int:
    """Return how many empty lines stand before the first of a CSV file; those may be left out."""
    with path.open("rb") as file:
        return sum(1 for _ in takewhile(lambda line: not line.strip(), file))


def refuse_torn(path: Path, names: Sequence[str]) -> None:
    """Refuse a CSV file that seems to have one column only because its rows have different numbers of them.

    Raises:
        SourceError: It is so. A retry does not help.
    """
    if len(names) == 1 and any(mark in names[0] for mark in ",;\t|") and not begins_with(path).startswith(b'"'):
        raise SourceError(
            f"{path} cannot be read as CSV: its rows have different numbers of columns.",
            hint="look for rows that miss a value or hold one too many; values with a comma are put in quotes",
        )


def refuse_reserved(names: Sequence[str]) -> None:
    """Refuse columns under whose names the engine tells positions.

    Raises:
        SourceError: There is one. A retry does not help.
    """
    taken = [name for name in names if name.lower() in RESERVED]
    if taken:
        raise SourceError(
            f"The data have a column {plain(taken[0])!r}, which is needed to tell where a row stands.",
            hint="rename it in the source",
        )


class JsonReader:
    """JSON, one record a line or a list of records, is parsed once into a temporary parquet file.

    Texts that are times or dates throughout become such; Great Expectations judges the same rows.
    """

    def load(
        self, connection: duckdb.DuckDBPyConnection, path: Path, position: str, columns: Sequence[str] | None
    ) -> Mapping[str, str]:
        """Make ``source`` a view of the parsed rows."""
        folder = connection.execute("SELECT current_setting('temp_directory')").fetchone()
        parsed = Path(str(folder[0]) if folder else ".") / "rows.parquet"
        run(connection, path, f"COPY ({self.rows}) TO '{quoted(parsed)}' (FORMAT PARQUET)", [str(path)])
        return ParquetReader().load(connection, parsed, position, columns)

    rows = "SELECT * FROM read_json(?, sample_size = -1, maximum_object_size = 67108864)"

    def frame(self, path: Path) -> pd.DataFrame:
        """Return the same rows as a frame."""
        import duckdb

        with duckdb.connect() as connection, file_faults(path):
            connection.execute("SET TimeZone = 'UTC'")
            frame: pd.DataFrame = batches_of(connection.sql(self.rows, params=[str(path)])).read_all().to_pandas()
            return frame


READERS: Mapping[str, FileReader] = {
    ".parquet": ParquetReader(),
    ".csv": CsvReader(),
    ".json": JsonReader(),
    ".jsonl": JsonReader(),
}


def reader_of(path: Path) -> FileReader:
    """Return what reads a file of this name.

    Raises:
        SourceError: Missing, or of an unknown kind. A retry does not help.
    """
    if not readable(path):
        raise SourceError(f"There is no file at {path}.", hint="has the delivery arrived, and is the name right?")
    if path.is_dir():
        raise SourceError(f"{path} is a folder, where a file is needed.", hint="name the file in it")
    kind = Path(path.name.lower().removesuffix(".gz").removesuffix(".zst")).suffix
    if kind not in READERS:
        raise SourceError(
            f"{path} is of a kind we cannot read ({kind or 'no suffix'}); allowed: {', '.join(sorted(READERS))}.",
            hint="rename or convert the file",
        )
    if not path.stat().st_size:
        raise SourceError(f"The file {path} is empty (0 bytes).", hint="was the delivery cut off? ask the sender")
    return READERS[kind]


def run(connection: duckdb.DuckDBPyConnection, path: Path, statement: str, given: Sequence[Any] = ()) -> None:
    """Carry out a statement that reads a file."""
    with file_faults(path):
        connection.execute(statement, list(given))
