"""Our shorthand: what each word means, and that its JSON Schema and its parser agree."""

# ruff: noqa: DTZ001 - times without a zone are what is tested

from __future__ import annotations

import json
from datetime import UTC, datetime

import jsonschema
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_dataops.core.quality_suite import suite_of
from airflow_dataops.core.quality_types import OWN_TYPES, TYPES
from airflow_dataops.core.shorthand import document_of_shorthand, is_shorthand
from airflow_dataops.core.shorthand_schema import CHECK_WORDS, SEVERITIES, schema
from airflow_dataops.core.shorthand_words import COLUMN_WORDS
from airflow_dataops.exceptions import BrokenCheckError
from airflow_dataops.testing import run_suite

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
SCHEMA = json.loads(json.dumps(schema()))
DAYS = [datetime(2026, 3, 9), datetime(2026, 3, 10)]

WORDS = {
    # word: what stands after it, values that keep it, values that break it
    "type": ("integer", [1, 2], ["a", "b"]),
    "required": (True, [1.0, 2.0], [1.0, None]),
    "empty": (True, [None, None], [None, "a"]),
    "unique": (True, [1, 2], [1, 1]),
    "in": (["a", "b"], ["a", None], ["a", "c"]),
    "not_in": (["a", "b"], ["c", None], ["a", "c"]),
    "between": ([1, 5], [1, 5], [0, 6]),
    "min": (1, [1, 5], [0, 6]),
    "max": (5, [1, 5], [0, 6]),
    "above": (1, [2, 5], [1, 5]),
    "below": (5, [1, 4], [1, 5]),
    "multiple_of": (5, [0, 10], [0, 7]),
    "length": ([1, 3], ["a", "abc"], ["a", "abcd"]),
    "matches": ("^a", ["ab", None], ["ab", "b"]),
    "not_matches": ("^a", ["b", None], ["ab", "b"]),
    "like": ("a%", ["ab", None], ["ab", "b"]),
    "not_like": ("a%", ["b", None], ["ab", "b"]),
    "format": ("email", ["a@b.org"], ["a"]),
    "time_format": ("%Y-%m-%d", ["2026-01-01"], ["01.01.2026"]),
    "time_text": (True, ["2026-01-01"], ["soon"]),
    "json": ({"type": "array"}, ["[1]"], ["{}"]),
    "increasing": ("strictly", [1, 2, 3], [1, 1, 2]),
    "decreasing": (True, [3, 2, 2], [1, 2, 3]),
    "equals_column": ("other", [2, 2], [2, 1]),
    "above_column": ("other", [3, 3], [3, 2]),
    "at_least_column": ("other", [2, 3], [2, 1]),
    "exists_in": ("known.id", [1, 2, None], [1, 9]),
    "fresh": ("1d", DAYS, DAYS[:1]),
    "smallest": ([0, 1], [1, 9], [2, 9]),
    "largest": ([8, 9], [1, 9], [2, 10]),
    "mean": ([4, 5], [4, 5], [1, 2]),
    "median": ([4, None], [4, 5], [1, 2]),
    "sum": ([None, 9], [4, 5], [5, 5]),
    "stdev": ([0, 1], [4, 5], [1, 9]),
    "quantiles": ({"0.5": [2, 2], "1": [3, None]}, [1, 2, 3], [1, 1, 3]),
    "distinct": (2, [1, 2, 2], [1, 2, 3]),
    "distinct_share": ([0.6, 1], [1, 2, 2], [1, 1, 1]),
    "present_share": ([0.5, None], [1.0, None], [None, None, 1.0]),
    "distinct_in": (["a", "b"], ["a"], ["a", "c"]),
    "distinct_holds": (["a"], ["a", "c"], ["c"]),
    "distinct_equals": (["a", "b"], ["a", "b"], ["a"]),
    "most_common_in": (["a"], ["a", "a", "b"], ["b", "b", "a"]),
    "expect": ({"expect_column_values_to_not_be_outliers": {"method": "iqr"}}, [1, 2, 3, 2], [1, 2, 1, 2, 1, 99]),
}
ONLY_HERE = {"like", "not_like"}
"""Words whose check Great Expectations' pandas engine does not have."""


def test_every_word_has_an_example_here():
    assert set(WORDS) == set(COLUMN_WORDS)


def results(words: dict, values: list, engine: str = "duckdb") -> list[bool]:
    frame = pd.DataFrame({"c": pd.Series(values)}).assign(other=2)
    document = document_of_shorthand({"dataops": 1, "columns": {"c": words}}, "s.yaml")
    known = {"known": pd.DataFrame({"id": [1, 2]})} if "exists_in" in words else None
    told = run_suite(document, frame, engine, now=NOW, references=known)["results"]
    for one in told:
        assert not one["exception_info"]["raised_exception"], one
    return [one["success"] for one in told]


@pytest.mark.parametrize("word", WORDS)
def test_a_word_passes_what_keeps_it_and_fails_what_does_not(word):
    value, good, bad = WORDS[word]
    assert all(results({word: value}, good))
    assert not all(results({word: value}, bad))


@pytest.mark.parametrize("word", sorted(set(WORDS) - ONLY_HERE))
def test_great_expectations_judges_the_same_by_a_word(word):
    value, good, bad = WORDS[word]
    for values in (good, bad):
        assert results({word: value}, values, "gx") == results({word: value}, values)


def test_all_expectations_of_great_expectations_can_be_reached():
    named = {name for name, kind in TYPES.items() if name not in OWN_TYPES}
    checks = [{"expect": name} for name in sorted(named)]
    jsonschema.validate({"dataops": 1, "checks": checks}, SCHEMA)


ORDERS = yaml.safe_load("""
dataops: 1
name: orders
version: 1.2.0
owner: sales
columns:
  order_id: integer
  tenant:
  amount:
    - {type: number, between: [0, 10000], quarantine: 0.01, says: have an odd amount}
    - {mean: [10, 500], warn: true, where: amount > 0}
  status: {in: [open, paid], warn: {rows: 3}, classification: public}
  day: {min: 2026-01-01}
key: [tenant, order_id]
rows: [1, 1000000]
checks:
  - {unique: [order_id, day], keep: last, quarantine: true}
  - {sum: [amount, tax], equals: 100, warn: 0.5}
  - {exist_in: tenants, columns: [tenant, day], as: [id, since]}
  - {expect: expect_column_pair_values_to_be_equal, with: {column_A: amount, column_B: tax}, info: true}
  - {sql: "SELECT count(*) FROM {table} WHERE amount < 0", below: 5, warn: true}
""")


def test_a_whole_file_means_these_checks():
    suite = suite_of(document_of_shorthand(ORDERS, "s.yaml"), "s.yaml")
    assert suite.name == "orders"
    told = [
        (c.id, c.severity.value, c.tolerance and (c.tolerance.share, c.tolerance.rows), c.keep) for c in suite.checks
    ]
    assert told == [
        ("column_to_exist(order_id)", "block", None, "none"),
        ("column_to_hold(order_id)", "block", None, "none"),
        ("column_to_exist(tenant)", "block", None, "none"),
        ("column_to_exist(amount)", "block", None, "none"),
        ("column_to_hold(amount)", "block", None, "none"),
        ("be_between(amount)", "quarantine", (0.01, None), "none"),
        ("column_mean_to_be_between(amount)", "warn", None, "none"),
        ("column_to_exist(status)", "block", None, "none"),
        ("be_in_set(status)", "warn", (None, 3), "none"),
        ("column_to_exist(day)", "block", None, "none"),
        ("be_between(day)", "block", None, "none"),
        ("not_be_null(tenant)", "block", None, "none"),
        ("not_be_null(order_id)", "block", None, "none"),
        ("compound_columns_to_be_unique(tenant,order_id)", "block", None, "none"),
        ("row_count_to_be_between", "block", None, "none"),
        ("compound_columns_to_be_unique(order_id,day)", "quarantine", None, "last"),
        ("multicolumn_sum_to_equal(amount,tax)", "warn", (0.5, None), "none"),
        ("columns_to_exist_in(tenant,day)", "block", None, "none"),
        ("column_pair_values_to_be_equal(amount,tax)", "info", None, "none"),
        ("query_value_to_be", "warn", None, "none"),
    ]
    assert suite.checks[5].says == "have an odd amount"
    kwargs = [one["kwargs"] for one in suite.expectations]
    assert kwargs[6] == {
        "column": "amount", "min_value": 10, "max_value": 500, "row_condition": "amount > 0",
        "condition_parser": "pandas",
    }  # fmt: skip
    assert kwargs[10] == {"column": "day", "min_value": "2026-01-01"}
    assert kwargs[17] == {
        "column_list": ["tenant", "day"],
        "reference": "tenants",
        "reference_columns": ["id", "since"],
    }


def test_what_the_file_tells_of_itself_is_kept():
    meta = document_of_shorthand(ORDERS, "s.yaml")["meta"]["dataops"]
    assert meta["shorthand"] == {"version": "1.2.0", "owner": "sales"}
    assert meta["classification"] == {"status": "public"}


def test_a_file_of_shorthand_is_read_like_a_suite(tmp_path):
    (tmp_path / "s.yaml").write_text("dataops: 1\ncolumns: {a: {required: true}}\nexact_columns: true\n")
    frame = pd.DataFrame({"a": [1.0, None], "b": [1, 2]})
    result = run_suite(tmp_path / "s.yaml", frame)
    assert [one["success"] for one in result["results"]] == [False, True, False]
    assert result["suite_name"] == "s.yaml"


def test_a_key_that_is_required_already_is_not_required_twice():
    columns = {"a": {"required": True}, "b": {"required": True, "warn": True}}
    document = document_of_shorthand({"dataops": 1, "columns": columns, "key": ["a", "b", "c"]}, "s.yaml")
    told = [f"{one['type']} {one['kwargs'].get('column', '')}" for one in document["expectations"]]
    assert told[4:] == [
        "expect_column_values_to_not_be_null b",
        "expect_column_to_exist c",
        "expect_column_values_to_not_be_null c",
        "expect_compound_columns_to_be_unique ",
    ]


@pytest.mark.parametrize(
    ("rows", "bounds"),
    [
        (7, {"min_value": 7, "max_value": 7}),
        ([1, None], {"min_value": 1}),
        ({"min": 2, "max": 9, "warn": True}, {"min_value": 2, "max_value": 9}),
        ({"equals": 0}, {"min_value": 0, "max_value": 0}),
    ],
)
def test_a_number_of_rows_is_said_in_several_ways(rows, bounds):
    (one,) = document_of_shorthand({"dataops": 1, "rows": rows}, "s.yaml")["expectations"]
    assert one["kwargs"] == bounds


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({"equals": True}, {"equal_to": True}),
        ({"not_equals": 0}, {"not_equal_to": 0}),
        ({"min": 1, "below": 5}, {"min_value": 1, "max_value": 5, "strict_max": True}),
        ({"above": 1, "max": 5}, {"min_value": 1, "strict_min": True, "max_value": 5}),
        ({"not_between": [1, 2]}, {"outside": [1, 2]}),
        ({"between": [None, 2]}, {"max_value": 2}),
    ],
)
def test_the_value_of_a_query_is_bounded_in_several_ways(words, expected):
    checks = [{"sql": "SELECT 1", **words}]
    (one,) = document_of_shorthand({"dataops": 1, "checks": checks}, "s.yaml")["expectations"]
    assert one["kwargs"] == {"query": "SELECT 1", **expected}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("dataops: 2", r"dataops is 2; allowed is 1"),
        ("dataops: 1", r"says nothing to check; one of columns, key, rows, checks is needed"),
        ("dataops: 1\ncolums: {a: integer}", r"has the unknown word 'colums'.*did you mean columns"),
        ("dataops: 1\ncolumns: {a: {betwen: [1, 2]}}", r"columns\.a has the unknown word 'betwen'.*did you mean betw"),
        ("dataops: 1\ncolumns: {a: {between: 5}}", r"columns\.a\.between is 5; allowed is a list of two of these"),
        ("dataops: 1\ncolumns: {a: {between: [null, null]}}", r"columns\.a\.between is \[None, None\]; allowed is"),
        ("dataops: 1\ncolumns: {a: {between: [5, 1]}}", r"min_value 5 is above max_value 1"),
        ("dataops: 1\ncolumns: {a: intger}", r"columns\.a is 'intger'; allowed is string or integer"),
        ("dataops: 1\ncolumns: {a: {required: false}}", r"columns\.a\.required is False; allowed is true"),
        ("dataops: 1\ncolumns: [{in: [a], warn: true, block: true}]", r"columns is .*; allowed is a mapping"),
        ("dataops: 1\ncolumns: {a: [{in: [a], warn: 1, block: 1}]}", r"columns\.a\.0 says warn and block; only one"),
        ("dataops: 1\ncolumns: {a: {in: [a], quarantine: 7}}", r"quarantine is 7; allowed is a number .* at most 1"),
        ("dataops: 1\ncolumns: {a: {matches: '('}}", r"columns\.a\.matches is '\('; allowed is a regular expression"),
        ("dataops: 1\ncolumns: {a: {expect: {expect_column_values_to_be_nul: }}}", r"did you mean expect_column_val"),
        ("dataops: 1\ncolumns: {no: integer}", r'has the key False, which YAML made of a word such as no.*"no"'),
        ("dataops: 1\nchecks: [{foo: 1}]", r"checks\.0 has none of the words expect, sql, unique, sum, exist_in"),
        ("dataops: 1\nchecks: [{sql: SELECT 1}]", r"checks\.0 says nothing to check; one of equals"),
        ("dataops: 1\nchecks: [{sql: S, equals: 1, quarantine: true}]", r"checks\.0 has the unknown word 'quarantine'"),
        ("dataops: 1\nchecks: [{sql: S, min: 1, above: 1}]", r"checks\.0 says min and above; only one"),
        ("dataops: 1\nchecks: [{expect: expect_wonders}]", r"names 'expect_wonders', which is no check"),
        ("dataops: 1\nrows: {min: 1, between: [1, 2]}", r"rows says between and min; only one"),
        ("dataops: 1\nrows: -1", r"rows is -1; allowed is a whole number at least 0"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_its_place_and_a_cure(text, said):
    with pytest.raises(BrokenCheckError, match=f"(?s)^s.yaml.*{said}") as raised:
        suite_of(document_of_shorthand(yaml.safe_load(text), "s.yaml"), "s.yaml")
    assert raised.value.hint


def test_only_shorthand_is_taken_for_it():
    assert is_shorthand({"dataops": 1})
    assert not is_shorthand({"dataops": 1, "expectations": []})
    assert not is_shorthand({"kind": "DataContract"})
    assert not is_shorthand(None)


# -- schema and parser -------------------------------------------------------------------------------------------------

SEVERITY = st.dictionaries(
    st.sampled_from([*SEVERITIES, "says", "where", "description", "classification"]),
    st.sampled_from([True, 0.5, {"rows": 3}, "text"]),
    max_size=2,
)
GROUPS = st.builds(
    lambda words, options: {**{word: WORDS[word][0] for word in words}, **options},
    st.lists(st.sampled_from(sorted(WORDS)), max_size=4),
    SEVERITY,
)
ITEMS = st.sampled_from(
    [
        {"expect": "expect_table_row_count_to_equal", "with": {"value": 1}},
        {"sql": "SELECT 1", "equals": 1},
        {"sql": "SELECT 1", "between": [1, None], "warn": True},
        {"unique": ["a", "b"]},
        {"sum": ["a", "b"], "equals": 1.5},
        {"exist_in": "t", "columns": ["a"]},
    ]
)
DOCUMENTS = st.fixed_dictionaries(
    {"dataops": st.just(1)},
    optional={
        "name": st.text(min_size=1, max_size=5),
        "owner": st.just("me"),
        "columns": st.dictionaries(
            st.text(min_size=1, max_size=5),
            st.one_of(st.none(), st.just("integer"), GROUPS, st.lists(GROUPS, max_size=2)),
            max_size=3,
        ),
        "key": st.sampled_from(["a", ["a", "b"]]),
        "rows": st.sampled_from([1, [0, 5], {"min": 1}, {"between": [None, 5], "info": True}]),
        "exact_columns": st.sampled_from([True, "in order"]),
        "checks": st.lists(ITEMS, max_size=2),
    },
)  # fmt: skip
SLIPS = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 2), st.floats(allow_nan=False), st.text(max_size=3),
    st.lists(st.one_of(st.none(), st.integers(0, 3), st.text(max_size=2)), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(0, 2), max_size=1),
)  # fmt: skip


def accepts(document: dict) -> bool:
    try:
        document_of_shorthand(document, "s.yaml")
    except BrokenCheckError:
        return False
    return True


def validates(document: dict) -> bool:
    checker = jsonschema.FormatChecker(formats=["regex"])
    return jsonschema.Draft202012Validator(SCHEMA, format_checker=checker).is_valid(document)


def places(document: object, above: tuple = ()) -> list[tuple]:
    """Return the way to every place in a document."""
    inside = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else []
    )
    return [above, *[place for step, held in inside for place in places(held, (*above, step))]]


def changed(document: object, place: tuple, value: object) -> object:
    """Return the document with another value at a place."""
    if not place:
        return value
    copy = dict(document) if isinstance(document, dict) else list(document)
    copy[place[0]] = changed(copy[place[0]], place[1:], value)
    return copy


def test_the_schema_itself_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@settings(deadline=None)
@given(DOCUMENTS)
def test_what_validates_is_accepted_as_a_suite_and_what_does_not_is_not(document):
    assert accepts(document) == validates(document)
    if validates(document):
        made = document_of_shorthand(document, "s.yaml")
        if made["expectations"]:
            suite_of(made, "s.yaml")


@settings(deadline=None)
@given(DOCUMENTS, st.data(), SLIPS)
def test_a_slip_anywhere_is_seen_by_both_or_by_none(document, data, slip):
    place = data.draw(st.sampled_from(places(document)[1:]))
    document = changed(document, place, slip)
    assert accepts(document) == validates(document)


@settings(deadline=None)
@given(DOCUMENTS, st.data(), st.text(max_size=6))
def test_an_unknown_word_is_refused_by_both(document, data, word):
    ours = [p for p in places(document) if len(p) in {2, 3} and p[0] in {"columns", "checks"}]
    mappings = [(), *[place for place in ours if place[-1] != "with"]]  # what it holds is Great Expectations' own
    place = data.draw(st.sampled_from(mappings))
    held = document
    for step in place:
        held = held[step]
    if not isinstance(held, dict) or word in {*COLUMN_WORDS, *CHECK_WORDS, *SEVERITIES} or word in held:
        return
    document = changed(document, place, {**held, f"{word}·": 1})
    assert not accepts(document)
    assert not validates(document)
