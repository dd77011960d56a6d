"""What a column's name tells: whom it is about, whether it counts something, which of two comes first."""

from __future__ import annotations

import re
from itertools import pairwise

__all__ = ["calendar_range", "is_identifier", "is_person", "tokens", "word_order"]

PERSONS = {
    "email", "mail", "phone", "mobile", "telephone", "fax", "iban", "bic", "account", "ssn", "passport", "tax", "vat",
    "firstname", "lastname", "surname", "forename", "birth", "birthday", "birthdate", "dob", "address", "street",
    "password", "secret", "token", "ip", "creditcard", "card", "pan", "cvv", "salary", "diagnosis", "gender",
    "religion",
}  # fmt: skip
PERSON_PAIRS = {("first", "name"), ("last", "name"), ("family", "name"), ("full", "name"), ("user", "name")}
IDENTIFIERS = {
    "id", "ids", "key", "no", "nr", "num", "number", "code", "zip", "postcode", "uuid", "guid", "sku", "ref",
}  # fmt: skip
CALENDAR = {
    "month": (1, 12), "day": (1, 31), "weekday": (0, 7), "hour": (0, 24), "minute": (0, 59), "second": (0, 60),
    "week": (1, 53), "quarter": (1, 4), "latitude": (-90, 90), "lat": (-90, 90), "longitude": (-180, 180),
    "lon": (-180, 180), "lng": (-180, 180), "percent": (0, 100), "pct": (0, 100), "year": (1900, 2100),
}  # fmt: skip
CLOCK = (0, 2400)
BEFORE = (
    ("start", "end"), ("begin", "end"), ("from", "to"), ("from", "until"), ("first", "last"), ("min", "max"),
    ("low", "high"), ("lower", "upper"), ("created", "updated"), ("created", "modified"), ("created", "closed"),
    ("opened", "closed"), ("ordered", "shipped"), ("ordered", "delivered"), ("shipped", "delivered"), ("net", "gross"),
    ("order", "ship"), ("order", "delivery"), ("ship", "delivery"), ("pickup", "dropoff"), ("issued", "due"),
    ("valid", "expires"), ("bid", "ask"), ("open", "close"), ("departure", "arrival"), ("checkin", "checkout"),
)  # fmt: skip


def tokens(name: str) -> tuple[str, ...]:
    """Return the words of a name, in small letters.

    >>> tokens("customerEmail_2")
    ('customer', 'email', '2')
    """
    parts = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return tuple(part.lower() for part in re.split(r"[^A-Za-z0-9]+", parts) if part)


def is_person(name: str) -> bool:
    """Whether a column by its name tells something of a person, so that its values must not be shown."""
    words = tokens(name)
    singular = {word.removesuffix("s") for word in words}
    return bool(PERSONS & {*words, *singular}) or any(pair in PERSON_PAIRS for pair in pairwise(words))


def is_identifier(name: str) -> bool:
    """Whether a column by its name tells things apart, so that its size means nothing."""
    return bool(IDENTIFIERS & set(tokens(name)))


def calendar_range(name: str, least: float, most: float, *, clock: bool = False) -> tuple[float, float] | None:
    """Return the range that a column has by its meaning, if the data keep to it.

    Args:
        name: The column.
        least: Its smallest value.
        most: Its largest.
        clock: Whether the last two digits are below 60 everywhere.
    """
    words = tokens(name)
    known = [CALENDAR[word] for word in words[-1:] if word in CALENDAR]
    if clock and "time" in words and most > CALENDAR["hour"][1]:
        known.append(CLOCK)  # 1530 for half past three
    return next(((low, high) for low, high in known if low <= least and most <= high), None)


def word_order(first: str, second: str) -> bool:
    """Whether of two columns of one unit the first is meant to be below the second: ``min_temp``, ``max_temp``."""
    ours, theirs = tokens(first), tokens(second)
    only_ours, only_theirs = set(ours) - set(theirs), set(theirs) - set(ours)
    shared = bool(set(ours) & set(theirs)) or (len(ours) == len(theirs) == 1)
    return shared and any(a in only_ours and b in only_theirs for a, b in BEFORE)
