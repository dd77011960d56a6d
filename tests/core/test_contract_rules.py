"""Each rule of a contract against data that keep it and data that do not."""

# ruff: noqa: DTZ001 - times without a zone are what is tested

from __future__ import annotations

from datetime import UTC, date, datetime

import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from airflow_dataops.core.contract import document_of
from airflow_dataops.core.contract_levels import seconds_of
from airflow_dataops.core.contract_limits import OPERATORS
from airflow_dataops.core.quality_suite import suite_of
from airflow_dataops.exceptions import BrokenCheckError
from airflow_dataops.testing import run_suite

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


def contract(*objects: dict, **more) -> dict:
    return {"apiVersion": "v3.1.0", "kind": "DataContract", "id": "c", "version": "1.0.0", "status": "active",
            "schema": list(objects), **more}  # fmt: skip


def judged(rules: dict | list, frame: pd.DataFrame, chosen: str | None = None, **given) -> dict[str, bool]:
    """Return what came of each check, by its id, beside those on existence."""
    document = rules if "kind" in rules else contract(rules)
    result = run_suite(document_of(document, "c.yaml", chosen), frame, now=NOW, **given)
    config = [(one["expectation_config"], one) for one in result["results"]]
    for _, one in config:
        assert not one["exception_info"]["raised_exception"], one["exception_info"]["exception_message"]
    return {c["meta"]["dataops"]["id"]: one["success"] for c, one in config if c["type"] != "expect_column_to_exist"}


def of_quality(rule: dict, frame: pd.DataFrame, column: str | None = "c") -> bool:
    rule = {"id": "mine", **rule}
    properties = [{"name": name, **({"quality": [rule]} if name == column else {})} for name in frame.columns]
    told = judged({"name": "t", "properties": properties, "quality": [] if column else [rule]}, frame)
    (success,) = told.values()
    return success


# -- operators ---------------------------------------------------------------------------------------------------------

MEANINGS = {
    "mustBe": lambda figure, limit: figure == limit,
    "mustNotBe": lambda figure, limit: figure != limit,
    "mustBeGreaterThan": lambda figure, limit: figure > limit,
    "mustBeGreaterOrEqualTo": lambda figure, limit: figure >= limit,
    "mustBeGreaterThanOrEqualTo": lambda figure, limit: figure >= limit,
    "mustBeLessThan": lambda figure, limit: figure < limit,
    "mustBeLessOrEqualTo": lambda figure, limit: figure <= limit,
    "mustBeLessThanOrEqualTo": lambda figure, limit: figure <= limit,
    "mustBeBetween": lambda figure, limit: limit[0] <= figure <= limit[1],
    "mustNotBeBetween": lambda figure, limit: not limit[0] <= figure <= limit[1],
}
FRAME = pd.DataFrame({"c": ["a", "a", "b", "b", "b", "", "N/A", None, None, "z"], "n": range(10)})
FIGURES = {
    "nullValues": ({"metric": "nullValues"}, 2),
    "missingValues": ({"metric": "missingValues", "arguments": {"missingValues": [None, "", "N/A"]}}, 4),
    "missing but not null": ({"metric": "missingValues", "arguments": {"missingValues": ["", "N/A"]}}, 2),
    "missing without a list": ({"metric": "missingValues"}, 2),
    "valid values": ({"metric": "invalidValues", "arguments": {"validValues": ["a", "b", None]}}, 3),
    "pattern": ({"metric": "invalidValues", "arguments": {"pattern": "^[a-z]$"}}, 2),
    "duplicateValues": ({"metric": "duplicateValues"}, 2),
    "sql": ({"type": "sql", "query": "SELECT count({property}) FROM {object}"}, 8),
}


def test_every_operator_has_a_meaning_here():
    assert set(MEANINGS) == set(OPERATORS)


def within_tolerance(rule: dict) -> bool:
    """Return whether the gate accepts FRAME: rows that fail are a matter of its tolerance, not of the check."""
    properties = [{"name": "c", "quality": [{"id": "mine", **rule}]}]
    document = document_of(contract({"name": "t", "properties": properties}), "c.yaml")
    result = run_suite(document, FRAME)["results"][-1]
    check = suite_of(document, "c.yaml").checks[-1]
    if check.tolerance is None:
        return result["success"]
    return check.tolerance.allows(result["result"]["unexpected_count"], len(FRAME))


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("named", FIGURES)
def test_the_gate_accepts_what_the_operator_allows_and_nothing_else(named, operator):
    rule, figure = FIGURES[named]
    limits = ([0, 1], [2, 8], [3, 20]) if "Between" in operator else (0, 2, 3, 4, 8)
    accepted = [within_tolerance({**rule, operator: limit}) for limit in limits]
    assert accepted == [MEANINGS[operator](figure, limit) for limit in limits]


@pytest.mark.parametrize("operator", OPERATORS)
def test_per_cent_are_shares_of_all_rows(operator):
    limits = ([0, 10], [10, 50], [20, 20], [21, 30]) if "Between" in operator else (0, 10, 20, 20.5, 100)
    accepted = [within_tolerance({"metric": "nullValues", "unit": "percent", operator: limit}) for limit in limits]
    assert accepted == [MEANINGS[operator](20, limit) for limit in limits]


@pytest.mark.parametrize("operator", OPERATORS)
def test_a_number_of_rows_is_compared_as_the_standard_says(operator):
    limits = ([0, 9], [10, 12], [3, 10], [9.5, 10.5]) if "Between" in operator else (0, 9, 9.5, 10, 10.5, 11)
    accepted = [of_quality({"metric": "rowCount", operator: limit}, FRAME, None) for limit in limits]
    assert accepted == [MEANINGS[operator](10, limit) for limit in limits]


def test_operators_together_are_one_range():
    rule = {"type": "sql", "query": "SELECT count(*) FROM ${table}"}
    assert of_quality({**rule, "mustBeGreaterThan": 9, "mustBeLessThan": 11}, FRAME, None)
    assert not of_quality({**rule, "mustBeGreaterThan": 10, "mustBeLessThan": 12}, FRAME, None)


@pytest.mark.parametrize(
    ("query", "limit", "kept"),
    [
        ("SELECT max(n) > 5 FROM {table}", True, True),
        ("SELECT max(n) > 50 FROM {table}", True, False),
        ("SELECT max(n) > 50 FROM {table}", False, True),
        ("SELECT max(c) FROM {table}", "z", True),
        ("SELECT avg(n) FROM {table}", 4.5, True),
        ("SELECT sum(n) FROM {table}", 45, True),
        ("SELECT cast(4.5 AS DECIMAL(5, 2))", 4.5, True),
        ("SELECT n FROM {table} WHERE n > 100", 0, False),
        ("WITH few AS (SELECT * FROM {table} LIMIT 3) SELECT count(*) FROM few;", 3, True),
    ],
)
def test_a_query_finds_a_number_a_truth_value_or_a_text(query, limit, kept):
    assert of_quality({"type": "sql", "query": query, "mustBe": limit}, FRAME, None) is kept


@pytest.mark.parametrize("quote", ['"', "`", ""])
def test_names_stand_in_queries_with_any_quotes_and_however_hostile(quote):
    name = 'a"; DROP TABLE source; --{object}'
    frame = pd.DataFrame({name: [1.0, 2.0]})
    query = f"SELECT sum({quote}${{column}}{quote}) FROM {quote}${{schema}}{quote}"
    assert of_quality({"type": "sql", "query": query, "mustBe": 3}, frame, name)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT 1; DROP TABLE source", "the query is no single SELECT"),
        ("DELETE FROM {object}", "the query is no single SELECT"),
        ("COPY {object} TO 'x.csv'", "the query is no single SELECT"),
        ("SELECT FROM WHERE (", "the query is no SQL"),
        ("SELECT nothing FROM {object}", "names what the data do not have"),
        ("SELECT max({column}) FROM {object}", "its rule belongs to none"),
    ],
)
def test_a_query_that_does_more_than_read_or_cannot_run_is_a_broken_check(query, said):
    rule = {"type": "sql", "query": query, "mustBe": 0}
    result = run_suite(document_of(contract({"name": "t", "quality": [rule]}), "c.yaml"), FRAME)["results"][0]
    assert said in result["exception_info"]["exception_message"]
    assert not result["success"]


# -- metrics -----------------------------------------------------------------------------------------------------------


def test_duplicates_of_several_columns_count_combinations():
    frame = pd.DataFrame({"a": [1, 1, 1, 2, 2], "b": ["x", "x", "y", "z", "z"]})
    rule = {"metric": "duplicateValues", "arguments": {"properties": ["a", "b"]}}
    assert of_quality({**rule, "mustBe": 2}, frame, None)
    assert not of_quality({**rule, "mustBe": 0}, frame, None)
    assert of_quality({**rule, "mustBeLessOrEqualTo": 40, "unit": "percent"}, frame, None)


def test_a_figure_over_no_rows_is_zero():
    empty = FRAME.iloc[:0]
    for unit in ("rows", "percent"):
        assert of_quality({"metric": "nullValues", "mustBeBetween": [0, 1], "unit": unit}, empty)
        assert of_quality({"metric": "duplicateValues", "mustBeBetween": [0, 1], "unit": unit}, empty)
        assert not of_quality({"metric": "nullValues", "mustBeGreaterThan": 0, "unit": unit}, empty)


def test_failing_rows_of_a_metric_go_into_quarantine_where_that_is_asked():
    rule = {"metric": "missingValues", "arguments": {"missingValues": [None, ""]}, "mustBe": 0}
    options = [{"property": "dataops.severity", "value": "quarantine"}]
    properties = [{"name": "c", "quality": [{**rule, "customProperties": options}]}]
    check = suite_of(document_of(contract({"name": "t", "properties": properties}), "c.yaml"), "c.yaml").checks[-1]
    assert (check.severity, check.row_level, check.says) == ("quarantine", True, "have no c")


@pytest.mark.parametrize(
    "implementation",
    [
        "type: expect_column_max_to_be_between\nkwargs:\n  maxValue: 8\n",
        {"type": "ExpectColumnMaxToBeBetween", "kwargs": {"max_value": 8}},
        {"expectation_type": "expect_column_max_to_be_between", "kwargs": {"column": "n", "max_value": 8}},
    ],
)
@pytest.mark.parametrize("engine", ["greatExpectations", "great-expectations", "Great Expectations", "gx"])
def test_rules_of_great_expectations_are_read_as_text_or_mapping_however_they_are_spelled(engine, implementation):
    rule = {"type": "custom", "engine": engine, "implementation": implementation}
    assert not of_quality(rule, FRAME, "n")
    assert of_quality(rule, FRAME.iloc[:9], "n")


@pytest.mark.parametrize(
    ("word", "severity"),
    [("info", "info"), ("warning", "warn"), ("Low", "warn"), ("trivial", "warn"), ("error", "block"), ("", "block")],
)
def test_words_for_severity_are_those_of_tools(word, severity):
    properties = [{"name": "c", "quality": [{"metric": "nullValues", "mustBe": 0, "severity": word}]}]
    document = document_of(contract({"name": "t", "properties": properties}), "c.yaml")
    assert suite_of(document, "c.yaml").checks[-1].severity == severity


def test_what_a_rule_tells_of_itself_goes_into_the_result():
    told = {"dimension": "completeness", "businessImpact": "operational", "description": "none may be missing"}
    properties = [{"name": "c", "quality": [{"metric": "nullValues", "mustBe": 0, **told}]}]
    document = document_of(contract({"name": "t", "properties": properties}), "c.yaml")
    config = run_suite(document, FRAME)["results"][-1]["expectation_config"]
    assert config["meta"]["contract"] == told


@pytest.mark.parametrize(
    ("named", "says"),
    [
        ({"name": "refunds", "description": "No refund may come first."}, "'No refund may come first.' is not met"),
        ({"name": "refunds"}, "'refunds' is not met"),
        ({}, "a query finds another value than agreed on"),
    ],
)
def test_a_query_that_fails_is_told_by_what_it_means(named, says):
    rule = {"type": "sql", "query": "SELECT 1", "mustBe": 0, **named}
    document = document_of(contract({"name": "t", "quality": [rule]}), "c.yaml")
    assert suite_of(document, "c.yaml").checks[-1].says == says


# -- types and options -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("logical", "options", "good", "bad"),
    [
        ("integer", {"multipleOf": 5}, [0, 5, -10], [0, 5, 7]),
        ("integer", {"multipleOf": 2.5}, [0, 5, -10], [0, 5, 7]),
        ("number", {"multipleOf": 0.01}, [19.99, 0.1, 1e6], [19.99, 0.001]),
        ("number", {"multipleOf": 0.01}, [19.99], [float("inf")]),
        ("integer", {"format": "i8"}, [-128, 127], [128]),
        ("integer", {"format": "u16"}, [0, 65_535], [-1]),
        ("integer", {"format": "i64"}, [2**62], None),
        ("integer", {"exclusiveMaximum": 5}, [4], [5]),
        ("string", {"format": "email"}, ["a@b.org"], ["a@b"]),
        ("string", {"format": "uuid"}, ["c6ac4b5e-0a7c-4d5f-8b1c-0123456789ab"], ["c6ac4b5e"]),
        ("string", {"format": "uri"}, ["https://x.org/a"], ["x.org a"]),
        ("string", {"format": "hostname"}, ["db-1.example.org"], ["-x.org"]),
        ("string", {"format": "ipv4"}, ["10.0.0.255"], ["10.0.0.256"]),
        ("string", {"format": "ipv6"}, ["2001:db8::1", "::1", "::", "fe80:0:0:0:0:0:0:1"], ["2001:db8::1::2"]),
        ("string", {"format": "byte"}, ["aGVsbG8=", ""], ["a*b"]),
        ("string", {"minLength": 2, "maxLength": 3}, ["ab", "abc"], ["a"]),
        ("string", {"pattern": "^a"}, ["ab"], ["ba"]),
        ("date", {"minimum": "2026-01-01"}, [date(2026, 1, 1)], [date(2025, 12, 31)]),
        ("timestamp", {"exclusiveMaximum": "2026-01-01T00:00:00"}, [datetime(2025, 12, 31)], [datetime(2026, 1, 1)]),
        ("timestamp", {"timezone": True}, [datetime(2026, 1, 1, tzinfo=UTC)], [datetime(2026, 1, 1)]),
        ("timestamp", {"timezone": False}, [datetime(2026, 1, 1)], [datetime(2026, 1, 1, tzinfo=UTC)]),
    ],
)
def test_an_option_of_a_type_is_checked(logical, options, good, bad):
    properties = [{"name": "c", "logicalType": logical, "logicalTypeOptions": options}]
    frames = [pd.DataFrame({"c": values}) for values in (good, bad) if values is not None]
    told = [all(judged({"name": "t", "properties": properties}, frame).values()) for frame in frames]
    assert told == [True, False][: len(frames)]


@pytest.mark.parametrize(
    ("logical", "options"),
    [
        ("date", {"format": "yyyy-MM-dd"}),
        ("timestamp", {"defaultTimezone": "Etc/UTC"}),
        ("time", {"minimum": "09:00:00"}),
        ("number", {"format": "f32"}),
        ("string", {"format": "password"}),
        ("string", {"pattern": "("}),
        ("string", {"minLength": "2"}),
        ("integer", {"minimum": "low"}),
        ("array", {"minItems": 1}),
        ("array", {"uniqueItems": True}),
        ("object", {"minProperties": 1}),
        ("vector", {"dimensions": 3}),
        ("string", {"ownOption": 3}),
    ],
)
def test_an_option_that_cannot_be_checked_is_named(logical, options):
    properties = [{"name": "c", "logicalType": logical, "logicalTypeOptions": options}]
    document = document_of(contract({"name": "t", "properties": properties}), "c.yaml")
    ((option, value),) = options.items()
    named = [one["rule"] for one in document["meta"]["dataops"]["unsupported"]]
    assert f"c: {option} {value}" in named
    assert not [one for one in document["expectations"] if one["meta"]["dataops"]["id"] == f"c: {option}"]


@pytest.mark.parametrize("kind", ["measure", "dimension"])
def test_what_is_derived_is_no_column(kind):
    properties = [
        {"name": "revenue", "semanticType": kind, "required": True},
        {"name": "c", "semanticType": "column"},
    ]
    document = document_of(contract({"name": "t", "properties": properties}), "c.yaml")
    assert [one["kwargs"] for one in document["expectations"]] == [{"column": "c"}]
    assert [one["rule"] for one in document["meta"]["dataops"]["unsupported"]] == [f"revenue: semanticType {kind}"]


def test_types_of_a_database_are_named_where_data_lie_in_files():
    properties = [{"name": "n", "physicalType": "bigint"}]
    result = run_suite(document_of(contract({"name": "t", "properties": properties}), "c.yaml"), FRAME)
    assert [one["rule"] for one in result["meta"]["dataops"]["unsupported"]] == ["n: physicalType bigint"]


# -- relationships -----------------------------------------------------------------------------------------------------

ORDERS = {
    "name": "orders",
    "id": "orders_tbl",
    "properties": [
        {"name": "customer", "id": "cust", "physicalName": "cust_no", "relationships": [{"to": "customers.id"}]},
        {"name": "country", "id": "land"},
    ],
}
CUSTOMERS = {
    "name": "customers",
    "id": "customers_tbl",
    "properties": [{"name": "id", "id": "cust_id", "physicalName": "no"}, {"name": "land", "id": "cust_land"}],
}
DATA = pd.DataFrame({"cust_no": [1, 2, None, 9], "country": ["at", "de", "at", None]})
KNOWN = pd.DataFrame({"no": [1, 2, 3, None], "land": ["at", "at", "de", None]})


def test_a_foreign_key_is_looked_for_in_the_data_of_the_other_object():
    document = contract(ORDERS, CUSTOMERS)
    result = run_suite(document_of(document, "c.yaml", "orders"), DATA, references={"customers": KNOWN})["results"][-1]
    assert (result["success"], result["result"]["unexpected_list"]) == (False, [9.0])
    assert result["result"]["missing_count"] == 1
    assert judged(document, DATA.iloc[:3], "orders", references={"customers": KNOWN}) == {
        "cust_no: relationship customers.id": True
    }


@pytest.mark.parametrize("kind", ["parquet", "csv", "parts"])
def test_the_other_data_may_lie_in_files(kind, tmp_path):
    KNOWN.to_parquet(tmp_path / "known.parquet")
    KNOWN.to_csv(tmp_path / "known.csv", index=False)
    DATA.to_csv(tmp_path / "data.csv", index=False)
    given = [KNOWN.iloc[:1], tmp_path / "known.parquet"] if kind == "parts" else tmp_path / f"known.{kind}"
    document = document_of(contract(ORDERS, CUSTOMERS), "c.yaml", "orders")
    result = run_suite(document, tmp_path / "data.csv", references={"customers": given})["results"][-1]
    assert result["result"]["unexpected_list"] == [9.0]


@pytest.mark.parametrize(
    "paths",
    [
        {"from": ["orders.customer", "orders.country"], "to": ["customers.id", "customers.land"]},
        {"from": ["customer", "country"], "to": ["customers.id", "customers.land"]},
        {
            "from": ["schema/orders_tbl/properties/cust", "schema/orders_tbl/properties/land"],
            "to": ["schema/customers_tbl/properties/cust_id", "/schema/customers_tbl/properties/cust_land"],
        },
    ],
)
def test_a_compound_foreign_key_is_one_and_passes_where_a_part_is_missing(paths):
    properties = [{**one, "relationships": []} for one in ORDERS["properties"]]
    orders = {**ORDERS, "properties": properties, "relationships": [{"type": "foreignKey", **paths}]}
    document = document_of(contract(orders, CUSTOMERS), "c.yaml", "orders")
    result = run_suite(document, DATA, references={"customers": KNOWN})["results"][-1]
    assert result["result"]["unexpected_list"] == [{"cust_no": 2.0, "country": "de"}]
    assert result["result"]["missing_count"] == 2


def test_without_the_other_data_a_relationship_is_named_and_not_judged():
    result = run_suite(document_of(contract(ORDERS, CUSTOMERS), "c.yaml", "orders"), DATA)
    assert result["success"]
    (named,) = result["meta"]["dataops"]["unsupported"]
    assert named["rule"] == "cust_no: relationship customers.id"
    assert "the data of customers were not given" in named["why"]


def test_a_reference_that_nothing_refers_to_is_a_slip():
    with pytest.raises(BrokenCheckError, match="refers to no table 'costumers'; it refers to customers"):
        run_suite(document_of(contract(ORDERS, CUSTOMERS), "c", "orders"), DATA, references={"costumers": KNOWN})


def test_a_reference_without_the_column_or_of_another_type_is_told():
    document = document_of(contract(ORDERS, CUSTOMERS), "c.yaml", "orders")
    for frame, said in (
        (KNOWN[["land"]], "its reference customers has no column no"),
        (KNOWN.assign(no="x"), "the column cust_no holds numbers, but no it refers to text"),
    ):
        result = run_suite(document, DATA, references={"customers": frame})["results"][-1]
        assert said in result["exception_info"]["exception_message"]


@pytest.mark.parametrize(
    ("relation", "why"),
    [
        ({"to": "customers.nobody"}, "its 'to' names no property"),
        ({"to": "schema/customers_tbl/properties/nobody"}, "its 'to' names no property"),
        ({"to": "customers.address.street"}, "its 'to' names no property"),
        ({"to": ["customers.id", "customers.land"]}, "its 'from' names 1 properties and its 'to' 2"),
        ({"to": "customers.id", "type": "composition"}, "relationships of the type composition are not checked"),
        ({}, "its 'to' names no property"),
    ],
)
def test_a_relationship_that_leads_nowhere_is_named(relation, why):
    orders = {**ORDERS, "properties": [{"name": "customer", "relationships": [relation]}]}
    document = document_of(contract(orders, CUSTOMERS), "c.yaml", "orders")
    (named,) = document["meta"]["dataops"]["unsupported"]
    assert why in named["why"]


def test_a_table_that_the_contract_does_not_describe_may_be_referred_to_by_its_own_names():
    orders = {**ORDERS, "properties": [{"name": "cust_no", "relationships": [{"to": "elsewhere.no"}]}]}
    told = judged(contract(orders, CUSTOMERS), DATA, "orders", references={"elsewhere": KNOWN})
    assert told == {"cust_no: relationship elsewhere.no": False}


def test_hostile_names_of_references_stay_names():
    hostile = 'x"; DROP TABLE source; --'
    suite = {"expectations": [{"type": "dataops_columns_to_exist_in", "kwargs": {
        "column_list": [hostile], "reference": hostile, "reference_columns": [hostile]}}]}  # fmt: skip
    frame = pd.DataFrame({hostile: ["'a", 'b"', None, "c"]})
    result = run_suite(suite, frame, references={hostile: frame.iloc[:2]})["results"][0]
    assert result["result"]["unexpected_list"] == ["c"]


# -- service levels ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("times", "value", "unit", "fresh"),
    [
        ([datetime(2026, 3, 9, 12)], 1, "d", True),
        ([datetime(2026, 3, 9, 11, 59, 59)], 1, "d", False),
        ([datetime(2026, 3, 10, 11, 30), datetime(2020, 1, 1)], 30, "min", True),
        ([datetime(2026, 3, 10, 11, 29)], 30, "minutes", False),
        ([datetime(2026, 3, 10, 13, tzinfo=UTC)], 1, "h", True),
        ([pd.Timestamp("2026-03-10T12:00+02:00")], "PT2H", None, True),
        ([pd.Timestamp("2026-03-10T12:00+02:00")], "PT1H59M", None, False),
        ([date(2026, 3, 8)], 2, "days", True),
        ([date(2026, 3, 7)], 2, "days", False),
        ([None], 2, "weeks", False),
        ([], 2, "weeks", False),
    ],
)
def test_the_newest_time_may_be_so_old_and_no_older(times, value, unit, fresh):
    column = pd.Series(times, dtype="datetime64[us]" if not any(times) else None)
    level = {"property": "latency", "value": value, "unit": unit, "element": "t.updated"}
    document = contract({"name": "t", "properties": [{"name": "updated"}]}, slaProperties=[level])
    assert judged(document, pd.DataFrame({"updated": column})) == {"updated: service level latency": fresh}


@pytest.mark.parametrize("name", ["latency", "ly", "freshness", "frequency", "Latency"])
@pytest.mark.parametrize("element", ["t.updated", "t_1.updated", "updated", None])
def test_levels_of_freshness_go_by_several_names_and_find_their_column(name, element):
    level = {"property": name, "value": 1, "unit": "d", "element": element}
    levels = [{key: given for key, given in level.items() if given is not None}]
    table = {"name": "t", "physicalName": "t_1", "properties": [{"name": "updated", "physicalName": "upd_ts"}]}
    document = document_of(contract(table, slaProperties=levels, slaDefaultElement="t.updated"), "c.yaml")
    assert document["expectations"][-1]["kwargs"] == {"column": "upd_ts", "seconds": 86_400.0}


@pytest.mark.parametrize(
    ("level", "why"),
    [
        ({"property": "availability", "value": "99.9%"}, "it is no property of the data"),
        ({"property": "latency", "value": 4, "unit": "d"}, "it names no element"),
        ({"property": "latency", "value": 4, "unit": "y", "element": "t.c"}, "4 y is no length of time"),
        ({"property": "latency", "value": 1, "unit": "M", "element": "t.c"}, "1 M is no length of time"),
        ({"property": "latency", "value": "soon", "element": "t.c"}, "soon is no length of time"),
        ({"property": "latency", "value": 4, "unit": "d", "element": "tab1.c"}, "the contract has no element tab1.c"),
        ({"property": "latency", "value": 4, "unit": "d", "element": "t.x"}, "the contract has no element t.x"),
    ],
)
def test_a_level_that_cannot_be_checked_is_named(level, why):
    document = document_of(contract({"name": "t", "properties": [{"name": "c"}]}, slaProperties=[level]), "c.yaml")
    (named,) = document["meta"]["dataops"]["unsupported"]
    assert why in named["why"]


def test_a_level_on_another_object_is_that_ones_business():
    level = {"property": "latency", "value": 4, "unit": "d", "element": "b.c, a.c"}
    objects = [{"name": name, "properties": [{"name": "c"}]} for name in ("a", "b", "other")]
    document = contract(*objects, slaProperties=[level])
    counts = [len(document_of(document, "c.yaml", name)["expectations"]) for name in ("a", "b", "other")]
    assert counts == [2, 2, 1]


@pytest.mark.parametrize(
    ("value", "unit", "seconds"),
    [
        (4, "d", 345_600), ("4", None, 345_600), ("1.5", "hours", 5_400), ("90s", None, 90), ("P1DT12H", "d", 129_600),
        ("P1W", None, 604_800), ("P", None, None), ("PT", None, None), (True, "d", None), (None, "d", None),
        (1, "months", None), ("-1", "d", None),
    ],
)  # fmt: skip
def test_lengths_of_time_are_read_in_several_ways(value, unit, seconds):
    assert seconds_of(value, unit) == seconds


# -- key words ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (contract(schemas=[]), r"the contract has the unknown key word 'schemas'.*\n\nhint: did you mean schema"),
        (contract({"name": "t", "property": []}), r"the object t has the unknown key word 'property'"),
        (
            contract({"name": "t", "properties": [{"name": "c", "requierd": True}]}),
            r"the property t\.c has the unknown key word 'requierd'.*\n\nhint: did you mean required",
        ),
        (
            contract({"name": "t", "properties": [{"name": "c", "items": {"uniqe": True}}]}),
            r"the property t\.c\.\[\] has the unknown key word 'uniqe'",
        ),
        (
            contract({"name": "t", "relationships": [{"form": "t.c", "to": "u.c"}]}),
            r"a relationship of the object t has the unknown key word 'form'",
        ),
        (
            contract(slaProperties=[{"property": "latency", "vlaue": 1}]),
            r"the service level latency has the unknown key word 'vlaue'",
        ),
    ],
)
def test_an_unknown_key_word_is_refused_at_its_place_with_one_that_is_meant(document, said):
    with pytest.raises(BrokenCheckError, match=f"(?s)c.yaml: {said}"):
        document_of(document, "c.yaml")


@pytest.mark.parametrize("version", ["v3.0.0", "v3.0.1"])
def test_before_they_were_forbidden_unknown_key_words_are_named(version):
    document = {**contract({"name": "t", "properties": [{"name": "c", "tag": ["x"]}]}), "apiVersion": version}
    named = [one["rule"] for one in document_of(document, "c.yaml")["meta"]["dataops"]["unsupported"]]
    assert named == ["the property t.c: tag"]


# -- variables ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def with_variables(tmp_path):
    rule = {"type": "sql", "query": "SELECT count(*) FROM ${table} WHERE n < ${CUTOFF:-5}", "mustBe": 5}
    servers = [{"server": "s", "type": "postgres", "password": "${NOWHERE}"}]
    path = tmp_path / "contract.yaml"
    path.write_text(yaml.safe_dump(contract({"name": "t", "quality": [rule]}, servers=servers)))
    return path


def test_a_variable_has_the_value_of_the_environment_or_its_default(with_variables, monkeypatch):
    assert run_suite(with_variables, FRAME)["success"]
    monkeypatch.setenv("CUTOFF", "4")
    assert not run_suite(with_variables, FRAME)["success"]
    monkeypatch.setenv("CUTOFF", "")
    assert run_suite(with_variables, FRAME)["success"]


def test_a_variable_without_any_value_is_a_broken_check(with_variables):
    with_variables.write_text(with_variables.read_text().replace(":-5", ""))
    with pytest.raises(
        BrokenCheckError, match=r"speaks of the variable CUTOFF, which has no value.*\n\nhint: set CUTOFF"
    ):
        run_suite(with_variables, FRAME)


# -- nothing is dropped ------------------------------------------------------------------------------------------------

VALUES = st.one_of(st.none(), st.booleans(), st.integers(-5, 200), st.floats(), st.text(max_size=4), st.just([0, 5]))
RULES = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["library", "sql", "custom", "text", "other", None]),
        "metric": st.sampled_from(
            ["nullValues", "missingValues", "invalidValues", "duplicateValues", "rowCount", "minCheck", None]
        ),
        "rule": st.sampled_from(["nullCheck", "countCheck", "between"]),
        "arguments": st.one_of(
            st.none(),
            VALUES,
            st.fixed_dictionaries(
                {},
                optional={
                    "validValues": VALUES,
                    "pattern": VALUES,
                    "missingValues": st.lists(st.one_of(st.none(), st.text(max_size=2))),
                    "properties": st.just(["a", "b"]),
                },
            ),
        ),
        "query": st.sampled_from(["SELECT 1", "", None, "SELECT count(*) FROM {object}"]),
        "engine": st.sampled_from(["soda", "greatExpectations"]),
        "implementation": st.sampled_from(["x", {"type": "expect_table_row_count_to_equal", "kwargs": {"value": 1}}]),
        "unit": st.sampled_from(["rows", "percent", "EUR"]),
        "severity": st.sampled_from(["info", "error"]),
        "ownWord": st.just(1),
        **dict.fromkeys(OPERATORS, VALUES),
    },
)


@given(of_table=st.lists(st.one_of(RULES, VALUES), max_size=4), of_column=st.lists(RULES, max_size=4))
def test_each_rule_becomes_one_check_or_is_named_once(of_table, of_column):
    tables = [{**rule, "id": f"t{n}"} if isinstance(rule, dict) else rule for n, rule in enumerate(of_table)]
    columns = [{**rule, "id": f"c{n}"} for n, rule in enumerate(of_column)]
    chosen = {"name": "t", "properties": [{"name": "a", "quality": columns}, {"name": "b"}], "quality": tables}
    document = document_of(contract(chosen), "c.yaml")
    checked = [one["meta"]["dataops"]["id"] for one in document["expectations"]]
    named = [one["rule"] for one in document["meta"]["dataops"]["unsupported"]]
    expected = [f"t{n}" if isinstance(rule, dict) else f"rule {n + 1}" for n, rule in enumerate(tables)]
    expected += [f"a: c{n}" for n in range(len(columns))]
    assert sorted(name for name in checked + named if not name.endswith(": exists")) == sorted(expected)
    suite_of({**document, "expectations": document["expectations"]}, "c.yaml")  # every check is one we can carry out
