"""The page for people: nothing in it runs, nothing comes from elsewhere, the sentence stands first."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from airflow_dataops.core.dataset import Snapshot
from airflow_dataops.core.ledger import RunKey
from airflow_dataops.core.quality import decide
from airflow_dataops.core.quality_check import CheckResult
from airflow_dataops.core.quality_picture import Bar, Picture, number_axis, time_axis
from airflow_dataops.core.quality_report import Report, lines_of, rule_words
from airflow_dataops.core.quality_report_page import page_of, signature_of
from airflow_dataops.core.quality_suite import suite_of

HOSTILE = "\"><script>alert(1)</script><img src=x onerror='alert(2)'>&\u202e\x00\n"
NOT_NULL = "expect_column_values_to_not_be_null"


class Elements(HTMLParser):
    """Collects the elements of a page, and refuses what is not closed."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def page(name: str = "amount", *, checks: int = 1, hold: bool = True, goes_on: bool = False) -> str:
    """Return a report on a column of this name."""
    meta = {"dataops": {"severity": "block" if hold else "quarantine", "says": f"have no {name}"}}
    expectations = [{"type": NOT_NULL, "kwargs": {"column": name}, "meta": meta} for _ in range(checks)]
    expectations.append({"type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": 1}})
    suite = suite_of({"name": name, "expectations": expectations}, f"{name}.json")
    results = [CheckResult(check, success=not check.row_level, failed=12 * check.row_level) for check in suite.checks]
    decision = decide(results, 24_951, lambda ids: 12, dataset=name, partition=name)
    bars = (Bar(name, 10, 2), Bar("b", 0), Bar("c", 1))
    pictures = (
        Picture(name, "numbers", bars, number_axis(0, 2, (), whole=True), Bar("< 0", 3, 3), missing=Bar("missing", 1)),
        Picture("values", "values", bars),
    )
    snapshot = Snapshot(name, name, "0" * 16, "file:///x.parquet", "1" * 64, "2" * 64, 24_951)
    good = snapshot if goes_on or not hold else None
    run = RunKey("production", "line", f"run {name}", "gate")
    return page_of(
        Report(
            decision,
            lines_of(suite, decision),
            pictures,
            snapshot,
            good,
            None if goes_on else snapshot,
            (suite.name, suite.source),
            run,
            "3" * 64,
        )
    )


def elements(text: str) -> list[tuple[str, dict[str, str | None]]]:
    reader = Elements()
    reader.feed(text)
    assert reader.open == []
    return reader.elements


def test_hostile_names_stay_text():
    text = page(HOSTILE)
    tags = {tag for tag, _ in elements(text)}
    assert tags.isdisjoint({"script", "img", "iframe", "object", "embed", "link", "base", "form", "input", "button"})
    assert [name for _, attributes in elements(text) for name in attributes if name.startswith("on")] == []
    assert "\u202e" not in text
    assert "\x00" not in text
    assert "&lt;script&gt;" in text


def test_nothing_comes_from_elsewhere_and_links_lead_to_airflow_only():
    text = page()
    found = elements(text)
    assert [attributes for _, attributes in found if "src" in attributes or "style" in attributes] == []
    links = [attributes["href"] for tag, attributes in found if tag == "a"]
    assert links == ["../../../dags/line/runs/run%20amount/tasks/gate", "evidence.json"]
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL).group(1)
    assert not re.search(r"url\(|@import|http", style)


def test_the_sentence_stands_first_and_whole():
    text = page()
    heading = re.search(r"<h1>(.*?)</h1>", text).group(1).replace("\u202f", " ")
    assert heading == ("Amount of amount was held: 12 of 24 951 rows (0.05 %) have no amount; none is allowed.")
    assert text.index("<h1>") < text.index("<table>")
    assert text.index("<h1") < text.index("<svg")


@pytest.mark.parametrize(
    ("options", "badge"),
    [
        ({"hold": True}, "Held"),
        ({"hold": True, "goes_on": True}, "Held, yet goes on"),
        ({"hold": False}, "Let through in part"),
    ],
)
def test_the_badge_tells_the_verdict(options, badge):
    assert re.search(r'<p class="badge \w+">(.*?)</p>', page(**options)).group(1) == badge


def test_tables_and_pictures_can_be_read_without_seeing_them():
    found = elements(page(checks=3))
    heads = [attributes for tag, attributes in found if tag == "th"]
    assert {attributes["scope"] for attributes in heads} == {"col", "row"}
    pictures = [attributes for tag, attributes in found if tag == "svg"]
    ids = {attributes.get("id") for _, attributes in found}
    assert all(attributes["role"] == "img" and attributes["aria-labelledby"] in ids for attributes in pictures)
    assert ("html", {"lang": "en"}) in found


def test_failed_checks_come_first():
    rows = re.findall(r'<span class="status (\w+)">', page(checks=3))
    assert rows == ["fail", "fail", "fail", "pass"]


def test_the_same_report_is_the_same_page():
    assert page(HOSTILE, checks=40) == page(HOSTILE, checks=40)


def test_the_page_names_its_dag_and_evidence_and_no_text_in_it_can_pretend_to():
    forged = '<meta name="dataops:dag" content="another">'
    for name in ("amount", forged, f"</title>{forged}", f"</head>{forged}"):
        assert signature_of(page(name)) == ("line", "3" * 64)
    assert signature_of("") == ("", "")
    assert signature_of(f"<body>{forged}") == ("", "")


@pytest.mark.parametrize(
    ("low", "high", "bounds", "start", "end"),
    [
        (0, 100, (), 0, 105),
        (3.2, 97.8, (0, 100), 0, 105),
        (0, 100, (None, 1e9), 0, 105),
        (5, 5, (), 5, 5.0000002),
        (-1e-9, 1e-9, (), -1.1e-9, 1.1e-9),
        (1e15, 1e15 + 1, (), 1e15, 1e15 + 1e6),
    ],
)
def test_axes_begin_and_end_on_round_figures_around_the_data(low, high, bounds, start, end):
    axis = number_axis(low, high, bounds)
    assert (axis.start, axis.end) == (pytest.approx(start), pytest.approx(end, rel=1e-3))
    assert axis.start <= low
    assert axis.end > high
    assert 1 <= axis.bars <= 60


@pytest.mark.parametrize("span", [0, 1, 59, 3600, 86_400, 40 * 86_400, 366 * 86_400, 4000 * 366 * 86_400])
def test_time_axes_have_a_sensible_number_of_bars(span):
    axis = time_axis(1_000_000_007, 1_000_000_007 + span, ())
    assert 1 <= axis.bars <= 30
    assert axis.start <= 1_000_000_007 < axis.end
    assert all(axis.label(place) is not None for place in range(axis.bars + 1))


@pytest.mark.parametrize(
    ("kind", "kwargs", "words"),
    [
        (
            "expect_column_values_to_be_between",
            {"column": "a", "min_value": 0, "max_value": 500},
            "to be between 0 and 500",
        ),
        ("expect_column_values_to_be_between", {"column": "a", "max_value": 500}, "to be at most 500"),
        ("expect_column_mean_to_be_between", {"column": "a", "min_value": 1000}, "mean to be at least 1 000"),
        (
            "expect_column_values_to_be_in_set",
            {"column": "a", "value_set": list("abcde")},
            "to be in set: a, b, c and 2 more",
        ),
        ("expect_table_row_count_to_equal", {"value": 3}, "table row count to equal"),
    ],
)
def test_rules_are_told_in_words(kind, kwargs, words):
    suite = suite_of({"expectations": [{"type": kind, "kwargs": kwargs}]}, "s.json")
    assert rule_words(suite.checks[0], kwargs) == words
