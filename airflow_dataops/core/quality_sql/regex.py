"""Python's regular expressions in RE2's words, where both mean the same."""

from __future__ import annotations

import re
from collections.abc import Sequence
from re import _constants as codes  # type: ignore[attr-defined]  # the parser has no public name
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

from airflow_dataops.core.quality_sql.refusal import UncompilableError

__all__ = ["re2_pattern"]

MAX_REPEAT = 1000
"""RE2 refuses more."""
CATEGORIES = {
    codes.CATEGORY_DIGIT: r"\p{Nd}",
    codes.CATEGORY_SPACE: r"\t-\r\x{1c}-\x{20}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}"
    r"\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}",
    codes.CATEGORY_WORD: r"\p{L}\p{N}_",
}
"""What Python's classes hold, which are those of Unicode; RE2's own are ASCII."""
NEGATED = {
    codes.CATEGORY_NOT_DIGIT: codes.CATEGORY_DIGIT,
    codes.CATEGORY_NOT_SPACE: codes.CATEGORY_SPACE,
    codes.CATEGORY_NOT_WORD: codes.CATEGORY_WORD,
}


def re2_pattern(pattern: str) -> str:
    """Return an RE2 pattern that finds a match in the same texts as `re.search(pattern, text)`.

    Raises:
        UncompilableError: RE2 has no such thing, or means something else by it.
    """
    try:
        parsed = parser.parse(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise UncompilableError(f"the pattern is no regular expression: {error}") from error
    allowed = re.UNICODE | re.DOTALL
    if parsed.state.flags & ~allowed:
        raise UncompilableError("the pattern has flags that RE2 reads otherwise")
    return sequence(list(parsed), dotall=bool(parsed.state.flags & re.DOTALL), last=True)


def sequence(items: Sequence[Any], *, dotall: bool, last: bool) -> str:
    """Return consecutive parts; `last` says that nothing follows them."""
    parts = [part(op, value, dotall, last and number == len(items) - 1) for number, (op, value) in enumerate(items)]
    return "".join(parts)


def part(op: Any, value: Any, dotall: bool, last: bool) -> str:  # noqa: C901, PLR0911 - one line for each kind
    """Return one part of a pattern."""
    if op is codes.LITERAL:
        return character(value)
    if op is codes.NOT_LITERAL:
        return f"[^{character(value)}]"
    if op is codes.ANY:
        return "(?s:.)" if dotall else r"[^\n]"
    if op is codes.IN:
        return character_class(value)
    if op is codes.BRANCH:
        return "(?:" + "|".join(sequence(list(branch), dotall=dotall, last=last) for branch in value[1]) + ")"
    if op is codes.SUBPATTERN:
        return subpattern(value, dotall, last)
    if op in {codes.MAX_REPEAT, codes.MIN_REPEAT}:
        return repeat(value, dotall)
    if op is codes.AT:
        return position(value, last)
    raise UncompilableError(f"the pattern uses {str(op).lower()}, which RE2 does not know")


def character(code: int) -> str:
    """Return one character, whatever it is."""
    text = chr(code)
    if 0xD800 <= code <= 0xDFFF:  # noqa: PLR2004 - the range of surrogates
        raise UncompilableError("the pattern holds half of a surrogate pair")
    return text if text.isalnum() and text.isascii() else rf"\x{{{code:x}}}"


def character_class(items: Sequence[Any]) -> str:
    """Return a set of characters."""
    negated = items[0][0] is codes.NEGATE
    parts = []
    for op, value in items[1:] if negated else items:
        if op is codes.LITERAL:
            parts.append(character(value))
        elif op is codes.RANGE:
            parts.append(f"{character(value[0])}-{character(value[1])}")
        elif op is codes.CATEGORY and value in CATEGORIES:
            parts.append(CATEGORIES[value])
        elif op is codes.CATEGORY and len(items) == 1 and value in NEGATED:
            return f"[^{CATEGORIES[NEGATED[value]]}]"
        else:
            raise UncompilableError("the pattern has a set that RE2 cannot say")
    return f"[{'^' if negated else ''}{''.join(parts)}]"


def subpattern(value: Any, dotall: bool, last: bool) -> str:
    """Return a group; RE2 need not remember it."""
    _, added, removed, inner = value
    if added or removed:
        raise UncompilableError("the pattern changes flags in its middle")
    return f"(?:{sequence(list(inner), dotall=dotall, last=last)})"


def repeat(value: Any, dotall: bool) -> str:
    """Return a repetition; for finding a match, greedy and lazy are the same."""
    low, high, inner = value
    if low > MAX_REPEAT or (high is not codes.MAXREPEAT and high > MAX_REPEAT):
        raise UncompilableError(f"the pattern repeats more than {MAX_REPEAT} times")
    upper = "" if high is codes.MAXREPEAT else str(high)
    return f"(?:{sequence(list(inner), dotall=dotall, last=False)}){{{low},{upper}}}"


def position(value: Any, last: bool) -> str:
    """Return an anchor."""
    if value in {codes.AT_BEGINNING, codes.AT_BEGINNING_STRING}:
        return r"\A"
    if value is codes.AT_END and last:
        return r"\n?\z"  # Python's $ stands before a newline at the end, too
    if value is codes.AT_END_STRING:
        return r"\z"
    raise UncompilableError("the pattern has an anchor that RE2 reads otherwise")
