"""Types of a contract against the types of a database."""

from __future__ import annotations

import pytest
from sqlglot import exp

from airflow_dataops.core.quality_sql.dialect import Dialect
from airflow_dataops.core.quality_sql.results import ResultFormat
from airflow_dataops.core.quality_sql.session import judge_all
from airflow_dataops.core.quality_sql.table import Column, Kind, Table


class Postgres(Dialect):
    name = "postgres"


def judged(native: str, wanted: str, *, stored: bool = True, column: str = "c"):
    source = exp.alias_(exp.to_table("t"), "data", table=True)
    held = {"c": Column("c", Kind.OTHER, "object", stored=native)}
    table = Table(held, Postgres(), source, exp.Literal.number(0), stored=stored)
    kwargs = {"column": column, "physical_type": wanted}
    expectations = [{"type": "dataops_column_to_be_stored_as", "kwargs": kwargs}]
    found, refused = judge_all(expectations, table, lambda _: [], ResultFormat("COMPLETE"))
    assert refused == {}
    return found[0]


@pytest.mark.parametrize(
    ("native", "wanted", "same"),
    [
        ("bigint", "int8", True),
        ("integer", "INT", True),
        ("integer", "bigint", False),
        ("character varying(18)", "VARCHAR(18)", True),
        ("character varying(18)", "varchar(20)", False),
        ("character varying(18)", "varchar", True),
        ("numeric(18, 2)", "decimal(18,2)", True),
        ("numeric(18, 2)", "decimal", True),
        ("timestamp with time zone", "timestamptz", True),
        ("timestamp with time zone", "timestamp", False),
        ("text", "text", True),
        ("uuid", "text", False),
    ],
)
def test_a_type_goes_by_all_names_that_its_database_knows(native, wanted, same):
    found = judged(native, wanted)
    assert (found.success, found.result, found.exception) == (same, {"observed_value": native}, "")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"wanted": "varchar(", "native": "text"}, "postgres has no type varchar("),
        ({"wanted": "text", "native": "text", "column": "x"}, 'The column "x" does not exist.'),
        ({"wanted": "text", "native": "object", "stored": False}, "files and frames have no types of a database"),
    ],
)
def test_a_type_that_cannot_be_compared_is_told(given, said):
    assert judged(**given).exception == said
