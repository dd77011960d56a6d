"""What changes between two contracts are, and whom they break."""

# ruff: noqa: E501 - one change in one line

from __future__ import annotations

import copy

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from airflow_dataops.core.contract_diff import changes_of
from airflow_dataops.core.contract_facts import agreement_of
from airflow_dataops.core.contract_version import version_fault
from airflow_dataops.exceptions import BrokenCheckError

ORDERS = yaml.safe_load("""
apiVersion: v3.2.0
kind: DataContract
id: orders-contract
version: 1.2.0
status: active
team: [{username: ada, role: Owner}]
schema:
  - name: orders
    properties:
      - {name: id, id: f_id, logicalType: integer, primaryKey: true}
      - {name: email, logicalType: string, required: true, classification: restricted}
      - {name: amount, logicalType: integer, logicalTypeOptions: {minimum: 0, maximum: 100}}
      - {name: status, logicalType: string, enum: [{value: open}, {value: paid}]}
      - {name: at, logicalType: timestamp}
      - name: note
        logicalType: string
        quality: [{metric: nullValues, mustBeLessOrEqualTo: 5, severity: warning}]
    quality:
      - {metric: rowCount, mustBeGreaterThan: 10}
      - {type: sql, name: no refunds, query: "SELECT count(*) FROM {object} WHERE amount < 0", mustBe: 0}
slaProperties:
  - {property: latency, value: 1, unit: d, element: orders.at}
  - {property: retention, value: 3, unit: y}
  - {property: availability, value: 99.5, unit: percent}
""")


def edited(edit) -> dict:
    changed = copy.deepcopy(ORDERS)
    edit(changed)
    return changed


def differences(before: dict, after: dict) -> list[tuple]:
    found = changes_of(agreement_of(before, "a.yaml"), agreement_of(after, "b.yaml"))
    return [(one.kind, one.breaks, one.subject, one.what) for one in found]


def column(name: str):
    return lambda contract: next(one for one in contract["schema"][0]["properties"] if one["name"] == name)


def setting(name: str, /, **words):
    return lambda contract: column(name)(contract).update(words)


def without(name: str, *words: str):
    return lambda contract: [column(name)(contract).pop(word) for word in words]


def removing(name: str):
    return lambda contract: contract["schema"][0]["properties"].remove(column(name)(contract))


def adding(**words):
    return lambda contract: contract["schema"][0]["properties"].append(words)


def level(place: int, **words):
    return lambda contract: contract["slaProperties"][place].update(words)


def rule(place: int, **words):
    def edit(contract):
        rules = contract["schema"][0]["quality"]
        rules[place] = {**{k: v for k, v in rules[place].items() if not k.startswith("must")}, **words}

    return edit


CONSUMERS, PRODUCERS, BOTH, NOBODY = ("consumers",), ("producers",), ("consumers", "producers"), ()
CASES = {
    "column removed": (removing("note"), "breaking", CONSUMERS, "note", "the column was removed"),
    "column added": (adding(name="tax", logicalType="number"), "compatible", NOBODY, "tax", "the column was added"),
    "required column added": (adding(name="tax", required=True), "breaking", PRODUCERS, "tax", "a required column was added"),
    "column renamed, by its id": (setting("id", name="order_id"), "breaking", BOTH, "order_id", "the column was renamed from id"),
    "column renamed, by its checks": (setting("status", name="state"), "breaking", BOTH, "state", "the column was renamed from status"),
    "type narrowed": (setting("amount", logicalType="number"), "breaking", CONSUMERS, "amount", "type became looser: integer → number"),
    "type changed": (setting("email", logicalType="date"), "breaking", BOTH, "email", "type became different: string → date"),
    "required added": (setting("status", required=True), "breaking", PRODUCERS, "status", "required was added"),
    "required removed": (without("email", "required"), "breaking", CONSUMERS, "email", "required was removed"),
    "unique added": (setting("email", unique=True), "breaking", PRODUCERS, "email", "unique was added"),
    "values widened": (
        setting("status", enum=[{"value": v} for v in ("open", "paid", "lost")]),
        "breaking", CONSUMERS, "status",
        "allowed values became looser: value set ['open', 'paid'] → value set ['open', 'paid', 'lost']",
    ),
    "values narrowed": (
        setting("status", enum=[{"value": "paid"}]),
        "breaking", PRODUCERS, "status", "allowed values became tighter: value set ['open', 'paid'] → value set ['paid']",
    ),
    "limit loosened": (
        setting("amount", logicalTypeOptions={"minimum": -5, "maximum": 100}),
        "breaking", CONSUMERS, "amount",
        "range became looser: min value 0, max value 100 → min value -5, max value 100",
    ),
    "limit tightened": (
        setting("amount", logicalTypeOptions={"exclusiveMinimum": 0, "maximum": 100}),
        "breaking", PRODUCERS, "amount",
        "range became tighter: min value 0, max value 100 → min value 0, strict min True, max value 100",
    ),
    "limit moved": (
        setting("amount", logicalTypeOptions={"minimum": 5, "maximum": 200}),
        "breaking", BOTH, "amount",
        "range became different: min value 0, max value 100 → min value 5, max value 200",
    ),
    "limit dropped": (
        setting("amount", logicalTypeOptions={"minimum": 0}),
        "breaking", CONSUMERS, "amount", "range became looser: min value 0, max value 100 → min value 0",
    ),
    "number of rows": (
        rule(0, mustBeGreaterThan=20), "breaking", PRODUCERS, "",
        "number of rows became tighter: min value 11 → min value 21",
    ),
    "query": (rule(1, mustBeLessThan=3), "breaking", BOTH, "", None),
    "freshness": (level(0, value=2), "breaking", CONSUMERS, "at", "freshness became looser: seconds 86400.0 → seconds 172800.0"),
    "fresher": (level(0, value=2, unit="h"), "breaking", PRODUCERS, "at", "freshness became tighter: seconds 86400.0 → seconds 7200.0"),
    "retention shorter": (level(1, value=30, unit="months"), "breaking", CONSUMERS, "service level retention", "was 3 y and is 30 months"),
    "retention longer": (level(1, value=4), "breaking", PRODUCERS, "service level retention", "was 3 y and is 4 y"),
    "availability": (level(2, value=99), "breaking", CONSUMERS, "service level availability", "was 99.5 percent and is 99 percent"),
    "level dropped": (lambda c: c["slaProperties"].pop(), "breaking", CONSUMERS, "service level availability", "was 99.5 percent and is nothing"),
    "classification": (setting("email", classification="public"), "informational", NOBODY, "email", "classification was restricted and is public"),
    "description": (setting("email", description="of the buyer"), "informational", NOBODY, "email", "description was nothing and is of the buyer"),
    "owner": (lambda c: c.update(team=[{"username": "bob"}]), "informational", NOBODY, "", 'owners was ["ada"] and is ["bob"]'),
    "warning tightened": (
        setting("note", quality=[{"metric": "nullValues", "mustBe": 0, "severity": "warning"}]),
        "compatible", NOBODY, "note", "required became tighter: 5 rows may fail → as named",
    ),
    "warning became a must": (
        setting("note", quality=[{"metric": "nullValues", "mustBeLessOrEqualTo": 5}]),
        "breaking", PRODUCERS, "note", "required: failing it was warn and is block",
    ),
    "warning removed": (without("note", "quality"), "informational", NOBODY, "note", "required was removed: 5 rows may fail (it only warns)"),
    "object removed": (lambda c: c["schema"].append({"name": "x"}), "compatible", NOBODY, "", "the object was added"),
    "object renamed": (lambda c: c["schema"][0].update(name="sales"), "breaking", BOTH, "", "the object was renamed from orders"),
    "unchecked rule": (
        lambda c: c["schema"][0]["quality"].append({"type": "text", "name": "nice"}),
        "informational", NOBODY, "", "the rule 'nice', which is not checked, was added",
    ),
}  # fmt: skip


@pytest.mark.parametrize("named", CASES)
def test_a_change_is_classified_by_whom_it_breaks(named):
    edit, *expected, what = CASES[named]
    found = differences(ORDERS, edited(edit))
    if named == "object renamed":  # the level on orders leads nowhere now, which is told too
        found = [one for one in found if "object" in one[3]]
    if named == "query":
        assert found == [(*expected, "query became different: " + found[0][3].partition(": ")[2])]
    else:
        assert found == [(*expected, what)]


def test_the_key_is_compared_as_one():
    found = differences(ORDERS, edited(setting("email", primaryKey=True)))
    assert found == [
        ("breaking", CONSUMERS, "id", "unique was removed"),
        ("breaking", PRODUCERS, "id, email", "key was added"),
    ]


def test_a_file_does_not_differ_from_itself_nor_from_another_order_of_its_columns():
    def turn(contract):
        contract["schema"][0]["properties"].reverse()

    assert differences(ORDERS, ORDERS) == []
    assert differences(ORDERS, edited(turn)) == []


def test_a_range_in_two_rules_is_the_range_in_one():
    short = {"dataops": 1, "name": "t", "columns": {"a": {"min": 0, "max": 9}}}
    both = {"dataops": 1, "name": "t", "columns": {"a": {"between": [0, 9]}}}
    assert differences(short, both) == []


def test_suites_and_shorthands_are_compared_with_contracts():
    suite = {"name": "s", "expectations": [
        {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "a", "mostly": 0.9}}]}  # fmt: skip
    short = {"dataops": 1, "name": "t", "columns": {"a": {"required": True}}}
    assert differences(suite, short) == [
        ("breaking", PRODUCERS, "a", "required became tighter: 10 % may fail → as named"),
        ("informational", NOBODY, "", "the title was s"),
        ("informational", NOBODY, "a", "that the column exists is checked now"),
    ]


def test_files_without_a_name_are_compared_all_the_same():
    first, second = ({"dataops": 1, "columns": {"a": {"classification": word}}} for word in ("secret", "public"))
    found = changes_of(agreement_of(first, "a.yaml"), agreement_of(second, "b.yaml"))
    assert [(one.kind, one.what) for one in found] == [("informational", "classification was secret and is public")]


def test_quarantine_of_any_number_is_looser_than_of_a_share():
    def short(quarantine):
        return {"dataops": 1, "name": "t", "columns": {"a": {"min": 0, "quarantine": quarantine}}}

    assert differences(short(0.01), short(True)) == [
        (
            "breaking",
            CONSUMERS,
            "a",
            "range became looser: min value 0, 1 % may fail → min value 0, any number may fail",
        )
    ]


@pytest.mark.parametrize("document", [{}, [], "text", None, {"expectations": []}])
def test_what_is_no_agreement_is_refused_or_empty(document):
    if document == {"expectations": []}:
        assert differences(document, document) == []
        return
    with pytest.raises(BrokenCheckError, match="is not a suite"):
        agreement_of(document, "a.yaml")


LIMITS = st.fixed_dictionaries({}, optional={"min": st.integers(-3, 3), "max": st.integers(4, 9)})


@given(LIMITS, LIMITS)
def test_who_is_broken_turns_round_when_the_change_is_taken_back(first, second):
    def short(limits):
        return {"dataops": 1, "name": "t", "columns": {"a": {"type": "integer", **limits}}}

    there = {side for one in differences(short(first), short(second)) for side in one[1]}
    back = {side for one in differences(short(second), short(first)) for side in one[1]}
    turned = {"consumers": "producers", "producers": "consumers"}
    assert {turned[side] for side in there} == back
    tighter = all(second.get(end, other) * sign >= first.get(end, other) * sign for end, other, sign in
                  (("min", -99, 1), ("max", 99, -1)))  # fmt: skip
    assert ("consumers" not in there) == tighter


# -- versions ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "named", "said"),
    [
        ("1.2.0", "1.2.1", "column removed", "There are breaking changes, but the version rose only from 1.2.0 to 1.2.1; 2.0.0 is needed."),
        ("1.2.0", "1.2.0", "column removed", "There are breaking changes, but the version stayed 1.2.0; 2.0.0 is needed."),
        ("1.2.0", "1.3.0", "column added", ""),
        ("1.2.0", "1.2.9", "column added", "There are compatible changes, but the version rose only from 1.2.0 to 1.2.9; 1.3.0 is needed."),
        ("1.2.0", "1.2.1", "description", ""),
        ("1.2.0", "1.1.9", "description", "There are informational changes, but the version fell from 1.2.0 to 1.1.9; 1.2.1 is needed."),
        ("0.2.0", "0.3.0", "column removed", ""),
        ("0.2.0", "0.2.1", "column removed", "There are breaking changes, but the version rose only from 0.2.0 to 0.2.1; 0.3.0 is needed."),
        ("v1.2", "v2.0", "column removed", ""),
        ("soon", "1.0.0", "column removed", "The version cannot be judged: soon is no version such as 1.2.0."),
        ("1.0.0", "", "column removed", "The version cannot be judged: none is no version such as 1.2.0."),
        ("", "", "column removed", ""),
    ],
)  # fmt: skip
def test_a_version_must_tell_of_the_worst_change(before, after, named, said):
    changes = changes_of(agreement_of(ORDERS, "a"), agreement_of(edited(CASES[named][0]), "b"))
    assert version_fault(before, after, changes) == said


def test_an_equal_version_of_an_equal_file_is_right():
    assert version_fault("1.2.0", "1.2.0", []) == ""
