from __future__ import annotations

import json

import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_dataops.core.contract import VERSIONS, document_of, is_contract
from airflow_dataops.core.quality_suite import suite_of
from airflow_dataops.exceptions import BrokenCheckError
from airflow_dataops.testing import run_suite

ORDERS = yaml.safe_load("""
apiVersion: v3.1.0
kind: DataContract
id: orders-contract
version: 1.2.0
status: active
schema:
  - name: orders
    physicalType: table
    properties:
      - {name: order_id, logicalType: integer, primaryKey: true, primaryKeyPosition: 1, classification: public}
      - name: email
        logicalType: string
        required: true
        classification: restricted
        logicalTypeOptions: {maxLength: 40, format: email}
      - name: amount
        logicalType: number
        logicalTypeOptions: {exclusiveMinimum: 0, maximum: 1000}
        quality:
          - {metric: nullValues, mustBeLessOrEqualTo: 10, unit: percent, severity: warning}
      - name: status
        logicalType: string
        quality:
          - name: known status
            metric: invalidValues
            arguments: {validValues: [open, paid]}
            mustBe: 0
            customProperties: [{property: dataops.severity, value: quarantine}]
          - {type: text, description: People must like it.}
      - {name: tags, logicalType: array, items: {logicalType: string}}
    quality:
      - {metric: rowCount, mustBeGreaterThan: 2}
      - {type: sql, name: no refunds, query: "SELECT count(*) FROM {object} WHERE amount < 0", mustBe: 0}
      - {type: custom, engine: soda, implementation: "checks for orders"}
      - type: custom
        engine: greatExpectations
        implementation: {type: expect_column_max_to_be_between, kwargs: {column: amount, max_value: 900}}
slaProperties:
  - {property: retention, value: 3, unit: y}
  - {property: latency, value: 1, unit: d}
""")


def frame(**columns) -> pd.DataFrame:
    good = {
        "order_id": [1, 2, 3],
        "email": ["a@example.org", "b@example.org", "c@example.org"],
        "amount": [1.0, None, 900.0],
        "status": ["open", "paid", "open"],
        "tags": ["x", "y", "z"],
    }
    return pd.DataFrame({**good, **columns})


def failed(data: pd.DataFrame) -> list[str]:
    document = document_of(ORDERS, "orders.yaml")
    results = run_suite(document, data)["results"]
    return [r["expectation_config"]["meta"]["dataops"]["id"] for r in results if not r["success"]]


def test_every_rule_of_a_contract_becomes_a_check_or_is_reported_by_name():
    document = document_of(ORDERS, "orders.yaml")
    assert [one["meta"]["dataops"]["id"] for one in document["expectations"]] == [
        "order_id: exists",
        "order_id: required",
        "order_id: type",
        "email: exists",
        "email: required",
        "email: type",
        "email: length",
        "email: format",
        "amount: exists",
        "amount: type",
        "amount: exclusiveMinimum",
        "amount: maximum",
        "amount: nullValues",
        "status: exists",
        "status: type",
        "status: known status",
        "tags: exists",
        "primary key",
        "rowCount",
        "no refunds",
        "rule 4",
    ]
    assert [(one["rule"], one["why"]) for one in document["meta"]["dataops"]["unsupported"]] == [
        ("status: rule 2", "it is written for people"),
        ("tags: logicalType array", "values of this type are not checked"),
        ("tags: nested properties", "values inside of objects, arrays and maps are not checked"),
        ("rule 3", "rules for the engine soda are not checked"),
        ("service level latency", "it names no element to look at, such as orders.updated_at"),
    ]


def test_data_that_keep_the_contract_pass_every_check():
    assert failed(frame()) == ["amount: nullValues"]  # one of three is missing; the gate's tolerance is ten percent


@pytest.mark.parametrize(
    ("columns", "broken"),
    [
        ({"order_id": [1, 1, 3]}, "primary key"),
        ({"order_id": ["a", "b", "c"]}, "order_id: type"),
        ({"email": ["a@example.org", None, "c@example.org"]}, "email: required"),
        ({"email": ["a@example.org", "nobody", "c@example.org"]}, "email: format"),
        ({"email": ["a" * 40 + "@example.org", "b@example.org", "c@example.org"]}, "email: length"),
        ({"amount": [0.0, 2.0, 3.0]}, "amount: exclusiveMinimum"),
        ({"amount": [1.0, 2.0, 901.0]}, "rule 4"),
        ({"amount": [1.0, -2.0, 3.0]}, "no refunds"),
        ({"status": ["open", "lost", "open"]}, "status: known status"),
    ],
)
def test_data_that_break_the_contract_fail_the_check_of_that_rule(columns, broken):
    assert broken in failed(frame(**columns))


def test_too_few_rows_fail_the_row_count():
    assert "rowCount" in failed(frame().iloc[:2])


def test_severities_and_limits_of_the_contract_are_those_of_the_gate():
    checks = {check.id: check for check in suite_of(document_of(ORDERS, "orders.yaml"), "orders.yaml").checks}
    assert checks["amount: nullValues"].severity == "warn"
    assert checks["amount: nullValues"].tolerance.share == 0.1
    assert checks["status: known status"].severity == "quarantine"
    assert checks["status: known status"].tolerance.rows == 0
    assert checks["order_id: required"].severity == "block"


def test_the_suite_remembers_contract_classification_and_retention():
    meta = document_of(ORDERS, "orders.yaml")["meta"]["dataops"]
    assert meta["classification"] == {"order_id": "public", "email": "restricted"}
    assert meta["contract"] == {
        "id": "orders-contract",
        "version": "1.2.0",
        "status": "active",
        "retention": [{"value": 3, "unit": "y"}],
    }


def test_a_compound_primary_key_is_checked_as_one_in_its_own_order():
    properties = [
        {"name": "line", "primaryKey": True, "primaryKeyPosition": 2},
        {"name": "order", "primaryKey": True, "primaryKeyPosition": 1},
    ]
    contract = {**ORDERS, "schema": [{"name": "lines", "properties": properties}]}
    assert document_of(contract, "c.yaml")["expectations"][-1]["kwargs"] == {"column_list": ["order", "line"]}


def of_column(**column) -> tuple[list[dict], list[str]]:
    """Return the expectations on one column beyond its existence, and the rules that are refused."""
    contract = {**ORDERS, "schema": [{"name": "t", "properties": [{"name": "c", **column}]}], "slaProperties": []}
    document = document_of(contract, "c.yaml")
    told = [{"type": one["type"], **one["kwargs"], **one["meta"]["dataops"]} for one in document["expectations"][1:]]
    return told, [one["rule"] for one in document["meta"]["dataops"]["unsupported"]]


@pytest.mark.parametrize(
    ("rule", "tolerance"),
    [
        ({"mustBe": 0}, {"rows": 0}),
        ({"mustBeLessThan": 10}, {"rows": 9}),
        ({"mustBeLessThan": 10.5}, {"rows": 10}),
        ({"mustBeLessOrEqualTo": 10}, {"rows": 10}),
        ({"mustBeLessOrEqualTo": 2.5, "unit": "percent"}, 0.025),
    ],
)
def test_an_upper_limit_of_failing_rows_is_a_tolerance(rule, tolerance):
    told, refused = of_column(quality=[{"metric": "nullValues", **rule}])
    assert (told[0]["tolerance"], refused) == (tolerance, [])


@pytest.mark.parametrize(
    "rule",
    [
        {"metric": "nullValues"},
        {"metric": "nullValues", "mustBe": None},
        {"metric": "nullValues", "mustBeLessThan": "ten"},
        {"metric": "nullValues", "mustBeBetween": [5]},
        {"metric": "nullValues", "mustBeBetween": [5, 1]},
        {"metric": "nullValues", "mustBeAround": 5},
        {"metric": "nullValues", "mustBeGreaterThan": 5, "mustBeLessThan": 5},
        {"metric": "nullValues", "mustBeLessThan": 5, "mustBeLessOrEqualTo": 7},
        {"metric": "nullValues", "mustBe": 0, "toolRuleName": "x"},
        {"metric": "missingValues", "arguments": {"missingValues": "N/A"}, "mustBe": 0},
        {"metric": "invalidValues", "arguments": {"validValues": ["a"], "pattern": "a"}, "mustBe": 0},
        {"metric": "invalidValues", "arguments": {"pattern": "("}, "mustBe": 0},
        {"metric": "invalidValues", "mustBe": 0},
        {"metric": "invalidValues", "arguments": [1], "mustBe": 0},
        {"metric": "rowCount", "mustBe": 0},
        {"metric": "nonsense", "mustBe": 0},
        {"type": "sql", "mustBe": 0},
        {"type": "sql", "query": "SELECT 0"},
        {"type": "custom", "engine": "dbt", "implementation": "x"},
        {"type": "custom", "engine": "greatExpectations", "implementation": "a: [b"},
        {"type": "custom", "engine": "greatExpectations", "implementation": "only words"},
        {"type": "custom", "engine": "greatExpectations", "implementation": {"type": "expect_wonders"}},
        {"type": "own", "mustBe": 0},
    ],
)
def test_a_rule_whose_meaning_cannot_be_kept_is_refused_by_name(rule):
    told, refused = of_column(quality=[{"id": "mine", **rule}])
    assert (told, refused) == ([], ["c: mine"])


def test_values_and_types_of_the_contract_are_checked_or_named():
    told, refused = of_column(
        enum=[{"value": "a"}, {"value": "b"}], physicalType="varchar(2)", logicalTypeOptions={"multipleOf": 5}
    )
    assert [(one["type"], one["id"]) for one in told] == [
        ("dataops_column_values_to_be_multiple_of", "c: multipleOf"),
        ("expect_column_values_to_be_in_set", "c: enum"),
        ("dataops_column_to_be_stored_as", "c: physicalType varchar(2)"),
    ]
    assert told[1]["value_set"] == ["a", "b"]
    assert refused == []


def test_of_two_bounds_on_one_side_both_count():
    told, _ = of_column(logicalTypeOptions={"minimum": 1, "exclusiveMinimum": 5})
    assert [(one["min_value"], one.get("strict_min", False)) for one in told] == [(1, False), (5, True)]


@pytest.mark.parametrize(
    ("rule", "bounds"),
    [
        ({"mustBe": 7}, {"value": 7}),
        ({"mustBeGreaterThan": 7}, {"min_value": 8}),
        ({"mustBeLessThan": 10.5}, {"max_value": 10}),
        ({"mustBeBetween": [3, 9]}, {"min_value": 3, "max_value": 9}),
    ],
)
def test_a_number_of_rows_is_bounded_as_the_contract_says(rule, bounds):
    contract = {**ORDERS, "schema": [{"name": "t", "quality": [{"metric": "rowCount", **rule}]}]}
    assert document_of(contract, "c.yaml")["expectations"][0]["kwargs"] == bounds


def test_names_that_the_data_use_stand_in_rules_on_several_columns():
    properties = [{"name": "a", "physicalName": "col_a"}, {"name": "b"}]
    rule = {"metric": "duplicateValues", "arguments": {"properties": ["a", "b"]}, "mustBe": 0}
    contract = {**ORDERS, "schema": [{"name": "t", "properties": properties, "quality": [rule]}]}
    assert document_of(contract, "c.yaml")["expectations"][-1]["kwargs"] == {"column_list": ["col_a", "b"]}


def test_a_query_that_finds_nothing_at_all_is_no_zero_and_hostile_names_stay_names():
    frame = pd.DataFrame({'a"b': [1.0]})
    query = "SELECT sum({column}) FROM {object} WHERE {column} > 5"
    properties = [{"name": 'a"b', "quality": [{"type": "sql", "query": query, "mustBe": 0}]}]
    contract = {**ORDERS, "schema": [{"name": "t", "properties": properties}]}
    result = run_suite(document_of(contract, "c.yaml"), frame)["results"][-1]
    assert (result["success"], result["result"]) == (False, {"observed_value": None})


@pytest.mark.parametrize("version", [None, "v2.2.0", "v9.0.0", 3])
def test_an_unknown_version_is_refused_with_those_that_are_known(version):
    with pytest.raises(BrokenCheckError, match=r"allowed are v3\.0\.0, v3.0.1, v3.0.2, v3.1.0, v3.2.0"):
        document_of({**ORDERS, "apiVersion": version}, "orders.yaml")


@pytest.mark.parametrize("version", VERSIONS)
def test_every_known_version_is_read(version):
    assert document_of({**ORDERS, "apiVersion": version}, "orders.yaml")["name"] == "orders"


def test_of_several_objects_one_must_be_named(tmp_path):
    two = {**ORDERS, "schema": [*ORDERS["schema"], {"name": "customers", "properties": [{"name": "id"}]}]}
    with pytest.raises(BrokenCheckError, match="describes several objects; it has orders, customers"):
        document_of(two, "orders.yaml")
    with pytest.raises(BrokenCheckError, match="has no object 'order'; it has orders, customers"):
        document_of(two, "orders.yaml", "order")
    (tmp_path / "contract.yaml").write_text(yaml.safe_dump(two))
    result = run_suite(str(tmp_path / "contract.yaml#customers"), pd.DataFrame({"id": [1]}))
    assert (result["success"], result["suite_name"]) == (True, "customers")


def test_only_a_data_contract_is_one():
    assert is_contract(ORDERS)
    assert not is_contract({"name": "suite", "expectations": []})
    assert not is_contract([])


def test_the_suite_of_a_contract_is_plain_json():
    document = document_of(ORDERS, "orders.yaml")
    assert json.loads(json.dumps(document)) == document


@pytest.mark.parametrize("name", [{}, {"name": None}, {"name": False}, {"name": 2024}, {"name": ""}])
def test_a_property_without_a_name_is_refused(name):
    with pytest.raises(BrokenCheckError, match="A property of the object t has no name"):
        document_of({**ORDERS, "schema": [{"name": "t", "properties": [name]}]}, "c.yaml")


def places(document: object, above: tuple = ()) -> list[tuple]:
    """Return the way to every place in a document."""
    pairs = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    return [above, *[place for step, held in pairs for place in places(held, (*above, step))]]


def changed(document: object, place: tuple, value: object) -> object:
    """Return the document with another value at a place."""
    if not place:
        return value
    copied = dict(document) if isinstance(document, dict) else list(document)
    copied[place[0]] = changed(copied[place[0]], place[1:], value)
    return copied


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.dates(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(places(ORDERS)[1:]), ANYTHING)
def test_whatever_stands_anywhere_in_a_contract_it_is_read_or_refused_in_our_words(place, value):
    try:
        suite_of(document_of(changed(ORDERS, place, value), "c.yaml"), "c.yaml")
    except BrokenCheckError as error:
        assert error.hint  # noqa: PT017 - both ways are right
