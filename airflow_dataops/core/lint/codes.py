"""What can be found, each under a code that never changes its meaning."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["CODES", "Code", "Level", "table"]


class Level(StrEnum):
    """How much a finding matters."""

    ERROR = "error"
    """A task that meets it fails."""
    WARNING = "warning"
    """It runs, but hardly as meant."""
    NOTE = "note"
    """Good to know; never a reason to stop."""


@dataclass(frozen=True, slots=True)
class Code:
    """One kind of finding.

    Args:
        code: Its code, such as "DO101".
        level: How much it matters.
        title: What is wrong, in a few words.
        remedy: What to do about it in general.
    """

    code: str
    level: Level
    title: str
    remedy: str


TABLE = (
    ("DO001", "error", "a DAG file is no Python", "mend the line; Airflow cannot import the file either"),
    ("DO002", "error", "a suite or contract cannot be read", "mend the line, or save the file as UTF-8"),
    ("DO003", "note", "a file was not looked at", "leave it out of the checked folders if it is meant to be there"),
    ("DO101", "error", "a suite file is missing", "correct the path, or add the file to the repository"),
    ("DO102", "error", "a file is no suite or contract", "name a suite of Great Expectations or a data contract"),
    ("DO103", "note", "a name is known only when the DAG runs", "write it as a constant if it is to be checked"),
    ("DO201", "error", "a suite or contract is not valid", "correct the file"),
    ("DO202", "error", "a check of an unknown type", "correct the type"),
    ("DO203", "error", "a check with wrong arguments", "correct the arguments"),
    ("DO204", "error", "a pattern that is no regular expression", "correct the pattern"),
    ("DO205", "error", "rows asked of a check that cannot tell rows", "use block, warn or info without a tolerance"),
    ("DO206", "error", "a wrong option under meta.dataops", "correct the option"),
    ("DO207", "warning", "a tolerance on a check that blocks", "use quarantine, so that failing rows are split off"),
    ("DO208", "warning", "two checks with one id", "give each its own id: figures and quarantine are kept by it"),
    ("DO209", "note", "a rule of a contract that is not checked", "write it as a rule that is, or check it elsewhere"),
    ("DO210", "warning", "the same check twice", "leave one out"),
    ("DO301", "warning", "a gate whose data are never published", "publish its output, or leave the gate out"),
    ("DO302", "warning", "two tasks publish one dataset", "publish it in one place, or under two names"),
    ("DO303", "warning", "a training on a dataset that nobody publishes", "correct the name, or publish the dataset"),
    ("DO304", "note", "a suite or contract that no DAG uses", "name it in a gate, or remove it"),
    ("DO305", "note", "data published without a gate", "pass the output of a QualityGateOperator"),
    ("DO306", "note", "a dataset published under another name", "use one name, unless two are meant"),
    ("DO401", "error", "a check on a column that the contract does not have", "correct the suite or the contract"),
    ("DO402", "warning", "a required column that no check looks at", "check it, or use the contract as a suite"),
    ("DO403", "error", "a check that does not fit the column's type", "correct the check or the contract's type"),
)
CODES = {code: Code(code, Level(level), title, remedy) for code, level, title, remedy in TABLE}
"""All kinds of findings, by code."""


def table() -> str:
    """Return the codes as the table of the documentation."""
    rows = [f"| `{one.code}` | {one.level} | {one.title} | {one.remedy} |" for one in CODES.values()]
    return "\n".join(["| code | level | what is found | what to do |", "| --- | --- | --- | --- |", *rows])
