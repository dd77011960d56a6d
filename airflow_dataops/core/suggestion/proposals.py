"""All that is proposed for a dataset, learned from profiles of its partitions."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import combinations

from airflow_dataops.core.suggestion.columns import BLOCK, QUARANTINE, WARN, Proposal, column_proposals, is_restricted
from airflow_dataops.core.suggestion.names import is_identifier, tokens, word_order
from airflow_dataops.core.suggestion.profile import ColumnProfile, PartitionProfile
from airflow_dataops.core.suggestion.ranges import count_bounds
from airflow_dataops.core.words import count_words

__all__ = [
    "key_candidates",
    "order_candidates",
    "propose",
    "restricted_columns",
    "rising_candidates",
    "shared_columns",
]

NEARLY_ALL = 0.9
MAX_KEY_COLUMNS = 3
MAX_KEYS = 60
MAX_ORDERS = 60
LEAST_PARTITIONS = 3
TIME_WORDS = {"time", "date", "day", "timestamp", "at", "ts", "year", "month", "week", "hour", "minute", "second"}
MEASURES = {
    "amount",
    "price",
    "cost",
    "quantity",
    "qty",
    "total",
    "sum",
    "rate",
    "score",
    "distance",
    "delay",
    "weight",
}


def propose(parts: Sequence[PartitionProfile], history: Sequence[int] = ()) -> list[Proposal]:
    """Return what is proposed, in the order of the columns; the table as a whole comes last.

    Args:
        parts: The partitions to learn from.
        history: Numbers of rows of further partitions of which nothing else is known.
    """
    found: list[Proposal] = []
    for name in shared_columns(parts):
        found += column_proposals(name, [part.columns[name] for part in parts])
    unique = list(keys(parts))
    telling = {name for one in unique for name in one.columns}
    found = [one for one in found if one.aspect != "median" or one.columns[0] not in telling]
    return [*found, *unique, *risings(parts), *orders(parts), *row_counts(parts, history)]


def shared_columns(parts: Sequence[PartitionProfile]) -> list[str]:
    """Return the columns that all partitions have, in the order of the first."""
    return [name for name in parts[0].columns if all(name in part.columns for part in parts)] if parts else []


# -- what is worth trying ---------------------------------------------------------------------------------


def key_candidates(parts: Sequence[PartitionProfile]) -> list[tuple[str, ...]]:
    """Return the columns that may tell rows apart, alone or together, by rising number of columns."""
    fit = [name for name in shared_columns(parts) if may_be_key([part.columns[name] for part in parts], name)]
    worth = {name: worth_as_key(name, [part.columns[name] for part in parts]) for name in fit}
    found: list[tuple[str, ...]] = []
    for size in range(1, MAX_KEY_COLUMNS + 1):
        groups = sorted(
            (names for names in combinations(fit, size) if sum(map(is_time, names)) <= 1),
            key=lambda names: sum(worth[name] for name in names),
        )
        groups = [names for names in groups if size > 1 or not holds_times(names[0], parts)]
        possible = [names for names in groups if all(combined(part, names) >= part.rows for part in parts)]
        found += possible[:MAX_KEYS]
    return found


def holds_times(name: str, parts: Sequence[PartitionProfile]) -> bool:
    """Whether a column holds times, which are unique by chance only."""
    return any(part.columns[name].kind in {"date", "timestamp"} for part in parts)


def worth_as_key(name: str, parts: Sequence[ColumnProfile]) -> float:
    """Return how unlikely a column is part of a key: identifiers come first, then times, then what has many values."""
    if is_identifier(name):
        return -1
    rare = 1 - max(part.distinct / max(part.rows, 1) for part in parts)
    return rare if is_time(name) else 1 + rare


def is_time(name: str) -> bool:
    """Whether a column by its name is a time; of a key it is at most one, for times follow from each other."""
    return bool(TIME_WORDS & set(tokens(name)))


def may_be_key(parts: Sequence[ColumnProfile], name: str) -> bool:
    """Whether a column may be part of a key: complete, no measure, and not always the same."""
    kinds = {part.kind for part in parts}
    return (
        kinds <= {"integer", "text", "date", "timestamp"}
        and not any(part.missing for part in parts)
        and not MEASURES & set(tokens(name))
        and any(part.distinct > 1 for part in parts)
    )


def combined(part: PartitionProfile, columns: Sequence[str]) -> int:
    """Return how many keys there can be at most."""
    product = 1
    for name in columns:
        product *= max(part.columns[name].distinct, 1)
    return math.ceil(product / NEARLY_ALL)  # numbers of different values are estimates


def rising_candidates(parts: Sequence[PartitionProfile]) -> list[str]:
    """Return the columns whose values may rise from row to row: nearly as many values as rows."""
    kinds = {"integer", "date", "timestamp"}
    return [
        name
        for name in shared_columns(parts)
        if all(
            one.kind in kinds and not one.missing and one.distinct * 2 > one.rows
            for one in (part.columns[name] for part in parts)
        )
    ]


def order_candidates(parts: Sequence[PartitionProfile]) -> list[tuple[str, str]]:
    """Return the pairs of columns of which the first may be meant to be below the second."""
    kinds = {name: {part.columns[name].kind for part in parts} for name in shared_columns(parts)}
    times = [name for name, kind in kinds.items() if len(kind) == 1 and kind <= {"date", "timestamp"}]
    numbers = [name for name, kind in kinds.items() if kind <= {"integer", "number"}]
    both = [pair for a, b in combinations(times, 2) if kinds[a] == kinds[b] for pair in ((a, b), (b, a))]
    named = [pair for a, b in combinations(numbers, 2) for pair in ((a, b), (b, a)) if word_order(*pair)]
    return [*both, *named][:MAX_ORDERS]


# -- what held --------------------------------------------------------------------------------------------


def keys(parts: Sequence[PartitionProfile]) -> Iterator[Proposal]:
    """Yield that a column is unique; where none is, that the first smallest group of columns is."""
    held = [columns for columns in key_candidates(parts) if all(part.unique.get(columns) for part in parts)]
    rows = count_words(sum(part.rows for part in parts))
    for columns in held:
        if len(columns) == 1:
            why = f"no value stood twice in {rows} rows of {len(parts)} partition{'s' if len(parts) > 1 else ''}"
            options = BLOCK if columns == held[0] else WARN  # one key is needed; others may be unique by chance
            yield Proposal("unique", columns, "expect_column_values_to_be_unique", {"column": columns[0]}, options, why)
    groups = [columns for columns in held if len(columns) > 1]
    if groups and len(held[0]) > 1:
        chosen = groups[0]
        others = [" + ".join(columns) for columns in groups[1:] if len(columns) == len(chosen)]
        also = f"; so would {', or '.join(others[:3])}" if others else ""
        kwargs = {"column_list": list(chosen)}
        why = f"tell {rows} rows apart{also}"
        yield Proposal("key", chosen, "expect_compound_columns_to_be_unique", kwargs, BLOCK, why)


def risings(parts: Sequence[PartitionProfile]) -> Iterator[Proposal]:
    """Yield that values rise from row to row."""
    for name in rising_candidates(parts):
        if all(part.rising.get(name) for part in parts):
            why = "values rose from row to row"
            yield Proposal("rising", (name,), "expect_column_values_to_be_increasing", {"column": name}, WARN, why)


def orders(parts: Sequence[PartitionProfile]) -> Iterator[Proposal]:
    """Yield that one column is not above another; of two that are always equal only one way."""
    told: set[frozenset[str]] = set()
    for low, high in order_candidates(parts):
        if frozenset({low, high}) in told or any(part.disordered.get((low, high), 1) for part in parts):
            continue
        told.add(frozenset({low, high}))
        kwargs = {"column_A": high, "column_B": low, "or_equal": True, "ignore_row_if": "either_value_is_missing"}
        why = f"{low} was never above {high}"
        kind = "expect_column_pair_values_a_to_be_greater_than_b"
        yield Proposal("order", (high, low), kind, kwargs, QUARANTINE, why)


def row_counts(parts: Sequence[PartitionProfile], history: Sequence[int]) -> Iterator[Proposal]:
    """Yield how many rows there should be."""
    counts, kind = [part.rows for part in parts] + list(history), "expect_table_row_count_to_be_between"
    if len(counts) < LEAST_PARTITIONS:
        yield Proposal("rows", (), kind, {"min_value": 1}, BLOCK, "too few partitions to say more")
        return
    low, high = count_bounds(counts)
    why = f"{len(counts)} partitions had {count_words(min(counts))} to {count_words(max(counts))} rows"
    yield Proposal("rows", (), kind, {"min_value": low, "max_value": high}, BLOCK, why)


def restricted_columns(parts: Sequence[PartitionProfile]) -> list[str]:
    """Return the columns that seem to tell something of persons."""
    return [name for name in shared_columns(parts) if is_restricted(name, [part.columns[name] for part in parts])]
