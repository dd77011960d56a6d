"""Checks that are queries of the user's own."""

from __future__ import annotations

import re
from typing import Any

import sqlglot
from sqlglot import exp

from airflow_dataops.core.quality_sql.compiler import Arguments, compiles
from airflow_dataops.core.quality_sql.limits import within_limits
from airflow_dataops.core.quality_sql.refusal import UnfitError
from airflow_dataops.core.quality_sql.results import Found, ResultFormat, figure_result
from airflow_dataops.core.quality_sql.rule import Ask, QueryRule, Rule

__all__: list[str] = []

BATCH = "dataops_batch"
"""What a query calls the data where they are no table but a query themselves."""
PLACEHOLDERS = re.compile(
    r"""(["`]?)\$?\{(?:(?P<batch>batch|object|table|model|schema)|(?P<column>property|column|field))\}\1"""
)
"""Names in a query that stand for the data and for the column, with quotes that people write around them."""


@compiles("unexpected_rows_expectation")
def unexpected_rows(given: Arguments) -> Rule:
    """Judge that a query over ``{batch}`` finds no row, on files and frames as well as on tables.

    Great Expectations' pandas engine cannot run it; the meaning is that of its SQL engines.
    """
    query = parsed(given, given.kwargs["unexpected_rows_query"])

    def decide(ask: Ask, wanted: ResultFormat) -> Found:
        count = ask(exp.select(exp.Count(this=exp.Star())).from_(query.subquery("unexpected")))[0][0]
        return Found(not count, figure_result(int(count), wanted))

    return QueryRule(decide)


@compiles("dataops_query_value_to_be")
def query_value(given: Arguments) -> Rule:
    """Judge the one value that a query finds; of several rows or columns it is the first, of none there is none.

    A contract writes ``{object}`` for the data and ``{property}`` for the column.
    """
    query = parsed(given, given.kwargs["query"])

    def decide(ask: Ask, wanted: ResultFormat) -> Found:
        rows = ask(exp.select("*").from_(query.subquery("found")).limit(1))
        value = rows[0][0] if rows and rows[0] else None
        return Found(within_limits(value, given.kwargs), figure_result(value, wanted))

    return QueryRule(decide)


def parsed(given: Arguments, text: str) -> exp.Query:
    """Return the query that a text holds.

    Raises:
        UnfitError: It is no query, or more than one statement.
    """
    try:
        query: Any = sqlglot.parse_one(filled(given, text), dialect=given.table.dialect.name)
    except sqlglot.errors.SqlglotError as error:
        raise UnfitError("the query is no SQL") from error
    if not isinstance(query, exp.Query) or query.find(exp.Insert, exp.Update, exp.Delete, exp.Into, exp.Command):
        raise UnfitError("the query is no single SELECT")
    source = given.table.source
    return query.with_(BATCH, as_=source.this.copy()) if isinstance(source, exp.Subquery) else query


def filled(given: Arguments, text: str) -> str:
    """Return a query with the names of the data and of the column, quoted, in place of what stands for them."""
    table, dialect = given.table.source.copy(), given.table.dialect
    table.set("alias", None)
    batch = BATCH if isinstance(table, exp.Subquery) else dialect.sql(table)

    def name(match: re.Match[str]) -> str:
        if match["batch"]:
            return batch
        if "column" not in given.kwargs:
            raise UnfitError("the query speaks of a column, but its rule belongs to none")
        return dialect.sql(exp.to_identifier(given.known(given.kwargs["column"]).name, quoted=True))

    return PLACEHOLDERS.sub(name, text)
