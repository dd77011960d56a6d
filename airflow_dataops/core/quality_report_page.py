"""A report as one page of HTML that needs nothing else: no script, no font, no picture from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape
from html.parser import HTMLParser
from urllib.parse import quote

from airflow_dataops.core.dataset import Snapshot
from airflow_dataops.core.quality import Finding, Verdict
from airflow_dataops.core.quality_check import Severity, Status
from airflow_dataops.core.quality_picture import Picture
from airflow_dataops.core.quality_report import Line, Report
from airflow_dataops.core.quality_report_style import STYLE
from airflow_dataops.core.quality_report_svg import picture_svg
from airflow_dataops.core.quality_words import subject_words
from airflow_dataops.core.words import count_words, percent_words, plain

__all__ = ["page_of", "signature_of"]

STATUS = {
    Status.FAIL: ("fail", "✕ Failed"),
    Status.SKIP: ("skip", "– Not tried"),
    Status.WARN: ("warn", "! Warned"),
    Status.PASS: ("pass", "✓ Passed"),
}
VERDICTS = {Verdict.HOLD: "fail", Verdict.PUBLISH_WITH_QUARANTINE: "warn", Verdict.PUBLISH: "pass"}
HEADS = ("Status", "Column", "Check", "Severity", "Failing rows", "Share", "Allowed")
NUMBERS = ("Failing rows", "Share")
LONG_SENTENCE = 180
ABOVE = "../../.."
"""From a served report up to Airflow's first page."""
DAG_META, EVIDENCE_META = "dataops:dag", "dataops:evidence"


def page_of(report: Report) -> str:
    """Return the whole page; every name and text in it is escaped."""
    parts = [*header(report), *figures(report), *pictures(report), *table(report), *facts(report)]
    name = escape(subject_words(report.snapshot.dataset, report.snapshot.partition)[0])
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="{DAG_META}" content="{escape(report.run.dag_id)}">\n'
        f'<meta name="{EVIDENCE_META}" content="{escape(report.evidence)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Quality of {name}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(parts)
        + "\n</main>\n</body>\n</html>\n"
    )


def header(report: Report) -> Iterator[str]:
    """Yield the verdict and the sentence."""
    snapshot = report.snapshot
    partition = "" if snapshot.partition == "all" else f" · {shown(snapshot.partition)}"
    yield f'<header>\n<p class="eyebrow"><b>{shown(snapshot.dataset)}</b>{partition} · quality report</p>'
    kind = VERDICTS[report.decision.verdict]
    yield f'<p class="badge {kind}">{escape(report.verdict_words)}</p>'
    long = ' class="long"' if len(report.decision.sentence) > LONG_SENTENCE else ""
    yield f"<h1{long}>{prose(report.decision.sentence, 2000)}</h1>\n</header>"


def figures(report: Report) -> Iterator[str]:
    """Yield the figures that people look for first."""
    decision = report.decision
    share = f" <small>{percent_words(decision.bad / decision.rows)}</small>" if decision.rows and decision.bad else ""
    bad = "Rows failing" if decision.verdict is Verdict.HOLD else "Rows in quarantine"
    shown_figures = (
        ("Rows judged", count_words(decision.rows)),
        (bad, f"{count_words(decision.bad)}{share}"),
        ("Checks passed", f"{report.passed} <small>of {len(report.lines)}</small>"),
        ("Score", f"{decision.score * 100:.3g} <small>of 100</small>"),
    )
    yield '<dl class="figures">'
    for name, value in shown_figures:
        yield f"<div><dt>{name}</dt><dd>{value}</dd></div>"
    yield "</dl>"


def pictures(report: Report) -> Iterator[str]:
    """Yield a card for each failing column: what was found, and how the column is distributed."""
    if not report.pictures:
        return
    yield '<section aria-labelledby="columns">\n<h2 id="columns">Columns with failing rows</h2>\n<div class="pictures">'
    for number, picture in enumerate(report.pictures):
        yield "<figure>"
        yield f"<h3>{shown(picture.column)}</h3>\n<ul>"
        yield from (f"<li>{prose(said(line), 300)}</li>" for line in lines_on(picture.column, report.lines))
        yield f"</ul>\n{picture_svg(picture, number)}\n<figcaption>{key(picture)}</figcaption>\n</figure>"
    yield "</div>"
    drawn = {picture.column for picture in report.pictures}
    failing = {column for line in report.lines if line.finding.says for column in line.check.columns}
    if failing - drawn:
        count = len(failing - drawn)
        yield f'<p class="note">{count} more failing {"column is" if count == 1 else "columns are"} not drawn.</p>'
    yield "</section>"


def lines_on(column: str, lines: Sequence[Line]) -> list[Line]:
    """Return the checks on a column that did not simply pass."""
    return [line for line in lines if column in line.check.columns and line.finding.status is not Status.PASS]


def said(line: Line) -> str:
    """Return what was found, and what is allowed where that is told in rows."""
    limit = f"; {line.limit}" if line.limit and line.finding.failed else ""
    return line.finding.says + limit


def key(picture: Picture) -> str:
    """Return what the colours of a picture mean."""
    sampled = " (sample)" if picture.of_sample else ""
    parts = [f'<span class="key key-good">rows that pass{sampled}</span>']
    if any(bar.failing for bar in picture.everything):
        parts.append(f'<span class="key key-bad">rows that fail{sampled}</span>')
    if picture.axis is not None and any(bound is not None for bound in picture.allowed):
        parts.append('<span class="key key-allowed">allowed range</span>')
    if picture.kind == "lengths":
        parts.append("<span>length of the text in characters</span>")
    return "".join(parts)


def table(report: Report) -> Iterator[str]:
    """Yield all checks, those that failed first."""
    yield '<section aria-labelledby="checks">\n<h2 id="checks">All checks</h2>\n<div class="scroll">\n<table>'
    heads = "".join(f'<th scope="col"{numeric(head)}>{head}</th>' for head in HEADS)
    yield f"<thead><tr>{heads}</tr></thead>\n<tbody>"
    yield from (row(line, split=report.decision.verdict is Verdict.PUBLISH_WITH_QUARANTINE) for line in report.lines)
    yield "</tbody>\n</table>\n</div>\n</section>"


def numeric(head: str) -> str:
    """Return the class of a column of figures."""
    return ' class="number"' if head in NUMBERS else ""


def row(line: Line, *, split: bool) -> str:
    """Return one check as a row of the table."""
    finding, check = line.finding, line.check
    kind, words = status_of(finding, split=split)
    columns = escape(plain(", ".join(check.columns), 120)) if check.columns else "<small>whole table</small>"
    says = f"<small>{prose(finding.says, 300)}</small>" if finding.says and in_words_only(line) else ""
    failed = "–" if finding.share is None else count_words(finding.failed)
    share = "–" if finding.share is None else percent_words(finding.share)
    allowed = line.limit.removesuffix(" is allowed").removesuffix(" are allowed") or "–"
    return (
        f'<tr><td><span class="status {kind}">{words}</span></td><th scope="row"><span>{columns}</span></th>'
        f'<td class="rule">{prose(line.rule, 200)}{says}</td><td>{check.severity.value}</td>'
        f'<td class="number">{failed}</td><td class="number">{share}</td><td class="limit">{allowed}</td></tr>'
    )


def in_words_only(line: Line) -> bool:
    """Whether the figures of a row do not tell already what was found."""
    return line.finding.share is None or line.finding.of is not None


def status_of(finding: Finding, *, split: bool) -> tuple[str, str]:
    """Return the class and the words of a check's status; `split` says whether rows went into quarantine."""
    if finding.status is Status.WARN and finding.severity is Severity.QUARANTINE:
        return "warn", "⇥ Split off" if split else "! Tolerated"
    if finding.status is Status.WARN and finding.severity is Severity.INFO:
        return "skip", "· Noted"
    return STATUS[finding.status]


def facts(report: Report) -> Iterator[str]:
    """Yield what was judged, by what and by whom."""
    run, (name, source) = report.run, report.suite
    dag, task = quote(run.dag_id, safe=""), quote(run.task_id, safe="")
    mapped = f"/mapped/{run.map_index}" if run.map_index >= 0 else ""
    page = f"{ABOVE}/dags/{dag}/runs/{quote(run.run_id, safe='')}/tasks/{task}{mapped}"
    named = (
        f"{shown(name)} <code>{shown(source, 200)}</code>" if name != source else f"<code>{shown(source, 200)}</code>"
    )
    told = [
        *judged_facts(report.snapshot),
        *([("Goes on", version(report.good))] if report.good else []),
        *([("Quarantine", version(report.bad))] if report.bad else []),
        ("Suite", named),
        ("Judged by", f'<a href="{escape(page)}">{shown(str(run), 300)}</a>'),
        ("All figures", '<a href="evidence.json">evidence.json</a> in the form of Great Expectations'),
    ]
    yield '<section aria-labelledby="about">\n<h2 id="about">About this report</h2>\n<dl class="facts">'
    yield from (f"<dt>{label}</dt><dd>{value}</dd>" for label, value in told)
    yield "</dl>\n</section>"


def judged_facts(snapshot: Snapshot) -> list[tuple[str, str]]:
    """Return what tells which data were judged; a table in a database is no snapshot and has no digest."""
    if not snapshot.digest:
        return [("Table", version(snapshot))]
    return [("Snapshot", version(snapshot)), ("SHA-256", f"<code>{escape(snapshot.digest)}</code>")]


def version(snapshot: Snapshot) -> str:
    """Return the name and size of a snapshot, or of a table where it lies."""
    name = snapshot.name if snapshot.digest else snapshot.uri
    return f"<code>{shown(name, 300)}</code>, {count_words(snapshot.rows)} {'row' if snapshot.rows == 1 else 'rows'}"


def shown(text: str, most: int = 120) -> str:
    """Return a name as it may stand in the page."""
    return escape(plain(text, most))


def prose(text: str, most: int) -> str:
    """Return a sentence as it may stand in the page; its figures do not break over lines."""
    return re.sub(r"(?<=\d) (?=\d{3}(?!\d)|%)", "\u202f", shown(text, most))


class MetaReader(HTMLParser):
    """Reads the ``meta`` elements of a page's head."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self.in_head = True

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take over a name and its content; the first one counts."""
        self.in_head = self.in_head and tag != "body"
        told = dict(attrs)
        if self.in_head and tag == "meta" and told.get("name"):
            self.found.setdefault(str(told["name"]), told.get("content") or "")


def signature_of(page: str) -> tuple[str, str]:
    """Return which DAG made a report and the digest of its evidence; empty where the page is no report of ours."""
    reader = MetaReader()
    reader.feed(page[: page.find("<body")])
    return reader.found.get(DAG_META, ""), reader.found.get(EVIDENCE_META, "")
