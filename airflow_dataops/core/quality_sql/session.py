"""All checks of a suite, planned and asked together: one common pass, then only what is still open."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlglot import exp

from airflow_dataops.core.quality_sql.compiler import compile_rule
from airflow_dataops.core.quality_sql.conditions import domain_of
from airflow_dataops.core.quality_sql.dialect import inner
from airflow_dataops.core.quality_sql.refusal import UncompilableError, UnfitError
from airflow_dataops.core.quality_sql.results import Found, ResultFormat
from airflow_dataops.core.quality_sql.rule import Ask, Facts, RowRule, Rule
from airflow_dataops.core.quality_sql.table import Kind, Table
from airflow_dataops.core.quality_suite import columns_of, columns_read

__all__ = ["judge_all"]

TYPES = (
    "column_values",
    "texts",
    "sequences",
    "pairs",
    "multicolumn",
    "keys",
    "figures",
    "distinct",
    "table_checks",
    "queries",
    "contract_figures",
    "contract_rows",
)
for _name in TYPES:
    importlib.import_module(f"airflow_dataops.core.quality_sql.{_name}")

SAMPLE_ROWS = 20_000
FEW_DISTINCT = 0.02
"""A column counts as low in distinct values when a sample's first rows hold at most this share of them."""


def judge_all(
    expectations: Sequence[Mapping[str, Any]], table: Table, ask: Ask, wanted: ResultFormat
) -> tuple[dict[int, Found], dict[int, str]]:
    """Judge the expectations on a table.

    Args:
        expectations: ``type`` and ``kwargs`` of each.
        table: The data.
        ask: Runs a query in the engine.
        wanted: How much results tell.

    Returns:
        What came of each by its number, and by number why the others cannot be compiled.
    """
    rules: dict[int, Rule] = {}
    found: dict[int, Found] = {}
    refused: dict[int, str] = {}
    table = replace(table, known_missing=missing_counts(expectations, table, ask))
    if table.distrust is not None and may_meet_nan(expectations, table):
        table.distrust()
    for number, expectation in enumerate(expectations):
        kwargs = expectation["kwargs"]
        try:
            rules[number] = compile_rule(expectation["type"], kwargs, table, domain_of(kwargs, table))
        except UnfitError as error:
            found[number] = Found(success=False, exception=str(error))
        except UncompilableError as error:
            refused[number] = str(error)
    answers = answers_of(rules, table, ask, found, refused)
    facts = Facts()
    open_rules = {number: rule for number, rule in rules.items() if number in answers}
    for number, rule in sorted(open_rules.items(), key=lambda item: order_of(expectations[item[0]])):
        try:
            found[number] = rule.judge(answers[number], ask, facts, wanted)
        except UnfitError as error:
            found[number] = Found(success=False, exception=str(error))
        except UncompilableError as error:
            refused[number] = str(error)
    return found, refused


def answers_of(
    rules: Mapping[int, Rule], table: Table, ask: Ask, found: dict[int, Found], refused: dict[int, str]
) -> dict[int, dict[str, Any]]:
    """Return the figures of all rules by rule and key; where one cannot be computed, the others are asked alone."""
    try:
        return common_pass(rules, table, ask)
    except (UncompilableError, UnfitError):
        answers: dict[int, dict[str, Any]] = {}
    for number, rule in rules.items():
        try:
            answers |= common_pass({number: rule}, table, ask)
        except UnfitError as error:
            found[number] = Found(success=False, exception=str(error))
        except UncompilableError as error:
            refused[number] = str(error)
    return answers


def may_meet_nan(expectations: Sequence[Mapping[str, Any]], table: Table) -> bool:
    """Whether a predicate may meet numbers that are none: values are missing, or other columns are read, too."""
    floats = {name for name, column in table.columns.items() if column.kind is Kind.FLOAT}
    return bool(floats) and (
        columns_read(expectations) is None or any(table.known_missing.get(name) for name in floats)
    )


def missing_counts(expectations: Sequence[Mapping[str, Any]], table: Table, ask: Ask) -> dict[str, int]:
    """Return how many values are missing in each column that checks read; where none is, predicates become simple."""
    named = {name for expectation in expectations for name in columns_of(expectation["kwargs"])}
    judged = [name for name, column in table.columns.items() if name in named and column.kind is not Kind.OTHER]
    known = {name: table.known_missing[name] for name in judged if name in table.known_missing}
    names = [name for name in judged if name not in known]
    if not names:
        return known
    figures = [exp.alias_(table.missing_count(name), f"m{place}") for place, name in enumerate(names)]
    row: list[Any] = []
    for start in range(0, len(figures), table.dialect.most_figures):
        row.extend(ask(table.select(*figures[start : start + table.dialect.most_figures]))[0])
    return known | {name: int(count or 0) for name, count in zip(names, row, strict=True)}


def order_of(expectation: Mapping[str, Any]) -> int:
    """Judge uniqueness of single columns before compound keys, which it may prove."""
    return 0 if expectation["type"] == "expect_column_values_to_be_unique" else 1


def common_pass(rules: Mapping[int, Rule], table: Table, ask: Ask) -> dict[int, dict[str, Any]]:
    """Ask all figures of all rules at once, equal ones once, and return them by rule and key.

    String rules on columns of few distinct values are judged on these.
    """
    few = columns_of_few_values(rules, table, ask)
    proven = proven_rules(rules, table, ask)
    answers: dict[int, dict[str, Any]] = {number: {"unexpected": 0} if number in proven else {} for number in rules}
    grouped: dict[str, dict[int, RowRule]] = {}
    plain: dict[int, Rule] = {}
    for number, rule in rules.items():
        if isinstance(rule, RowRule) and rule.on_one_text in few:
            grouped.setdefault(str(rule.on_one_text), {})[number] = rule
        else:
            plain[number] = rule
    figures = {number: rule.figures() for number, rule in plain.items()}
    for number in proven:
        figures[number] = {key: figure for key, figure in figures[number].items() if key != "unexpected"}
    distribute(answers, figures, table.select(), ask, table.dialect.most_figures)
    for column, members in grouped.items():
        distribute(answers, *on_distinct_values(members, column, table), ask, table.dialect.most_figures)
    return answers


def proven_rules(rules: Mapping[int, Rule], table: Table, ask: Ask) -> set[int]:
    """Return the rules of which statistics show that no row fails."""
    proofs = {n: rule.proof for n, rule in rules.items() if isinstance(rule, RowRule) and rule.proof is not None}
    answers: dict[int, dict[str, Any]] = {number: {} for number in proofs}
    asked = {number: proof.asked for number, proof in proofs.items()}
    distribute(answers, asked, table.select(), ask, table.dialect.most_figures)
    return {number for number, proof in proofs.items() if proof.holds(answers[number])}


def distribute(
    answers: dict[int, dict[str, Any]],
    asked: Mapping[int, Mapping[str, exp.Expression]],
    query: exp.Select,
    ask: Ask,
    most: int,
) -> None:
    """Ask the figures in one query, or in as many as the engine needs, and give each rule its own."""
    names: dict[str, str] = {}
    expressions: list[exp.Expression] = []
    for figures in asked.values():
        for expression in figures.values():
            text = expression.sql()
            if text not in names:
                names[text] = f"f{len(names)}"
                expressions.append(exp.alias_(expression.copy(), names[text]))
    if not expressions:
        return
    row: list[Any] = []
    for start in range(0, len(expressions), most):
        row.extend(ask(query.select(*expressions[start : start + most]))[0])
    values = dict(zip(names, row, strict=True))
    for number, figures in asked.items():
        answers[number].update({key: values[expression.sql()] for key, expression in figures.items()})


def columns_of_few_values(rules: Mapping[int, Rule], table: Table, ask: Ask) -> set[str]:
    """Return text columns with few distinct values, told from the first rows; a wrong guess costs time only."""
    columns = sorted({str(r.on_one_text) for r in rules.values() if isinstance(r, RowRule) and r.on_one_text})
    if not columns:
        return set()
    inner = table.select(*[table.value(name) for name in columns]).limit(SAMPLE_ROWS)
    counts = [exp.Count(this=exp.Distinct(expressions=[table.value(name, "few")])) for name in columns]
    rows, *distinct = ask(exp.select(exp.Count(this=exp.Star()), *counts).from_(inner.subquery("few")))[0]
    return {name for name, count in zip(columns, distinct, strict=True) if count <= max(rows * FEW_DISTINCT, 1)}


def on_distinct_values(
    members: Mapping[int, RowRule], column: str, table: Table
) -> tuple[dict[int, dict[str, exp.Expression]], exp.Select]:
    """Return the members' figures over ``GROUP BY column`` and the query they are asked of."""
    # The grouped rows are called ``data`` too, so predicates on the one column hold as they are.
    # The column may be called as the count would be, in capitals too.
    counts = "n" if column.lower() != "n" else "rows"
    weight = inner("data", counts)
    count_if = table.dialect.count_if
    asked: dict[int, dict[str, exp.Expression]] = {}
    for number, rule in members.items():
        asked[number] = {"unexpected": count_if(rule.predicate, weight), "elements": exp.Sum(this=weight.copy())}
        if rule.missing is not None:
            asked[number]["missing"] = count_if(rule.missing.copy(), weight)
    counted = exp.alias_(exp.Count(this=exp.Star()), counts, quoted=True)
    grouped = table.select(table.value(column), counted).group_by(table.value(column))
    return asked, exp.select().from_(grouped.subquery("data"))
