"""Spark as the engine of checks, for data beyond one machine."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_dataops.core.words import plain
from airflow_dataops.exceptions import BrokenCheckError, OutageError, SourceError
from airflow_dataops.hooks.quality_frame import refuse_doubles
from airflow_dataops.hooks.quality_sql_frame import as_frame

if TYPE_CHECKING:
    import pandas as pd
    import pyspark.sql
    import sqlglot.expressions as exp

    from airflow_dataops.core.quality_sql.table import Column, Table

__all__ = ["SparkEngine", "open_spark"]

POSITION = "__dataops_position"
READERS = {".parquet": "parquet", ".orc": "orc", ".json": "json", ".jsonl": "json"}
PANDAS_NAMES = {
    "boolean": "bool", "tinyint": "int8", "smallint": "int16", "int": "int32", "bigint": "int64", "float": "float32",
    "double": "float64", "string": "str", "date": "object", "timestamp_ntz": "datetime64[us]",
    "timestamp": "datetime64[us, UTC]", "binary": "object",
}  # fmt: skip
"""What pandas calls a column of this type when it reads one from parquet."""


class SparkEngine:
    """Runs compiled checks on one frame of Spark.

    Args:
        session: The session.
        frame: The data.
        table: What the data look like; they are registered under a name of their own.
    """

    def __init__(self, session: pyspark.sql.SparkSession, frame: pyspark.sql.DataFrame, table: Table) -> None:
        self.session = session
        self.data = frame
        self.table = table

    def ask(self, query: exp.Query) -> list[tuple[Any, ...]]:
        """Run a query and return its rows."""
        with told():
            return [tuple(map(zoned, row)) for row in self.session.sql(self.table.dialect.sql(query)).collect()]

    def rows(self) -> int:
        """Return how many rows there are."""
        from sqlglot import exp

        return int(self.ask(self.table.select(exp.Count(this=exp.Star())))[0][0])

    def remember(self, positions: Sequence[int]) -> exp.Expression | None:
        """Return nothing: rows of a frame of Spark have no places to be remembered by."""
        return None

    def frame(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Return rows as pandas reads them, for checks that only Great Expectations can run."""
        chosen = [name for name in self.table.columns if columns is None or name in columns]
        ordered = [self.table.place()] if self.table.is_ordered else []
        rows = self.ask(self.table.select(*[self.table.value(name) for name in chosen]).order_by(*ordered))
        return as_frame([self.table.columns[name] for name in chosen], rows)


@contextmanager
def open_spark(
    data: Any,
    *,
    session: pyspark.sql.SparkSession | None = None,
    order_by: Sequence[str] = (),
    references: Mapping[str, tuple[Any, Sequence[str]]] | None = None,
) -> Iterator[SparkEngine]:
    """Open data for checks in Spark.

    Args:
        data: A frame of Spark, a pandas frame, or the path of a parquet, ORC, CSV or JSON file or folder that all
            workers see.
        session: The session; by default the frame's own, the active one, or a new one.
        order_by: Columns that tell rows apart and order them. Only with them do results tell which rows fail.
        references: Data whose keys the data may refer to, by the names that checks use; and the columns needed.

    Raises:
        SourceError: The data cannot be read. A retry does not help.
        BrokenCheckError: pyspark is not installed. A retry does not help.
    """
    try:
        import pyspark.sql
    except ImportError as error:
        raise BrokenCheckError(
            "The engine spark needs pyspark.", hint="pip install 'airflow-dataops[spark]', and Java 17"
        ) from error
    name = f"dataops_{uuid.uuid4().hex}"
    with told():
        session = getattr(data, "sparkSession", None) or session or pyspark.sql.SparkSession.builder.getOrCreate()
        frame = loaded(session, data)
        refuse_doubles(list(frame.columns))
        zone = session.conf.get("spark.sql.session.timeZone")
        session.conf.set("spark.sql.session.timeZone", "UTC")
        frame.createOrReplaceTempView(name)
        referred = {
            called: referred_table(session, other, f"{name}_{place}")
            for place, (called, (other, _)) in enumerate((references or {}).items())
        }
    try:
        yield SparkEngine(session, frame, replace(table_of(frame, name, order_by), references=referred))
    finally:
        for place in range(len(referred)):
            session.catalog.dropTempView(f"{name}_{place}")
        session.catalog.dropTempView(name)
        session.conf.set("spark.sql.session.timeZone", str(zone))


def referred_table(session: pyspark.sql.SparkSession, data: Any, name: str) -> Table:
    """Register other data under a name and return what they look like."""
    from sqlglot import exp

    frame = loaded(session, data)
    frame.createOrReplaceTempView(name)
    source = exp.alias_(exp.to_table(name), "reference", table=True)
    return replace(table_of(frame, name, ()), source=source)


def loaded(session: pyspark.sql.SparkSession, data: Any) -> pyspark.sql.DataFrame:
    """Return data as a frame of Spark."""
    if hasattr(data, "createOrReplaceTempView"):
        return data
    if not isinstance(data, str | Path):
        return session.createDataFrame(data)
    suffix = Path(str(data)).suffix.lower()
    if suffix == ".csv":
        return session.read.csv(str(data), header=True, inferSchema=True, escape='"', multiLine=True)
    return session.read.format(READERS.get(suffix, "parquet")).load(str(data))


def table_of(frame: pyspark.sql.DataFrame, name: str, order_by: Sequence[str]) -> Table:
    """Return the data as the compiler sees them."""
    from sqlglot import exp

    from airflow_dataops.core.quality_sql.dialects import dialect_of
    from airflow_dataops.core.quality_sql.table import Table

    columns = {field.name: spark_column(field.name, field.dataType.simpleString()) for field in frame.schema}
    unknown = [one for one in order_by if one not in columns]
    if unknown:
        raise SourceError(f"The data cannot be ordered by {plain(unknown[0])!r}.", hint="correct order_by")
    inner: exp.Expression = exp.to_table(name)
    position: exp.Expression | None = None
    source: exp.Expression = exp.alias_(inner, "data", table=True)
    if order_by:
        by = [exp.Ordered(this=exp.column(exp.to_identifier(one, quoted=True)), nulls_first=False) for one in order_by]
        number = exp.Sub(this=exp.Window(this=exp.RowNumber(), order=exp.Order(expressions=by)), expression=one_())
        source = exp.select("*", exp.alias_(number, POSITION)).from_(inner).subquery("data")
        position = exp.column(POSITION, table="data")
    return Table(columns, dialect_of("spark"), source, position, bool(order_by))


def one_() -> exp.Expression:
    """Return the number one."""
    from sqlglot import exp

    return exp.Literal.number(1)


def spark_column(name: str, kind: str) -> Column:
    """Return a column by Spark's name of its type."""
    from airflow_dataops.core.quality_sql.table import Column, Kind

    kinds = {
        r"boolean": Kind.BOOLEAN,
        r"tinyint|smallint|int|bigint": Kind.INTEGER,
        r"float|double": Kind.FLOAT,
        r"decimal\(.*\)": Kind.DECIMAL,
        r"string|varchar\(.*\)": Kind.TEXT,
        r"date": Kind.DATE,
        r"timestamp_ntz": Kind.TIMESTAMP,
        r"timestamp": Kind.ZONED,
        r"binary": Kind.BINARY,
    }
    held = next((held for pattern, held in kinds.items() if re.fullmatch(pattern, kind)), Kind.OTHER)
    native = PANDAS_NAMES.get(kind, "float64" if held is Kind.DECIMAL else "object")
    return Column(name, held, native, held in {Kind.INTEGER, Kind.BOOLEAN}, frozenset({kind, kind.partition("(")[0]}))


def zoned(value: Any) -> Any:
    """Return a value as the other engines tell it; Spark tells moments in the driver's own zone, without saying so."""
    if isinstance(value, datetime) and value.tzinfo is None:
        return value
    return value.astimezone(UTC) if isinstance(value, datetime) else value


@contextmanager
def told() -> Iterator[None]:
    """Tell what Spark says as one of our errors, or as a reason to judge a check elsewhere."""
    from pyspark import errors

    from airflow_dataops.core.quality_sql.refusal import UncompilableError, UnfitError

    try:
        yield
    except errors.ArithmeticException as error:
        raise UncompilableError("Spark cannot compute it") from error
    except (errors.AnalysisException, errors.ParseException) as error:
        if "PATH_NOT_FOUND" in str(error) or "UNABLE_TO_INFER_SCHEMA" in str(error):
            raise SourceError(f"Spark cannot read the data: {first_line(error)}", hint="is the path right?") from error
        raise UnfitError("the query cannot be run: it names what the data do not have") from error
    except errors.PySparkException as error:
        raise OutageError("Spark", "its session", None, first_line(error)) from error


def first_line(error: Exception) -> str:
    """Return the first line of a message."""
    return plain(str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__, 200)
