"""One thing found, where it is and what to do; and which findings people chose to see."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch

from airflow_dataops.core.lint.codes import CODES, Level
from airflow_dataops.exceptions import BrokenCheckError

__all__ = ["Choice", "Finding", "Place", "chosen"]

COMMENT = re.compile(r"#\s*dataops:\s*ignore(?:\[([^\]]*)\])?", re.IGNORECASE)


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something is.

    Args:
        file: As people name it.
        line: From 1.
        column: From 1, in characters.
    """

    file: str
    line: int = 1
    column: int = 1


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing found.

    Args:
        place: Where.
        code: Which kind.
        sentence: What is wrong here.
        remedy: What to do here; empty for what the kind's own says.
    """

    place: Place
    code: str
    sentence: str
    remedy: str = ""

    @property
    def level(self) -> Level:
        """How much it matters."""
        return CODES[self.code].level

    @property
    def cure(self) -> str:
        """What to do about it."""
        return self.remedy or CODES[self.code].remedy


@dataclass(frozen=True, slots=True)
class Choice:
    """Which findings people want to see.

    Args:
        select: Codes, or beginnings of codes; empty for all.
        ignore: The same of what is left out.
        per_file: What is left out of files that match a pattern.
    """

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    per_file: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for given in (*self.select, *self.ignore, *(one for codes in self.per_file.values() for one in codes)):
            if not given or not any(code.startswith(given) for code in CODES):
                close = difflib.get_close_matches(given, CODES, n=1)
                raise BrokenCheckError(
                    f"Got the code {given!r}; allowed are {', '.join(CODES)}, and their beginnings such as DO2.",
                    hint=f"did you mean {close[0]}?" if close else "the codes are explained in docs/check.md",
                )

    def wants(self, finding: Finding) -> bool:
        """Whether a finding is to be shown."""
        here = [codes for pattern, codes in self.per_file.items() if fnmatch(finding.place.file, pattern)]
        left_out = (*self.ignore, *(one for codes in here for one in codes))
        return finding.code.startswith(self.select or ("",)) and not finding.code.startswith(tuple(left_out) or ("-",))


def chosen(findings: Iterable[Finding], choice: Choice, texts: Mapping[str, str]) -> list[Finding]:
    """Return what is to be shown, in order and once.

    Args:
        findings: Everything that was found.
        choice: What people want to see.
        texts: The files' texts, by name; a line may end in ``# dataops: ignore[DO101]``.
    """
    lines = {name: text.splitlines() for name, text in texts.items()}
    return sorted({one for one in findings if choice.wants(one) and not silenced(one, lines.get(one.place.file, []))})


def silenced(finding: Finding, lines: Sequence[str]) -> bool:
    """Whether a comment on the finding's line silences it."""
    number = finding.place.line - 1
    comment = COMMENT.search(lines[number]) if number < len(lines) else None
    if comment is None:
        return False
    codes = [code.strip().upper() for code in (comment[1] or "").split(",") if code.strip()]
    return not codes or finding.code in codes
