"""Findings as people and programs read them: text, JSON, JUnit, SARIF."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

from airflow_dataops.core.lint.codes import CODES, Level
from airflow_dataops.core.lint.finding import Finding

__all__ = ["FORMATS", "Report"]

SARIF_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
HOME = "https://github.com/airflow-dataops/airflow-dataops"


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a check.

    Args:
        findings: What is shown, in order.
        files: Everything that was looked at.
        version: Ours.
    """

    findings: Sequence[Finding]
    files: Sequence[str]
    version: str

    @property
    def summary(self) -> str:
        """One sentence about all of it."""
        counts = Counter(one.level for one in self.findings)
        told = [f"{counts[level]} {level}{'s' if counts[level] != 1 else ''}" for level in Level if counts[level]]
        number = len(self.files)
        return f"Looked at {number} {'file' if number == 1 else 'files'}: {', '.join(told) or 'nothing to mend'}."


def as_text(report: Report) -> str:
    """Return the findings a line each, with what to do below it."""
    lines = []
    for one in report.findings:
        lines.append(
            f"{printable(one.place.file)}:{one.place.line}:{one.place.column}: {one.code} {one.level}: {one.sentence}"
        )
        lines.append(f"  help: {one.cure}")
    return "\n".join([*lines, report.summary])


def as_json(report: Report) -> str:
    """Return the findings as a JSON document."""
    told = [
        {
            "code": one.code,
            "level": one.level.value,
            "file": printable(one.place.file),
            "line": one.place.line,
            "column": one.place.column,
            "sentence": one.sentence,
            "remedy": one.cure,
        }
        for one in report.findings
    ]
    counts = Counter(one.level.value for one in report.findings)
    return json.dumps(
        {"version": report.version, "files": len(report.files), "counts": counts, "findings": told}, indent=1
    )


def as_junit(report: Report) -> str:
    """Return a test suite per file, a failed test per error and warning; notes are skipped tests."""
    root = ET.Element("testsuites", name="airflow-dataops check")
    for file in sorted({*report.files, *(one.place.file for one in report.findings)}):
        here = [one for one in report.findings if one.place.file == file]
        failed = sum(one.level is not Level.NOTE for one in here)
        counts = {"tests": max(len(here), 1), "failures": failed, "errors": 0, "skipped": len(here) - failed}
        suite = ET.SubElement(
            root, "testsuite", {"name": printable(file), **{name: str(n) for name, n in counts.items()}}
        )
        for one in here:
            junit_case(suite, one)
        if not here:
            ET.SubElement(suite, "testcase", name="nothing to mend", classname=printable(file))
    return ET.tostring(root, encoding="unicode", xml_declaration=True)


def junit_case(suite: ET.Element, one: Finding) -> None:
    """Add the test that a finding stands for."""
    named = {"name": f"{one.code} line {one.place.line}:{one.place.column}", "classname": printable(one.place.file)}
    case = ET.SubElement(suite, "testcase", {**named, "file": named["classname"], "line": str(one.place.line)})
    if one.level is Level.NOTE:
        ET.SubElement(case, "skipped", message=printable(one.sentence))
        return
    failure = ET.SubElement(case, "failure", message=printable(one.sentence), type=one.level.value)
    failure.text = printable(f"line {one.place.line}, column {one.place.column}: {one.sentence} help: {one.cure}")


def as_sarif(report: Report) -> str:
    """Return a log of the Static Analysis Results Interchange Format 2.1.0, as code scanning services read it."""
    rules = [
        {
            "id": code.code,
            "shortDescription": {"text": code.title},
            "help": {"text": code.remedy},
            "helpUri": f"{HOME}/blob/main/docs/check.md",
            "defaultConfiguration": {"level": code.level.value},
        }
        for code in CODES.values()
    ]
    driver = {"name": "airflow-dataops check", "version": report.version, "informationUri": HOME, "rules": rules}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"ROOT": {"description": {"text": "The folder in which the check was started."}}},
        "results": [sarif_result(one) for one in report.findings],
    }
    return json.dumps({"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1)


def sarif_result(one: Finding) -> dict[str, Any]:
    """Return one finding in SARIF's words; its fingerprint stays the same when lines move."""
    absolute = one.place.file.startswith("/")
    uri = quote(one.place.file, safe="/", errors="surrogateescape")
    artifact = {"uri": f"file://{uri}"} if absolute else {"uri": uri, "uriBaseId": "ROOT"}
    region = {"startLine": one.place.line, "startColumn": one.place.column}
    print_of = hashlib.sha256(f"{one.code}|{printable(one.place.file)}|{one.sentence}".encode()).hexdigest()
    return {
        "ruleId": one.code,
        "ruleIndex": list(CODES).index(one.code),
        "level": one.level.value,
        "message": {"text": f"{printable(one.sentence)} {printable(one.cure)}."},
        "locations": [{"physicalLocation": {"artifactLocation": artifact, "region": region}}],
        "partialFingerprints": {"dataops/v1": print_of},
    }


def printable(text: str) -> str:
    """Return a text without characters that XML, JSON or a terminal cannot carry."""
    return "".join(c if c.isprintable() else "?" for c in text)


FORMATS: Mapping[str, Callable[[Report], str]] = {
    "text": as_text,
    "json": as_json,
    "junit": as_junit,
    "sarif": as_sarif,
}
"""By name, what writes them."""
