"""Python's regular expressions in an engine's words, where both mean the same."""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from re import _constants as codes  # type: ignore[attr-defined]  # the parser has no public name
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

from airflow_dataops.core.quality_sql.refusal import UncompilableError

__all__ = ["POSTGRES", "RE2", "Flavour"]

NEGATED = {
    codes.CATEGORY_NOT_DIGIT: codes.CATEGORY_DIGIT,
    codes.CATEGORY_NOT_SPACE: codes.CATEGORY_SPACE,
    codes.CATEGORY_NOT_WORD: codes.CATEGORY_WORD,
}
SURROGATES = range(0xD800, 0xE000)


@dataclass(frozen=True, slots=True)
class Flavour:
    """How an engine writes what a pattern of Python says.

    Args:
        name: What messages call it.
        escape: Writes one character by its code, whatever it is.
        category: Writes the inside of a set that holds one of Python's classes, which are those of Unicode.
        anything: Any character, a line break too.
        end: The end of the text.
        most_repeats: The engine refuses more.
    """

    name: str
    escape: Callable[[int], str]
    category: Callable[[Any], str]
    anything: str
    end: str
    most_repeats: int

    def pattern(self, pattern: str) -> str:
        """Return a pattern that finds a match in the same texts as `re.search(pattern, text)`.

        Raises:
            UncompilableError: The engine has no such thing, or means something else by it.
        """
        try:
            parsed = parser.parse(pattern)
        except (re.error, RecursionError, OverflowError) as error:
            raise UncompilableError(f"the pattern is no regular expression: {error}") from error
        allowed = re.UNICODE | re.DOTALL
        if parsed.state.flags & ~allowed:
            raise UncompilableError(f"the pattern has flags that {self.name} reads otherwise")
        return self.sequence(list(parsed), dotall=bool(parsed.state.flags & re.DOTALL), last=True)

    def sequence(self, items: Sequence[Any], *, dotall: bool, last: bool) -> str:
        """Return consecutive parts; `last` says that nothing follows them."""
        final = len(items) - 1
        return "".join(self.part(op, value, dotall, last and n == final) for n, (op, value) in enumerate(items))

    def part(self, op: Any, value: Any, dotall: bool, last: bool) -> str:  # noqa: C901, PLR0911 - one line for each
        """Return one part of a pattern."""
        if op is codes.LITERAL:
            return self.character(value)
        if op is codes.NOT_LITERAL:
            return f"[^{self.character(value)}]"
        if op is codes.ANY:
            return self.anything if dotall else r"[^\n]"
        if op is codes.IN:
            return self.character_class(value)
        if op is codes.BRANCH:
            return "(?:" + "|".join(self.sequence(list(one), dotall=dotall, last=last) for one in value[1]) + ")"
        if op is codes.SUBPATTERN:
            return self.subpattern(value, dotall, last)
        if op in {codes.MAX_REPEAT, codes.MIN_REPEAT}:
            return self.repeat(value, dotall)
        if op is codes.AT:
            return self.position(value, last)
        raise UncompilableError(f"the pattern uses {str(op).lower()}, which {self.name} does not know")

    def character(self, code: int) -> str:
        """Return one character, whatever it is."""
        text = chr(code)
        if code in SURROGATES:
            raise UncompilableError("the pattern holds half of a surrogate pair")
        return text if text.isalnum() and text.isascii() else self.escape(code)

    def character_class(self, items: Sequence[Any]) -> str:
        """Return a set of characters."""
        negated = items[0][0] is codes.NEGATE
        parts = []
        for op, value in items[1:] if negated else items:
            if op is codes.LITERAL:
                parts.append(self.character(value))
            elif op is codes.RANGE:
                parts.append(f"{self.character(value[0])}-{self.character(value[1])}")
            elif op is codes.CATEGORY and value not in NEGATED:
                parts.append(self.category(value))
            elif op is codes.CATEGORY and len(items) == 1:
                return f"[^{self.category(NEGATED[value])}]"
            else:
                raise UncompilableError(f"the pattern has a set that {self.name} cannot say")
        return f"[{'^' if negated else ''}{''.join(parts)}]"

    def subpattern(self, value: Any, dotall: bool, last: bool) -> str:
        """Return a group; the engine need not remember it."""
        _, added, removed, inner = value
        if added or removed:
            raise UncompilableError("the pattern changes flags in its middle")
        return f"(?:{self.sequence(list(inner), dotall=dotall, last=last)})"

    def repeat(self, value: Any, dotall: bool) -> str:
        """Return a repetition; for finding a match, greedy and lazy are the same."""
        low, high, inner = value
        if low > self.most_repeats or (high is not codes.MAXREPEAT and high > self.most_repeats):
            raise UncompilableError(f"the pattern repeats more than {self.most_repeats} times")
        upper = "" if high is codes.MAXREPEAT else str(high)
        return f"(?:{self.sequence(list(inner), dotall=dotall, last=False)}){{{low},{upper}}}"

    def position(self, value: Any, last: bool) -> str:
        """Return an anchor."""
        if value in {codes.AT_BEGINNING, codes.AT_BEGINNING_STRING}:
            return r"\A"
        if value is codes.AT_END and last:
            return rf"\n?{self.end}"  # Python's $ stands before a newline at the end, too
        if value is codes.AT_END_STRING:
            return self.end
        raise UncompilableError(f"the pattern has an anchor that {self.name} reads otherwise")


SPACES = (
    (0x09, 0x0D), (0x1C, 0x20), (0x85, 0x85), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A),
    (0x2028, 0x2029), (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000),
)  # fmt: skip


def re2_escape(code: int) -> str:
    r"""Return ``\x{…}``, which Java understands, too."""
    return rf"\x{{{code:x}}}"


def re2_category(category: Any) -> str:
    """Return a class of Unicode; the engine's own short names are ASCII."""
    if category is codes.CATEGORY_DIGIT:
        return r"\p{Nd}"
    if category is codes.CATEGORY_WORD:
        return r"\p{L}\p{N}_"
    return spelled(SPACES, re2_escape)


def postgres_escape(code: int) -> str:
    r"""Return ``\uXXXX`` or ``\UXXXXXXXX``."""
    return rf"\u{code:04x}" if code <= 0xFFFF else rf"\U{code:08x}"  # noqa: PLR2004 - four digits


def postgres_category(category: Any) -> str:
    """Return the characters themselves: what PostgreSQL's names mean depends on the database's locale."""
    if category is codes.CATEGORY_DIGIT:
        return spelled(digits(), postgres_escape)
    if category is codes.CATEGORY_WORD:
        raise UncompilableError("the pattern has the class of word characters, which PostgreSQL reads by its locale")
    return spelled(SPACES, postgres_escape)


@cache
def digits() -> tuple[tuple[int, int], ...]:
    """Return the ranges of decimal digits in Unicode; each script has its ten in a row."""
    zeros = [code for code in range(sys.maxunicode + 1) if unicodedata.decimal(chr(code), None) == 0]
    return tuple((zero, zero + 9) for zero in zeros)


def spelled(ranges: Sequence[tuple[int, int]], escape: Callable[[int], str]) -> str:
    """Return the inside of a set that holds these ranges of characters."""
    return "".join(escape(low) if low == high else f"{escape(low)}-{escape(high)}" for low, high in ranges)


RE2 = Flavour("RE2", re2_escape, re2_category, "(?s:.)", r"\z", 1000)
"""RE2 of DuckDB and BigQuery; Java's and Trino's engines understand the same words."""
POSTGRES = Flavour("PostgreSQL", postgres_escape, postgres_category, ".", r"\Z", 255)
"""PostgreSQL's advanced regular expressions."""
