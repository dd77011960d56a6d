"""How names and figures stand in sentences for people."""

from __future__ import annotations

import math

__all__ = ["at_most_words", "count_words", "percent_words", "plain"]

MAX_NAME_LENGTH = 80
MAX_DECIMALS = 6


def plain(text: str, most: int = MAX_NAME_LENGTH) -> str:
    """Return a name as it may stand in a sentence: on one line, at most so many characters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def count_words(number: int) -> str:
    """Return a whole number with spaces between thousands."""
    return f"{number:,}".replace(",", " ")


def percent_words(share: float, *, apart_from: float | None = None) -> str:
    """Return a share as per cent, with as many decimals as it takes not to look like 0, 100 or `apart_from`."""
    others = [0.0, 1.0] if apart_from is None else [0.0, 1.0, apart_from]
    for decimals in range(1, MAX_DECIMALS + 1):
        text = percent(share, decimals)
        if all(text != percent(other, decimals) for other in others if other != share):
            break
    return text


def at_most_words(share: float) -> str:
    """Return a bound as per cent, rounded up to two digits that count, so that it stays a bound."""
    if share <= 0:
        return "0 %"
    decimals = max(1 - math.floor(math.log10(share * 100)), 0)
    return percent(math.ceil(share * 100 * 10**decimals) / 10**decimals / 100, decimals)


def percent(share: float, decimals: int) -> str:
    """Return a share as per cent, rounded, without idle zeros."""
    text = f"{share * 100:.{decimals}f}"
    return f"{text.rstrip('0').rstrip('.') if decimals else text} %"
