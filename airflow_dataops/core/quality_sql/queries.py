"""Checks that are queries of the user's own."""

from __future__ import annotations

import sqlglot
from sqlglot import exp

from airflow_dataops.core.quality_sql.compiler import Arguments, compiles
from airflow_dataops.core.quality_sql.refusal import UnfitError
from airflow_dataops.core.quality_sql.results import Found, ResultFormat, figure_result
from airflow_dataops.core.quality_sql.rule import Ask, QueryRule, Rule

__all__: list[str] = []


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


def parsed(given: Arguments, text: str) -> exp.Query:
    """Return the query that a text holds.

    Raises:
        UnfitError: It is no query.
    """
    table = given.table.source
    name = given.table.dialect.sql(table.this if isinstance(table, exp.Alias) else exp.to_table(table.name))
    try:
        query = sqlglot.parse_one(text.replace("{batch}", name), dialect=given.table.dialect.name)
    except sqlglot.errors.SqlglotError as error:
        raise UnfitError("the query is no SQL") from error
    if not isinstance(query, exp.Query):
        raise UnfitError("the query is no SELECT")
    return query
