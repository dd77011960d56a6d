"""Texts of one form as a pattern: letters and digits by their kind and number, all else as it stands."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby

__all__ = ["pattern_of"]

MAX_FORMS = 3
MAX_RUNS = 24
MAX_FREE_WORD = 3
SPECIAL = r"\.^$*+?{}[]|()"
CLASSES = {"9": "[0-9]", "A": "[A-Z]", "a": "[a-z]"}

Run = tuple[str, int, int]


def pattern_of(shapes: Iterable[str], prefix: str = "") -> str | None:
    """Return a pattern that all texts of these shapes match; None where they have no form worth the name.

    Args:
        shapes: In which 9 stands for a digit, A for a capital and a for a small letter.
        prefix: What all texts begin with.

    >>> pattern_of(["AA-99", "AA-999"], "DE")
    '^DE-[0-9]{2,3}$'
    >>> pattern_of(["Aaaa", "Aa aaaaaa"])
    """
    forms: dict[str, list[Run]] = {}
    for shape in sorted(set(shapes)):
        runs = runs_of(shape)
        if not shape or not shape.isascii() or not shape.isprintable() or len(runs) > MAX_RUNS:
            return None
        name = "".join(kind for kind, *_ in runs)
        forms[name] = widened(forms[name], runs) if name in forms else runs
    if not forms or len(forms) > MAX_FORMS or not all(is_formal(runs) for runs in forms.values()):
        return None
    written = sorted(written_form(runs, prefix) for runs in forms.values())
    return f"^{written[0]}$" if len(written) == 1 else f"^({'|'.join(written)})$"


def runs_of(shape: str) -> list[Run]:
    """Return the runs of equal characters; what is no letter or digit stands for itself, one by one."""
    found: list[Run] = []
    for kind, group in groupby(shape):
        length = len(list(group))
        found += [(kind, length, length)] if kind in CLASSES else [(kind, 1, 1)] * length
    return found


def widened(known: list[Run], runs: list[Run]) -> list[Run]:
    """Return runs that hold both."""
    both = zip(known, runs, strict=True)
    return [(kind, min(low, least), max(high, most)) for (kind, low, high), (_, least, most) in both]


def is_formal(runs: list[Run]) -> bool:
    """Whether this is a code rather than words: digits in it, or letters of about one length."""
    digits = any(kind == "9" for kind, *_ in runs)
    small = any(kind == "a" and high - low > MAX_FREE_WORD for kind, low, high in runs)
    words = any(kind == " " for kind, *_ in runs) and any(kind in "aA" for kind, *_ in runs)
    letters_only = all(kind in "aA" for kind, *_ in runs)
    loose = letters_only and any(high != low for _, low, high in runs if low + high > MAX_FREE_WORD * 2)
    return not small and not words and not loose and (digits or letters_only or len(runs) > 1)


def written_form(runs: list[Run], prefix: str) -> str:
    """Return one form as a pattern, with the letters that all texts begin with."""
    fixed, rest = fixed_part(runs, prefix)
    return fixed + "".join(CLASSES.get(kind, literal(kind)) + count(low, high) for kind, low, high in rest)


def fixed_part(runs: list[Run], prefix: str) -> tuple[str, list[Run]]:
    """Return the letters of the first run that never change, and what is left of the runs."""
    if not runs or runs[0][0] not in "Aa":
        return "", runs
    kind, low, high = runs[0]
    letters = re.match("[A-Z]*" if kind == "A" else "[a-z]*", prefix)
    fixed = letters[0][:low] if letters else ""
    left = [(kind, low - len(fixed), high - len(fixed))] if high > len(fixed) else []
    return fixed, [*left, *runs[1:]]


def literal(character: str) -> str:
    """Return a character as it stands in a pattern, escaped only where that is needed."""
    return f"\\{character}" if character in SPECIAL else character


def count(low: int, high: int) -> str:
    """Return how often a character stands there."""
    if low == high:
        return "" if low == 1 else f"{{{low}}}"
    return f"{{{low},{high}}}"
